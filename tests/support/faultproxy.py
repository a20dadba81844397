"""Owns a reverse proxy between a client and the API server that plays faults and keeps a log of every call.

It must not change anything but what a rule of `faults` says. It runs in a thread of its own, so that tests may block.
"""

import asyncio
import functools
import ssl
import threading
import weakref
from typing import Any

import aiohttp
from aiohttp import web

from tests.support.apibed import ApiBed
from tests.support.faultexchange import Exchange, Upstream
from tests.support.faults import Call, Fault, Rule, body_hash, verb_of
from tests.support.lastwords import connections_ended

_START_SECONDS = 10.0
_MAX_BODY = 64 * 1024 * 1024


class FaultProxy:
    """A running proxy before a bed; it presents the bed's own certificate, so a kubeconfig needs the new URL only."""

    def __init__(self, bed: ApiBed, *, upstream: str = "") -> None:
        self._upstream = upstream or bed.url
        self._folder = bed.server.folder
        self._rules: list[Rule] = []
        self._calls: list[Call] = []
        self._transports: weakref.WeakSet[asyncio.Transport] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._problem: Exception | None = None
        self.url = ""
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_SECONDS) or self._problem:
            raise RuntimeError("the fault proxy did not start") from self._problem

    def add(self, fault: Fault, **match: Any) -> Rule:
        """Play a fault on the calls that a Rule with these fields meets; of several rules, the first that meets."""
        rule = Rule(fault, **match)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget every rule; streams under a fault go on with it until they end."""
        with self._lock:
            self._rules.clear()

    def calls(self) -> list[Call]:
        """Every call so far, in the order of arrival."""
        with self._lock:
            return list(self._calls)

    def writes(self, *, leases: bool = False) -> list[Call]:
        """The writes among the calls, Lease renewals apart."""
        return [c for c in self.calls() if c.is_write and (leases or "/leases" not in c.path)]

    def close(self) -> None:
        """End every connection and the thread."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except Exception as e:  # noqa: BLE001 -- told by the constructor, in the caller's thread
            self._problem = e
            self._started.set()

    async def _serve(self) -> None:
        trusted = ssl.create_default_context(cafile=str(self._folder / "apiserver.crt"))
        connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            app = web.Application(client_max_size=_MAX_BODY)
            upstream = Upstream(session, self._upstream)
            app.router.add_route("*", "/{path:.*}", functools.partial(self._handle, upstream))
            runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
            await runner.setup()
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            own.load_cert_chain(self._folder / "apiserver.crt", self._folder / "apiserver.key")
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=own)
            await site.start()
            self.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
            self._started.set()
            await self._stop.wait()
            for transport in list(self._transports):
                transport.abort()  # a client that keeps its connection open would not answer a polite end
            await runner.cleanup()
        await connections_ended()

    async def _handle(self, upstream: Upstream, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            self._transports.add(request.transport)
        call, rule = self._note(request, await request.read())
        # A client that goes away does not undo what the API server was already asked to do.
        work = asyncio.ensure_future(Exchange(upstream, request, call, rule).run())
        return await (asyncio.shield(work) if call.is_write else work)

    def _note(self, request: web.Request, body: bytes) -> tuple[Call, Rule | None]:
        watch = request.query.get("watch", "") in ("1", "true")
        verb = verb_of(request.method, request.path, watch=watch)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._lock:
            call = Call(len(self._calls) + 1, verb, request.path, token, body_hash(body))
            self._calls.append(call)
            rule = next((r for r in self._rules if r.meets(call)), None)
        call.fault = type(rule.fault).__name__ if rule else ""
        return call, rule
