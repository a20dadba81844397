"""A running model server: opens the port after loading, ends gracefully on SIGTERM.

It owns sockets, signals and their order; it must not handle requests.
"""

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import Self

from aiohttp import web

from . import SERVER_NAME
from .api import Api
from .knowledge import load
from .lifecycle import Lifecycle
from .quality import Answerer
from .settings import Settings, read_api_key


class ModelServer:
    """Start it, use `url`, `end` it; as an async context manager in tests."""

    def __init__(self, settings: Settings) -> None:
        service = settings.service
        self._settings = settings
        self.lifecycle = Lifecycle()
        answerer = Answerer(load(Path(service.knowledge)), settings.quality, time.monotonic)
        self.api = Api(settings, answerer, self.lifecycle, api_key=read_api_key(service.api_key_file))
        self._runner = web.AppRunner(
            self.api.application(),
            access_log=None,
            handler_cancellation=True,  # a client that leaves aborts its request, as in vLLM
            shutdown_timeout=0.5,
        )

    @property
    def url(self) -> str:
        """The base address, without a slash at its end; the port is the one really taken."""
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Load for the set time, then open the port: before that, connections are refused as by vLLM."""
        service = self._settings.service
        await asyncio.sleep(service.load_seconds)
        await self._runner.setup()
        await web.TCPSite(self._runner, service.host, service.port, backlog=1024).start()

    async def end(self) -> int:
        """Serve what is in flight, then close the port; returns the number of requests that had to be cut."""
        service = self._settings.service
        cut = await self.lifecycle.end(service.linger_seconds, service.grace_seconds)
        await self._runner.cleanup()
        return cut

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns 0, or 1 when requests had to be cut at the end of the grace time."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # as PID 1 a process has no default handlers: without these, SIGTERM would be ignored
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = ModelServer(settings)
    _say(f"{SERVER_NAME}: loading, {settings.service.load_seconds:g} s")
    starting = asyncio.create_task(server.start())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        return 0
    await starting
    service, quality = settings.service, settings.quality
    _say(f"serving at {server.url}, revision {service.revision}, mode {quality.mode}")
    await stopped
    _say(f"ending: {server.lifecycle.in_flight} requests in flight")
    cut = await server.end()
    _say(f"ended, {cut} requests cut")
    return 1 if cut else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
