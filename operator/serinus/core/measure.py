"""Counters of one thing that a gate compares beside whole tests: graded scores, or a named metric of the probes.

Graded scores are kept as running sums of logarithms, one for each bet: a verdict needs no score again. It counts and
checks; what the counts mean is judged in `verdict.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from serinus.core import evidence
from serinus.core.model import GatePolicy
from serinus.core.strict import require

MAX_METRICS: Final = 10
DECIMALS: Final = 4
"""Of a reported sum: it is rounded down, so that no evidence is ever overstated, and by at most 0.01 %."""
_COUNTS: Final = 5
_BETS: Final = len(evidence.BETS)
_ROUNDING: Final = 10.0**-DECIMALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Pairs by the sign of `canary - stable`; with graded scores also sums over them. Sums are empty for passes.

    In a pair at fault stable answered with an error: it counts as stable's 0 against a rollback, and nowhere else.
    """

    lost: int = 0
    tied: int = 0
    won: int = 0
    fault_tied: int = 0
    fault_won: int = 0
    total: float = 0.0  # of the differences, pairs at fault left out
    squares: float = 0.0  # of the same
    rollback: tuple[float, ...] = ()  # logarithms of the wealth of each bet, pairs at fault included
    promotion: tuple[float, ...] = ()

    @property
    def scored(self) -> int:
        """Pairs with a score on both sides."""
        return self.lost + self.tied + self.won

    @property
    def faults(self) -> int:
        """Pairs in which only stable failed to answer."""
        return self.fault_tied + self.fault_won


def flat(measure: Measure) -> list[float]:
    """A measure as a list of 7 or 15 numbers, as a report holds it."""
    counts = [measure.lost, measure.tied, measure.won, measure.fault_tied, measure.fault_won]
    return [*counts, measure.total, measure.squares, *measure.rollback, *measure.promotion]


def unflat(where: str, raw: object, *, most: int) -> Measure:
    """Read what `flat` wrote; raises ValueError with what is wrong. Counts are in [0, most]."""
    sizes = (_COUNTS + 2, _COUNTS + 2 + 2 * _BETS)
    if not isinstance(raw, list) or len(raw) not in sizes:
        raise ValueError(f"{where}: allowed is a list of {sizes[0]} or {sizes[1]} numbers")
    counts, sums = raw[:_COUNTS], numbers(where, raw[_COUNTS:])
    for value in counts:
        require(type(value) is int and 0 <= value <= most, where, value, f"whole numbers from 0 to {most}")
    lost, tied, won, fault_tied, fault_won = counts
    return Measure(
        lost=lost,
        tied=tied,
        won=won,
        fault_tied=fault_tied,
        fault_won=fault_won,
        total=sums[0],
        squares=sums[1],
        rollback=sums[2 : 2 + _BETS],
        promotion=sums[2 + _BETS :],
    )


def numbers(where: str, raw: Sequence[object]) -> tuple[float, ...]:
    """Finite numbers, whatever their size; raises ValueError for anything else."""
    found = []
    for value in raw:
        real = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
        require(real, where, value, "finite numbers")
        found.append(float(value))  # type: ignore[arg-type]
    return tuple(found)


def rounded(values: Sequence[float]) -> tuple[float, ...]:
    """Round sums of logarithms down."""
    return tuple(math.floor(v * 10**DECIMALS) / 10**DECIMALS for v in values)


def contradiction(measure: Measure, policy: GatePolicy) -> bool:
    """Whether sums say more than the differences that they are made from can say.

    By Jensen's inequality n differences of one mean give at most n times the logarithm at that mean.
    """
    if not policy.graded:
        return bool(measure.rollback or measure.promotion)
    n, total, squares = measure.scored, measure.total, measure.squares
    if len(measure.rollback) != _BETS or len(measure.promotion) != _BETS:
        return True
    room = _ROUNDING * (n + 1)
    if not 0 <= squares <= n + room or abs(total) > math.sqrt(squares * n) + room:
        return True
    mean = max(-1.0, min(1.0, total / n)) if n else 0.0
    most = zip(
        (*measure.rollback, *measure.promotion),
        (*evidence.bet_rollback(mean, policy.tolerance), *evidence.bet_promotion(mean, policy.margin)),
        strict=True,
    )
    return any(found > n * bound + room for found, bound in most)


def floor_contradiction(sums: Sequence[float], answers: int, policy: GatePolicy) -> bool:
    """Whether the sums of the floor test (the scores, then four and four logarithms) say more than the scores can."""
    if not policy.graded:
        return bool(sums)
    if len(sums) != 1 + 2 * _BETS or not 0 <= sums[0] <= answers:
        return True
    mean = sums[0] / answers if answers else 0.0
    bounds = (
        *evidence.bet_floor_rollback(mean, policy.floor),
        *evidence.bet_floor_promotion(mean, policy.floor, policy.margin),
    )
    room = _ROUNDING * (answers + 1)
    return any(found > answers * bound + room for found, bound in zip(sums[1:], bounds, strict=True))
