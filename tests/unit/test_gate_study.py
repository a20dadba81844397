"""The gate's published error rates, in a smaller seeded run, and whether the study could notice if they were not true.

A claim fails only where chance alone would refute it once in a million; the same check refutes the broken gates.
"""

import math
import random
import re
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest

from serinus.core import evidence
from serinus.core.model import Verdict
from tests.support.gate_study import gate, study, world
from tests.support.gate_study.bounds import at_least, at_most, mean_at_most
from tests.support.gate_study.forms import FORMS
from tests.support.gate_study.kayenta import is_low
from tests.support.gate_study.page import page
from tests.support.gate_study.rules import RULES, any_drop, failure_limit, mcnemar
from tests.support.gate_study.study import THE_GATE, Cell

RUNS = 400
PAGE = Path(__file__).parents[2] / "docs" / "gate-error-rates.md"


@pytest.fixture(scope="module")
def compared() -> dict[float, dict[str, Cell]]:
    return {drop: study.compare(7, RUNS, drop) for drop in study.DROPS}


@pytest.fixture(scope="module")
def healthy(compared: dict[float, dict[str, Cell]]) -> Cell:
    return compared[0.0][THE_GATE]


def over(cell: Cell, calls: int) -> int:
    return sum(c > calls for c in cell.calls)


# The claims, by true change of the pass rate


def test_healthy_canary_is_promoted_with_few_false_rollbacks(healthy: Cell) -> None:
    assert at_most(healthy.failed, RUNS, 0.02)
    assert at_least(healthy.passed, RUNS, 0.975)
    assert mean_at_most(healthy.calls, 430)
    assert at_most(over(healthy, 980), RUNS, 0.05)


def test_small_drop_inside_the_margin_is_decided_either_way(compared: dict[float, dict[str, Cell]]) -> None:
    cell = compared[0.02][THE_GATE]
    for count, share in ((cell.failed, 0.29), (cell.passed, 0.70)):
        assert at_least(count, RUNS, share)
        assert at_most(count, RUNS, share)
    assert mean_at_most(cell.calls, 790)


def test_drop_of_five_points_is_rolled_back(compared: dict[float, dict[str, Cell]]) -> None:
    cell = compared[0.05][THE_GATE]
    assert at_least(cell.failed, RUNS, 0.94)
    assert at_most(cell.passed, RUNS, 0.06)
    assert mean_at_most(cell.calls, 610)


def test_drop_of_ten_points_is_rolled_back_soon(compared: dict[float, dict[str, Cell]]) -> None:
    cell = compared[0.10][THE_GATE]
    assert at_least(cell.failed, RUNS, 0.995)
    assert at_most(cell.passed, RUNS, 0.01)
    assert mean_at_most(cell.calls, 230)
    assert at_most(over(cell, 470), RUNS, 0.05)


@pytest.mark.parametrize(
    ("rule", "rolled_back"),
    list(zip(RULES, [(0.43, 0.92), (0.52, 0.99), (0.025, 0.69), (0.001, 0.40), (0.05, 0.999)], strict=True)),
)
def test_rules_of_today_err_as_published(
    compared: dict[float, dict[str, Cell]], rule: str, rolled_back: tuple[float, float]
) -> None:
    for drop, share in zip((0.0, 0.05), rolled_back, strict=True):
        cell = compared[drop][rule]
        assert at_least(cell.failed, RUNS, share)
        assert at_most(cell.failed, RUNS, share)
        assert cell.undecided == 0


# What breaks a gate is refuted by the same check; without this, nothing above could fail


@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("the same, one revision after the other", 0.33),
        ("a gateway caches answers, and nobody notices", 0.178),
        (study.UNCOUNTED, 0.26),
    ],
)
def test_broken_measurement_is_seen_as_false_rollbacks(name: str, share: float) -> None:
    cell = study.with_fault(7, RUNS, name, 0.0)
    assert not at_most(cell.failed, RUNS, 0.02)
    assert at_least(cell.failed, RUNS, share)
    assert at_most(cell.failed, RUNS, share)


def test_interleaved_revisions_survive_the_bad_judge_that_breaks_sequential_ones() -> None:
    cell = study.with_fault(7, RUNS, "10 % of batches meet a bad judge, revisions interleaved", 0.0)
    assert at_most(cell.failed, RUNS, 0.05)


@pytest.mark.parametrize("share", ["0.5", "2"])
def test_errors_that_both_sides_share_cost_calls_but_no_false_rollbacks(healthy: Cell, share: str) -> None:
    name = f"{share} % of the calls of either side end in 5xx"
    cell = study.with_fault(7, RUNS, name, 0.0)
    assert at_most(cell.failed, RUNS, 0.05)
    assert not mean_at_most(cell.calls, 0.9 * healthy.mean_calls)
    assert at_most(study.with_fault(7, RUNS, name, 0.05).passed, RUNS, 0.10)


