"""Everything that a run asks besides the models: its judges and its embeddings endpoint, opened, tested, closed.

It measures judges by labelled answers and says so; what follows for a gate is decided in the core.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, Self

from serinus.core.judge import JudgeSpec, Judging, Label, digest_of
from serinus.core.judge_quality import Quality
from serinus.core.judge_sanity import ALLOWED_ERRORS, SANITY
from serinus.core.runspec import JudgeEndpoint
from serinus.probes.embeddings import EmbeddingsClient
from serinus.probes.judge import DEFAULT_PATIENCE, ModelJudge, Patience, Spent
from serinus.probes.judge_panel import Panel
from serinus.probes.ports import Inquiry, Judge, NoVerdict, Task

MAX_UNSCORED: Final = 0.05
"""Share of the labelled answers without a verdict above which nothing was measured."""

ReadToken = Callable[[str], str]


class JudgesFailed(Exception):
    """The judges cannot be measured, or are none: the run cannot begin. It says nothing of any model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What labelled answers show of a judge."""

    quality: Quality
    unscored: int = 0
    reason: str = ""  # why the first of the unscored ones has no verdict


class Bench:
    """The judges and the embeddings endpoint of a run, as an asynchronous context; either may be missing."""

    def __init__(
        self,
        judging: Judging,
        endpoints: Sequence[JudgeEndpoint],
        read_token: ReadToken,
        patience: Patience = DEFAULT_PATIENCE,
    ) -> None:
        self._judging = judging
        where = {e.name: e for e in endpoints}
        missing = next((j.name for j in judging.endpoints if j.name not in where), "")
        if missing:
            raise JudgesFailed(f"judges: found no address of {missing!r}, allowed is one for each judge")

        def reach(spec: JudgeSpec) -> tuple[str, str]:
            return where[spec.name].url, read_token(where[spec.name].token_path)

        self._members: list[ModelJudge] = []
        for spec in judging.judges:
            url, token = reach(spec)
            self._members.append(ModelJudge(spec, url, token=token, patience=patience))
        self._embeddings: EmbeddingsClient | None = None
        if judging.embeddings is not None:
            url, token = reach(judging.embeddings)
            self._embeddings = EmbeddingsClient(judging.embeddings, url, token=token, patience=patience)
        self._panel = Panel(self._members) if self._members else None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for member in self._members:
            await self._stack.enter_async_context(member)
        if self._embeddings is not None:
            await self._stack.enter_async_context(self._embeddings)
        if self._panel is not None:
            self._stack.push_async_callback(self._panel.close)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def judge(self) -> Panel | None:
        """The judges as one."""
        return self._panel

    @property
    def embeddings(self) -> EmbeddingsClient | None:
        """The embeddings endpoint."""
        return self._embeddings

    @property
    def spent(self) -> Spent:
        """Calls and tokens of judges and embeddings so far."""
        found = [m.spent for m in self._members] + ([self._embeddings.spent] if self._embeddings else [])
        return Spent(calls=sum(s.calls for s in found), tokens=sum(s.tokens for s in found))

    @property
    def digest(self) -> str:
        """Of everything that changes what the judges say; empty without judges."""
        return digest_of(self._judging)

    async def measure(self) -> Quality:
        """Test every judge, and measure all of them together by the labelled answers; raises JudgesFailed."""
        for member in self._members:
            await _test(member)
        if self._panel is None or not self._judging.labels:
            return Quality()
        found = await measure(self._panel, self._judging.labels)
        if found.unscored > MAX_UNSCORED * len(self._judging.labels):
            raise JudgesFailed(
                f"calibration: {found.unscored} of {len(self._judging.labels)} labelled answers got no verdict "
                f"(allowed are {100 * MAX_UNSCORED:g} %): {found.reason}"
            )
        return found.quality


async def _test(member: ModelJudge) -> None:
    found = await measure(member, SANITY)
    if found.unscored > ALLOWED_ERRORS:
        raise JudgesFailed(f"{found.unscored} of {len(SANITY)} plain answers got no verdict: {found.reason}")
    wrong = found.quality.good_failed + found.quality.bad_passed
    if wrong + found.unscored > ALLOWED_ERRORS:
        raise JudgesFailed(
            f"judge {member.name} is wrong about {wrong} of {len(SANITY)} plain answers "
            f"({found.quality.bad_passed} bad ones pass, {found.quality.good_failed} good ones fail): it is no judge"
        )


async def measure(judge: Judge, labels: Sequence[Label]) -> Measured:
    """Let a judge judge labelled answers, and compare; an answer without a verdict counts on neither side."""
    verdicts = await asyncio.gather(*(_verdict(judge, label) for label in labels))
    counts = {"good_passed": 0, "good_failed": 0, "bad_passed": 0, "bad_failed": 0}
    reasons = [v for v in verdicts if isinstance(v, str)]
    for label, passed in zip(labels, verdicts, strict=True):
        if not isinstance(passed, str):
            counts[f"{'good' if label.good else 'bad'}_{'passed' if passed else 'failed'}"] += 1
    return Measured(quality=Quality(**counts), unscored=len(reasons), reason=reasons[0] if reasons else "")


async def _verdict(judge: Judge, label: Label) -> bool | str:
    """Pass or fail; or why there is neither. An answer that speaks to the judge never passes."""
    inquiry = Inquiry(task=Task.RUBRIC, criterion=label.criterion, question=label.question, answer=label.answer)
    try:
        return (await judge.rule(inquiry)).passed
    except NoVerdict as e:
        return False if e.by_rules else str(e)
