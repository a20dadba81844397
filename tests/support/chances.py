"""Exact chances of counts, by walking all of them; nothing is simulated."""

from collections.abc import Callable, Iterator
from fractions import Fraction

Shares = tuple[Fraction, ...]
"""Chance of each outcome of one step; they sum to 1."""


def walk(shares: Shares, steps: int) -> Iterator[dict[tuple[int, ...], Fraction]]:
    """Chances of all counts after 1, 2, … steps; who empties an entry stops those runs for good."""
    alive = {tuple(0 for _ in shares): Fraction(1)}
    for _ in range(steps):
        after: dict[tuple[int, ...], Fraction] = {}
        for found, chance in alive.items():
            for i, share in enumerate(shares):
                if share:
                    new = (*found[:i], found[i] + 1, *found[i + 1 :])
                    after[new] = after.get(new, Fraction(0)) + chance * share
        alive = after
        yield alive


def ever_reaches(value: Callable[..., float], shares: Shares, limit: float, steps: int) -> Fraction:
    """The exact chance that an e-value, looked at after every step, ever reaches the limit."""
    reached = Fraction(0)
    for alive in walk(shares, steps):
        for found in [f for f in alive if value(*f) >= limit]:
            reached += alive.pop(found)
    return reached
