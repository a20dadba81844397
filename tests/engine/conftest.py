"""Fixtures of the engine's tests: the real API server, and an engine's parts connected to it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from serinus.shell.apply import Owner
from tests.engine.rig import Engine, allow, engine
from tests.support.apibed import ApiBed, bed, controlled_bed, namespace

__all__ = ["bed", "controlled_bed", "namespace"]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Give tests the loop that the operator runs on; virtual time has one of its own."""
    return {"uvloop": uvloop.new_event_loop}


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
