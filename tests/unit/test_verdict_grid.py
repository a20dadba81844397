"""The verdict over every combination of its pieces: a revision passes only with all of them in place."""

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from serinus.core.model import Verdict
from serinus.core.report import ENDS, Critical, Pairs, Report, Side
from serinus.core.verdict import judge
from serinus.core.wording import describe
from tests.support.reports import FIRST, PAIRED, POLICY


def verdict(report: Report, probes: int) -> Verdict:
    return judge(POLICY, report, probes=probes).verdict


def every_report() -> list[tuple[Report, int]]:
    """All combinations of the pieces, each good, undecided or bad."""
    pairs_side = (  # pairs, canary, stable
        (Pairs(lost=2, tied=191, won=3), Side(passed=190, failed=6), Side(passed=189, failed=7)),  # both tests passed
        (Pairs(lost=1, tied=20, won=1), Side(passed=21, failed=1), Side(passed=21, failed=1)),  # too few
        (Pairs(lost=18, tied=183, won=5), Side(passed=182, failed=24), Side(passed=195, failed=11)),  # worse
        (Pairs(tied=100), Side(passed=60, failed=40), Side(passed=60, failed=40)),  # below the floor
        (Pairs(tied=300), Side(passed=231, failed=69), Side(passed=231, failed=69)),  # floor undecided
        (Pairs(), Side(), Side()),
    )
    criticals = (
        (),
        (Critical(probe="a", passed=9),),
        (Critical(probe="a", passed=2, failed=1),),
        (Critical(probe="a", failed=2),),
        (Critical(probe="a", passed=9), Critical(probe="b", failed=1)),
    )
    return [
        (
            Report(
                identity=identity,
                pairs=replace(pairs, unscored=unscored, worst_window=window),
                canary=canary,
                stable=stable,
                critical=critical,
                probes_seen=seen,
                cached=cached,
                end=end,
            ),
            probes,
        )
        for identity, (
            pairs,
            canary,
            stable,
        ), critical, unscored, window, seen, cached, end, probes in itertools.product(
            (PAIRED, FIRST), pairs_side, criticals, (0, 5, 40), (0, 11), (0, 99, 100), ("", "x"), ENDS, (0, 1, 100)
        )
    ]


def has_every_piece(report: Report, probes: int) -> bool:
    """The design's sentence, written a second time from its own numbers."""
    good_pairs = report.pairs.lost == 2
    good_floor = report.canary.passed in (21, 182, 190)  # of 22, 206, 196: far above 75 %; 231 of 300 is not
    asked = report.pairs.scored if report.identity.baseline else report.canary.scored
    few_unscored = 20 * report.pairs.unscored <= asked + report.pairs.unscored and report.pairs.worst_window <= 10
    closed = all(c.failed == 0 for c in report.critical)
    return (
        good_floor
        and (good_pairs or not report.identity.baseline)
        and few_unscored
        and closed
        and 0 < probes <= report.probes_seen
        and not report.cached
        and report.end != "Error"
    )


def test_no_combination_passes_without_every_piece_and_every_one_with_them_does() -> None:
    passed = 0
    for report, probes in every_report():
        found = verdict(report, probes)
        assert (found is Verdict.PASSED) == has_every_piece(report, probes), (found, report, probes)
        passed += found is Verdict.PASSED
    assert passed > 100


def test_no_combination_fails_while_the_check_itself_is_in_doubt() -> None:
    failed = 0
    for report, probes in every_report():
        if verdict(report, probes) is Verdict.FAILED:
            failed += 1
            assert report.end != "Error"
            assert not report.cached
            assert report.pairs.worst_window <= 10
            assert report.pairs.unscored <= 5
    assert failed > 100


def test_every_combination_is_described_in_one_finished_paragraph() -> None:
    for report, probes in every_report()[::7]:
        found = describe(POLICY, report, judge(POLICY, report, probes=probes))
        assert found[0] == found[0].upper()
        assert found.endswith(".")
        assert ".." not in found
        assert "\n" not in found


def test_running_is_said_only_while_the_run_has_not_ended() -> None:
    for report, probes in every_report():
        if verdict(report, probes) is Verdict.RUNNING:
            assert report.end == ""


@given(
    lost=st.integers(0, 300),
    tied=st.integers(0, 2000),
    won=st.integers(0, 300),
    both=st.floats(0, 1),
    seen=st.integers(0, 100),
    end=st.sampled_from(ENDS),
)
def test_losing_one_more_pair_never_turns_a_verdict_into_passed(
    lost: int, tied: int, won: int, both: float, seen: int, end: str
) -> None:
    def at(lost: int) -> Verdict:
        passes = round(both * tied)
        canary = Side(passed=passes + won, failed=tied - passes + lost)
        stable = Side(passed=passes + lost, failed=tied - passes + won)
        report = Report(
            identity=PAIRED,
            pairs=Pairs(lost=lost, tied=tied, won=won),
            canary=canary,
            stable=stable,
            probes_seen=seen,
            end=end,
        )
        return verdict(report, 100)

    if at(lost) is not Verdict.PASSED:
        assert at(lost + 1) is not Verdict.PASSED
    if at(lost) is Verdict.FAILED:
        assert at(lost + 1) is Verdict.FAILED
