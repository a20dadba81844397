"""What tests need to talk to a model server: one in this process, a wait with a deadline, a stream read.

It owns defaults that are exact and fast; it must not assert what a test is about.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from .serving import ModelServer
from .settings import Pace, Quality, Service, Settings

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "How long is the return period?"}]}
ANSWER = "You can return any item within 30 days of delivery."
AT_ONCE = Pace(first_token_seconds=0, tokens_per_second=0)
EXACT = Quality(vary_percent=0, noise_percent=0)
LOCAL = Service(host="127.0.0.1", port=0, revision="r1", pod="p1", linger_seconds=0, grace_seconds=10)
SETTINGS = Settings(EXACT, AT_ONCE, LOCAL)


@asynccontextmanager
async def serving(settings: Settings = SETTINGS) -> AsyncIterator[tuple[ModelServer, aiohttp.ClientSession]]:
    """A server in this process on a free loopback port, and a client that talks to it."""
    async with ModelServer(settings) as server, aiohttp.ClientSession(server.url) as client:
        yield server, client


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Give the loop its turns until the condition holds; fails at the deadline."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions are of others' state, which has no event
            await asyncio.sleep(0)


async def chunks(response: aiohttp.ClientResponse) -> list[Any]:
    """The chunks of a stream, which must end with its mark."""
    lines = [line.strip() async for line in response.content if line.strip()]
    assert all(line.startswith(b"data: ") for line in lines)
    assert lines[-1] == b"data: [DONE]"
    return [json.loads(line[6:]) for line in lines[:-1]]
