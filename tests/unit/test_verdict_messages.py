"""The sentences that people read: what was counted, and how far it is from its limit."""

from dataclasses import replace

import pytest

from serinus.core import wording
from serinus.core.model import Verdict
from serinus.core.report import Critical, Pairs, Report, Side, Usage
from serinus.core.verdict import Judgement, judge, weigh
from serinus.core.wording import describe
from tests.support.reports import FIRST, FIRST_BAD, FIRST_GOOD, GOOD, PAIRED, POLICY, PROBES, WORSE


def text(report: Report) -> str:
    return describe(POLICY, report, judge(POLICY, report, probes=PROBES))


SENTENCES = {
    "worse": (
        WORSE,
        (
            "The canary is worse than stable. 412 calls, 206 pairs on 100 probes: canary 88.3 %, stable 94.7 %, "
            "difference -6.3 points, 90 % interval [-13.3, -0.2]. The canary lost 18 pairs and won 5; "
            "evidence to roll back 23.4 (limit 20), to promote 0.153 (limit 10). Worst probes: refund-03 (3/3 -> 0/3)."
        ),
    ),
    "passed": (
        GOOD,
        (
            "Surely not worse than stable by 5 points. 392 calls, 196 pairs on 100 probes: canary 96.9 %, "
            "stable 96.4 %, difference +0.5 points, 90 % interval [-3.3, +4.5]. The canary lost 2 pairs and won 3; "
            "evidence to roll back 0.43 (limit 20), to promote 196 (limit 10)."
        ),
    ),
    "first passed": (
        FIRST_GOOD,
        (
            "Surely not below the floor less the margin. 100 calls on 100 probes: 98.0 % passed. Floor 80 %: evidence "
            "that it is missed 0.008 (limit 100), that it is met within 5 points over a million (limit 10)."
        ),
    ),
    "first failed": (
        FIRST_BAD,
        (
            "The revision is below its floor. 100 calls on 100 probes: 60.0 % passed. Floor 80 %: evidence that it is "
            "missed 6,122 (limit 100), that it is met within 5 points 0.007 (limit 10)."
        ),
    ),
    "below the floor beside stable": (
        replace(
            GOOD,
            pairs=Pairs(tied=100),
            canary=Side(passed=60, failed=40),
            stable=Side(passed=60, failed=40),
            usage=Usage(calls=200),
        ),
        (
            "The revision is below its floor. 200 calls, 100 pairs on 100 probes: canary 60.0 %, stable 60.0 %, "
            "difference +0.0 points, 90 % interval [-5.2, +5.2]. The canary lost 0 pairs and won 0; evidence to roll "
            "back 1 (limit 20), to promote 17.1 (limit 10). Floor 80 %: evidence that it is missed 6,122 "
            "(limit 100), that it is met within 5 points 0.007 (limit 10)."
        ),
    ),
    "critical": (
        Report(
            identity=FIRST,
            critical=(Critical(probe="pay", failed=4), *(Critical(probe=f"p{i}", passed=1) for i in range(9))),
        ),
        "A critical probe fails. Critical (open above 1, limit 200): pay failed 4 of 4, evidence 625.",
    ),
    "unscored": (
        Report(identity=PAIRED, pairs=Pairs(unscored=30, worst_window=12), end="Budget"),
        (
            "Too many pairs had no score, so the others prove nothing: 30 of 30 (allowed 5 %), 12 in the worst 50 "
            "(allowed 10)."
        ),
    ),
    "cached": (
        Report(identity=PAIRED, cached="12 of 12 response ids repeat", end="Decided"),
        "Answers came from a cache, so repeats prove nothing: 12 of 12 response ids repeat.",
    ),
    "error": (
        Report(identity=PAIRED, end="Error", error="probes.json: no such file."),
        "The check itself failed: probes.json: no such file.",
    ),
    "not seen": (
        Report(identity=FIRST, canary=Side(passed=1), probes_seen=1, usage=Usage(calls=1), end="Budget"),
        (
            "Not every probe was seen: 1 of 100. 1 calls on 1 probes: 100.0 % passed. Floor 80 %: evidence that it is "
            "missed 0.894 (limit 100), that it is met within 5 points 1.14 (limit 10)."
        ),
    ),
    "nothing": (Report(identity=PAIRED, end="Budget"), "No answer could be scored."),
    "nothing scored": (
        Report(identity=PAIRED, pairs=Pairs(unscored=7), end="Budget"),
        "No answer could be scored: 7 asked.",
    ),
    "interrupted": (Report(identity=PAIRED, end="Interrupted"), "The run was interrupted."),
    "claim": (
        Report(identity=PAIRED, end="Decided"),
        "What the run said and what it counted contradict each other.",
    ),
    "running": (Report(identity=PAIRED), "Running."),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_message_says_what_was_counted_and_how_far_from_the_limit(name: str) -> None:
    report, expected = SENTENCES[name]
    assert text(report) == expected


def test_open_critical_probe_is_named_with_its_evidence() -> None:
    report = replace(GOOD, critical=(Critical(probe="pay", passed=2, failed=1), Critical(probe="id")), end="Budget")
    assert "A critical probe is still open." in text(report)
    assert "Critical (open above 1, limit 40): pay failed 1 of 3, evidence 1.54." in text(report)


def test_floor_that_keeps_a_good_canary_waiting_is_shown_and_one_that_does_not_is_not() -> None:
    side = Side(passed=231, failed=69)
    waiting = replace(GOOD, pairs=Pairs(tied=300), canary=side, stable=side, end="Budget")
    assert "Floor 80 %: evidence that it is missed" in text(waiting)
    assert "Floor" not in text(replace(GOOD, end="Budget", probes_seen=99))


def test_evidence_just_below_its_limit_is_not_rounded_up_to_it() -> None:
    policy = replace(POLICY, beta=1 / 196)
    report = replace(GOOD, end="Budget")
    found = judge(policy, report, probes=PROBES)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "to promote 195.98 (limit 196)" in describe(policy, report, found)


def test_interval_is_named_by_its_real_level() -> None:
    policy = replace(POLICY, alpha=0.001)
    assert "99.8 % interval" in describe(policy, GOOD, judge(policy, GOOD, probes=PROBES))


def test_judgement_carries_the_evidence_it_was_made_from() -> None:
    found = judge(POLICY, WORSE, probes=PROBES)
    assert found == Judgement(
        verdict=Verdict.FAILED, reason="WorseThanStable", evidence=weigh(POLICY, WORSE), probes=PROBES
    )
    assert found.evidence.rollback == pytest.approx(23.429176, abs=1e-6)
    assert found.evidence.worst_critical == 0


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (0.0009, 20, "under 0.001"),
        (0.001, 20, "0.001"),
        (0.1534, 20, "0.153"),
        (1.0, 20, "1"),
        (1.536, 40, "1.54"),
        (19.96, 20, "19.96"),
        (19.9999996, 20, "19.9999996"),
        (20.04, 20, "20"),
        (23.4292, 20, "23.4"),
        (99.97, 100, "99.97"),
        (195.976, 10, "196"),
        (6121.7, 100, "6,122"),
        (999_999.4, 10, "999,999"),
        (1_000_000.0, 10, "over a million"),
    ],
)
def test_evidence_is_shown_with_three_digits_and_never_across_its_limit(value: float, limit: float, shown: str) -> None:
    assert wording._short(value, limit) == shown


def test_limits_that_are_no_whole_numbers_keep_two_decimals() -> None:
    policy = replace(POLICY, alpha=0.03, beta=0.0007)
    report = replace(GOOD, critical=(Critical(probe="pay", failed=1),))
    found = describe(policy, report, judge(policy, report, probes=PROBES))
    assert "(limit 33.33)" in found
    assert "(limit 1,428.57)" in found
    assert "Critical (open above 1, limit 33.33): pay failed 1 of 1, evidence 5" in found
