"""A fake HTTP server for single exchanges of the API client: it plays scripted answers and notes what was asked.

It knows nothing of Kubernetes; whatever depends on the real server's behaviour is tested on the real server.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from serinus.shell.kinds import Kind
from serinus.shell.kube import Api
from serinus.shell.limits import Limiter
from serinus.shell.login import Credentials, open_session
from serinus.shell.transport import Call, Timeouts, Transport

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
THINGS = Kind("example.dev", "v1", "things", "Thing")


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float


def says(code: int, body: Any = None, **headers: str) -> Answer:
    """An answer with a JSON body."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=code, text=json.dumps({} if body is None else body), headers=named)

    return answer


def status(code: int, reason: str = "", message: str = "", **headers: str) -> Answer:
    """An answer with a Status."""
    return says(code, {"kind": "Status", "code": code, "reason": reason, "message": message}, **headers)


def raw(text: str) -> Answer:
    """200 with any text."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=text)

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection is dropped without an answer: whether the write was done, nobody knows."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def slow(seconds: float, answer: Answer) -> Answer:
    """The answer, later."""

    async def later(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await answer(request)

    return later


def stream(*chunks: bytes, then: str = "end") -> Answer:
    """A chunked body; then its end, a `cut` in the middle, or a `hang`."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
            await asyncio.sleep(0.01)
        if then == "cut":
            return await reset(request)
        if then == "hang":
            await asyncio.sleep(10_000)
        return response

    return answer


@dataclass
class HttpFake:
    """The server's script and its notes. The last answer repeats."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.asked.append(
            Asked(
                request.method, request.path, dict(request.query), dict(request.headers),
                json.loads(body) if body else None, asyncio.get_running_loop().time(),
            )
        )  # fmt: skip
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        return await answer(request)


@dataclass
class Client:
    """An Api of the fake, and the server behind it."""

    api: Api
    server: HttpFake
    calls: list[Call]
    tokens: list[str]


@asynccontextmanager
async def client(
    *answers: Answer,
    fence: Callable[[], None] = lambda: None,
    limiter: Limiter | None = None,
    tokens: Sequence[str] = ("token-0",),
) -> AsyncIterator[Client]:
    """Start the fake and connect a client; each reload of its credentials takes the next token."""
    server = HttpFake(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    left = list(tokens)

    def load() -> Credentials:
        return Credentials(server.url, None, left.pop(0), None, None, load)

    calls: list[Call] = []
    credentials = load()
    async with open_session(credentials, connections=8) as session:
        limits = limiter or Limiter(qps=1000, burst=1000, concurrency=16)
        transport = Transport(session, credentials, limits, timeouts=Timeouts(), fence=fence, observers=[calls.append])
        yield Client(Api(transport, field_manager="serinus", kinds=[THINGS]), server, calls, left)
    await runner.cleanup()
