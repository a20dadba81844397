"""Owns the end of a loop's connections in tests: none is left for the garbage collector to complain of."""

import asyncio
from typing import Any

_PATIENCE = 1.0
"""Seconds for a polite end of TLS."""
_LOOK = 0.01


async def connections_ended() -> None:
    """Wait until the running loop has no open connection; after a second cut what is left. Call it last in a loop."""
    loop = asyncio.get_running_loop()
    patience = loop.time() + _PATIENCE
    while found := _open(loop):
        if loop.time() > patience:
            for transport in found:
                transport.abort()
        await asyncio.sleep(_LOOK)


def _open(loop: asyncio.AbstractEventLoop) -> list[Any]:
    """Transports of a selector loop that have their socket: asyncio has no public word for it."""
    return [t for t in list(getattr(loop, "_transports").values()) if getattr(t, "_sock", None) is not None]  # noqa: B009
