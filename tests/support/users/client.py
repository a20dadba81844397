"""The asking: both kinds of clients that real users have, at a steady rate.

It owns connections, retries and the schedule; it must not decide whether what happened is acceptable.
A fresh client opens a connection for each request and never retries; a keep-alive client reuses connections and
retries once when a connection fails before an answer, as OpenAI's client does.
"""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

import aiohttp

from .summary import UNKNOWN, Record, Summary

QUESTIONS = (
    "How long is the return period?",
    "What does standard shipping cost?",
    "How long is the warranty on boots?",
)


class Kind(StrEnum):
    """Which clients ask; both = one after the other in turn."""

    FRESH = "fresh"
    KEEP_ALIVE = "keep-alive"
    BOTH = "both"


@dataclass(frozen=True)
class Plan:
    """What users do. Rate in requests a second; seconds and count bound the run, whichever ends first."""

    url: str
    rate: float = 5.0
    seconds: float = 60.0
    count: int = 1_000_000
    kind: Kind = Kind.BOTH
    stream_percent: float = 25.0
    timeout: float = 30.0
    open_at_once: int = 200
    model: str = "support-model"
    token: str | None = None
    questions: Sequence[str] = QUESTIONS
    seed: int | None = None


class Failure(Exception):
    """An answer that a user would call a failure; the text before the colon is its class."""


@dataclass
class _Try:
    """What one try of a request has learnt so far."""

    status: int | None = None
    revision: str = UNKNOWN
    text: str = ""


class Users:
    """Run them with `await users.run()`, read `summary` at any time, end early with `stop`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.summary = Summary()
        self._random = random.Random(plan.seed)
        self._stop = asyncio.Event()
        self._open: set[asyncio.Task[None]] = set()
        self._keep_alive: aiohttp.ClientSession | None = None
        self._running: asyncio.Task[Summary] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        if self._running is not None:
            await self._running

    def stop(self) -> None:
        """Ask nothing more; what is open is still waited for."""
        self._stop.set()

    async def run(self) -> Summary:
        """Ask until the plan or `stop` ends it, then wait for open requests; they are bounded by the timeout."""
        limits = aiohttp.ClientTimeout(total=self.plan.timeout)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        async with aiohttp.ClientSession(connector=connector, timeout=limits) as session:
            self._keep_alive = session
            began, number = time.monotonic(), 0
            while number < self.plan.count and not self._stop.is_set():
                due = number / self.plan.rate
                if due >= self.plan.seconds or await self._stopped_before(began + due):
                    break
                self._ask_once(number)
                number += 1
            if self._open:
                await asyncio.wait(self._open)
        return self.summary

    async def _stopped_before(self, moment: float) -> bool:
        wait = moment - time.monotonic()
        if wait <= 0:
            # a late schedule must not keep answers from being read
            await asyncio.sleep(0)
            return self._stop.is_set()
        try:
            await asyncio.wait_for(self._stop.wait(), wait)
        except TimeoutError:
            return False
        return True

    def _ask_once(self, number: int) -> None:
        if len(self._open) >= self.plan.open_at_once:
            self.summary.not_sent += 1
            return
        kind = self.plan.kind
        if kind is Kind.BOTH:
            kind = (Kind.FRESH, Kind.KEEP_ALIVE)[number % 2]
        task = asyncio.create_task(self._ask(kind))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _ask(self, kind: Kind) -> None:
        body = self._body()
        at, began, retried = time.time(), time.monotonic(), False
        seen, error = await self._try(kind, body)
        if isinstance(error, aiohttp.ClientConnectionError) and seen.status is None and kind is Kind.KEEP_ALIVE:
            retried = True
            seen, error = await self._try(kind, body)
        self.summary.add(
            Record(
                at=at,
                ok=error is None,
                kind=kind.value,
                revision=seen.revision,
                seconds=time.monotonic() - began,
                status=seen.status,
                error=None if error is None else _describe(error),
                retried=retried,
                text=seen.text,
            )
        )

    def _body(self) -> dict[str, Any]:
        question = self._random.choice(self.plan.questions)
        stream = self._random.random() * 100 < self.plan.stream_percent
        return {"model": self.plan.model, "stream": stream, "messages": [{"role": "user", "content": question}]}

    async def _try(self, kind: Kind, body: dict[str, Any]) -> tuple[_Try, Exception | None]:
        seen = _Try()
        try:
            if kind is Kind.KEEP_ALIVE:
                assert self._keep_alive is not None
                await self._exchange(self._keep_alive, body, seen)
            else:
                connector = aiohttp.TCPConnector(force_close=True)
                timeout = aiohttp.ClientTimeout(total=self.plan.timeout)
                async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                    await self._exchange(session, body, seen)
        except (Failure, aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            return seen, error
        return seen, None

    async def _exchange(self, session: aiohttp.ClientSession, body: dict[str, Any], seen: _Try) -> None:
        headers = {"Authorization": f"Bearer {self.plan.token}"} if self.plan.token else {}
        address = f"{self.plan.url.rstrip('/')}/v1/chat/completions"
        async with session.post(address, json=body, headers=headers, allow_redirects=False) as response:
            seen.status = response.status
            seen.revision = response.headers.get("X-Revision", UNKNOWN)
            if response.status != 200:
                raise Failure(f"http {response.status}: {(await response.text())[:200]}")
            seen.text = await _read_stream(response) if body["stream"] else _read_whole(await response.read())


def _read_whole(raw: bytes) -> str:
    try:
        content = json.loads(raw)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Failure(f"not a completion: {raw[:200]!r}") from error
    return str(content)


async def _read_stream(response: aiohttp.ClientResponse) -> str:
    """The text of a stream; a stream without its end mark was cut."""
    parts: list[str] = []
    async for line in response.content:
        if not line.startswith(b"data: "):
            continue
        data = line[6:].strip()
        if data == b"[DONE]":
            return "".join(parts)
        try:
            parts += [choice["delta"].get("content") or "" for choice in json.loads(data)["choices"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(f"not a chunk: {data[:200]!r}") from error
    raise Failure("stream cut: it ended without [DONE]")


def _describe(error: Exception) -> str:
    if isinstance(error, Failure):
        return str(error)
    return f"{type(error).__name__}: {error}"
