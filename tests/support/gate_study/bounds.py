"""Exact bounds for what a simulation counted. A claim is refuted only where chance alone would do so once in a million.

Tests ask these instead of tolerances set by hand.
"""

import math
from collections.abc import Iterable

LEVEL = 1e-6


def at_most(count: int, runs: int, claim: float) -> bool:
    """Whether "the chance is at most `claim`" stands: P(X >= count) > LEVEL (Clopper and Pearson's one-sided test)."""
    return _tail(runs, claim, range(count, runs + 1)) > LEVEL


def at_least(count: int, runs: int, claim: float) -> bool:
    """Whether "the chance is at least `claim`" stands: P(X <= count) > LEVEL."""
    return _tail(runs, claim, range(count + 1)) > LEVEL


def mean_at_most(values: Iterable[float], claim: float) -> bool:
    """Whether "the mean of these values ≥ 0 is at most `claim` (> 0)" stands.

    By Markov's inequality for the betting products of (1 + g (x - claim) / claim): their mean reaches 1/LEVEL with a
    chance of at most LEVEL. No assumption but independence.
    """
    deviations = [(x - claim) / claim for x in values]
    bets = (0.02, 0.05, 0.1, 0.2, 0.4)
    logs = [sum(math.log1p(g * d) for d in deviations) for g in bets]
    return max(logs) < math.log(len(bets) / LEVEL)


def _tail(runs: int, chance: float, counts: Iterable[int]) -> float:
    """P(X in counts) for X binomial."""
    total = 0.0
    for k in counts:
        log = math.lgamma(runs + 1) - math.lgamma(k + 1) - math.lgamma(runs - k + 1)
        total += math.exp(log + k * math.log(chance) + (runs - k) * math.log1p(-chance))
    return total
