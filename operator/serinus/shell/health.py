"""The operator's small HTTP servers: metrics, liveness, readiness, and the loop's own pulse.

It judges by the checks that it is given, and never answers from anything but memory.
"""

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Check = Callable[[], str | None]
"""A sentence that says what is wrong, or None."""
_MAX_BODY = 16 * 1024
_STOP_SECONDS = 1.0


class LoopPulse:
    """How late the event loop runs its timers: the largest lag of the last `window` seconds."""

    def __init__(self, *, beat: float = 0.5, window: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._beat = beat
        self._window = window
        self._clock = clock
        self._lags: deque[tuple[float, float]] = deque()

    def lag(self) -> float:
        """Seconds."""
        floor = self._clock() - self._window
        return max((lag for when, lag in self._lags if when >= floor), default=0.0)

    def note(self, lag: float) -> None:
        """One beat that came so many seconds late."""
        now = self._clock()
        self._lags.append((now, lag))
        while self._lags[0][0] < now - self._window:
            self._lags.popleft()

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            before = self._clock()
            await asyncio.sleep(self._beat)
            self.note(max(0.0, self._clock() - before - self._beat))


def at_most(what: str, value: Callable[[], float], limit: float) -> Check:
    """A check that fails above a limit; `what` names the value and its unit."""

    def check() -> str | None:
        found = value()
        return f"{what}: found {found:.1f}, allowed at most {limit:g}" if found > limit else None

    return check


def none_of(what: str, found: Callable[[], list[str]]) -> Check:
    """A check that fails while the list is not empty."""

    def check() -> str | None:
        names = found()
        return f"{what}: {', '.join(names)}" if names else None

    return check


@dataclass(frozen=True, slots=True)
class Checks:
    """What liveness and readiness ask, by name."""

    live: Mapping[str, Check] = field(default_factory=dict)
    ready: Mapping[str, Check] = field(default_factory=dict)


class WebServer:
    """One aiohttp server on a port (0: a free one). Add routes to `app.router` before `start`."""

    def __init__(self, port: int, *, host: str = "0.0.0.0", tls: ssl.SSLContext | None = None) -> None:  # noqa: S104
        self.app = web.Application(client_max_size=_MAX_BODY)
        self._port = port
        self._host = host
        self._tls = tls
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=_STOP_SECONDS, handle_signals=False)

    async def start(self) -> int:
        """Listen; the port. Raises OSError if it is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, ssl_context=self._tls, backlog=64).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Answer what is being answered, for a second at most, and close."""
        await self._runner.cleanup()


def add_health(app: web.Application, checks: Checks) -> None:
    """Serve `/healthz` and `/readyz`: 200, or 503 with one line for each check that failed."""
    app.router.add_get("/healthz", _answer(checks.live))
    app.router.add_get("/readyz", _answer(checks.ready))


def add_metrics(app: web.Application, expose: Callable[[], Awaitable[bytes]]) -> None:
    """Serve `/metrics` in the text format (`Telemetry.expose`)."""

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await expose(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app.router.add_get("/metrics", metrics)


def _answer(checks: Mapping[str, Check]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        problems = [f"{name}: {problem}" for name, check in checks.items() if (problem := check()) is not None]
        return web.Response(status=503 if problems else 200, text="\n".join(problems or ["ok"]) + "\n")

    return answer
