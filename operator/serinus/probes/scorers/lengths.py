"""Whether answers have become longer or shorter: two sets of lengths, compared. Pure.

The limits grow with the noise of small sets: the fixed limits 0.1 and 0.25 of the PSI are wrong under some 200 answers.
"""

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

from serinus.probes.scorers.finding import Finding

NAME: Final = "length"
ALPHA: Final = 0.001
"""Chance that sets of the same kind are found to differ, for each of the two measures."""
LEAST: Final = 20
"""Answers in each set, under which nothing is said."""
_BUCKETS: Final = 24
_EMPTY: Final = 0.5


def bucket(length: int) -> int:
    """The bucket of a length: 0 for nothing, then by powers of two, at most 23."""
    return min(_BUCKETS - 1, max(0, length).bit_length())


def shift(reference: Sequence[int], now: Sequence[int]) -> Finding:
    """Whether the lengths of now are other than those of a reference; 0.5 at the limit of noise.

    The larger of two measures: PSI over powers of two against chi2(B-1, 1-alpha) * (1/n + 1/m), and the distance of
    Kolmogorov and Smirnov against sqrt(-ln(alpha/2)/2 * (n+m)/(n*m)).
    """
    n, m = len(reference), len(now)
    if min(n, m) < LEAST:
        return Finding(name=NAME)
    stability, stability_limit = _psi(reference, now)
    distance = ks(reference, now)
    distance_limit = math.sqrt(-math.log(ALPHA / 2) / 2 * (n + m) / (n * m))
    score = min(1.0, max(stability / stability_limit, distance / distance_limit) / 2)
    if score <= 0.5:
        return Finding(name=NAME, score=min(score, 0.49))
    before, after = _median(reference), _median(now)
    word = "longer" if after > before else "shorter" if after < before else "spread otherwise"
    reason = f"answers are {word}: median {before:g}, now {after:g} (PSI {stability:.2f}, limit {stability_limit:.2f}; "
    return Finding(name=NAME, score=score, reason=f"{reason}KS {distance:.2f}, limit {distance_limit:.2f})")


def ks(reference: Sequence[int], now: Sequence[int]) -> float:
    """The largest distance between two cumulative distributions, in [0, 1]."""
    first, second = Counter(reference), Counter(now)
    n, m = len(reference), len(now)
    left = right = 0
    largest = 0.0
    for value in sorted(first.keys() | second.keys()):
        left, right = left + first[value], right + second[value]
        largest = max(largest, abs(left / n - right / m))
    return largest


def _psi(reference: Sequence[int], now: Sequence[int]) -> tuple[float, float]:
    """The population stability index and its limit; each bucket holds half an answer more, so that none is empty."""
    first, second = Counter(map(bucket, reference)), Counter(map(bucket, now))
    used = sorted(first.keys() | second.keys())
    n, m = len(reference) + _EMPTY * len(used), len(now) + _EMPTY * len(used)
    shares = [((first[b] + _EMPTY) / n, (second[b] + _EMPTY) / m) for b in used]
    index = math.fsum((q - p) * math.log(q / p) for p, q in shares)
    return index, chi_square_limit(max(1, len(used) - 1)) * (1 / len(reference) + 1 / len(now))


def chi_square_limit(freedom: int, alpha: float = ALPHA) -> float:
    """What chi-square with some degrees of freedom exceeds with the chance alpha (Wilson and Hilferty, within 4 %)."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + NormalDist().inv_cdf(1 - alpha) * math.sqrt(part)) ** 3)


def _median(lengths: Sequence[int]) -> float:
    ordered = sorted(lengths)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
