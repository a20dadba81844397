"""How soon streamed answers came: counts of times by their length. Pure arithmetic; it decides nothing.

A report carries counts and no percentile: whoever reads it reckons by himself, and what a runner claims has bounds.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from serinus.core.model import Manifest
from serinus.core.strict import items, require

PER_DECADE: Final = 20
"""Two edges are 12 % apart, so that a quantile is at most that far off, and mostly half of it."""
_DECADES: Final = 6
EDGES_MS: Final = tuple(10 ** (i / PER_DECADE) for i in range(_DECADES * PER_DECADE + 1))
"""Upper edges in milliseconds, from 1 ms to 1,000 s; what takes longer counts as that."""
LAST: Final = len(EDGES_MS) - 1
QUANTILES: Final[Mapping[str, float]] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

Counts = tuple[int, ...]
"""The position of the first edge that has a time, then how many times each edge has from there on; empty: no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Of the streamed answers of one side: the times to the first token, and those between two tokens."""

    first: Counts = ()
    between: Counts = ()


UNTIMED: Final = (Timing(), Timing())
"""Both sides of a run that streamed no answer."""


def position(milliseconds: float) -> int:
    """Which edge a time belongs to."""
    return min(LAST, bisect_left(EDGES_MS, milliseconds))


def packed(found: Mapping[int, int]) -> Counts:
    """Counts by position, written down."""
    there = [i for i, n in found.items() if n]
    return (min(there), *(found.get(i, 0) for i in range(min(there), max(there) + 1))) if there else ()


def unpacked(counts: Counts) -> dict[int, int]:
    """What `packed` wrote, as counts by position."""
    return dict(enumerate(counts[1:], counts[0])) if counts else {}


def number(counts: Counts) -> int:
    """How many times there are."""
    return sum(counts[1:])


def longest(counts: Counts) -> float:
    """Seconds that at least one of the times took or passed; 0 without any."""
    last = counts[0] + len(counts) - 2 if counts else 0
    return EDGES_MS[last - 1] / 1000 if last else 0.0


def quantile(counts: Counts, share: float) -> float:
    """Seconds that this share of the times, in (0, 1], did not pass, spread evenly between two edges."""
    wanted, before = share * number(counts), 0
    for i, n in unpacked(counts).items():
        if n and before + n >= wanted:
            low = EDGES_MS[i - 1] if i else 0.0
            return (low + (EDGES_MS[i] - low) * (wanted - before) / n) / 1000
        before += n
    return 0.0


def mean(counts: Counts) -> float:
    """Mean in seconds, each time taken as the middle between its edges; there must be one."""
    spent = sum(n * (EDGES_MS[i] + (EDGES_MS[i - 1] if i else 0.0)) / 2 for i, n in unpacked(counts).items())
    return spent / number(counts) / 1000


def read(where: str, raw: object, *, most: int) -> Counts:
    """Read counts that somebody else wrote: whole numbers, at most `most` in all; raises ValueError."""
    values = items(where, raw, most=LAST + 2)
    for value, limit in zip(values, (LAST, *[most] * LAST, most), strict=False):
        require(type(value) is int and 0 <= value <= limit, where, value, f"whole numbers from 0 to {limit}")
    if not values:
        return ()
    require(len(values) > 1 and values[1] and values[-1], where, values, "counts that begin and end with one")
    require(values[0] + len(values) - 2 <= LAST, where, f"counts up to edge {values[0] + len(values) - 2}", f"{LAST}")
    require(sum(values[1:]) <= most, where, f"{sum(values[1:])} times", f"at most {most}")
    return tuple(values)


def flat(canary: Timing, stable: Timing) -> list[list[int]]:
    """Both sides as a report holds them; empty where nothing was timed."""
    found = [list(c) for side in (canary, stable) for c in (side.first, side.between)]
    return found if any(found) else []


def unflat(where: str, raw: object, *, most: int) -> tuple[Timing, Timing]:
    """Read what `flat` wrote; raises ValueError with what is wrong."""
    lists = items(where, raw, most=4)
    require(len(lists) in (0, 4), where, f"{len(lists)} lists", "0 or 4")
    first, between, other, others = (read(f"{where}[{i}]", c, most=most) for i, c in enumerate(lists or [[]] * 4))
    return Timing(first=first, between=between), Timing(first=other, between=others)


def shown(timing: Timing) -> Manifest:
    """One side for `status.timing` of a ProbeRun, in seconds; without times nothing."""
    sides = {"firstToken": timing.first, "betweenTokens": timing.between}
    return {name: _shown(counts) for name, counts in sides.items() if counts}


def _shown(counts: Counts) -> Manifest:
    found = {f"{name}Seconds": quantile(counts, share) for name, share in QUANTILES.items()}
    found["meanSeconds"] = mean(counts)
    return {"count": number(counts), **{key: float(f"{value:.3g}") for key, value in found.items()}}
