"""The rules of the verdict, one at a time: what passes, what fails, what proves nothing."""

from dataclasses import FrozenInstanceError, replace

import pytest

from serinus.core import verdict as rules
from serinus.core.model import GatePolicy, Verdict
from serinus.core.report import Critical, Pairs, Report, Side
from serinus.core.verdict import Evidence, judge, weigh
from tests.support.reports import FIRST, FIRST_BAD, FIRST_GOOD, GOOD, OPEN, PAIRED, POLICY, PROBES, WORSE


def verdict(report: Report, *, policy: GatePolicy = POLICY, probes: int = PROBES) -> tuple[Verdict, str]:
    found = judge(policy, report, probes=probes)
    return found.verdict, found.reason


def test_published_examples_are_judged_as_published() -> None:
    assert verdict(WORSE) == (Verdict.FAILED, "WorseThanStable")
    assert verdict(GOOD) == (Verdict.PASSED, "Passed")
    assert verdict(FIRST_GOOD) == (Verdict.PASSED, "Passed")
    assert verdict(FIRST_BAD) == (Verdict.FAILED, "BelowFloor")


def test_undecided_counts_run_on_until_the_run_ends() -> None:
    assert verdict(OPEN) == (Verdict.RUNNING, "Running")
    assert verdict(replace(OPEN, end="Budget"), probes=50) == (Verdict.INCONCLUSIVE, "BudgetSpent")


def test_run_that_claims_a_decision_its_counts_do_not_support_is_broken() -> None:
    assert verdict(replace(OPEN, end="Decided")) == (Verdict.BROKEN, "CountsDisagree")


def test_interrupted_run_is_broken_unless_its_counts_had_decided() -> None:
    assert verdict(replace(OPEN, end="Interrupted")) == (Verdict.BROKEN, "Interrupted")
    assert verdict(replace(WORSE, end="Interrupted")) == (Verdict.FAILED, "WorseThanStable")
    assert verdict(replace(GOOD, end="Interrupted")) == (Verdict.PASSED, "Passed")


@pytest.mark.parametrize("report", [WORSE, GOOD, OPEN, FIRST_GOOD, FIRST_BAD])
def test_failed_check_is_broken_whatever_it_counted(report: Report) -> None:
    assert verdict(replace(report, end="Error", error="no route")) == (Verdict.BROKEN, "RunnerError")


@pytest.mark.parametrize("report", [WORSE, GOOD, OPEN, FIRST_GOOD, FIRST_BAD])
def test_cached_answers_prove_nothing_either_way(report: Report) -> None:
    assert verdict(replace(report, cached="ids repeat")) == (Verdict.INCONCLUSIVE, "AnswersCached")


@pytest.mark.parametrize("report", [WORSE, GOOD, OPEN, FIRST_GOOD, FIRST_BAD])
def test_more_than_twenty_percent_unscored_in_fifty_pairs_is_broken(report: Report) -> None:
    ten = replace(report, pairs=replace(report.pairs, worst_window=10))
    eleven = replace(report, pairs=replace(report.pairs, worst_window=11))
    assert verdict(ten) == verdict(report)
    assert verdict(eleven) == (Verdict.BROKEN, "TooManyUnscored")


@pytest.mark.parametrize("report", [GOOD, WORSE, FIRST_GOOD, FIRST_BAD])
def test_more_than_five_percent_unscored_is_inconclusive_never_passed_or_failed(report: Report) -> None:
    asked = report.pairs.scored if report.identity.baseline else report.canary.scored
    allowed = asked * 5 // 95
    just = replace(report, pairs=replace(report.pairs, unscored=allowed), end="Budget")
    more = replace(report, pairs=replace(report.pairs, unscored=allowed + 1), end="Budget")
    assert verdict(just) == verdict(report)
    assert verdict(more) == (Verdict.INCONCLUSIVE, "TooManyUnscored")
    assert verdict(replace(more, end="")) == (Verdict.RUNNING, "Running")


