"""Fixtures of the tests against a real API server."""

from tests.support.apibed import bed, controlled_bed, namespace

__all__ = ["bed", "controlled_bed", "namespace"]
