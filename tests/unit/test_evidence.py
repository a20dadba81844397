"""The e-values of the gate against an exact oracle in fractions, their figures, and the promise that they make.

Chances are computed by walking all counts, not simulated; where a number comes from a simulation it says so.
"""

import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import evidence
from tests.support.chances import Shares, ever_reaches, walk

BETS = (Fraction(3, 20), Fraction(3, 10), Fraction(1, 2), Fraction(3, 4))
counts = st.integers(0, 400)
huge = st.integers(0, 10_000_000)


def mean_of_products(factors: Callable[[Fraction], tuple[Fraction, ...]], found: tuple[int, ...]) -> Fraction:
    """The design's formula: a quarter of the sum over the four bets."""
    total = Fraction(0)
    for g in BETS:
        total += math.prod((f**n for f, n in zip(factors(g), found, strict=True)), start=Fraction(1))
    return total / 4


def exact_rollback(found: tuple[int, ...], t: Fraction) -> Fraction:
    return mean_of_products(lambda g: (1 + g * (1 - t) / (1 + t), 1 - g * t / (1 + t), 1 - g), found)


def exact_promotion(found: tuple[int, ...], m: Fraction) -> Fraction:
    return mean_of_products(lambda g: (1 - g, 1 + g * m / (1 - m), 1 + g * (1 + m) / (1 - m)), found)


def exact_floor_rollback(found: tuple[int, ...], floor: Fraction) -> Fraction:
    c = max(floor, 1 - floor)
    return mean_of_products(lambda g: (1 - g * (1 - floor) / c, 1 + g * floor / c), found)


def exact_floor_promotion(found: tuple[int, ...], floor: Fraction, m: Fraction) -> Fraction:
    c = max(floor - m, 1 - floor + m)
    return mean_of_products(lambda g: (1 + g * (1 - floor + m) / c, 1 - g * (floor - m) / c), found)


def exact_critical(found: tuple[int, ...]) -> Fraction:
    return Fraction(5, 9) ** found[0] * Fraction(5) ** found[1]


# Figures


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (evidence.rollback(20, 0, 4), "136.37049360036548"),
        (evidence.rollback(20, 5000, 4), "136.37049360036548"),
        (evidence.rollback(18, 183, 5), "23.429176"),
        (evidence.promotion(2, 191, 3, margin=0.05), "195.975914"),
        (evidence.promotion(0, 100, 0, margin=0.05), "17.107149"),
        (evidence.critical(0, 4), "625"),
        (evidence.critical(3, 1), "0.857339"),
    ],
)
def test_published_check_values_hold_to_every_digit(value: float, expected: str) -> None:
    decimals = len(expected.partition(".")[2])
    assert f"{value:.{decimals}f}" == expected


def test_no_evidence_at_all_is_one() -> None:
    assert evidence.rollback(0, 0, 0, tolerance=0.02) == 1
    assert evidence.promotion(0, 0, 0, margin=0.05) == 1
    assert evidence.floor_rollback(0, 0, floor=0.8) == 1
    assert evidence.floor_promotion(0, 0, floor=0.8, margin=0.05) == 1
    assert evidence.critical(0, 0) == 1


def test_of_ten_critical_probes_four_failures_in_a_row_are_needed_to_fail() -> None:
    limit = 10 / 0.05
    assert [evidence.critical(0, n) >= limit for n in (1, 2, 3, 4)] == [False, False, False, True]


def test_one_failure_of_a_critical_probe_is_closed_by_three_passes() -> None:
    assert [evidence.critical(passes, 1) > 1 for passes in (0, 1, 2, 3)] == [True, True, True, False]


@given(lost=counts, tied=counts, won=counts, points=st.integers(0, 49))
def test_pairs_agree_with_the_formula_in_fractions(lost: int, tied: int, won: int, points: int) -> None:
    found = (lost, tied, won)
    rollback = evidence.rollback(*found, tolerance=points / 100)
    assert rollback == pytest.approx(
        float(min(exact_rollback(found, Fraction(points, 100)), Fraction(10) ** 300)), rel=1e-9
    )
    promotion = evidence.promotion(*found, margin=(points + 1) / 100)
    assert promotion == pytest.approx(
        float(min(exact_promotion(found, Fraction(points + 1, 100)), Fraction(10) ** 300)), rel=1e-9
    )