@pytest.mark.parametrize("share", ["4", "10"])
def test_canary_that_breaks_stable_is_promoted_no_more_often_than_allowed(share: str) -> None:
    cell = study.with_fault(7, RUNS, f"the canary makes {share} % of stable's calls end in 5xx", 0.05)
    assert at_most(cell.passed, RUNS, 0.10)
    assert not at_most(cell.undecided, RUNS, 0.50)  # the fault hides the loss: the rollout is held


@pytest.mark.parametrize("stable", ["every call of stable ends", "4 % of stable's calls end"])
def test_garbage_canary_is_never_promoted_behind_a_broken_stable(stable: str) -> None:
    cell = study.with_fault(7, RUNS, f"garbage canary, {stable} in 5xx", 0.0)
    assert cell.passed == 0


# Other forms of the gate


@pytest.mark.parametrize(("form", "lost"), [(0, 0.10), (1, 0.05), (2, 0.10)])
def test_every_form_promotes_what_is_as_good_and_rolls_back_what_is_not(form: int, lost: float) -> None:
    name = list(FORMS)[form]
    same, worse = study.with_form(7, RUNS // 4, name, 0.0), study.with_form(7, RUNS // 4, name, lost)
    assert at_most(same.failed, RUNS // 4, 0.05)
    assert at_least(same.passed, RUNS // 4, 0.90)
    assert at_least(worse.failed, RUNS // 4, 0.95)
    assert at_most(worse.passed, RUNS // 4, 0.10)


def test_judge_that_errs_costs_calls_but_no_false_rollbacks(healthy: Cell) -> None:
    cell = study.with_fault(7, RUNS, "the judge errs in 5 %, each way (margin 4.5 points)", 0.0)
    assert at_most(cell.failed, RUNS, 0.05)
    assert not mean_at_most(cell.calls, 1.5 * healthy.mean_calls)


def test_gate_with_a_tenth_of_the_limit_would_be_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = evidence.rollback
    monkeypatch.setattr(evidence, "rollback", lambda *n, tolerance: 10 * honest(*n, tolerance=tolerance))
    cell = study.with_fault(7, RUNS, "10 % of batches meet a bad judge, revisions interleaved", 0.0)
    assert not at_most(cell.failed, RUNS, 0.05)


# A first revision


def test_first_revision_meets_its_floor_with_its_error_rates() -> None:
    good, at_floor, bad = (study.first_revision(7, 200, rate, world.PROBES) for rate in (0.90, 0.80, 0.70))
    assert good.passed == 200
    assert good.calls[0] == 100  # every probe once: no sooner
    assert at_most(at_floor.failed, 200, 0.01)
    assert at_least(at_floor.passed, 200, 0.91)
    assert at_least(bad.failed, 200, 0.99)
    alone = study.first_revision(7, 200, 0.90, 1)
    assert alone.mean_calls < 60


# The world


@pytest.mark.parametrize("drop", study.DROPS)
def test_pass_rates_are_exact_on_every_set_of_probes(drop: float) -> None:
    rng = random.Random(1)
    for _ in range(50):
        stable, canary = world._probes(rng, drop)
        assert math.fsum(stable) / 100 == pytest.approx(0.95, abs=1e-8)
        assert math.fsum(canary) / 100 == pytest.approx(0.95 - drop, abs=1e-8)


def test_model_is_the_one_described() -> None:
    rng = random.Random(1)
    sets = [world._probes(rng, 0.0) for _ in range(400)]
    pairs = [(s, c) for stable, canary in sets for s, c in zip(stable, canary, strict=True)]
    discordant = sum(s * (1 - c) + c * (1 - s) for s, c in pairs) / len(pairs)
    between = sum((s - 0.95) ** 2 for s, _ in pairs) / len(pairs) / (0.95 * 0.05)
    assert discordant == pytest.approx(0.077, abs=0.002)
    assert between == pytest.approx(0.22, abs=0.01)


def test_round_asks_every_probe_once_in_a_fresh_order() -> None:
    asked = [i for i, _, _ in islice(world.pairs(random.Random(1), 0.0), 300)]
    rounds = [asked[i : i + 100] for i in (0, 100, 200)]
    assert all(sorted(r) == list(range(100)) for r in rounds)
    assert all(a != b for a, b in pairwise(rounds))


def test_cache_repeats_the_first_answer_of_each_probe() -> None:
    seen: dict[int, set[tuple[bool, bool | None]]] = {}
    for probe, canary, stable in islice(world.pairs(random.Random(1), 0.05, world.Fault(cached=True)), 500):
        seen.setdefault(probe, set()).add((canary, stable))
    assert all(len(found) == 1 for found in seen.values())


def test_lost_call_of_stable_has_no_score_and_of_the_canary_scores_zero() -> None:
    found = Counter((c, s) for _, c, s in islice(world.pairs(random.Random(1), 0.0, world.Fault(transport=0.5)), 4000))
    none = sum(n for (_, s), n in found.items() if s is None)
    passed = sum(n for (c, _), n in found.items() if c)
    for count, share in ((none, 0.5), (passed, 0.475)):
        assert at_least(count, 4000, share)
        assert at_most(count, 4000, share)


# The rules of today and the bounds, by hand


def test_rules_of_today_on_answers_written_by_hand() -> None:
    good, lost, both = (True, True), (False, True), (False, False)
    assert any_drop([good] * 99 + [lost]).verdict is Verdict.FAILED
    assert any_drop([good] * 99 + [both]).verdict is Verdict.PASSED
    bad_check = [both] * 3 + [good] * 17
    assert failure_limit(0)([good] * 20 + bad_check + [good] * 160) == gate.Outcome(verdict=Verdict.FAILED, calls=40)
    assert failure_limit(0)(([both] * 2 + [good] * 18) * 10).verdict is Verdict.PASSED
    assert failure_limit(2)(bad_check * 2 + [good] * 160).verdict is Verdict.PASSED
    assert failure_limit(2)(bad_check * 3 + [good] * 140).calls == 60
    assert mcnemar([lost] * 5 + [good] * 995).verdict is Verdict.FAILED  # mid-p 1/64
    assert mcnemar([lost] * 4 + [(True, False)] + [good] * 995).verdict is Verdict.PASSED  # mid-p 7/64


@pytest.mark.parametrize(
    ("canary", "stable", "low"),
    [
        ([20] * 20, [20] * 20, False),
        ([10] * 10 + [11] * 10, [19] * 10 + [20] * 10, True),
        ([19] * 10 + [20] * 10, [10] * 10 + [11] * 10, False),
        ([18, 19] * 25, [19, 20] * 25, True),
        ([18, 19, 20] * 4, [19, 20, 20] * 4, False),
    ],
)
def test_kayentas_judge_on_points_written_by_hand(canary: list[int], stable: list[int], low: bool) -> None:
    assert is_low(canary, stable) is low


def test_bounds_are_exact() -> None:
    assert at_most(2, 3, 0.011)  # P(X >= 2) = 3.6e-4
    assert not at_most(3, 3, 0.0099)  # 9.7e-7
    assert at_most(3, 3, 0.0101)  # 1.03e-6
    assert not at_least(0, 3, 0.9901)
    assert at_least(0, 3, 0.9899)
    assert at_most(0, 100, 0.001)
    assert mean_at_most([100.0] * 400, 100)
    assert not mean_at_most([130.0] * 400, 100)
    assert mean_at_most([10.0] * 400, 100)


# The page


def test_same_seed_gives_the_same_page_and_another_seed_another() -> None:
    told: list[str] = []
    first, again, other = (page(study.study(seed, 4, told.append)) for seed in (1, 1, 2))
    assert first == again != other
    rows = len(study.DROPS) * (1 + len(FORMS)) + len(study.FAULTS) * len(study.FAULT_DROPS)
    assert len(told) == 3 * (rows + len(study.FIRST_RATES))


def test_published_page_comes_from_this_command_and_names_every_row() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fresh = page(study.study(1, 4, lambda _: None))
    assert "python -m tests.support.gate_study --rollouts 4000 --seed 1 --write docs/gate-error-rates.md" in text

    def skeleton(of: str) -> list[str]:
        numbers = re.sub(r"-?[\d,]+(\.\d+)?", "0", of)
        return [" ".join(line.split()) for line in numbers.splitlines()]

    assert skeleton(text) == skeleton(fresh)


def test_published_rates_of_the_gate_are_not_refuted_by_this_run(compared: dict[float, dict[str, Cell]]) -> None:
    row = next(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {THE_GATE}"))
    published = [[float(x) / 100 for x in re.findall(r"[\d.]+", cell)[:2]] for cell in row.split("|")[2:-1]]
    for drop, (failed, passed) in zip(study.DROPS, published, strict=True):
        cell = compared[drop][THE_GATE]
        for count, share in ((cell.failed, failed), (cell.passed, passed)):
            assert at_most(count, RUNS, min(share + 0.002, 1 - 1e-9))
            assert at_least(count, RUNS, max(share - 0.002, 1e-9))
