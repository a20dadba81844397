"""Waiting in async tests: for a condition, with a deadline. Nothing here sleeps for a fixed time and hopes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")
_POLL = 0.01


async def eventually(condition: Callable[[], T], what: str, *, seconds: float = 10.0) -> T:
    """The first true value of a condition; an AssertionError that says what was awaited, after the deadline."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not (value := condition()):
        assert loop.time() < deadline, f"waited {seconds} s for: {what}"
        await asyncio.sleep(_POLL)
    return value


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[asyncio.Task[None]]:
    """A task that runs while the block does; if it ends by itself with an error, that error is raised."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and task.exception() is not None:
            raise task.exception()  # type: ignore[misc]
