"""E-values and intervals of the quality gate. Numbers in, numbers out: it knows no revision and decides nothing.

Source: betting e-processes (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024;
Orabona and Jun, 2021), with four fixed bets. Each term is a non-negative supermartingale with mean ≤ 1 under its null,
so by Ville's inequality the chance that it ever reaches 1/alpha is at most alpha: one may look at any time.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

BETS: Final = (0.15, 0.30, 0.50, 0.75)
FLOOR_ALPHA: Final = 0.01
CRITICAL_FAIL: Final = 5.0
"""Likelihood ratio of a failed critical probe: 50 % against the 10 % that a healthy one may fail."""
CRITICAL_PASS: Final = 5.0 / 9.0
"""Likelihood ratio of a passed critical probe: 50 % against 90 %."""
_GRID = 0.001
_MIDDLE = 1000


Logs = tuple[float, ...]
"""One logarithm for each bet."""


@lru_cache(maxsize=4096)
def bet_rollback(d: float, tolerance: float) -> Logs:
    """What a pair with the difference `d` (canary - stable, in [-1, 1]) adds to the logarithms of the rollback."""
    return tuple(math.log1p(-g * (d + tolerance) / (1 + tolerance)) for g in BETS)


@lru_cache(maxsize=4096)
def bet_promotion(d: float, margin: float) -> Logs:
    """What a pair with the difference `d` in [-1, 1] adds to the logarithms of the promotion."""
    return tuple(math.log1p(g * (d + margin) / (1 - margin)) for g in BETS)


@lru_cache(maxsize=4096)
def bet_floor_rollback(score: float, floor: float) -> Logs:
    """What an answer with a score in [0, 1] adds to the logarithms of "it is below the floor"."""
    c = max(floor, 1 - floor)
    return tuple(math.log1p(-g * (score - floor) / c) for g in BETS)


@lru_cache(maxsize=4096)
def bet_floor_promotion(score: float, floor: float, margin: float) -> Logs:
    """What an answer with a score in [0, 1] adds to the logarithms of "it is above the floor less the margin"."""
    limit = floor - margin
    c = max(limit, 1 - limit)
    return tuple(math.log1p(g * (score - limit) / c) for g in BETS)


def rollback(lost: int, tied: int, won: int, *, tolerance: float = 0.0) -> float:
    """Evidence against "the canary loses at most `tolerance`" (a ratio in [0, 1)); roll back at 1/alpha."""
    _check_counts(lost, tied, won)
    _require(0 <= tolerance < 1, "tolerance", tolerance, "in [0, 1)")
    return _of_counts((lost, tied, won), tuple(bet_rollback(d, tolerance) for d in (-1, 0, 1)))


def promotion(lost: int, tied: int, won: int, *, margin: float) -> float:
    """Evidence against "the canary loses `margin` or more" (a ratio in (0, 1)); it may be promoted at 1/beta."""
    _check_counts(lost, tied, won)
    _require(0 < margin < 1, "margin", margin, "in (0, 1)")
    return _of_counts((lost, tied, won), tuple(bet_promotion(d, margin) for d in (-1, 0, 1)))


def floor_rollback(passed: int, failed: int, *, floor: float) -> float:
    """Evidence against "the revision passes at least `floor`" (a ratio in (0, 1]); failed at 1/FLOOR_ALPHA."""
    _check_counts(passed, failed)
    _require(0 < floor <= 1, "floor", floor, "in (0, 1]")
    return _of_counts((failed, passed), tuple(bet_floor_rollback(s, floor) for s in (0, 1)))


def floor_promotion(passed: int, failed: int, *, floor: float, margin: float) -> float:
    """Evidence against "the revision passes at most `floor - margin`" (ratios, 0 < margin < floor); passed at 1/beta.

    A floor that is not above the margin is refused: its null can never be true, so everything would pass.
    """
    _check_counts(passed, failed)
    _require(0 < floor <= 1, "floor", floor, "in (0, 1]")
    _require(0 < margin < floor, "margin", margin, f"in (0, {floor:g}), below the floor")
    return _of_counts((failed, passed), tuple(bet_floor_promotion(s, floor, margin) for s in (0, 1)))


def of_sums(logs: Sequence[float]) -> float:
    """Evidence from the running sums of logarithms, one for each bet; 1 when there are none."""
    return _mean(logs) if logs else 1.0


def together(values: Sequence[float], weights: Sequence[float]) -> float:
    """Weighted mean of e-values of unknown dependence: the only admissible way to merge them (Vovk and Wang, 2021)."""
    return sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)


def critical(passed: int, failed: int) -> float:
    """Evidence against "a critical probe passes at least 90 %"; failed at C/alpha with C of them, open above 1."""
    _check_counts(passed, failed)
    return _exp(failed * math.log(CRITICAL_FAIL) + passed * math.log(CRITICAL_PASS))


def interval(lost: int, tied: int, won: int, *, alpha: float) -> tuple[float, float]:
    """The differences (ratios, -1 to 1) that the pairs do not refute at 1 - 2·alpha, on a grid of 0.1 points.

    {mu : (W+(mu) + W-(mu)) / 2 < 1 / (2 alpha)}, W± betting with and against mu. It excludes 0 whenever the rollback
    evidence without a tolerance has reached 1/alpha.
    """
    _check_counts(lost, tied, won)
    _require(0 < alpha <= 0.5, "alpha", alpha, "in (0, 0.5]")
    pairs = lost + tied + won
    if pairs == 0:
        return (-1.0, 1.0)
    steps = (won - lost) / pairs / _GRID + _MIDDLE
    near = (max(0, math.floor(steps)), min(2 * _MIDDLE, math.ceil(steps)))

    def kept(i: int) -> bool:
        return _wealth(lost, tied, won, _grid(i)) < 1 / (2 * alpha)

    # W+ and W- are convex in mu and at most 1 at the mean: what is kept is one piece around it, and bisection finds it
    inside = [i for i in near if kept(i)]
    if not inside:
        return (_grid(near[0]), _grid(near[1]))
    first = bisect_left(range(inside[0]), True, key=kept)
    after = bisect_left(range(inside[-1] + 1, 2 * _MIDDLE + 1), True, key=lambda i: not kept(i))
    return (_grid(first), _grid(inside[-1] + after))


def graded_interval(pairs: int, total: float, squares: float, *, alpha: float) -> tuple[float, float]:
    """As `interval`, for differences in [-1, 1] of which only the number, the sum and the sum of squares are kept.

    It is valid at any time and wider, much so after few pairs: for x >= -g log(1 + x) is at least
    x + x^2 (log(1 - g) + g) / g^2, since (log(1 + x) - x) / x^2 increases (Fan, Grama and Liu, 2015).
    """
    _check_counts(pairs)
    _require(0 < alpha <= 0.5, "alpha", alpha, "in (0, 0.5]")
    middle = min(2 * _MIDDLE, max(0, round(total / pairs / _GRID) + _MIDDLE)) if pairs else _MIDDLE
    below = (i for i in range(middle, -1, -1) if _least(pairs, total, squares, _grid(i)) >= 1 / alpha)
    above = (i for i in range(middle, 2 * _MIDDLE + 1) if _least(pairs, -total, squares, -_grid(i)) >= 1 / alpha)
    # What a bet refutes it refutes with everything beyond: its wealth only grows away from the mean.
    return _grid(next(below, -1) + 1), _grid(next(above, 2 * _MIDDLE + 1) - 1)


def _least(pairs: int, total: float, squares: float, mu: float) -> float:
    """A lower bound of the wealth of the bet on "more than `mu`"."""
    if mu <= -1:
        return 1.0
    first, second = total - pairs * mu, squares - 2 * mu * total + pairs * mu * mu
    stakes = [(g, g / (1 + mu)) for g in BETS]
    return _mean(k * first + k * k * second * (math.log1p(-g) + g) / (g * g) for g, k in stakes)


def _wealth(lost: int, tied: int, won: int, mu: float) -> float:
    """Mean of the wealth of the bets on "more than mu" and on "less than mu", for outcomes in {-1, 0, 1}."""
    if abs(mu) == 1:  # only if every pair came out so; any other outcome refutes it for good
        return 1.0 if lost + tied + won == (won if mu > 0 else lost) else math.inf
    above = _mean(_bet(lost, tied, won, mu=mu, stake=g / (1 + mu)) for g in BETS)
    below = _mean(_bet(lost, tied, won, mu=mu, stake=-g / (1 - mu)) for g in BETS)
    return (above + below) / 2


def _bet(lost: int, tied: int, won: int, *, mu: float, stake: float) -> float:
    return sum(n * math.log1p(stake * (d - mu)) for n, d in ((lost, -1), (tied, 0), (won, 1)))


def _grid(i: int) -> float:
    return round((i - _MIDDLE) * _GRID, 3)


def _of_counts(counts: tuple[int, ...], logs: tuple[Logs, ...]) -> float:
    return _mean(sum(n * bet[i] for n, bet in zip(counts, logs, strict=True)) for i in range(len(BETS)))


def _mean(logs: Iterable[float]) -> float:
    values = [_exp(x) for x in logs]
    return sum(values) / len(values)


def _exp(x: float) -> float:
    return math.exp(min(x, 700.0))  # beyond 1e304 more evidence changes nothing, and infinity is no JSON number


def _check_counts(*counts: int) -> None:
    if any(not isinstance(n, int) or n < 0 for n in counts):
        raise ValueError(f"counts must be whole numbers and not negative: found {counts}")


def _require(condition: object, name: str, value: float, allowed: str) -> None:
    if not condition:
        raise ValueError(f"{name} must be {allowed}: found {value}")
