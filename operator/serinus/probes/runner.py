"""One run of a gate: asks both sides in pairs, counts, looks every ten pairs, and ends with a report.

Pairs are counted in the order in which they were asked, so that slow answers cannot be overtaken by a decision.
It knows neither the environment nor where the report goes.
"""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from serinus.core.judge_quality import Quality
from serinus.core.model import Purpose
from serinus.core.probe import ProbeSet
from serinus.core.report import Report, Usage
from serinus.core.runspec import RunSpec
from serinus.probes import repeats
from serinus.probes.caches import Caches
from serinus.probes.client import Client
from serinus.probes.judge import Spent
from serinus.probes.judging import Bench, JudgesFailed
from serinus.probes.ledger import NOBODY, Judges, Ledger, Look, Sample
from serinus.probes.lines import CANARY, STABLE, end_line, first_token_ms, mark_of, ready_line, run_line, sample_line
from serinus.probes.order import Turn, turns
from serinus.probes.output import Output
from serinus.probes.reply import Kind, Reply, said
from serinus.probes.scoring import Question, Scorer
from serinus.probes.settle import Score
from serinus.probes.sums import Values, values
from serinus.probes.tally import Mark

_STABLE_SHARE: Final = 4
_LEAST_AHEAD: Final = 20


class RunFailed(Exception):
    """The run cannot begin or go on: a fault of its parameters or its probes, never of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with."""

    client: Client
    scorer: Scorer
    output: Output
    bench: Bench | None = None  # judges and embeddings endpoint; None: no assertion needs them


