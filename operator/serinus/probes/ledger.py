"""Counts finished pairs in the order in which they were asked, and says when they decide. Pure; it asks nobody.

The runner counts with it while it asks, and a replay counts with it again from the lines of a run: they cannot differ.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from serinus.core import timing
from serinus.core.judge_quality import Quality, calibrated
from serinus.core.model import Verdict
from serinus.core.probe import Probe
from serinus.core.report import Report, Usage
from serinus.core.runspec import RunSpec
from serinus.core.verdict import Evidence, judge
from serinus.probes.tally import Mark, Tally

LOOK_EVERY: Final = 10
_MAX_LOOKS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One side of a pair. `cached`: why its answer looks as if a cache had given it.

    Of a streamed answer also when its first token came, and the times between two of them.
    """

    mark: Mark
    cached: str = ""
    first_ms: float = 0.0  # 0: not timed
    gaps: timing.Counts = ()


NOBODY: Final = Sample(mark=Mark(passed=None))
"""The side of stable where there is no baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """What is known of the judges of a run before anything is counted; without judges nothing."""

    digest: str = ""
    quality: Quality = field(default_factory=Quality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The evidence after so many pairs."""

    pairs: int
    evidence: Evidence


@dataclass(slots=True)
class _Clock:
    """The times of one side's streamed answers."""

    first: Counter[int] = field(default_factory=Counter)
    between: Counter[int] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        if sample.first_ms:
            self.first[timing.position(sample.first_ms)] += 1
            self.between.update(timing.unpacked(sample.gaps))

    def timing(self) -> timing.Timing:
        return timing.Timing(first=timing.packed(self.first), between=timing.packed(self.between))


class Ledger:
    """The counts of one run. Nothing is added any more once it has `decided`."""

    def __init__(self, spec: RunSpec, probes: tuple[Probe, ...], judges: Judges, *, cached: str = "") -> None:
        self._spec = spec
        self._probes = len(probes)
        self._judges = judges
        self._tally = Tally(spec.identity, probes, calibrated(spec.policy, judges.quality))
        self._finished: dict[int, tuple[int, Sample, Sample]] = {}
        self._seen: set[int] = set()
        self._cached = cached
        self._clocks = (_Clock(), _Clock())
        self.counted = 0
        """Pairs that were looked at: those of the numbers below it."""
        self.decided = False
        self.looks: list[Look] = []

    def add(self, number: int, probe: int, canary: Sample, stable: Sample = NOBODY) -> None:
        """Keep a finished pair, then count all that are next in order; look every ten pairs."""
        self._finished[number] = (probe, canary, stable)
        while not self.decided and self.counted in self._finished:
            known, first, second = self._finished.pop(self.counted)
            self.counted += 1
            self._cached = self._cached or first.cached or second.cached
            if self._cached and known in self._seen:
                self.decided = True  # only the first answer of each probe counts then, and the verdict is known
                return
            self._seen.add(known)
            self._tally.add(known, first.mark, second.mark)
            for clock, sample in zip(self._clocks, (first, second), strict=True):
                clock.add(sample)
            if self.counted % LOOK_EVERY == 0:
                self._look()

    def report(self, usage: Usage, *, end: str = "", error: str = "") -> Report:
        """Everything counted so far as a report."""
        found = self._tally.report(usage, end=end, cached=self._cached, error=error)
        times = (self._clocks[0].timing(), self._clocks[1].timing())
        return replace(found, judge=self._judges.quality, judge_digest=self._judges.digest, timing=times)

    def _look(self) -> None:
        found = judge(self._spec.policy, self.report(Usage()), probes=self._probes)
        self.decided = found.verdict is not Verdict.RUNNING
        if len(self.looks) < _MAX_LOOKS or self.decided:
            self.looks.append(Look(pairs=self.counted, evidence=found.evidence))
