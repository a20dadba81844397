"""Two processes, one stopped (SIGSTOP) for longer than the lease and continued: it writes nothing any more."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engine.rig import USER, allow
from tests.support.apibed import ApiBed

pytestmark = pytest.mark.api
ROOT = Path(__file__).parent.parent.parent


@asynccontextmanager
async def writer(bed: ApiBed, namespace: str, identity: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program of `fenced_writer.py`; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.engine.fenced_writer", str(bed.kubeconfig(USER)), namespace, identity,
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"operator{os.pathsep}."}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process) -> str:
    """The next line of a writer."""
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return (await process.stdout.readline()).decode().strip()


async def test_leader_stopped_for_longer_than_the_lease_writes_nothing_when_it_goes_on(
    bed: ApiBed, namespace: str
) -> None:
    allow(bed, namespace)
    async with writer(bed, namespace, "a") as first:
        assert (await said(first)).isdecimal()
        async with writer(bed, namespace, "b") as second:
            first.send_signal(signal.SIGSTOP)
            taken_over_at = int(await said(second))
            first.send_signal(signal.SIGCONT)
            async with asyncio.timeout(20):
                await first.communicate()
            assert first.returncode == 1
            last = bed.client.get("v1", "ConfigMap", "written-by-a", namespace)
            assert int(last["metadata"]["resourceVersion"]) < taken_over_at
            assert (await said(second)).isdecimal(), "the second one goes on"
