"""Owns what tests of dashboards ask: an hour of a made-up installation in a real Prometheus, and its previews."""
