"""Owns one exchange through the fault proxy: request forwarded, fault played, answer or stream given back.

It must not choose the fault: `faultproxy` does, by the rules of `faults`.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from tests.support.faults import Answer, Call, Cut, Delay, Hook, Kill, Reset, Rule, Stale
from tests.support.watchfaults import Hang, StreamError, WatchFault

_HOP_BY_HOP = frozenset({"host", "connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"})
_KEPT = ("Content-Type", "Retry-After", "Audit-Id", "Warning")
_JSON = "application/json"


@dataclass(frozen=True)
class Upstream:
    """Where requests go."""

    session: aiohttp.ClientSession
    url: str


class Exchange:
    """One request and its answer, under the fault of a rule or none."""

    def __init__(self, upstream: Upstream, request: web.Request, call: Call, rule: Rule | None) -> None:
        self._session = upstream.session
        self._url = URL(upstream.url + request.raw_path, encoded=True)
        self._request = request
        self._call = call
        self._rule = rule
        self._fault = rule.fault if rule else None
        self._headers = {"Content-Type": _JSON}

    async def run(self) -> web.StreamResponse:
        """Play the fault's first half, forward, play its second half, answer."""
        if isinstance(self._fault, Answer):
            return self._refuse(self._fault)
        if isinstance(self._fault, Stale) and self._rule and (first := self._rule.remembered.get(self._asked)):
            return self._answer(*first)
        await self._play(after=False)
        if self._gone():
            return web.Response()
        try:
            return await (self._watch() if self._call.verb == "watch" else self._forward())
        except aiohttp.ClientError:
            self._reset()  # as if there were no proxy: the API server's connection failed
            return web.Response()

    @property
    def _asked(self) -> str:
        """Address and query: what another selector was answered is no old answer to this one."""
        return self._request.path_qs

    async def _forward(self) -> web.Response:
        async with self._open() as answer:
            code, content = answer.status, await answer.read()
        await self._play(after=True)
        if isinstance(self._fault, Stale) and self._rule:
            self._rule.remembered[self._asked] = (code, content)
        return self._answer(code, content[: len(content) // 2] if isinstance(self._fault, Cut) else content)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {k: v for k, v in self._request.headers.items() if k.lower() not in _HOP_BY_HOP}
        headers["Accept-Encoding"] = "identity"
        body = await self._request.read()
        self._call.forwarded = True
        async with self._session.request(
            self._request.method, self._url, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            self._headers = {k: v for k, v in answer.headers.items() if k in _KEPT}
            yield answer

    async def _play(self, *, after: bool) -> None:
        fault = self._fault
        if isinstance(fault, Hook):
            (fault.after if after else fault.before)()
        elif isinstance(fault, Delay) and fault.after == after:
            await asyncio.sleep(fault.seconds)
        elif isinstance(fault, Reset) and fault.after == after:
            self._reset()
        elif isinstance(fault, Kill) and fault.after == after:
            os.kill(fault.pid, signal.SIGKILL)
            self._reset()

    def _refuse(self, fault: Answer) -> web.Response:
        if fault.retry_after is not None:
            self._headers["Retry-After"] = str(fault.retry_after)
        return self._answer(fault.code, fault.body)

    def _answer(self, code: int, content: bytes) -> web.Response:
        self._call.code = 0 if self._gone() else code
        return web.Response(status=code, body=content, headers=self._headers)

    def _gone(self) -> bool:
        transport = self._request.transport
        return transport is None or transport.is_closing()

    def _reset(self) -> None:
        """Close with RST, as a host that dies does."""
        transport = self._request.transport
        if transport is not None and not transport.is_closing():
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    async def _watch(self) -> web.StreamResponse:
        async with self._open() as answer:
            if answer.status != 200:
                return self._answer(answer.status, await answer.read())
            self._call.code = 200
            stream = web.StreamResponse(headers=self._headers)
            await stream.prepare(self._request)
            with contextlib.suppress(ConnectionError):
                await self._copy(answer, stream)
        return stream

    async def _copy(self, answer: aiohttp.ClientResponse, stream: web.StreamResponse) -> None:
        fault = self._fault
        if isinstance(fault, StreamError) and fault.events == 0:
            await stream.write(_line(fault.event))
            return
        change = fault.filter() if isinstance(fault, WatchFault) else None
        async for line in _lines(answer):
            if change is None:
                await stream.write(line)
                continue
            for event in change(json.loads(line)):
                await stream.write(_line(event))
                if event["type"] == "ERROR":
                    return
        if isinstance(fault, Hang):
            await asyncio.Event().wait()


async def _lines(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Whole lines of a stream, however long, as soon as each is there."""
    rest = b""
    async for chunk in answer.content.iter_any():
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            yield line + b"\n"


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"
