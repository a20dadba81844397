"""The imitation of a decoder: a queue, a place in the batch, a first token, then tokens at a set rate.

It owns timing, concurrency and the engine's metrics; it must not know what the tokens say or how they are sent.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from .metrics import BLOCK_TOKENS, NUM_BLOCKS, Metrics
from .settings import Pace

STEP_SECONDS = 0.02  # shortest step: faster rates give several tokens a step, which keeps CPU use low
PREFIXES_KEPT = 4096


class QueueFull(Exception):
    """More requests wait than allowed."""


@dataclass
class Work:
    """One request for the engine: the prompt, the answer of each choice, in tokens, and how it went so far."""

    prompt: Sequence[str]
    choices: Sequence[Sequence[str]]
    finish_reasons: Sequence[str]
    max_tokens: int
    delay: float = 0.0
    arrived: float = field(default_factory=time.perf_counter)
    started: float = 0.0
    first_token: float = 0.0
    sent: int = 0


class Engine:
    """Works on at most `max_concurrency` requests at once; the others wait in order of arrival."""

    def __init__(self, pace: Pace, metrics: Metrics) -> None:
        self._pace = pace
        self._metrics = metrics
        self._places = asyncio.Semaphore(pace.max_concurrency)
        self._waiting = 0
        self._blocks_used = 0
        self._prefixes: dict[int, None] = {}
        rate = pace.tokens_per_second
        self._step_seconds = max(STEP_SECONDS, 1 / rate) if rate > 0 else 0.0
        self._step_tokens = max(1, round(rate * self._step_seconds)) if rate > 0 else 0

    async def generate(self, work: Work) -> AsyncGenerator[list[Sequence[str]]]:
        """The tokens of each choice, step by step; raises QueueFull before the first. Close it to abort."""
        await self._wait_for_place(work)
        metrics = self._metrics
        blocks = (len(work.prompt) + max(map(len, work.choices))) // BLOCK_TOKENS + 1
        self._occupy(blocks)
        metrics.running.inc()
        ended = False
        try:
            await asyncio.sleep(self._pace.first_token_seconds + work.delay)
            self._prefilled(work)
            async with aclosing(self._steps(work)) as steps:
                async for step in steps:
                    yield step
            ended = True
        finally:
            metrics.running.dec()
            self._occupy(-blocks)
            self._places.release()
            self._finished(work, ended=ended)

    async def _wait_for_place(self, work: Work) -> None:
        metrics, limit = self._metrics, self._pace.max_queued
        if limit and self._places.locked() and self._waiting >= limit:
            metrics.rejected.inc()
            raise QueueFull(f"{self._waiting} requests wait, at most {limit} may")
        self._waiting += 1
        metrics.waiting.set(self._waiting)
        metrics.waiting_for_capacity.set(self._waiting)
        try:
            await self._places.acquire()
        except asyncio.CancelledError:
            metrics.finished["abort"].inc()
            raise
        finally:
            self._waiting -= 1
            metrics.waiting.set(self._waiting)
            metrics.waiting_for_capacity.set(self._waiting)
        work.started = time.perf_counter()

    async def _steps(self, work: Work) -> AsyncGenerator[list[Sequence[str]]]:
        longest = max(map(len, work.choices))
        size = self._step_tokens or max(longest, 1)
        last = work.first_token
        for begin in range(0, max(longest, 1), size):
            if begin:
                await asyncio.sleep(max(0.0, last + self._step_seconds - time.perf_counter()))
                now = time.perf_counter()
                self._metrics.token_gap.observe(now - last)
                last = now
            step = [choice[begin : begin + size] for choice in work.choices]
            count = sum(map(len, step))
            work.sent += count
            self._metrics.generation_tokens.inc(count)
            self._metrics.step_tokens.observe(count + (0 if begin else len(work.prompt)))
            yield step

    def _occupy(self, blocks: int) -> None:
        self._blocks_used += blocks
        self._metrics.kv_usage.set(min(1.0, self._blocks_used / NUM_BLOCKS))

    def _prefilled(self, work: Work) -> None:
        metrics = self._metrics
        work.first_token = time.perf_counter()
        prompt, cached = len(work.prompt), self._cached_tokens(work.prompt)
        metrics.first_token.observe(work.first_token - work.arrived)
        metrics.prompt_tokens.inc(prompt)
        metrics.cache_queries.inc(prompt)
        metrics.cache_hits.inc(cached)
        metrics.prompt_tokens_cached.inc(cached)
        metrics.by_source["local_cache_hit"].inc(cached)
        metrics.by_source["local_compute"].inc(prompt - cached)
        metrics.cached_by_source["device"].inc(cached)
        metrics.computed.observe(prompt - cached)

    def _cached_tokens(self, prompt: Sequence[str]) -> int:
        """Tokens of the leading whole blocks that were seen before; the last token is always computed."""
        cached, chain = 0, 0
        for begin in range(0, len(prompt) - BLOCK_TOKENS, BLOCK_TOKENS):
            chain = hash((chain, *prompt[begin : begin + BLOCK_TOKENS]))
            if chain in self._prefixes and cached == begin:
                cached = begin + BLOCK_TOKENS
            self._prefixes.pop(chain, None)
            self._prefixes[chain] = None
        while len(self._prefixes) > PREFIXES_KEPT:
            del self._prefixes[next(iter(self._prefixes))]
        return cached

    def _finished(self, work: Work, *, ended: bool) -> None:
        metrics, now = self._metrics, time.perf_counter()
        for reason in work.finish_reasons:
            metrics.finished[reason if ended else "abort"].inc()
        first = work.first_token or now
        longest = max(map(len, work.choices)) if ended else work.sent
        metrics.e2e.observe(now - work.arrived)
        metrics.queue.observe(work.started - work.arrived)
        metrics.inference.observe(now - work.started)
        metrics.prefill.observe(first - work.started)
        metrics.decode.observe(now - first)
        metrics.per_token.observe((now - first) / (longest - 1) if longest > 1 else 0.0)
        metrics.prompt_length.observe(len(work.prompt))
        metrics.answer_length.observe(work.sent)
        metrics.longest_choice.observe(longest)
        metrics.choices.observe(len(work.choices))
        metrics.max_tokens.observe(work.max_tokens)
        metrics.preemptions.observe(0)