@given(passed=counts, failed=counts, floor=st.integers(2, 100), data=st.data())
def test_floor_agrees_with_the_formula_in_fractions(passed: int, failed: int, floor: int, data: st.DataObject) -> None:
    margin = data.draw(st.integers(1, min(50, floor - 1)))
    found, f, m = (passed, failed), Fraction(floor, 100), Fraction(margin, 100)
    assert evidence.floor_rollback(*found, floor=floor / 100) == pytest.approx(
        float(exact_floor_rollback(found, f)), rel=1e-9
    )
    assert evidence.floor_promotion(*found, floor=floor / 100, margin=margin / 100) == pytest.approx(
        float(exact_floor_promotion(found, f, m)), rel=1e-9
    )
    assert evidence.critical(*found) == pytest.approx(float(exact_critical(found)), rel=1e-9)


# The promise: mean at most 1 under the null, at every n; so the chance ever to reach 1/alpha is at most alpha

TOLERANCES = (Fraction(0), Fraction(1, 50), Fraction(1, 10))
TIES = (Fraction(0), Fraction(1, 2), Fraction(9, 10))


def boundary(difference: Fraction, tied: Fraction) -> Shares:
    """Shares of lost, tied, won with a mean of `difference`, or all that fits beside so many ties."""
    rest = max(1 - tied, abs(difference))
    return ((rest - difference) / 2, 1 - rest, (rest + difference) / 2)


@pytest.mark.parametrize("tied", TIES)
@pytest.mark.parametrize("t", TOLERANCES)
def test_mean_rollback_evidence_under_the_null_is_exactly_one_at_every_n(t: Fraction, tied: Fraction) -> None:
    for alive in walk(boundary(-t, tied), 12):
        assert sum(p * exact_rollback(found, t) for found, p in alive.items()) == 1


@pytest.mark.parametrize("tied", TIES)
@pytest.mark.parametrize("m", [Fraction(1, 100), Fraction(1, 20), Fraction(1, 5)])
def test_mean_promotion_evidence_under_the_null_is_exactly_one_at_every_n(m: Fraction, tied: Fraction) -> None:
    for alive in walk(boundary(-m, tied), 12):
        assert sum(p * exact_promotion(found, m) for found, p in alive.items()) == 1


@pytest.mark.parametrize("better", [Fraction(1, 100), Fraction(1, 4)])
def test_mean_evidence_inside_the_null_is_below_one(better: Fraction) -> None:
    for alive in walk(boundary(better, Fraction(1, 2)), 10):
        assert sum(p * exact_rollback(found, Fraction(0)) for found, p in alive.items()) < 1
    for alive in walk(boundary(-Fraction(1, 20) - better, Fraction(1, 2)), 10):
        assert sum(p * exact_promotion(found, Fraction(1, 20)) for found, p in alive.items()) < 1


@pytest.mark.parametrize("floor", [Fraction(3, 10), Fraction(1, 2), Fraction(4, 5), Fraction(99, 100)])
def test_mean_floor_evidence_under_the_null_is_exactly_one_at_every_n(floor: Fraction) -> None:
    margin = Fraction(1, 20)
    for alive in walk((floor, 1 - floor), 25):
        assert sum(p * exact_floor_rollback(found, floor) for found, p in alive.items()) == 1
    for alive in walk((floor - margin, 1 - floor + margin), 25):
        assert sum(p * exact_floor_promotion(found, floor, margin) for found, p in alive.items()) == 1


def test_mean_critical_evidence_is_one_at_ninety_percent_and_less_above() -> None:
    for alive in walk((Fraction(9, 10), Fraction(1, 10)), 25):
        assert sum(p * exact_critical(found) for found, p in alive.items()) == 1
    for alive in walk((Fraction(19, 20), Fraction(1, 20)), 25):
        assert sum(p * exact_critical(found) for found, p in alive.items()) < 1


def test_sum_over_all_sequences_equals_the_sum_over_counts() -> None:
    shares = boundary(Fraction(-1, 20), Fraction(1, 2))
    total = Fraction(0)
    for sequence in itertools.product(range(3), repeat=6):
        found = tuple(sequence.count(i) for i in range(3))
        total += math.prod((shares[i] for i in sequence), start=Fraction(1)) * exact_promotion(found, Fraction(1, 20))
    assert total == 1


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("tied", [Fraction(0), Fraction(4, 5)])
def test_chance_ever_to_reach_the_limit_under_the_null_is_at_most_alpha(alpha: float, tied: Fraction) -> None:
    def promotion(*found: int) -> float:
        return evidence.promotion(*found, margin=0.1)

    rolled_back = ever_reaches(evidence.rollback, boundary(Fraction(0), tied), 1 / alpha, 40)
    promoted = ever_reaches(promotion, boundary(Fraction(-1, 10), tied), 1 / alpha, 40)
    assert 0 < rolled_back <= alpha
    assert promoted <= alpha


