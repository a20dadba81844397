"""How fast and how many: the token bucket and the bound of calls in flight. It knows no call."""

import asyncio
from collections.abc import Callable


class Limiter:
    """At most `concurrency` calls at once, `qps` a second on average, `burst` in a row; waiters are served in order."""

    def __init__(self, *, qps: float, burst: int, concurrency: int, clock: Callable[[], float] | None = None) -> None:
        self._interval = 1.0 / qps
        self._burst = burst
        self._slots = asyncio.Semaphore(concurrency)
        self._clock = clock
        self._next = float("-inf")

    async def __aenter__(self) -> None:
        """Wait for a token and a place, and keep the place while the call runs."""
        await self.token()
        await self._slots.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()

    async def token(self) -> None:
        """Wait for a token alone: for watches, which would keep a place for ever."""
        wait = self._reserve()
        if wait > 0:
            await asyncio.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Hold every later call back: the server asked all of us to slow down."""
        self._next = max(self._next, self._now() + seconds)

    def _reserve(self) -> float:
        now = self._now()
        earliest = now - self._interval * (self._burst - 1)
        self._next = max(self._next, earliest) + self._interval
        return self._next - self._interval - now

    def _now(self) -> float:
        return (self._clock or asyncio.get_running_loop().time)()
