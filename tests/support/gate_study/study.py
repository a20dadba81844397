"""Runs every row of the study. It counts; it writes nothing and judges nothing."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from serinus.core.model import Verdict
from tests.support.gate_study import gate, world
from tests.support.gate_study.forms import FORMS
from tests.support.gate_study.rules import RULES, Scored

DROPS = (0.0, 0.02, 0.05, 0.10)
FAULT_DROPS = (0.0, 0.05, 0.10)
FIRST_RATES = (0.95, 0.90, 0.85, 0.80, 0.77, 0.75, 0.70, 0.60)
JUDGE_ERROR = 0.05

UNCOUNTED = "the same, were stable's errors not counted against it"
THE_GATE = "**the gate**, look every 10 pairs, at most 1,000"

FAULTS = {
    "10 % of batches meet a bad judge, revisions interleaved": world.Fault(bad_batches=0.1),
    "the same, one revision after the other": world.Fault(bad_batches=0.1, sequential=True),
    "a gateway caches answers, and nobody notices": world.Fault(cached=True),
    "the judge errs in 5 %, each way (margin 4.5 points)": world.Fault(judge_errors=JUDGE_ERROR),
    "0.5 % of the calls of either side end in 5xx": world.Fault(transport=0.005),
    "2 % of the calls of either side end in 5xx": world.Fault(transport=0.02),
    UNCOUNTED: world.Fault(transport=0.02),
    "the canary makes 4 % of stable's calls end in 5xx": world.Fault(stable_errors=0.04),
    "the canary makes 10 % of stable's calls end in 5xx": world.Fault(stable_errors=0.10),
    "garbage canary, every call of stable ends in 5xx": world.Fault(stable_errors=1.0, garbage=True),
    "garbage canary, 4 % of stable's calls end in 5xx": world.Fault(stable_errors=0.04, garbage=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What one rule did in many rollouts of one kind."""

    runs: int
    failed: int
    passed: int
    calls: tuple[int, ...]  # of each rollout, ascending

    @property
    def undecided(self) -> int:
        """Neither Failed nor Passed."""
        return self.runs - self.failed - self.passed

    @property
    def mean_calls(self) -> float:
        """Calls on both revisions together."""
        return sum(self.calls) / self.runs

    @property
    def p95_calls(self) -> int:
        """Calls that 95 % of the rollouts did not exceed."""
        return self.calls[-(-self.runs * 95 // 100) - 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """All rows; keys are (what, drop or rate)."""

    seed: int
    rollouts: int
    rules: dict[tuple[str, float], Cell]
    faults: dict[tuple[str, float], Cell]
    forms: dict[tuple[str, float], Cell]
    first: dict[tuple[int, float], Cell]  # by probes that must be seen, and rate


Progress = Callable[[str], None]


def study(seed: int, rollouts: int, progress: Progress) -> Study:
    """Run everything; the same seed and number of rollouts give the same counts."""
    rules: dict[tuple[str, float], Cell] = {}
    for drop in DROPS:
        progress(f"today's rules and the gate, {100 * drop:g} points lost")
        rules |= {(name, drop): cell for name, cell in compare(seed, rollouts, drop).items()}
    faults = {("nothing", drop): rules[THE_GATE, drop] for drop in FAULT_DROPS}
    for name in FAULTS:
        for drop in FAULT_DROPS:
            progress(f"{name}, {100 * drop:g} points lost")
            faults[name, drop] = with_fault(seed, rollouts, name, drop)
    forms = {}
    for name in FORMS:
        for drop in DROPS:
            progress(f"{name}, {100 * drop:g} points lost")
            forms[name, drop] = with_form(seed, rollouts, name, drop)
    first = {}
    for rate in FIRST_RATES:
        progress(f"first revision of {100 * rate:g} %")
        for probes in (1, world.PROBES):
            first[probes, rate] = first_revision(seed, rollouts, rate, probes)
    return Study(seed=seed, rollouts=rollouts, rules=rules, faults=faults, forms=forms, first=first)


def compare(seed: int, rollouts: int, drop: float) -> dict[str, Cell]:
    """The gate and today's rules on the same pairs."""
    rng = _random(seed, "rules", drop)
    policy = gate.policy()
    outcomes: dict[str, list[gate.Outcome]] = {name: [] for name in (*RULES, THE_GATE)}
    for _ in range(rollouts):
        pairs = list(islice(world.pairs(rng, drop), gate.MAX_PAIRS))
        scores: Scored = [(canary, bool(stable)) for _, canary, stable in pairs]
        for name, rule in RULES.items():
            outcomes[name].append(rule(scores))
        outcomes[THE_GATE].append(gate.run(policy, iter(pairs)))
    return {name: _cell(found) for name, found in outcomes.items()}


def with_fault(seed: int, rollouts: int, name: str, drop: float) -> Cell:
    """The gate while something is wrong with the measurement."""
    rng, fault = _random(seed, name, drop), FAULTS[name]
    policy = gate.policy(margin=0.05 * (1 - 2 * fault.judge_errors))
    counted = name != UNCOUNTED
    return _cell(gate.run(policy, world.pairs(rng, drop, fault), faults_count=counted) for _ in range(rollouts))


def with_form(seed: int, rollouts: int, name: str, drop: float) -> Cell:
    """Another form of the gate, in its own world."""
    rng = _random(seed, name, drop)
    return _cell(FORMS[name](rng, drop) for _ in range(rollouts))


def first_revision(seed: int, rollouts: int, rate: float, probes: int) -> Cell:
    """The floor test alone, on a revision that passes `rate`; at least `probes` of 100 probes must be seen."""
    rng, policy = _random(seed, "first", rate), gate.policy()
    return _cell(gate.run_first(policy, world.answers(rng, rate), probes=probes) for _ in range(rollouts))


def _random(seed: int, what: str, number: float) -> random.Random:
    return random.Random(f"{seed} {what} {number}")


def _cell(outcomes: Iterable[gate.Outcome]) -> Cell:
    found = list(outcomes)
    return Cell(
        runs=len(found),
        failed=sum(o.verdict is Verdict.FAILED for o in found),
        passed=sum(o.verdict is Verdict.PASSED for o in found),
        calls=tuple(sorted(o.calls for o in found)),
    )