def test_chance_ever_to_fail_a_healthy_critical_probe_or_floor_is_at_most_its_alpha() -> None:
    healthy = (Fraction(9, 10), Fraction(1, 10))
    assert 0 < ever_reaches(evidence.critical, healthy, 10 / 0.05, 60) <= 0.05 / 10
    at_floor = ever_reaches(
        lambda p, f: evidence.floor_rollback(p, f, floor=0.8), (Fraction(4, 5), Fraction(1, 5)), 100, 60
    )
    assert 0 < at_floor <= evidence.FLOOR_ALPHA


# What a first revision meets; gate.md's figures come from 2,000 simulated runs, these are exact


def first_revision(rate: float) -> tuple[float, float, float]:
    """Chance to fail, to pass, and mean calls of the floor test (80 %, margin 5), looked at every 10 of 1,000 calls."""
    alive, ended, calls = {0: 1.0}, [0.0, 0.0], 0.0
    for n in range(1, 1001):
        after: dict[int, float] = {}
        for passed, chance in alive.items():
            after[passed + 1] = after.get(passed + 1, 0.0) + chance * rate
            after[passed] = after.get(passed, 0.0) + chance * (1 - rate)
        alive = {k: p for k, p in after.items() if p > 1e-14}
        for passed in list(alive) if n % 10 == 0 else ():
            failed = evidence.floor_rollback(passed, n - passed, floor=0.8) >= 1 / evidence.FLOOR_ALPHA
            if failed or evidence.floor_promotion(passed, n - passed, floor=0.8, margin=0.05) >= 10:
                chance = alive.pop(passed)
                ended[0 if failed else 1] += chance
                calls += n * chance
    return ended[0], ended[1], calls + 1000 * sum(alive.values())


@pytest.mark.parametrize(
    ("rate", "failed", "passed", "calls"),
    [
        (0.95, 0.0, 1.0, 29.8),
        (0.90, 0.0, 1.0, 49.2),
        (0.85, 0.0, 1.0, 107.8),
        (0.80, 0.005, 0.917, 414.3),
        (0.77, 0.229, 0.261, 742.6),
        (0.75, 0.727, 0.055, 599.1),
        (0.70, 0.996, 0.004, 195.7),
        (0.60, 1.0, 0.0, 65.5),
    ],
)
def test_floor_test_decides_as_published(rate: float, failed: float, passed: float, calls: float) -> None:
    found = first_revision(rate)
    assert found[0] == pytest.approx(failed, abs=0.0005)
    assert found[1] == pytest.approx(passed, abs=0.0005)
    assert found[2] == pytest.approx(calls, abs=0.05)


def test_floor_test_keeps_both_of_its_error_rates() -> None:
    assert first_revision(0.80)[0] <= evidence.FLOOR_ALPHA
    assert first_revision(0.75)[1] <= 0.10


# Shape


@given(lost=huge, tied=huge, won=huge, t=st.floats(0, 0.99), m=st.floats(0.001, 0.5))
def test_evidence_of_ten_million_counts_is_a_finite_number(lost: int, tied: int, won: int, t: float, m: float) -> None:
    found = (
        evidence.rollback(lost, tied, won, tolerance=t),
        evidence.promotion(lost, tied, won, margin=m),
        evidence.floor_rollback(won, lost, floor=0.8),
        evidence.floor_promotion(won, lost, floor=0.8, margin=0.05),
        evidence.critical(won, lost),
    )
    assert all(math.isfinite(x) and x >= 0 for x in found)
    json.dumps(found, allow_nan=False)


@given(lost=counts, tied=counts, won=counts, t=st.sampled_from([0.0, 0.02, 0.3]), m=st.floats(0.01, 0.5))
def test_every_lost_pair_speaks_against_the_canary_and_every_won_pair_for_it(
    lost: int, tied: int, won: int, t: float, m: float
) -> None:
    def rollback(*found: int) -> float:
        return evidence.rollback(*found, tolerance=t)

    def promotion(*found: int) -> float:
        return evidence.promotion(*found, margin=m)

    here = (lost, tied, won)
    assert rollback(lost + 1, tied, won) > rollback(*here) or rollback(*here) > 1e300
    assert rollback(lost, tied, won + 1) < rollback(*here) or rollback(*here) > 1e300 or rollback(*here) == 0
    assert rollback(lost, tied + 1, won) <= rollback(*here)
    assert promotion(lost + 1, tied, won) < promotion(*here) or promotion(*here) > 1e300 or promotion(*here) == 0
    assert promotion(lost, tied, won + 1) > promotion(*here) or promotion(*here) > 1e300
    assert promotion(lost, tied + 1, won) >= promotion(*here)


