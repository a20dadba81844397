"""E-values and intervals of the quality gate. Numbers in, numbers out: it knows no revision and decides nothing.

Source: betting e-processes (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024;
Orabona and Jun, 2021), with four fixed bets. Each term is a non-negative supermartingale with mean ≤ 1 under its null,
so by Ville's inequality the chance that it ever reaches 1/alpha is at most alpha: one may look at any time.
"""

import math
from collections.abc import Iterable
from typing import Final

BETS: Final = (0.15, 0.30, 0.50, 0.75)
FLOOR_ALPHA: Final = 0.01
CRITICAL_FAIL: Final = 5.0
"""Likelihood ratio of a failed critical probe: 50 % against the 10 % that a healthy one may fail."""
CRITICAL_PASS: Final = 5.0 / 9.0
"""Likelihood ratio of a passed critical probe: 50 % against 90 %."""
_GRID = 0.001


def rollback(lost: int, tied: int, won: int, *, tolerance: float = 0.0) -> float:
    """Evidence against "the canary loses at most `tolerance`" (a ratio in [0, 1)); roll back at 1/alpha."""
    _check_counts(lost, tied, won)
    t = tolerance
    return _mean(
        lost * math.log1p(g * (1 - t) / (1 + t)) + tied * math.log1p(-g * t / (1 + t)) + won * math.log1p(-g)
        for g in BETS
    )


def promotion(lost: int, tied: int, won: int, *, margin: float) -> float:
    """Evidence against "the canary loses `margin` or more" (a ratio in (0, 1)); it may be promoted at 1/beta."""
    _check_counts(lost, tied, won)
    m = margin
    return _mean(
        lost * math.log1p(-g) + tied * math.log1p(g * m / (1 - m)) + won * math.log1p(g * (1 + m) / (1 - m))
        for g in BETS
    )


def floor_rollback(passed: int, failed: int, *, floor: float) -> float:
    """Evidence against "the revision passes at least `floor`" (a ratio in (0, 1]); failed at 1/FLOOR_ALPHA."""
    _check_counts(passed, failed)
    c = max(floor, 1 - floor)
    return _mean(passed * math.log1p(-g * (1 - floor) / c) + failed * math.log1p(g * floor / c) for g in BETS)


def floor_promotion(passed: int, failed: int, *, floor: float, margin: float) -> float:
    """Evidence against "the revision passes less than `floor - margin`" (ratios, floor > margin); passed at 1/beta."""
    _check_counts(passed, failed)
    limit = floor - margin
    c = max(limit, 1 - limit)
    return _mean(passed * math.log1p(g * (1 - limit) / c) + failed * math.log1p(-g * limit / c) for g in BETS)


def critical(passed: int, failed: int) -> float:
    """Evidence against "a critical probe passes at least 90 %"; failed at C/alpha with C of them, open above 1."""
    _check_counts(passed, failed)
    return _exp(failed * math.log(CRITICAL_FAIL) + passed * math.log(CRITICAL_PASS))


def interval(lost: int, tied: int, won: int, *, alpha: float) -> tuple[float, float]:
    """The differences (ratios, -1 to 1) that the pairs do not refute at 1 - 2·alpha, on a grid of 0.1 points.

    {mu : (W+(mu) + W-(mu)) / 2 < 1 / (2 alpha)}, W± betting with and against mu; agrees with the rollback rule.
    """
    _check_counts(lost, tied, won)
    if lost + tied + won == 0:
        return (-1.0, 1.0)
    kept = [mu for mu in _grid() if _wealth(lost, tied, won, mu) < 1 / (2 * alpha)]
    if not kept:
        middle = (won - lost) / (lost + tied + won)
        return (middle, middle)
    return (kept[0], kept[-1])


def _wealth(lost: int, tied: int, won: int, mu: float) -> float:
    """Mean of the wealth of the bets on "more than mu" and on "less than mu", for outcomes in {-1, 0, 1}."""
    above = _mean(_bet(lost, tied, won, mu=mu, stake=g / (1 + mu)) for g in BETS) if mu > -1 else math.inf
    below = _mean(_bet(lost, tied, won, mu=mu, stake=-g / (1 - mu)) for g in BETS) if mu < 1 else math.inf
    return (above + below) / 2


def _bet(lost: int, tied: int, won: int, *, mu: float, stake: float) -> float:
    return sum(n * math.log1p(stake * (d - mu)) for n, d in ((lost, -1), (tied, 0), (won, 1)))


def _grid() -> Iterable[float]:
    return (round(-1 + i * _GRID, 3) for i in range(2001))


def _mean(logs: Iterable[float]) -> float:
    values = [_exp(x) for x in logs]
    return sum(values) / len(values)


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))  # beyond 1e304 more evidence changes nothing, and infinity is no JSON number


def _check_counts(*counts: int) -> None:
    if any(n < 0 for n in counts):
        raise ValueError(f"counts must not be negative: found {counts}")
