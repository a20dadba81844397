"""Fixtures of the engine's tests: the real API server, and an engine's parts connected to it."""

from collections.abc import AsyncIterator

import pytest

from serinus.shell.apply import Owner
from tests.engine.rig import Engine, allow, engine
from tests.support.apibed import ApiBed, bed, controlled_bed, namespace

__all__ = ["bed", "controlled_bed", "namespace"]


@pytest.fixture
def owner(bed: ApiBed, namespace: str) -> Owner:
    allow(bed, namespace)
    made = bed.client.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "the-owner", "namespace": namespace}}
    )
    return Owner("v1", "ConfigMap", "the-owner", made["metadata"]["uid"])


@pytest.fixture
async def life(bed: ApiBed, namespace: str, owner: Owner) -> AsyncIterator[Engine]:
    async with engine(bed, namespace, owner) as started:
        yield started
