"""What `serinus probe` found, as one value, with its exit code. Text, Markdown, JSON and JUnit are made from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from serinus.cli.probe_seen import Row
from serinus.core.model import GatePolicy, Verdict
from serinus.core.report import Report
from serinus.core.verdict import Judgement, judge
from serinus.core.wording import describe
from serinus.probes.ledger import Look

BROKEN: Final = 3
CODES: Final = {Verdict.PASSED: 0, Verdict.FAILED: 1, Verdict.INCONCLUSIVE: 2, Verdict.BROKEN: BROKEN}
_MOST_LOOKS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run that has ended. `rows`: every probe, the greatest losses first."""

    policy: GatePolicy
    report: Report
    judgement: Judgement
    rows: Sequence[Row]
    looks: Sequence[Look]
    source: str  # the file of questions

    @property
    def paired(self) -> bool:
        """Whether there is a stable side."""
        return bool(self.report.identity.baseline)

    @property
    def verdict(self) -> Verdict:
        """The verdict; a run that a person ended has said nothing against the canary or for it."""
        return self.judgement.verdict

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.verdict]

    @property
    def message(self) -> str:
        """The verdict in words."""
        return describe(self.policy, self.report, self.judgement)

    @property
    def worst(self) -> tuple[Row, ...]:
        """The probes that the report names, with what both sides said."""
        named = [w.probe for w in self.report.worst]
        return tuple(sorted((r for r in self.rows if r.name in named), key=lambda r: named.index(r.name)))

    @property
    def growth(self) -> tuple[Look, ...]:
        """The evidence as it grew: at most 20 of the looks, the last one among them."""
        step = -(-len(self.looks) // _MOST_LOOKS) or 1
        return tuple(reversed(self.looks[::-1][::step]))


def conclude(policy: GatePolicy, report: Report, *, probes: int) -> Judgement:
    """Judge as the operator does, except that what a person interrupted is Inconclusive."""
    found = judge(policy, report, probes=probes)
    if report.end == "Interrupted":
        return replace(found, verdict=Verdict.INCONCLUSIVE, reason="Interrupted")
    return found