def test_exactly_five_percent_unscored_still_counts() -> None:
    pairs = Pairs(lost=0, tied=190, won=0, unscored=10)
    report = replace(GOOD, pairs=pairs, canary=Side(passed=180, failed=10), stable=Side(passed=180, failed=10))
    assert verdict(report) == (Verdict.PASSED, "Passed")


def test_no_answer_at_all_is_no_evidence() -> None:
    assert verdict(Report(identity=PAIRED, end="Budget")) == (Verdict.INCONCLUSIVE, "NoEvidence")
    assert verdict(Report(identity=FIRST, end="Budget")) == (Verdict.INCONCLUSIVE, "NoEvidence")
    nothing = Report(identity=FIRST, pairs=Pairs(unscored=40), end="Budget")
    assert verdict(nothing) == (Verdict.INCONCLUSIVE, "NoEvidence")
    assert verdict(Report(identity=PAIRED), probes=0) == (Verdict.RUNNING, "Running")


def test_every_probe_must_have_been_seen() -> None:
    missing = replace(GOOD, probes_seen=99, end="Budget")
    assert verdict(missing) == (Verdict.INCONCLUSIVE, "ProbesNotSeen")
    assert verdict(replace(missing, end="")) == (Verdict.RUNNING, "Running")


def test_probe_set_without_a_probe_never_passes() -> None:
    assert verdict(GOOD, probes=0)[0] is not Verdict.PASSED
    assert verdict(FIRST_GOOD, probes=0)[0] is not Verdict.PASSED


def test_open_critical_probe_holds_the_promotion_until_three_passes_close_it() -> None:
    def with_passes(n: int) -> Report:
        return replace(GOOD, critical=(Critical(probe="pay", passed=n, failed=1), Critical(probe="id")), end="Budget")

    assert verdict(with_passes(2)) == (Verdict.INCONCLUSIVE, "CriticalProbeOpen")
    assert verdict(with_passes(3)) == (Verdict.PASSED, "Passed")


def test_of_ten_critical_probes_the_fourth_failure_in_a_row_fails_the_canary() -> None:
    def with_failures(n: int) -> Report:
        others = tuple(Critical(probe=f"p{i}", passed=2) for i in range(9))
        return replace(GOOD, critical=(*others, Critical(probe="pay", failed=n)), end="")

    assert verdict(with_failures(3)) == (Verdict.RUNNING, "Running")
    assert verdict(with_failures(4)) == (Verdict.FAILED, "CriticalProbeFailed")


def test_one_critical_probe_alone_fails_at_its_second_failure() -> None:
    report = replace(GOOD, critical=(Critical(probe="pay", failed=2),), end="")
    assert verdict(report) == (Verdict.FAILED, "CriticalProbeFailed")  # 5 · 5 ≥ 20


def test_canary_as_good_as_stable_fails_when_both_are_below_the_floor() -> None:
    low = Side(passed=60, failed=40)
    report = replace(GOOD, pairs=Pairs(tied=100), canary=low, stable=low)
    assert verdict(report) == (Verdict.FAILED, "BelowFloor")


def test_canary_at_the_margin_of_stable_does_not_pass_on_the_floor_alone() -> None:
    report = replace(
        OPEN, pairs=Pairs(lost=10, tied=180, won=6), canary=Side(passed=186, failed=10), probes_seen=100, end="Budget"
    )
    assert judge(POLICY, report, probes=PROBES).evidence.floor_promotion > 10
    assert verdict(report) == (Verdict.INCONCLUSIVE, "BudgetSpent")


def test_tolerance_forgives_what_it_names() -> None:
    tolerant = replace(POLICY, tolerance=0.02)
    assert verdict(WORSE)[0] is Verdict.FAILED
    assert verdict(replace(WORSE, end=""), policy=tolerant) == (Verdict.RUNNING, "Running")


