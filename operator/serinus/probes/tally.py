"""Counts of a run: pairs in the order in which they were asked, into a report. Pure; it asks and judges nothing."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from serinus.core import fisher
from serinus.core.model import GatePolicy
from serinus.core.probe import Probe
from serinus.core.report import MAX_WORST, Critical, Identity, Pairs, Report, Side, Usage, Worst
from serinus.probes.redact import cut
from serinus.probes.sums import FloorSums, Sums, Values

WINDOW: Final = 50
_MAX_SENTENCE: Final = 200
_TOO_MANY: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What one side's call is worth: passed, failed, or (None) no score, and then why."""

    passed: bool | None
    why: str = ""
    example: str = ""  # of a failed answer: redacted
    fault: bool = False  # no score, because the server answered with an error
    score: float = 0.0  # of the test, in [0, 1]
    values: Values = ()  # of what the gate compares beside whole tests
    flagged: bool = False  # it spoke to the judge, and was scored by rules alone


_PERFECT: Final = Mark(passed=True, score=1.0)


@dataclass(slots=True)
class _Counts:
    """One probe: answers of the pairs that count."""

    canary: list[int] = field(default_factory=lambda: [0, 0])  # failed, passed
    stable: list[int] = field(default_factory=lambda: [0, 0])
    critical: list[int] = field(default_factory=lambda: [0, 0])
    lost: float = 0.0
    example: str = ""


class Tally:
    """Adds pairs up. `paired` is False where there is no baseline: then each answer of the canary counts alone."""

    def __init__(self, identity: Identity, probes: tuple[Probe, ...], policy: GatePolicy) -> None:
        self._identity = identity
        self._graded = policy.graded
        self._probes = probes
        self._paired = bool(identity.baseline)
        self._counts = [_Counts() for _ in probes]
        self._critical = [i for i, p in enumerate(probes) if p.critical]
        self._outcomes: Counter[str] = Counter()
        self._window: deque[bool] = deque([False] * WINDOW, maxlen=WINDOW)
        self._in_window = 0
        self._worst_window = 0
        self._reasons: Counter[str] = Counter()
        compared = (len(policy.metrics) or int(policy.graded)) if self._paired else 0
        self._sums = [Sums(policy) for _ in range(compared)]
        self._floor = FloorSums(policy)
        self._flagged = 0
        self._canary = [0, 0]
        self._stable = [0, 0]
        self._probes_seen = 0
        self._losing: set[int] = set()  # the probes that lost more than they won
        self.counted = 0

    def add(self, probe: int, canary: Mark, stable: Mark) -> None:
        """Count one pair; without a baseline `stable` is not looked at."""
        self.counted += 1
        marks = (canary, stable) if self._paired else (canary,)
        missing = [m for m in marks if m.passed is None]
        self._in_window += bool(missing) - self._window[0]
        self._window.append(bool(missing))
        self._worst_window = max(self._worst_window, self._in_window)
        if missing:
            self._outcomes["unscored"] += 1
            self._reasons[missing[0].why] += 1
            if canary.passed is not None and stable.fault:
                self._add_fault(canary)
            return
        self._floor.add(canary.score)
        self._flagged += canary.flagged
        for sums, first, second in zip(self._sums, canary.values, stable.values, strict=False):
            if first is not None and second is not None:
                sums.add(first, second)
        counts = self._counts[probe]
        self._probes_seen += not any(counts.canary)
        for total in (self._canary, counts.canary):
            total[canary.passed is True] += 1
        if self._paired:
            for total in (self._stable, counts.stable):
                total[stable.passed is True] += 1
            self._outcomes[_outcome(canary, stable)] += 1
        counts.lost += self._loss(canary, stable if self._paired else _PERFECT)
        (self._losing.add if counts.lost > 0 else self._losing.discard)(probe)
        if not self._paired or stable.passed:
            counts.critical[canary.passed is True] += 1
        if not canary.passed and not counts.example:
            counts.example = canary.example

    def _add_fault(self, canary: Mark) -> None:
        """A pair in which stable answered with an error: kept apart, since it may count against a rollback only."""
        self._outcomes["fault_won" if canary.passed else "fault_tied"] += 1
        for sums, value in zip(self._sums, canary.values, strict=False):
            if value is not None:
                sums.add_fault(value)

    def _loss(self, canary: Mark, stable: Mark) -> float:
        """1 for a lost pair, -1 for one that was won; of scores their difference."""
        if self._graded:
            return stable.score - canary.score
        return int(stable.passed is True) - int(canary.passed is True)

    def pairs(self) -> Pairs:
        """Pairs by outcome so far."""
        return Pairs(worst_window=self._worst_window, **{k: self._outcomes[k] for k in _OUTCOMES})

    def report(self, usage: Usage, *, end: str = "", cached: str = "", error: str = "") -> Report:
        """Everything counted so far as a report."""
        return Report(
            identity=self._identity,
            pairs=self.pairs(),
            canary=Side(passed=self._canary[1], failed=self._canary[0]),
            stable=Side(passed=self._stable[1], failed=self._stable[0]),
            critical=tuple(
                Critical(probe=self._probes[i].id, passed=c.critical[1], failed=c.critical[0])
                for i, c in ((i, self._counts[i]) for i in self._critical)
            ),
            probes_seen=self._probes_seen,
            cached=cut(cached, _MAX_SENTENCE),
            end=end,
            error=cut(error or self._why_unscored(end), _MAX_SENTENCE),
            usage=usage,
            flagged=self._flagged,
            worst=self._worst(name=bool(end)),
            measures=tuple(sums.measure() for sums in self._sums),
            floor=self._floor.sums(),
        )

    def _why_unscored(self, end: str) -> str:
        """The most frequent reason, where so many pairs have no score that it explains the verdict."""
        unscored = self._outcomes["unscored"]
        if not end or unscored <= _TOO_MANY * self.counted:
            return ""
        reason, times = self._reasons.most_common(1)[0]
        return f"{times} of {self.counted} had no score because of: {reason}"

    def _worst(self, *, name: bool) -> tuple[Worst, ...]:
        """The probes that lost most, those that broke first; which ones did is only asked at the end of a run."""
        broke = self._broke() if name and self._paired else frozenset()
        lost = [(i in broke, self._counts[i].lost, -i) for i in self._losing | broke]
        worst = [-i for _, _, i in sorted(lost, reverse=True)[:MAX_WORST]]
        return tuple(
            Worst(
                probe=self._probes[i].id,
                canary=_shown(self._counts[i].canary),
                stable=_shown(self._counts[i].stable) if self._paired else "",
                example=self._counts[i].example,
                broke=i in broke,
            )
            for i in worst
        )

    def _broke(self) -> frozenset[int]:
        """Positions of the probes that broke, by their passes."""
        asked = [i for i, c in enumerate(self._counts) if sum(c.canary)]
        chances = [fisher.p_value(_pair(self._counts[i].canary), _pair(self._counts[i].stable)) for i in asked]
        return frozenset(asked[i] for i in fisher.discoveries(chances))


_OUTCOMES: Final = ("lost", "tied", "won", "unscored", "fault_tied", "fault_won")


def _outcome(canary: Mark, stable: Mark) -> str:
    if canary.passed == stable.passed:
        return "tied"
    return "won" if canary.passed else "lost"


def _pair(counts: list[int]) -> tuple[int, int]:
    return counts[0], counts[1]


def _shown(counts: list[int]) -> str:
    return f"{counts[1]}/{sum(counts)}"
