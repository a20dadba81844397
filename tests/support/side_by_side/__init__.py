"""Judges rules and dashboards of others, given as files, by what runtimes expose today. Their text is never kept."""
