"""What a gate compares in each pair, and its running sums: whole tests, graded scores, or named metrics. Pure.

It asks nobody and judges nothing; `core/measure.py` says what the sums are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from serinus.core import evidence
from serinus.core.measure import Measure, rounded
from serinus.core.model import GatePolicy
from serinus.core.probe import Assertion, Probe

_HALF: Final = 0.5
"""Score from which an assertion of weight 0, which measures and decides nothing, counts as passed in its metric."""

Values = tuple[float | None, ...]
"""One value in [0, 1] for each thing that a gate compares; None: this probe does not measure it."""


def values(policy: GatePolicy, probe: Probe, score: float, assertions: Sequence[Mapping[str, Any]]) -> Values:
    """What an answer is worth; without assertions (it was wrong as a whole, or could not be scored) it is worth 0."""
    if not policy.metrics:
        return (score,) if policy.graded else ()
    return tuple(_metric(policy, probe, metric.name, assertions) for metric in policy.metrics)


def _metric(policy: GatePolicy, probe: Probe, name: str, found: Sequence[Mapping[str, Any]]) -> float | None:
    """The weighted mean of the assertions of that name, or whether all of them passed."""
    if not any(a.metric == name for a in probe.assertions):
        return None
    named = [(a, f) for a, f in zip(probe.assertions, found, strict=False) if a.metric == name]
    if not named:
        return 0.0
    if any(f["passed"] is None for _, f in named):
        return None  # a judge that did not answer says nothing of the answer
    if not policy.graded:
        return float(all(_passed(a, f) for a, f in named))
    weights = [a.weight for a, _ in named]
    if not any(weights):
        weights = [1.0] * len(named)
    return sum(w * float(f["score"]) for w, (_, f) in zip(weights, named, strict=True)) / sum(weights)


def _passed(assertion: Assertion, found: Mapping[str, Any]) -> bool:
    return bool(found["passed"]) and (assertion.weight > 0 or float(found["score"]) >= _HALF)


class Sums:
    """Running sums of one thing that is compared."""

    def __init__(self, policy: GatePolicy) -> None:
        self._policy = policy
        self._counts = {"lost": 0, "tied": 0, "won": 0, "fault_tied": 0, "fault_won": 0}
        self._total = 0.0
        self._squares = 0.0
        self._rollback = [0.0] * len(evidence.BETS)
        self._promotion = [0.0] * len(evidence.BETS)

    def add(self, canary: float, stable: float) -> None:
        """Count a pair with a value on both sides."""
        d = canary - stable
        self._counts["lost" if d < 0 else "won" if d > 0 else "tied"] += 1
        self._total += d
        self._squares += d * d
        _add(self._rollback, evidence.bet_rollback(d, self._policy.tolerance))
        _add(self._promotion, evidence.bet_promotion(d, self._policy.margin))

    def add_fault(self, canary: float) -> None:
        """Count a pair in which stable answered with an error: against a rollback, as stable's 0."""
        self._counts["fault_won" if canary > 0 else "fault_tied"] += 1
        _add(self._rollback, evidence.bet_rollback(canary, self._policy.tolerance))

    def measure(self) -> Measure:
        """The sums as a report holds them: logarithms only where scores are compared."""
        c = self._counts
        counted = Measure(
            lost=c["lost"], tied=c["tied"], won=c["won"], fault_tied=c["fault_tied"], fault_won=c["fault_won"]
        )
        if not self._policy.graded:
            return counted
        return replace(
            counted,
            total=round(self._total, 6),
            squares=round(self._squares, 6),
            rollback=rounded(self._rollback),
            promotion=rounded(self._promotion),
        )


class FloorSums:
    """Running sums of the floor test over graded scores of the canary."""

    def __init__(self, policy: GatePolicy) -> None:
        self._policy = policy
        self._total = 0.0
        self._logs = [0.0] * (2 * len(evidence.BETS))

    def add(self, score: float) -> None:
        """Count an answer."""
        policy = self._policy
        self._total += score
        promotion = evidence.bet_floor_promotion(score, policy.floor, policy.margin)
        _add(self._logs, (*evidence.bet_floor_rollback(score, policy.floor), *promotion))

    def sums(self) -> tuple[float, ...]:
        """The sums as a report holds them; none where passes are counted."""
        return (round(self._total, 6), *rounded(self._logs)) if self._policy.graded else ()


def _add(sums: list[float], logs: Sequence[float]) -> None:
    for i, value in enumerate(logs):
        sums[i] += value