@given(st.permutations(["lost"] * 5 + ["tied"] * 6 + ["won"] * 3))
def test_order_of_the_pairs_is_irrelevant(order: list[str]) -> None:
    wealth = [1.0] * 4
    for outcome in order:
        d = {"lost": -1, "tied": 0, "won": 1}[outcome]
        wealth = [w * (1 - g * (d + 0.02) / 1.02) for w, g in zip(wealth, evidence.BETS, strict=True)]
    assert evidence.rollback(5, 6, 3, tolerance=0.02) == pytest.approx(sum(wealth) / 4, rel=1e-12)


# Refusals

NAN = float("nan")


@pytest.mark.parametrize("bad", [-1, NAN, math.inf, 1.0, 0.5])
def test_what_is_no_count_is_refused(bad: float) -> None:
    calls: list[Callable[[], object]] = [
        lambda: evidence.rollback(bad, 0, 0),  # type: ignore[arg-type]
        lambda: evidence.promotion(0, bad, 0, margin=0.05),  # type: ignore[arg-type]
        lambda: evidence.floor_rollback(0, bad, floor=0.8),  # type: ignore[arg-type]
        lambda: evidence.floor_promotion(bad, 0, floor=0.8, margin=0.05),  # type: ignore[arg-type]
        lambda: evidence.critical(bad, 0),  # type: ignore[arg-type]
        lambda: evidence.interval(0, 0, bad, alpha=0.05),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(ValueError, match=r"counts must be whole numbers and not negative: found \(.*"):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: evidence.rollback(0, 0, 0, tolerance=x), r"tolerance must be in \[0, 1\): found"),
        (lambda x: evidence.promotion(0, 0, 0, margin=x), r"margin must be in \(0, 1\): found"),
        (lambda x: evidence.floor_rollback(0, 0, floor=x), r"floor must be in \(0, 1\]: found"),
        (lambda x: evidence.floor_promotion(0, 0, floor=x, margin=0.05), r"floor must be in \(0, 1\]: found"),
        (
            lambda x: evidence.floor_promotion(0, 0, floor=0.8, margin=x),
            r"margin must be in \(0, 0.8\), below the floor",
        ),
        (lambda x: evidence.interval(0, 0, 0, alpha=x), r"alpha must be in \(0, 0.5\]: found"),
    ],
)
@pytest.mark.parametrize("bad", [-0.01, 1.01, NAN, math.inf])
def test_ratio_out_of_its_range_is_refused(call: Callable[[float], object], message: str, bad: float) -> None:
    with pytest.raises(ValueError, match=message):
        call(bad)


def test_floor_that_is_not_above_the_margin_is_refused_because_everything_would_pass() -> None:
    with pytest.raises(ValueError, match="below the floor: found"):
        evidence.floor_promotion(0, 50, floor=0.05, margin=0.05)


@pytest.mark.parametrize(
    "call",
    [
        lambda: evidence.promotion(0, 0, 0, margin=0.0),
        lambda: evidence.promotion(0, 0, 0, margin=1.0),
        lambda: evidence.rollback(0, 0, 0, tolerance=1.0),
        lambda: evidence.floor_rollback(0, 0, floor=0.0),
        lambda: evidence.floor_promotion(0, 0, floor=0.0, margin=0.05),
        lambda: evidence.floor_promotion(0, 0, floor=0.8, margin=0.0),
        lambda: evidence.interval(0, 0, 0, alpha=0.0),
        lambda: evidence.interval(0, 0, 0, alpha=0.51),
    ],
)
def test_end_of_a_range_that_does_not_belong_to_it_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must be in"):
        call()


def test_end_of_a_range_that_belongs_to_it_is_accepted() -> None:
    assert evidence.rollback(1, 0, 0, tolerance=0.0) > 1
    assert evidence.floor_rollback(0, 1, floor=1.0) > 1
    assert evidence.floor_promotion(1, 0, floor=1.0, margin=0.05) > 1
    assert evidence.interval(0, 1, 0, alpha=0.5) is not None
