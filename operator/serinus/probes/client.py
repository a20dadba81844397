"""Calls of the model servers: a new connection each, no redirects, no cookies, bounded bodies, 429 waited for.

It knows the request and what came back; what it means for a gate is known elsewhere.
"""

import asyncio
import copy
import dataclasses
import json
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import aiohttp

from serinus.core.probe import Api, Request
from serinus.probes.reply import MAX_BODY, Kind, Reply, read_reply
from serinus.probes.scoring import Question

_CONNECT_SECONDS: Final = 10.0
_MAX_WAIT: Final = 30.0
_PATHS: Final[Mapping[Api, str]] = {Api.CHAT: "/v1/chat/completions", Api.COMPLETIONS: "/v1/completions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is asked: the model, how, and with which token."""

    model: str
    request: Request
    token: str = ""
    logprobs: bool = False  # whether the tokens' log-probabilities are asked for
    pauses: tuple[float, ...] = (0.2, 1.0)
    """Seconds before each further attempt of a call that reached nobody: nothing was sent, so it is safe."""


class Client:
    """An asynchronous context; every call makes its own connection, so that a Service spreads them."""

    def __init__(self, target: Target, randomness: random.Random) -> None:
        self._target = target
        self._random = randomness
        self._session: aiohttp.ClientSession | None = None
        headers = {"Cache-Control": "no-store", "Content-Type": "application/json", "User-Agent": "serinus-probe"}
        if target.token:
            headers["Authorization"] = f"Bearer {target.token}"
        self._headers = headers

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True, limit=0, ttl_dns_cache=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._target.request.timeout, connect=_CONNECT_SECONDS),
            headers=self._headers,
            skip_auto_headers=("Accept-Encoding",),
            auto_decompress=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def varied(self, *, temperature: float, max_tokens: int) -> Self:
        """The same client, on the same session, with another way of sampling."""
        found = copy.copy(self)
        request = dataclasses.replace(self._target.request, temperature=temperature, max_tokens=max_tokens)
        found._target = dataclasses.replace(self._target, request=request)  # noqa: SLF001 - a copy of our own
        return found

    def varied(self, *, temperature: float, max_tokens: int) -> Self:
        """The same client, on the same session, with another way of sampling."""
        found = copy.copy(self)
        request = dataclasses.replace(self._target.request, temperature=temperature, max_tokens=max_tokens)
        found._target = dataclasses.replace(self._target, request=request)  # noqa: SLF001 - a copy of our own
        return found

    async def ask(self, base_url: str, question: Question) -> Reply:
        """Ask once; waits for a busy server (429) as long as it takes, and tries again where nobody listened."""
        url = base_url + _PATHS[self._target.request.api]
        refused = iter(self._target.pauses)
        busy = 0
        while True:
            reply, wait = await self._call(url, self._body(question))
            if wait is not None:
                busy += 1
                await asyncio.sleep(min(_MAX_WAIT, wait if wait > 0 else 2.0 ** min(busy, 5) * self._random.random()))
            elif reply.kind is Kind.ABSENT and reply.status == 0 and (pause := next(refused, None)) is not None:
                await asyncio.sleep(pause)
            else:
                return reply

    def _body(self, question: Question) -> bytes:
        """The request with a fresh seed and salt, so that no cache knows it."""
        request = self._target.request
        body: dict[str, Any] = {
            "model": self._target.model,
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "stream": False,
            "seed": self._random.getrandbits(31),
            "user": f"serinus-{self._random.getrandbits(64):016x}",
        }
        if self._target.logprobs:
            body["logprobs"] = True if request.api is Api.CHAT else 1
        if request.api is Api.CHAT:
            body["messages"] = question.messages
        else:
            body["prompt"] = question.prompt
        return json.dumps(body, separators=(",", ":")).encode()

    async def _call(self, url: str, body: bytes) -> tuple[Reply, float | None]:
        """One HTTP call: the reply, and for a busy server the seconds to wait (0: it did not say)."""
        assert self._session is not None
        start = time.perf_counter()
        try:
            async with self._session.post(url, data=body, allow_redirects=False) as response:
                if response.status == 429:
                    return Reply(kind=Kind.WRONG, status=429), _retry_after(response.headers.get("Retry-After", ""))
                content = await _bounded(response)
                reply = (
                    _too_large(response.status)
                    if content is None
                    else read_reply(self._target.request.api, response.status, response.headers, content)
                )
        except aiohttp.ClientConnectorError as e:
            reply = Reply(kind=Kind.ABSENT, reason=f"no connection: {e.os_error.strerror or type(e.os_error).__name__}")
        except aiohttp.ConnectionTimeoutError:
            reply = Reply(kind=Kind.ABSENT, reason=f"no connection within {_CONNECT_SECONDS:g} s")
        except TimeoutError:
            reply = Reply(kind=Kind.WRONG, reason=f"no answer within {self._target.request.timeout} s")
        except (aiohttp.ClientError, ConnectionError) as e:
            reply = Reply(kind=Kind.WRONG, reason=f"the connection was cut: {type(e).__name__}")
        return dataclasses.replace(reply, latency_ms=(time.perf_counter() - start) * 1000), None


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """The body, or None when it is larger than 4 MiB."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _too_large(status: int) -> Reply:
    return Reply(kind=Kind.WRONG, status=status, reason=f"the response is larger than {MAX_BODY} bytes")


def _retry_after(text: str) -> float:
    text = text.strip()
    return float(text[:6]) if text.isascii() and text.isdigit() else 0.0
