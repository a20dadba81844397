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

from serinus.core.judge_quality import Quality, calibrated
from serinus.core.model import Purpose, Verdict
from serinus.core.probe import ProbeSet
from serinus.core.report import MAX_TEXT_BYTES, Report, Usage
from serinus.core.runspec import RunSpec
from serinus.core.verdict import judge
from serinus.probes import repeats
from serinus.probes.caches import Caches
from serinus.probes.client import Client
from serinus.probes.judge import Spent
from serinus.probes.judging import Bench, JudgesFailed
from serinus.probes.order import Turn, turns
from serinus.probes.output import Output, progress_line
from serinus.probes.redact import redact
from serinus.probes.reply import Kind, Reply, said
from serinus.probes.scoring import Question, Scorer
from serinus.probes.settle import Score
from serinus.probes.sums import Values, values
from serinus.probes.tally import Mark, Tally

LOOK_EVERY: Final = 10
_STABLE_SHARE: Final = 4
_LEAST_AHEAD: Final = 20
_SAMPLE_BYTES: Final = 400
_CANARY: Final = "canary"
_STABLE: Final = "stable"


class RunFailed(Exception):
    """The run cannot begin or go on: a fault of its parameters or its probes, never of a model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a run works with."""

    client: Client
    scorer: Scorer
    output: Output
    bench: Bench | None = None  # judges and embeddings endpoint; None: no assertion needs them


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """One side of a pair."""

    mark: Mark
    cached: str


class Runner:
    """One run; `run` once. `interrupt` may be called at any time and ends it with what was counted so far."""

    def __init__(self, spec: RunSpec, probe_set: ProbeSet, tools: Tools) -> None:
        self._spec = spec
        self._probes = probe_set.probes
        self._tools = tools
        self._paired = bool(spec.identity.baseline)
        self._concurrency = probe_set.request.concurrency
        self._tally = Tally(spec.identity, probe_set.probes, spec.policy)
        self._caches = Caches()
        self._calls = asyncio.Semaphore(self._concurrency)
        self._usage = Usage()
        self._quality = Quality()
        self._flagged = 0
        self._began = time.monotonic()
        self._turns: Iterator[Turn] = turns(self._probes, random.Random(spec.seed))  # noqa: S311 - an order, no secret
        self._finished: dict[int, tuple[Turn, _Sample, _Sample]] = {}
        self._advanced = asyncio.Event()
        self._over = asyncio.Event()
        self._end = ""
        self._seen: set[int] = set()
        self._cached = ""
        self._questions: tuple[Question, ...] = ()

    def interrupt(self) -> None:
        """End the run as Interrupted, unless it has ended."""
        self._finish("Interrupted")

    async def close(self) -> None:
        """End what the run started; needed also after an error."""
        await self._tools.scorer.close()

    def report(self, *, error: str = "") -> Report:
        """The report as of now; with an error, one that says that the run itself failed."""
        bench, spent = self._tools.bench, self._spent()
        usage = replace(
            self._usage,
            judge_calls=spent.calls,
            judge_tokens=spent.tokens,
            seconds=round(time.monotonic() - self._began, 3),
        )
        found = self._tally.report(usage, end="Error" if error else self._end, cached=self._cached, error=error)
        if bench is None:
            return found
        flagged = min(self._flagged, found.canary.scored)  # the tally is behind by the pairs that wait for their turn
        return replace(found, judge=self._quality, judge_digest=bench.digest, flagged=flagged)

    def _spent(self) -> Spent:
        return self._tools.bench.spent if self._tools.bench is not None else Spent()

    async def run(self) -> Report:
        """Ask until the evidence decides or a budget ends; raises RunFailed and ScoringFailed."""
        check(self._spec, self._probes)
        progress = asyncio.ensure_future(self._tools.output.progress(self._progress))
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
        self._cached = await self._look_for_stored_answers()
        if self._tools.bench is not None and not await self._judges_fit(self._tools.bench):
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

    async def _judges_fit(self, bench: Bench) -> bool:
        """Measure the judges before anybody is asked; unfit ones decide nothing. Counts begin under what they are."""
        try:
            self._quality = await bench.measure()
        except JudgesFailed as e:
            raise RunFailed(str(e)) from e
        self._tally = Tally(self._spec.identity, self._probes, calibrated(self._spec.policy, self._quality))
        return not self._quality.unfit

    async def _look_for_stored_answers(self) -> str:
        """Ask each side questions of high entropy twice; a cache that leaves no trace in headers shows itself so."""
        client = self._tools.client.varied(temperature=repeats.TEMPERATURE, max_tokens=repeats.MAX_TOKENS)
        urls = {_CANARY: self._spec.canary_url, **({_STABLE: self._spec.stable_url} if self._paired else {})}
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

    def _progress(self) -> str:
        return progress_line(self._spec.policy, self.report())

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
            while turn.number - self._tally.counted >= ahead:
                self._advanced.clear()
                await self._advanced.wait()
            self._count(turn, *await self._pair(turn))

    async def _pair(self, turn: Turn) -> tuple[_Sample, _Sample]:
        """Both calls at once, begun in the turn's order; without a baseline the canary's alone."""
        if not self._paired:
            return await self._ask(_CANARY, turn), _Sample(mark=Mark(passed=None), cached="")
        sides = (_CANARY, _STABLE) if turn.canary_first else (_STABLE, _CANARY)
        found = await asyncio.gather(*(self._ask(side, turn) for side in sides))
        return (found[0], found[1]) if turn.canary_first else (found[1], found[0])

    async def _ask(self, side: str, turn: Turn) -> _Sample:
        url = self._spec.canary_url if side == _CANARY else self._spec.stable_url
        async with self._calls:
            asked_at = time.time()
            reply = await self._tools.client.ask(url, self._questions[turn.probe])
        self._spend(reply)
        score = None
        if reply.kind is Kind.ANSWER:
            score = await self._tools.scorer.score(turn.probe, said(reply))
        if side == _CANARY and score is not None and any(a.get("byRules") for a in score.assertions):
            self._flagged += score.passed is not None
        mark = _mark(side, reply, score)
        mark = replace(mark, values=self._values(turn.probe, mark, score))
        cached = self._caches.sign(side, turn.probe, reply, asked_at) if reply.kind is Kind.ANSWER else ""
        self._tools.output.sample(_line(self._probes[turn.probe].id, side, turn, reply, score, mark))
        return _Sample(mark=mark, cached=cached)

    def _spend(self, reply: Reply) -> None:
        self._usage = replace(
            self._usage,
            calls=self._usage.calls + 1,
            prompt_tokens=self._usage.prompt_tokens + reply.prompt_tokens,
            completion_tokens=self._usage.completion_tokens + reply.completion_tokens,
        )

    def _values(self, probe: int, mark: Mark, score: Score | None) -> Values:
        """What an answer is worth in each thing that the gate compares; an unusable one is worth nothing."""
        if mark.passed is None:
            return ()
        return values(self._spec.policy, self._probes[probe], mark.score, score.assertions if score else ())

    def _count(self, turn: Turn, canary: _Sample, stable: _Sample) -> None:
        """Keep a finished pair, then count all that are next in order."""
        self._finished[turn.number] = (turn, canary, stable)
        while not self._end and self._tally.counted in self._finished:
            known, first, second = self._finished.pop(self._tally.counted)
            self._cached = self._cached or first.cached or second.cached
            if self._cached and known.probe in self._seen:
                self._finish("Decided")  # only the first answer of each probe counts then, and the verdict is known
                return
            self._seen.add(known.probe)
            self._tally.add(known.probe, first.mark, second.mark)
            if self._tally.counted % LOOK_EVERY == 0 and self._decided():
                self._finish("Decided")
        self._advanced.set()

    def _decided(self) -> bool:
        found = judge(self._spec.policy, self.report(), probes=len(self._probes))
        return found.verdict is not Verdict.RUNNING


