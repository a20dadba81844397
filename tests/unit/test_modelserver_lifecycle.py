"""The model server's start and end, in this process and as one of its own."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from tests.support.modelserver import SERVER_NAME
from tests.support.modelserver.serving import ModelServer
from tests.support.modelserver.settings import Pace, Settings
from tests.support.modelserver.testing import ASK, CHAT, EXACT, LOCAL, SETTINGS, serving, until

ROOT = Path(__file__).resolve().parents[2]


async def test_port_is_closed_while_the_model_loads() -> None:
    server = ModelServer(replace(SETTINGS, service=replace(LOCAL, load_seconds=0.2)))
    began = time.monotonic()
    async with server:
        assert time.monotonic() - began >= 0.2


async def test_ending_server_finishes_its_requests_answers_new_ones_with_close_and_is_not_ready() -> None:
    settings = replace(SETTINGS, pace=Pace(first_token_seconds=0.3, tokens_per_second=0))
    async with serving(settings) as (server, client):
        running = asyncio.create_task(client.post(CHAT, json=ASK))
        await until(lambda: server.lifecycle.in_flight == 1)
        ending = asyncio.create_task(server.end())
        await until(lambda: server.lifecycle.ending)
        async with client.get("/health") as response:
            assert response.status == 503
        async with client.post(CHAT, json=ASK) as late:
            assert (late.status, late.headers["Connection"]) == (200, "close")
        async with await running as response:
            assert (response.status, response.headers["Connection"]) == (200, "close")
        assert await ending == 0
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/health")


async def test_grace_time_bounds_the_end_and_says_how_many_requests_were_cut() -> None:
    settings = Settings(EXACT, Pace(first_token_seconds=60), replace(LOCAL, grace_seconds=0.1))
    async with serving(settings) as (server, client):
        running = asyncio.create_task(client.post(CHAT, json=ASK))
        await until(lambda: server.lifecycle.in_flight == 1)
        assert await server.end() == 1
        with pytest.raises(aiohttp.ClientConnectionError):
            await running


@asynccontextmanager
async def process(*flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The server as a process of its own, ended whatever happens."""
    command = (sys.executable, "-m", "tests.support.modelserver", "--host=127.0.0.1", "--port=0", *flags)
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        async with asyncio.timeout(30):
            yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.communicate()


async def said(server: asyncio.subprocess.Process, start: str) -> str:
    assert server.stdout is not None
    while not (line := (await server.stdout.readline()).decode()).startswith(start):
        assert line, f"the server ended before it said {start!r}"
    return line


async def test_sigterm_lets_a_stream_end_and_the_process_exits_with_0() -> None:
    async with process("--tokens-per-second=30", "--linger-seconds=0.1", "--vary-percent=0") as server:
        url = (await said(server, "serving at")).split()[2].rstrip(",")
        streamed = {**ASK, "stream": True}
        async with aiohttp.ClientSession(url) as client, client.post(CHAT, json=streamed) as response:
            await response.content.readline()
            server.send_signal(signal.SIGTERM)
            assert "1 requests in flight" in await said(server, "ending")
            async with client.post(CHAT, json=ASK) as late:
                assert (late.status, late.headers["Connection"]) == (200, "close")
            assert (await response.content.read()).endswith(b"data: [DONE]\n\n")
        assert "0 requests cut" in await said(server, "ended")
        assert await server.wait() == 0


async def test_sigterm_while_loading_ends_at_once() -> None:
    async with process("--load-seconds=600") as server:
        await said(server, SERVER_NAME)
        server.send_signal(signal.SIGTERM)
        assert await server.wait() == 0


def test_the_image_needs_nothing_beyond_aiohttp_prometheus_client_and_yaml() -> None:
    allowed = {"aiohttp", "prometheus_client", "yaml", "tests"} | sys.stdlib_module_names
    support = ROOT / "tests" / "support"
    for folder in ("modelserver", "users", "receiver"):
        for file in sorted((support / folder).glob("*.py")):
            words = [line.split() for line in file.read_text().splitlines()]
            named = {w[1].split(".")[0] for w in words if len(w) > 1 and w[0] in {"import", "from"} and w[1][0] != "."}
            assert {name for name in named if name.isidentifier()} <= allowed, file
