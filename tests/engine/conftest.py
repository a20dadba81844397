"""Fixtures of the engine's tests: the real API server, and an engine's parts connected to it."""

from tests.support.apibed import bed, controlled_bed, namespace

__all__ = ["bed", "controlled_bed", "namespace"]
