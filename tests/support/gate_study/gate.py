"""The gate under study: the verdict of `core/verdict.py`, asked every ten pairs. It has no rule of its own."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from serinus.core.model import Budget, GatePolicy, Verdict
from serinus.core.report import Identity, Pairs, Report, Side
from serinus.core.verdict import judge
from serinus.probes.tally import WINDOW
from tests.support.gate_study.world import LOOK, PROBES, Pair

MAX_PAIRS = 1000
IDENTITY = {
    "namespace": "study",
    "service": "study",
    "revision": "canary",
    "gate": "study",
    "purpose": "BeforeTraffic",
    "digest": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule said in one rollout, after how many calls on both revisions together."""

    verdict: Verdict
    calls: int
    reason: str = ""


def policy(**changes: Any) -> GatePolicy:
    """The default gate of the API with changes; ratios in [0, 1]."""
    budget = Budget(pairs=MAX_PAIRS, tokens=10**9, duration=10**9)
    default = GatePolicy(floor=0.80, margin=0.05, tolerance=0.0, alpha=0.05, beta=0.10, budget=budget)
    return replace(default, **changes)


def run(rules: GatePolicy, world: Iterator[Pair], *, faults_count: bool = True) -> Outcome:
    """One rollout with a baseline: look every ten pairs, until there is a verdict or the budget of pairs is spent.

    `faults_count`: whether an error of stable counts against it in the evidence to roll back.
    """
    identity = Identity(baseline="stable", step=-1, attempt=0, **IDENTITY)
    lost = won = unscored = fault_won = canary_passed = stable_passed = 0
    window: deque[bool] = deque(maxlen=WINDOW)
    worst = 0
    seen: set[int] = set()
    for asked, (probe, canary, stable) in enumerate(world, 1):
        if unscored or stable is None:
            window.append(stable is None)
            worst = max(worst, sum(window))
        if stable is None:
            unscored += 1
            fault_won += canary
        else:
            seen.add(probe)
            lost += stable and not canary
            won += canary and not stable
            canary_passed += canary
            stable_passed += stable
        if asked % LOOK and asked != rules.budget.pairs:
            continue
        scored = asked - unscored
        report = Report(
            identity=identity,
            pairs=Pairs(
                lost=lost,
                tied=scored - lost - won,
                won=won,
                unscored=unscored,
                worst_window=worst,
                fault_tied=(unscored - fault_won) * faults_count,
                fault_won=fault_won * faults_count,
            ),
            canary=Side(passed=canary_passed, failed=scored - canary_passed),
            stable=Side(passed=stable_passed, failed=scored - stable_passed),
            probes_seen=len(seen),
            end="Budget" if asked == rules.budget.pairs else "",
        )
        said = judge(rules, report, probes=PROBES)
        if said.verdict is not Verdict.RUNNING:
            return Outcome(verdict=said.verdict, calls=2 * asked, reason=said.reason)
    raise AssertionError("the world ended before the budget")


def run_first(rules: GatePolicy, world: Iterator[tuple[int, bool]], *, probes: int = PROBES) -> Outcome:
    """One first revision, without a baseline: only the floor test; `probes` of them must be seen."""
    identity = Identity(baseline="", step=-1, attempt=0, **IDENTITY)
    passed = 0
    seen: set[int] = set()
    for asked, (probe, good) in enumerate(world, 1):
        passed += good
        seen.add(probe)
        if asked % LOOK and asked != rules.budget.pairs:
            continue
        report = Report(
            identity=identity,
            canary=Side(passed=passed, failed=asked - passed),
            probes_seen=len(seen),
            end="Budget" if asked == rules.budget.pairs else "",
        )
        said = judge(rules, report, probes=probes)
        if said.verdict is not Verdict.RUNNING:
            return Outcome(verdict=said.verdict, calls=asked, reason=said.reason)
    raise AssertionError("the world ended before the budget")
