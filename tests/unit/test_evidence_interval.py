"""The interval for people: what the pairs do not refute, and that it agrees with the rollback rule."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import evidence
from tests.support.chances import Shares, ever_reaches


def test_interval_of_the_published_example_agrees_to_the_digit() -> None:
    assert evidence.interval(18, 183, 5, alpha=0.05) == (-0.133, -0.002)


def test_interval_without_a_pair_is_everything() -> None:
    assert evidence.interval(0, 0, 0, alpha=0.05) == (-1.0, 1.0)


def test_interval_keeps_the_ends_that_nothing_refutes() -> None:
    assert evidence.interval(50, 0, 0, alpha=0.05)[0] == -1.0
    assert evidence.interval(0, 0, 50, alpha=0.05)[1] == 1.0
    assert evidence.interval(50, 1, 0, alpha=0.05)[0] > -1.0
    assert evidence.interval(0, 1, 50, alpha=0.05)[1] < 1.0


def test_interval_of_ten_million_pairs_lies_around_the_mean_on_the_grid() -> None:
    assert evidence.interval(5_000, 9_995_000, 0, alpha=0.05) == (-0.001, 0.0)
    assert evidence.interval(0, 9_995_000, 5_000, alpha=0.05) == (0.0, 0.001)


@given(lost=st.integers(0, 900), tied=st.integers(0, 900), won=st.integers(0, 900), data=st.data())
def test_interval_is_exactly_what_the_pairs_do_not_refute(lost: int, tied: int, won: int, data: st.DataObject) -> None:
    low, high = evidence.interval(lost, tied, won, alpha=0.05)
    mu = data.draw(st.integers(-999, 999)) / 1000

    def wealth(sign: int) -> float:
        d, n = (-1, 0, 1), (lost, tied, won)
        logs = [
            sum(k * math.log(1 + sign * g * (x - mu) / (1 + sign * mu)) for x, k in zip(d, n, strict=True))
            for g in evidence.BETS
        ]
        return sum(math.exp(min(x, 600.0)) for x in logs) / 4

    assert (low <= mu <= high) == ((wealth(1) + wealth(-1)) / 2 < 10)


@given(lost=st.integers(0, 60), tied=st.integers(0, 300), won=st.integers(0, 60), alpha=st.sampled_from([0.01, 0.05]))
def test_interval_holds_the_mean_and_agrees_with_the_rollback_rule(
    lost: int, tied: int, won: int, alpha: float
) -> None:
    low, high = evidence.interval(lost, tied, won, alpha=alpha)
    pairs = lost + tied + won
    assert -1 <= low <= high <= 1
    if pairs:
        assert low - 0.0011 <= (won - lost) / pairs <= high + 0.0011
    if evidence.rollback(lost, tied, won) >= 1 / alpha:
        assert high < 0
    mirrored = evidence.interval(won, tied, lost, alpha=alpha)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)


@pytest.mark.parametrize(
    "shares", [(Fraction(1, 4), Fraction(1, 2), Fraction(1, 4)), (Fraction(3, 10), Fraction(3, 5), Fraction(1, 10))]
)
def test_chance_ever_to_miss_the_true_difference_is_at_most_ten_percent(shares: Shares) -> None:
    truth = float(shares[2] - shares[0])

    def missed(*found: int) -> float:
        low, high = evidence.interval(*found, alpha=0.05)
        return float(not low <= truth <= high)

    assert 0 < ever_reaches(missed, shares, 1, 12) <= Fraction(1, 10)


def least(pairs: int, total: float, squares: float, mu: float) -> float:
    """The lower bound of the wealth of the bet on "more than mu", as its docstring states it, term by term."""
    if mu <= -1:
        return 1.0
    found = 0.0
    for g in evidence.BETS:
        stake = g / (1 + mu)
        first = total - pairs * mu
        second = squares - 2 * mu * total + pairs * mu**2
        found += math.exp(stake * first + stake**2 * second * (math.log(1 - g) + g) / g**2)
    return found / len(evidence.BETS)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
@pytest.mark.parametrize(
    ("pairs", "total", "squares"),
    [(200, -20.0, 10.0), (200, 20.0, 10.0), (400, -3.0, 30.0), (50, 45.0, 44.0), (50, -45.0, 44.0), (1, 0.5, 0.25)],
)
def test_interval_of_scores_is_exactly_what_their_sums_do_not_refute(
    pairs: int, total: float, squares: float, alpha: float
) -> None:
    mean = round(total / pairs, 3)
    below = [i for i in range(-1000, 1001) if i / 1000 <= mean and least(pairs, total, squares, i / 1000) >= 1 / alpha]
    above = [
        i for i in range(-1000, 1001) if i / 1000 >= mean and least(pairs, -total, squares, -i / 1000) >= 1 / alpha
    ]
    low = max(below) + 1 if below else -1000
    high = min(above) - 1 if above else 1000

    assert evidence.graded_interval(pairs, total, squares, alpha=alpha) == (low / 1000, high / 1000)
    assert low < 1000 * mean < high
