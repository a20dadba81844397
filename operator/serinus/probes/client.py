"""Calls of the model servers: a new connection each, no redirects, no cookies, bounded bodies, 429 waited for.

It knows the request and what came back; what it means for a gate is known elsewhere.
"""

import asyncio
import copy
import dataclasses
import json
import random
import time
from dataclasses import dataclass
from typing import Final, Self

from serinus.core.probe import Request
from serinus.probes.client_http import (
    CONNECT_SECONDS,
    MAX_BODY,
    CallFailed,
    Transport,
    Unreachable,
    pause,
    retry_after,
)
from serinus.probes.client_stream import Stream
from serinus.probes.client_wire import Variation, body, path
from serinus.probes.reply import Kind, Reply, read_reply
from serinus.probes.scoring import Question

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_TOO_LARGE: Final = f"the response is larger than {MAX_BODY} bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked: the model, how, and with which token."""

    model: str
    request: Request
    token: str = ""
    logprobs: bool = False  # whether the tokens' log-probabilities are asked for
    pauses: tuple[float, ...] = (0.2, 1.0)
    """Seconds before each further attempt of a call that reached nobody: nothing was sent, so it is safe."""
    connect: float = CONNECT_SECONDS
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers of each call."""


class Client:
    """An asynchronous context; every call makes its own connection, so that a Service spreads them."""

    def __init__(self, target: Target, randomness: random.Random) -> None:
        self._target = target
        self._random = randomness
        self._transport = Transport(
            timeout=target.request.timeout, token=target.token, connect=target.connect, headers=target.headers
        )

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.__aexit__()

    def varied(self, *, temperature: float, max_tokens: int) -> Self:
        """The same client, on the same session, with another way of sampling."""
        found = copy.copy(self)
        request = dataclasses.replace(self._target.request, temperature=temperature, max_tokens=max_tokens)
        found._target = dataclasses.replace(self._target, request=request)  # noqa: SLF001 - a copy of our own
        return found

    async def ask(self, base_url: str, question: Question) -> Reply:
        """Ask once; waits for a busy server (429) as long as it takes, and tries again where nobody listened."""
        request = self._target.request
        url = base_url + path(request.api, stream=request.stream)
        refused = iter(self._target.pauses)
        busy = 0
        while True:
            reply, wait = await self._call(url, self._body(question))
            if wait is not None:
                busy += 1
                await pause(wait, busy, self._random.random())
            elif reply.kind is Kind.ABSENT and reply.status == 0 and (again := next(refused, None)) is not None:
                await asyncio.sleep(again)
            else:
                return reply

    def _body(self, question: Question) -> bytes:
        """The request with a fresh seed and salt, so that no cache knows it."""
        target = self._target
        variation = Variation(seed=self._random.getrandbits(31), salt=f"serinus-{self._random.getrandbits(64):016x}")
        found = body(target.model, target.request, question, variation, logprobs=target.logprobs)
        return _encode(found).encode()

    async def _call(self, url: str, data: bytes) -> tuple[Reply, float | None]:
        """One HTTP call: the reply, and for a busy server the seconds to wait (0: it did not say)."""
        request = self._target.request
        stream = Stream(request.api) if request.stream else None
        start = time.perf_counter()
        try:
            response = await self._transport.post(url, data, stream.feed if stream is not None else None)
            if response.status == 429:
                return Reply(kind=Kind.WRONG, status=429), retry_after(response.headers.get("Retry-After", ""))
            if response.body is None:
                reply = Reply(kind=Kind.WRONG, status=response.status, reason=_TOO_LARGE)
            else:
                reply = read_reply(request.api, response.status, response.headers, response.body, stream)
        except Unreachable as e:
            reply = Reply(kind=Kind.ABSENT, reason=str(e))
        except CallFailed as e:
            reply = Reply(kind=Kind.WRONG, reason=str(e))
        return dataclasses.replace(reply, latency_ms=(time.perf_counter() - start) * 1000), None
