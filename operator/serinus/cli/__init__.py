"""The command line: thin, on the core and on the `kubernetes` client."""
