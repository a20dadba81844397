"""A model server in the test's own process, whose every answer the test decides. It is no model and knows no quality.

The real-looking one is `tests.support.modelserver`; this one lies, hangs, cuts and redirects on request.
"""

import asyncio
import itertools
import json
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from serinus.probes.repeats import QUESTIONS

CHAT = "/v1/chat/completions"
COMPLETIONS = "/v1/completions"
_LOOKS_FOR_CACHES = frozenset(question.prompt for question in QUESTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as the server saw it."""

    question: str
    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    at: float
    port: int  # of the client: a new one is a new connection
    number: int  # how often this question has been asked, from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An answer. `body` replaces the completion; `delay` in seconds; `cut` ends the connection in the middle.

    Whoever asks for a stream gets it word by word, `pause` seconds apart.
    """

    text: str | None = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay: float = 0.0
    cut: bool = False
    id: str | None = None
    created: int | None = None
    usage: bool = True
    pause: float = 0.0


Behave = Callable[[Call], Say]


class FakeModel:
    """The server's log and address."""

    def __init__(self, behave: Behave, varied: Behave | None = None) -> None:
        self.behave = behave
        self.varied = varied  # of the questions that look for caches; None: another text each time
        self.calls: list[Call] = []  # those questions left out
        self.url = ""
        self.at_once = 0
        self.most_at_once = 0
        self._numbers = itertools.count(1)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the test wants it."""
        body = json.loads(await request.read())
        question = body["prompt"] if request.path == COMPLETIONS else body["messages"][-1]["content"]
        transport = request.transport
        assert transport is not None
        call = Call(
            question=question,
            body=body,
            headers=dict(request.headers),
            path=request.path,
            at=time.monotonic(),
            port=transport.get_extra_info("peername")[1],
            number=1 + sum(1 for c in self.calls if c.question == question),
        )
        if question in _LOOKS_FOR_CACHES:
            say = self.varied(call) if self.varied else Say(text=f"{question} {uuid.uuid4()}")
            return await self._respond(request, call, say)
        self.calls.append(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._respond(request, call, self.behave(call))
        finally:
            self.at_once -= 1

    async def _respond(self, request: web.Request, call: Call, say: Say) -> web.StreamResponse:
        await asyncio.sleep(say.delay)
        if call.body.get("stream") and not say.cut:
            return await self._stream(request, call, say)
        data = say.body if say.body is not None else json.dumps(self._completion(call, say)).encode()
        if say.cut:
            response = web.StreamResponse(status=say.status, headers={"Content-Length": str(len(data))})
            await response.prepare(request)
            await response.write(data[: len(data) // 2])
            assert request.transport is not None
            request.transport.abort()
            return response
        return web.Response(status=say.status, body=data, headers={"Content-Type": "application/json", **say.headers})

    async def _stream(self, request: web.Request, call: Call, say: Say) -> web.StreamResponse:
        response = web.StreamResponse(status=say.status, headers={"Content-Type": "text/event-stream", **say.headers})
        await response.prepare(request)
        whole = self._completion(call, say)
        for word in (say.text or "").split(" "):
            delta = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
            await response.write(_event(whole | {"choices": [delta]}))
            await asyncio.sleep(say.pause)
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        await response.write(_event(whole | {"choices": [end]}) + b"data: [DONE]\n\n")
        return response

    def _completion(self, call: Call, say: Say) -> dict[str, Any]:
        message = {"text": say.text} if call.path == COMPLETIONS else {"message": {"content": say.text}}
        found: dict[str, Any] = {"choices": [{"index": 0, "finish_reason": "stop", **message}]}
        found["id"] = f"cmpl-{id(self)}-{next(self._numbers)}" if say.id is None else say.id
        found["created"] = int(time.time()) if say.created is None else say.created
        if say.usage:
            found["usage"] = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        return found


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document).encode() + b"\n\n"


@asynccontextmanager
async def serve(behave: Behave, varied: Behave | None = None) -> AsyncIterator[FakeModel]:
    """A running fake on a free port of the loopback address."""
    fake = FakeModel(behave, varied)
    app = web.Application()
    app.router.add_post(CHAT, fake.handle)
    app.router.add_post(COMPLETIONS, fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def closed_port() -> str:
    """The address of a port where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"
