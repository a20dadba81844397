"""When the server may end: requests in flight, and the time since the last one came.

It owns that decision alone; it must not know of sockets or signals.

A pod that is told to end stays reachable for a moment: endpoints and clients' connections lag behind. So it goes on
serving, says `Connection: close`, and ends when nothing is in flight and no request came for `linger` seconds.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LOOK_EVERY = 0.05


class Lifecycle:
    """Counts requests and waits for the end of them; `started` is Unix time in whole seconds."""

    def __init__(self) -> None:
        self.started = int(time.time())
        self.ending = False
        self.in_flight = 0
        self._last_came = 0.0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count one request while it is answered."""
        self.in_flight += 1
        self._last_came = time.monotonic()
        try:
            yield
        finally:
            self.in_flight -= 1

    async def end(self, linger: float, grace: float) -> int:
        """Wait until the server is idle, at most `grace` seconds; returns the requests that are still in flight."""
        self.ending = True
        began = time.monotonic()
        while (now := time.monotonic()) - began < grace:
            quiet = now - max(began, self._last_came)
            if not self.in_flight and quiet >= linger:
                break
            await asyncio.sleep(min(_LOOK_EVERY, grace))
        return self.in_flight
