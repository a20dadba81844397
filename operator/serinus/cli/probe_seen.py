"""What the lines of a run say of each probe: passes on both sides, pairs by outcome, an answer of each side.

It takes lines one by one and keeps little of each, so that a long run fits in memory. It prints nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from serinus.probes.lines import CANARY

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What both sides said in one pair; `stable` is empty without a baseline."""

    canary: str
    reason: str  # why the canary's is wrong
    stable: str = ""


@dataclass(slots=True)
class ProbeSeen:
    """One probe: outcomes of its pairs, with the answers of the first one that the canary lost."""

    name: str
    pairs: list[tuple[int, bool | None, bool | None]] = field(default_factory=list)
    lost: tuple[int, Answers] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One probe in the pairs that were counted."""

    name: str
    canary: tuple[int, int]  # passed, asked
    stable: tuple[int, int]
    lost: int
    tied: int
    won: int
    unscored: int
    answers: Answers | None

    @property
    def loss(self) -> int:
        """Pairs lost, less those won."""
        return self.lost - self.won


class Seen:
    """Takes every line of a run; `rows` at its end."""

    def __init__(self) -> None:
        self._probes: dict[str, ProbeSeen] = {}
        self._paired = False
        self._waiting: dict[int, Line] = {}

    def see(self, line: Line) -> None:
        """Take one line."""
        if line["event"] == "run":
            self._paired = bool(line["run"]["identity"]["baseline"])
            self._probes = {name: ProbeSeen(name) for name in line["probes"]}
        elif line["event"] == "sample":
            self._sample(line)

    def rows(self, counted: int) -> list[Row]:
        """Every probe with the pairs of the numbers below `counted`, the greatest losses first."""
        rows = [self._row(probe, counted) for probe in self._probes.values()]
        return sorted(rows, key=lambda r: -r.loss)

    def _sample(self, line: Line) -> None:
        number = line["pair"]
        if not self._paired:
            self._pair(number, line, None)
            return
        other = self._waiting.pop(number, None)
        if other is None:
            self._waiting[number] = line
            return
        canary, stable = (line, other) if line["side"] == CANARY else (other, line)
        self._pair(number, canary, stable)

    def _pair(self, number: int, canary: Line, stable: Line | None) -> None:
        probe = self._probes[canary["probe"]]
        probe.pairs.append((number, canary["passed"], stable["passed"] if stable else None))
        failed = canary["passed"] is False and (stable is None or stable["passed"] is True)
        if failed and (probe.lost is None or number < probe.lost[0]):
            said = stable["answer"] if stable else ""
            found = Answers(canary=canary["answer"], reason=canary["reason"], stable=said)
            probe.lost = (number, found)

    def _row(self, probe: ProbeSeen, counted: int) -> Row:
        pairs = [(canary, stable) for number, canary, stable in probe.pairs if number < counted]
        known = [(c, s if self._paired else True) for c, s in pairs]  # without a baseline each failure is a loss
        scored = [(c, s) for c, s in known if c is not None and s is not None]
        asked, stable_asked = len(scored), len(scored) if self._paired else 0
        return Row(
            name=probe.name,
            canary=(sum(c for c, _ in scored), asked),
            stable=(sum(s for _, s in scored) if self._paired else 0, stable_asked),
            lost=sum(not c and s for c, s in scored),
            tied=sum(c == s for c, s in scored),
            won=sum(c and not s for c, s in scored),
            unscored=len(pairs) - asked,
            answers=probe.lost[1] if probe.lost and probe.lost[0] < counted else None,
        )