def check(spec: RunSpec, probes: tuple[Any, ...]) -> None:
    """Raise RunFailed for parameters that cannot lead to a verdict."""
    weighted = sum(p.weight for p in probes)
    if not probes:
        raise RunFailed("the probe set has no probes")
    if spec.policy.budget.pairs < weighted:
        raise RunFailed(f"budget.pairs: found {spec.policy.budget.pairs}, allowed is at least {weighted}: one round")


def _mark(side: str, reply: Reply, score: Score | None) -> Mark:
    """Which replies count: a canary that answers badly fails; what nobody or a broken stable says counts nothing."""
    if reply.kind is Kind.ANSWER:
        if score is None:
            return Mark(passed=None, why="scoring did not end")
        if score.passed is None:
            return Mark(passed=None, why=score.reason)
        example = "" if score.passed else redact(reply.text, MAX_TEXT_BYTES)
        return Mark(passed=score.passed, score=score.score, example=example)
    if reply.kind is Kind.EMPTY or (side == _CANARY and reply.kind is Kind.WRONG):
        return Mark(passed=False, why=reply.reason, example=redact(reply.reason, MAX_TEXT_BYTES))
    return Mark(passed=None, why=f"{side}: {reply.reason}", fault=reply.kind is Kind.WRONG)


def _timing(reply: Reply) -> dict[str, float]:
    """When the parts of a streamed answer came, measured by the probe."""
    if not reply.first_ms:
        return {}
    return {"firstTokenMs": round(reply.first_ms, 1), "betweenTokensMs": round(reply.between_ms, 2)}


def _line(probe: str, side: str, turn: Turn, reply: Reply, score: Score | None, mark: Mark) -> dict[str, Any]:
    """One sample for the log pipeline."""
    return {
        "event": "sample",
        "probe": probe,
        "side": side,
        "pair": turn.number,
        "round": turn.round,
        "status": reply.status,
        "latencyMs": round(reply.latency_ms, 1),
        **_timing(reply),
        "promptTokens": reply.prompt_tokens,
        "completionTokens": reply.completion_tokens,
        **({"tokensEstimated": True} if reply.estimated else {}),
        "passed": mark.passed,
        "score": None if mark.passed is None else round(score.score, 4) if score else 0.0,
        "reason": redact(score.reason if score else reply.reason or mark.why, _SAMPLE_BYTES),
        "assertions": [{k: a[k] for k in ("type", "passed", "score")} for a in (score.assertions if score else ())],
        "answer": redact(reply.text, _SAMPLE_BYTES),
    }