class Runner:
    """One run; `run` once. `interrupt` may be called at any time and ends it with what was counted so far."""

    def __init__(self, spec: RunSpec, probe_set: ProbeSet, tools: Tools) -> None:
        self._spec = spec
        self._probes = probe_set.probes
        self._tools = tools
        self._paired = bool(spec.identity.baseline)
        self._concurrency = probe_set.request.concurrency
        self._judges = Judges(digest=tools.bench.digest if tools.bench is not None else "")
        self._ledger = Ledger(spec, probe_set.probes, self._judges)
        self._caches = Caches()
        self._calls = asyncio.Semaphore(self._concurrency)
        self._usage = Usage()
        self._began = time.monotonic()
        self._turns: Iterator[Turn] = turns(self._probes, random.Random(spec.seed))  # noqa: S311 - an order, no secret
        self._advanced = asyncio.Event()
        self._over = asyncio.Event()
        self._end = ""
        self._questions: tuple[Question, ...] = ()

    def interrupt(self) -> None:
        """End the run as Interrupted, unless it has ended."""
        self._finish("Interrupted")

    async def close(self) -> None:
        """End what the run started; needed also after an error."""
        await self._tools.scorer.close()

    def report(self, *, error: str = "") -> Report:
        """The report as of now; with an error, one that says that the run itself failed."""
        spent = self._spent()
        usage = replace(
            self._usage,
            judge_calls=spent.calls,
            judge_tokens=spent.tokens,
            seconds=round(time.monotonic() - self._began, 3),
        )
        return self._ledger.report(usage, end="Error" if error else self._end, error=error)

    def tell(self, report: Report) -> None:
        """Write the last line: how the run ended."""
        probes, counted = len(self._probes), self._ledger.counted
        self._tools.output.line(end_line(self._spec.policy, report, probes=probes, counted=counted))

    @property
    def looks(self) -> tuple[Look, ...]:
        """The evidence as it grew, every ten pairs."""
        return tuple(self._ledger.looks)

    @property
    def counted(self) -> int:
        """Pairs in the report: those of the numbers below it."""
        return self._ledger.counted

    def _spent(self) -> Spent:
        return self._tools.bench.spent if self._tools.bench is not None else Spent()

    async def run(self) -> Report:
        """Ask until the evidence decides or a budget ends; raises RunFailed and ScoringFailed."""
        self._tools.output.line(run_line(self._spec, self._probes, judge_digest=self._judges.digest))
        check(self._spec, self._probes)
        progress = asyncio.ensure_future(self._tools.output.progress(self._spec.policy, self.report))
        work = asyncio.ensure_future(self._all_work())
        over = asyncio.ensure_future(self._over.wait())
        left = self._spec.policy.budget.duration - (time.monotonic() - self._began)
        try:
            await asyncio.wait([work, over], timeout=max(0.0, left), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            for task in (work, over, progress):
                task.cancel()
            await asyncio.gather(work, over, progress, return_exceptions=True)
        self._finish("Budget")
        return self.report()

    async def _all_work(self) -> bool:
        """Prepare, then ask until every worker is done or one of them fails."""
        self._questions = await self._tools.scorer.start()
        cached = await self._look_for_stored_answers()
        quality = await self._judges_quality()
        self._judges = replace(self._judges, quality=quality)
        self._ledger = Ledger(self._spec, self._probes, self._judges, cached=cached)
        self._tools.output.line(ready_line(quality, cached=cached))
        if quality.unfit:
            self._finish("Decided")
            return True
        workers = [asyncio.ensure_future(self._work()) for _ in range(self._workers())]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return True

    async def _judges_quality(self) -> Quality:
        """Measure the judges before anybody is asked; unfit ones decide nothing. Counts begin under what they are."""
        try:
            return await self._tools.bench.measure() if self._tools.bench is not None else Quality()
        except JudgesFailed as e:
            raise RunFailed(str(e)) from e

    async def _look_for_stored_answers(self) -> str:
        """Ask each side questions of high entropy twice; a cache that leaves no trace in headers shows itself so."""
        client = self._tools.client.varied(temperature=repeats.TEMPERATURE, max_tokens=repeats.MAX_TOKENS)
        urls = {CANARY: self._spec.canary_url, **({STABLE: self._spec.stable_url} if self._paired else {})}
        found: dict[str, list[list[str]]] = {side: [[] for _ in repeats.QUESTIONS] for side in urls}
        gently = {side: asyncio.Semaphore(self._workers()) for side in urls}

        async def ask(side: str, number: int) -> None:
            for _ in range(repeats.TIMES):  # one after the other: a cache can only answer what it has seen
                async with gently[side], self._calls:
                    reply = await client.ask(urls[side], repeats.QUESTIONS[number])
                self._spend(reply)
                found[side][number].append(reply.text if reply.kind is Kind.ANSWER else "")

        await asyncio.gather(*(ask(side, number) for side in urls for number in range(len(repeats.QUESTIONS))))
        return repeats.sign(found)

    def _workers(self) -> int:
        """Pairs at once: each has one call on stable, and what serves users has at most a quarter of all calls."""
        serving = self._paired or self._spec.identity.purpose == Purpose.CONTINUOUS
        return max(1, self._concurrency // _STABLE_SHARE) if serving else self._concurrency

    def _finish(self, end: str) -> None:
        if not self._end:
            self._end = end
            self._over.set()

    async def _work(self) -> None:
        budget, ahead = self._spec.policy.budget, max(_LEAST_AHEAD, 2 * self._workers())
        while not self._end:
            turn = next(self._turns)
            tokens = self._usage.prompt_tokens + self._usage.completion_tokens + self._spent().tokens
            if turn.number >= budget.pairs or tokens >= budget.tokens:
                return
            while turn.number - self._ledger.counted >= ahead:
                self._advanced.clear()
                await self._advanced.wait()
            self._count(turn, *await self._pair(turn))

    async def _pair(self, turn: Turn) -> tuple[Sample, Sample]:
        """Both calls at once, begun in the turn's order; without a baseline the canary's alone."""
        if not self._paired:
            return await self._ask(CANARY, turn), NOBODY
        sides = (CANARY, STABLE) if turn.canary_first else (STABLE, CANARY)
        found = await asyncio.gather(*(self._ask(side, turn) for side in sides))
        return (found[0], found[1]) if turn.canary_first else (found[1], found[0])

    async def _ask(self, side: str, turn: Turn) -> Sample:
        url = self._spec.canary_url if side == CANARY else self._spec.stable_url
        async with self._calls:
            asked_at = time.time()
            reply = await self._tools.client.ask(url, self._questions[turn.probe])
        self._spend(reply)
        score = None
        if reply.kind is Kind.ANSWER:
            score = await self._tools.scorer.score(turn.probe, said(reply))
        mark = mark_of(side, reply, score)
        worth = self._values(turn.probe, mark, score)
        mark = replace(mark, values=worth) if worth else mark
        cached = self._caches.sign(side, turn.probe, reply, asked_at) if reply.kind is Kind.ANSWER else ""
        sample = Sample(mark=mark, cached=cached, first_ms=first_token_ms(reply), gaps=reply.gaps)
        self._tools.output.line(sample_line(turn, self._probes[turn.probe].id, side, reply, score, sample))
        return sample

    def _spend(self, reply: Reply) -> None:
        self._usage = Usage(
            calls=self._usage.calls + 1,
            prompt_tokens=self._usage.prompt_tokens + reply.prompt_tokens,
            completion_tokens=self._usage.completion_tokens + reply.completion_tokens,
        )

    def _values(self, probe: int, mark: Mark, score: Score | None) -> Values:
        """What an answer is worth in each thing that the gate compares; an unusable one is worth nothing."""
        if mark.passed is None:
            return ()
        return values(self._spec.policy, self._probes[probe], mark.score, score.assertions if score else ())

    def _count(self, turn: Turn, canary: Sample, stable: Sample) -> None:
        """Count a finished pair, and end when the evidence decides."""
        if not self._end:
            self._ledger.add(turn.number, turn.probe, canary, stable)
            if self._ledger.decided:
                self._finish("Decided")
        self._advanced.set()


def check(spec: RunSpec, probes: tuple[Any, ...]) -> None:
    """Raise RunFailed for parameters that cannot lead to a verdict."""
    weighted = sum(p.weight for p in probes)
    if not probes:
        raise RunFailed("the probe set has no probes")
    if spec.policy.budget.pairs < weighted:
        raise RunFailed(f"budget.pairs: found {spec.policy.budget.pairs}, allowed is at least {weighted}: one round")
