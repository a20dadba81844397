"""Kayenta's judge for one metric: is the canary "Low"? Only the rule that its users run, for whole-numbered points.

Source: its MannWhitneyClassifier (98 % confidence, tolerance 0.25, no effect size): Low when the upper confidence limit
of the Hodges-Lehmann shift is under -0.25 times the size of the estimated shift. The interval is the asymptotic one
with continuity and tie correction, as in R's `wilcox.test(exact = FALSE)`.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence

Points = Counter[int]

_Z = 2.3263478740408408
"""Normal quantile of 99 %: half of what a 98 % interval leaves out."""
_TOLERANCE = 0.25


def is_low(canary: Sequence[int], stable: Sequence[int]) -> bool:
    """Whether the canary's points (equally many as stable's) are Low; points that do not vary at all are not."""
    x, y = Counter(canary), Counter(stable)
    if len(x | y) == 1:
        return False
    upper = _root(x, y, lambda d: _statistic(x, y, d, corrected=True) + _Z)
    estimate = _root(x, y, lambda d: _statistic(x, y, d, corrected=False))
    return upper < -_TOLERANCE * abs(estimate)


def _root(x: Points, y: Points, f: Callable[[float], float]) -> float:
    """Where a falling step function of the shift changes its sign: it jumps at whole numbers only."""
    low, high = min(x) - max(y), max(x) - min(y)
    while low < high:
        middle = (low + high) // 2
        if f(middle + 0.5) > 0:
            low = middle + 1
        else:
            high = middle
    return low


def _statistic(x: Points, y: Points, shift: float, *, corrected: bool) -> float:
    """Standardised Mann-Whitney statistic of `x - shift` against `y`, for a shift that makes no new ties."""
    m, n = x.total(), y.total()
    wins = sum(i * j for a, i in x.items() for b, j in y.items() if a - shift > b)
    centred = wins - m * n / 2
    if corrected and centred:
        centred -= math.copysign(0.5, centred)
    ties = sum(k**3 - k for points in (x, y) for k in points.values())
    sigma = math.sqrt(m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1))))
    return centred / sigma
