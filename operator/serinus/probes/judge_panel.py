"""All judges of a run as one: what needs no judge, what was judged before, and the majority. It opens no connection."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Final, Protocol

from serinus.probes.judge import Spent
from serinus.probes.judge_guard import says_nothing, speaks_to_judge
from serinus.probes.ports import Inquiry, NoVerdict, Ruling, Task

_MAX_REMEMBERED: Final = 20_000


class Member(Protocol):
    """One judge of a panel."""

    name: str
    spent: Spent

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Judge one answer; raises NoVerdict."""


class Panel:
    """1, 3 or 5 judges. The verdict on the same answer by the same criterion is asked for once."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members
        self._known: dict[bytes, asyncio.Task[Ruling]] = {}
        self.reused = 0
        self.flagged = 0

    @property
    def spent(self) -> Spent:
        """What all judges together cost so far."""
        return Spent(calls=sum(m.spent.calls for m in self._members), tokens=sum(m.spent.tokens for m in self._members))

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Judge one answer; raises NoVerdict, with `by_rules` where the answer speaks to the judge."""
        if says_nothing(inquiry.answer):
            return Ruling(passed=False, score=0.0, reason="the answer says nothing", choice="D")
        phrase = speaks_to_judge(inquiry.answer)
        if phrase:
            self.flagged += 1
            raise NoVerdict(f"the answer speaks to the judge: {phrase!r}; rules alone decide", by_rules=True)
        key = _key(inquiry)
        task = self._known.get(key)
        if task is None or (task.done() and _failed(task)):
            task = asyncio.ensure_future(self._ask(inquiry))
            if len(self._known) < _MAX_REMEMBERED:
                self._known[key] = task
        else:
            self.reused += 1
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is still being asked."""
        for task in self._known.values():
            task.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)

    async def _ask(self, inquiry: Inquiry) -> Ruling:
        found = await asyncio.gather(*(m.rule(inquiry) for m in self._members), return_exceptions=True)
        rulings = [f for f in found if isinstance(f, Ruling)]
        problems = [f for f in found if isinstance(f, BaseException)]
        for problem in problems:
            if not isinstance(problem, NoVerdict):
                raise problem
        needed = len(self._members) // 2 + 1
        if len(rulings) < needed:
            raise NoVerdict(str(problems[0]) if problems else "there is no judge")
        return _majority(inquiry.task, rulings, needed)


def _majority(task: Task, rulings: Sequence[Ruling], needed: int) -> Ruling:
    """What more than half of all judges say; of grades the median. Raises NoVerdict where there is no majority."""
    if task is Task.GRADE:
        score = median(r.score for r in rulings)
        nearest = min(rulings, key=lambda r: abs(r.score - score))
        return Ruling(passed=score >= 0.5, score=score, reason=nearest.reason)
    votes = Counter(r.choice if task is Task.FACTS else r.passed for r in rulings)
    winner, count = votes.most_common(1)[0]
    if count < needed:
        raise NoVerdict(f"the judges disagree: {', '.join(f'{n} for {_word(v)}' for v, n in votes.most_common())}")
    return next(r for r in rulings if (r.choice if task is Task.FACTS else r.passed) == winner)


def _word(vote: object) -> str:
    return vote if isinstance(vote, str) else "pass" if vote else "fail"


def _key(inquiry: Inquiry) -> bytes:
    """What a verdict depends on; the judges are the panel's own."""
    parts = (str(inquiry.task), inquiry.criterion, inquiry.question, inquiry.answer)
    digest = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.digest()


def _failed(task: "asyncio.Task[Ruling]") -> bool:
    """Whether asking again is another chance."""
    return task.cancelled() or task.exception() is not None
