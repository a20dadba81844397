"""The gate under study: the verdict of `core/verdict.py`, asked every ten pairs. It has no rule of its own."""

from collections.abc import Iterator
from dataclasses import dataclass

from serinus.core.model import Budget, GatePolicy, Verdict
from serinus.core.report import Identity, Pairs, Report, Side
from serinus.core.verdict import judge
from tests.support.gate_study.world import LOOK, PROBES, Pair

MAX_PAIRS = 1000
_IDENTITY = {
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


def policy(*, margin: float = 0.05, floor: float = 0.80, pairs: int = MAX_PAIRS) -> GatePolicy:
    """The default gate of the API; ratios in [0, 1]."""
    budget = Budget(pairs=pairs, tokens=10**9, duration=10**9)
    return GatePolicy(floor=floor, margin=margin, tolerance=0.0, alpha=0.05, beta=0.10, budget=budget)


def run(rules: GatePolicy, world: Iterator[Pair]) -> Outcome:
    """One rollout with a baseline: look every ten pairs, until there is a verdict or the budget of pairs is spent."""
    identity = Identity(baseline="stable", step=-1, attempt=0, **_IDENTITY)
    lost = won = unscored = canary_passed = stable_passed = 0
    seen: set[int] = set()
    for asked, (probe, canary, stable) in enumerate(world, 1):
        if stable is None:
            unscored += 1
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
            pairs=Pairs(lost=lost, tied=scored - lost - won, won=won, unscored=unscored),
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
    identity = Identity(baseline="", step=-1, attempt=0, **_IDENTITY)
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
