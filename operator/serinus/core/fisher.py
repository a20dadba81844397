"""Which probes broke: Fisher's exact test for each, Benjamini-Hochberg over all. It names probes and decides nothing.

Sources: R. A. Fisher, 1935; Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", 1995.
"""

from collections.abc import Sequence
from math import comb
from typing import Final

FALSE_DISCOVERIES: Final = 0.10
"""Share of the named probes that may be named wrongly, in the mean."""


def p_value(canary: tuple[int, int], stable: tuple[int, int]) -> float:
    """Chance of so few passes of the canary, or fewer, if both sides were alike; sides are (failed, passed)."""
    failed, passed = canary
    asked, passes = failed + passed, passed + stable[1]
    whole = asked + sum(stable)
    least = max(0, asked + passes - whole)
    ways = sum(comb(passes, k) * comb(whole - passes, asked - k) for k in range(least, passed + 1))
    return ways / comb(whole, asked)


def discoveries(p_values: Sequence[float], rate: float = FALSE_DISCOVERIES) -> frozenset[int]:
    """Positions of the p values that are named so that at most `rate` of them are wrong, in the mean."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    named = 0
    for rank, i in enumerate(order, 1):
        if p_values[i] <= rate * rank / len(order):
            named = rank
    return frozenset(order[:named])