def test_limits_follow_alpha_and_beta() -> None:
    assert verdict(replace(WORSE, end=""), policy=replace(POLICY, alpha=0.04)) == (Verdict.RUNNING, "Running")
    assert verdict(replace(GOOD, end=""), policy=replace(POLICY, beta=0.005)) == (Verdict.RUNNING, "Running")
    assert verdict(GOOD, policy=replace(POLICY, beta=0.006)) == (Verdict.PASSED, "Passed")


def test_without_a_baseline_only_the_floor_counts() -> None:
    found = weigh(POLICY, replace(FIRST_GOOD, pairs=Pairs(lost=500)))
    assert (found.rollback, found.promotion) == (1.0, 1.0)
    assert found.floor_promotion > 10


def test_critical_probes_count_without_a_baseline_too() -> None:
    failing = replace(FIRST_GOOD, critical=(Critical(probe="pay", passed=1, failed=1),), end="Budget")
    assert verdict(failing) == (Verdict.INCONCLUSIVE, "CriticalProbeOpen")


@pytest.mark.parametrize(
    ("found", "verdict_and_reason"),
    [
        (Evidence(rollback=20.0), (Verdict.FAILED, "WorseThanStable")),
        (Evidence(rollback=19.999), (Verdict.RUNNING, "Running")),
        (Evidence(floor_rollback=100.0), (Verdict.FAILED, "BelowFloor")),
        (Evidence(floor_rollback=99.999), (Verdict.RUNNING, "Running")),
        (Evidence(worst_critical=40.0), (Verdict.FAILED, "CriticalProbeFailed")),
        (Evidence(worst_critical=39.999), (Verdict.RUNNING, "Running")),
        (Evidence(promotion=10.0, floor_promotion=10.0, worst_critical=1.0), (Verdict.PASSED, "Passed")),
        (Evidence(promotion=9.999, floor_promotion=10.0), (Verdict.RUNNING, "Running")),
        (Evidence(promotion=10.0, floor_promotion=9.999), (Verdict.RUNNING, "Running")),
        (Evidence(promotion=10.0, floor_promotion=10.0, worst_critical=1.001), (Verdict.RUNNING, "Running")),
        (Evidence(rollback=20.0, promotion=10.0, floor_promotion=10.0), (Verdict.FAILED, "WorseThanStable")),
        (Evidence(), (Verdict.RUNNING, "Running")),
    ],
)
def test_evidence_decides_exactly_at_its_limit_and_failed_goes_before_passed(
    found: Evidence, verdict_and_reason: tuple[Verdict, str]
) -> None:
    report = replace(GOOD, critical=(Critical(probe="a"), Critical(probe="b")), end="")
    assert rules._decide(POLICY, report, found, PROBES) == verdict_and_reason


def test_critical_evidence_of_exactly_one_is_not_open() -> None:
    report = replace(GOOD, end="Budget")
    assert rules._decide(POLICY, report, Evidence(worst_critical=1.0), PROBES)[1] == "BudgetSpent"
    assert rules._decide(POLICY, report, Evidence(worst_critical=1.001), PROBES)[1] == "CriticalProbeOpen"


def test_one_pair_asked_and_unscored_is_too_many() -> None:
    report = Report(identity=PAIRED, pairs=Pairs(tied=1, unscored=1), end="Budget")
    assert verdict(report)[1] == "TooManyUnscored"


def test_without_counts_nothing_is_evidence_of_anything() -> None:
    ones = Evidence(rollback=1.0, promotion=1.0, floor_rollback=1.0, floor_promotion=1.0, worst_critical=0.0)
    assert Evidence() == ones == weigh(POLICY, Report(identity=PAIRED))


def test_evidence_and_judgement_cannot_be_changed_after_the_fact() -> None:
    found = judge(POLICY, OPEN, probes=PROBES)
    for thing, field in ((found, "verdict"), (found.evidence, "rollback")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, field, None)
