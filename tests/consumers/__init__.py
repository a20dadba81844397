"""Owns the proof that programs which take long to build accept what we generate: `make verify-consumers`."""
