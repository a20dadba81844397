"""The rules that people use today, on the same pairs as the gate. Each says Failed or Passed, and what it cost."""

import math
from collections.abc import Callable, Sequence
from functools import cache

from serinus.core.model import Verdict
from tests.support.gate_study.gate import MAX_PAIRS, Outcome
from tests.support.gate_study.kayenta import is_low
from tests.support.gate_study.world import PROBES

Scored = Sequence[tuple[bool, bool]]
"""Canary's and stable's score of each pair, in order."""

_CHECK = 20
_CHECKS = 10
_ENOUGH = 18
"""Of 20: a check that asks for 90 %."""
_POINTS = 50


def any_drop(scores: Scored) -> Outcome:
    """Every probe once on each revision; rolled back if the canary passes fewer."""
    once = scores[:PROBES]
    return _outcome(sum(c for c, _ in once) < sum(s for _, s in once), 2 * PROBES)


def failure_limit(limit: int) -> Callable[[Scored], Outcome]:
    """Ten checks of 20 calls, canary only, success at 90 %; rolled back at more than `limit` failed checks."""

    def rule(scores: Scored) -> Outcome:
        failures = 0
        for check in range(1, _CHECKS + 1):
            part = scores[(check - 1) * _CHECK : check * _CHECK]
            failures += sum(c for c, _ in part) < _ENOUGH
            if failures > limit:
                return _outcome(True, check * _CHECK)
        return _outcome(False, _CHECKS * _CHECK)

    return rule


def kayenta(scores: Scored) -> Outcome:
    """Fifty points of 20 calls on each revision, judged as one metric."""
    canary, stable = (
        [sum(pair[side] for pair in scores[i : i + _CHECK]) for i in range(0, _POINTS * _CHECK, _CHECK)]
        for side in (0, 1)
    )
    return _outcome(is_low(canary, stable), 2 * _POINTS * _CHECK)


def mcnemar(scores: Scored) -> Outcome:
    """McNemar's test with the mid-p value, one-sided at 5 %, once, after 1,000 pairs."""
    lost = sum(s and not c for c, s in scores)
    won = sum(c and not s for c, s in scores)
    return _outcome(_mid_p(lost, lost + won) <= 0.05, 2 * MAX_PAIRS)


RULES: dict[str, Callable[[Scored], Outcome]] = {
    "one run each, any drop": any_drop,
    "Argo style: ten checks of 20, `failureLimit: 0`": failure_limit(0),
    "Argo style: ten checks of 20, `failureLimit: 2`": failure_limit(2),
    "Kayenta's judge, 50 points of 20": kayenta,
    "McNemar mid-p, 1,000 pairs": mcnemar,
}


@cache
def _mid_p(lost: int, n: int) -> float:
    """P(X > lost) + P(X = lost) / 2 for X binomial(n, 1/2)."""
    above = sum(math.comb(n, k) for k in range(lost + 1, n + 1))
    return (2 * above + math.comb(n, lost)) / (2 << n)


def _outcome(failed: bool, calls: int) -> Outcome:
    return Outcome(verdict=Verdict.FAILED if failed else Verdict.PASSED, calls=calls)
