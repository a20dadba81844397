"""The other forms of the gate: a tolerance, graded scores, several metrics. It draws outcomes; the product judges."""

import random
from collections.abc import Callable, Iterator

from serinus.core.model import GatePolicy, MetricWeight, Verdict
from serinus.core.report import Identity, Pairs, Report, Side
from serinus.core.verdict import judge
from serinus.probes.sums import FloorSums, Sums
from tests.support.gate_study import gate, world
from tests.support.gate_study.world import LOOK, PROBES

METRICS = 5
_MEAN = 0.85
_SHARED = 0.3
"""Chance that two metrics of one answer share one draw."""

Values = tuple[int, tuple[float, ...], tuple[float, ...]]
"""Probe, canary's and stable's value of each thing that is compared."""


def tolerant(rng: random.Random, drop: float) -> gate.Outcome:
    """Passes, with a tolerance of two points."""
    return gate.run(gate.policy(tolerance=0.02), world.pairs(rng, drop))


def graded(rng: random.Random, drop: float) -> gate.Outcome:
    """Scores of mean 0.85; the canary's are lower by `drop` in the mean."""
    return run(gate.policy(graded=True, floor=0.70), _scores(rng, drop))


def metrics(rng: random.Random, drop: float) -> gate.Outcome:
    """Five metrics of equal weight, joined in one gate; the first one passes `drop` less."""
    named = tuple(MetricWeight(name=f"m{i}") for i in range(METRICS))
    return run(gate.policy(metrics=named), _metrics(rng, drop))


FORMS: dict[str, Callable[[random.Random, float], gate.Outcome]] = {
    "`tolerancePoints: 2`": tolerant,
    "graded scores (`compare: Score`), mean 0.85": graded,
    f"{METRICS} metrics, one of which changes": metrics,
}


def run(rules: GatePolicy, pairs: Iterator[Values]) -> gate.Outcome:
    """One rollout with a baseline, as `gate.run`, on values instead of passes."""
    identity = Identity(baseline="stable", step=-1, attempt=0, **gate.IDENTITY)
    sums = [Sums(rules) for _ in range(len(rules.metrics) or 1)]
    floor = FloorSums(rules)
    seen: set[int] = set()
    for asked, (probe, canary, stable) in enumerate(pairs, 1):
        seen.add(probe)
        floor.add(canary[0])
        for one, c, s in zip(sums, canary, stable, strict=True):
            one.add(c, s)
        if asked % LOOK and asked != rules.budget.pairs:
            continue
        report = Report(
            identity=identity,
            pairs=Pairs(tied=asked),
            canary=Side(passed=asked),
            stable=Side(passed=asked),
            probes_seen=len(seen),
            measures=tuple(one.measure() for one in sums),
            floor=floor.sums(),
            end="Budget" if asked == rules.budget.pairs else "",
        )
        said = judge(rules, report, probes=PROBES)
        if said.verdict is not Verdict.RUNNING:
            return gate.Outcome(verdict=said.verdict, calls=2 * asked, reason=said.reason)
    raise AssertionError("the world ended before the budget")


def _scores(rng: random.Random, drop: float) -> Iterator[Values]:
    """Each probe has its own mean; a score is uniform around it, and never leaves [0, 1]."""
    means = [_MEAN + rng.uniform(-0.05, 0.05) for _ in range(PROBES)]
    shift = _MEAN - sum(means) / PROBES
    order = list(range(PROBES))
    while True:
        rng.shuffle(order)
        for i in order:
            mean = means[i] + shift
            yield i, (_score(rng, mean - drop),), (_score(rng, mean),)


def _score(rng: random.Random, mean: float) -> float:
    """A score of exactly this mean, uniform on as much as there is room for: here the deviation is near 0.09."""
    half = min(1 - mean, mean)
    return round(rng.uniform(mean - half, mean + half), 3)


def _metrics(rng: random.Random, drop: float) -> Iterator[Values]:
    """Pass or fail of five metrics of one answer; the same chances for every probe."""
    rates = [world.STABLE - drop, *[world.STABLE] * (METRICS - 1)]
    order = list(range(PROBES))
    while True:
        rng.shuffle(order)
        for i in order:
            yield i, _passes(rng, rates), _passes(rng, [world.STABLE] * METRICS)


def _passes(rng: random.Random, rates: list[float]) -> tuple[float, ...]:
    """Metrics that agree more than chance does: each uses the draw of the whole answer, or its own."""
    whole = rng.random()
    return tuple(float((whole if rng.random() < _SHARED else rng.random()) < rate) for rate in rates)
