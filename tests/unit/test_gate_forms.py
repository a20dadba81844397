"""Graded scores, named metrics, errors of stable and the probes that broke: counted, judged, and never overstated."""

import dataclasses
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import evidence, fisher
from serinus.core import measure as measures
from serinus.core.measure import Measure, contradiction, floor_contradiction
from serinus.core.model import GatePolicy, MetricWeight, Verdict
from serinus.core.probe import Assertion, Probe
from serinus.core.report import MAX_BYTES, Critical, Pairs, Report, Side, Usage, decode, encode
from serinus.core.verdict import judge, weigh, weigh_metric
from serinus.core.wording import describe, interval
from serinus.probes.sums import values
from serinus.probes.tally import Mark, Tally
from tests.support.reports import FIRST, GOOD, OPEN, PAIRED, POLICY, PROBES, WORSE

GRADED = replace(POLICY, graded=True)
METRICS = replace(POLICY, metrics=(MetricWeight(name="facts", weight=3), MetricWeight(name="tone", weight=1)))
THREE = tuple(Probe(id=name, prompt="x") for name in "abc")


def mark(score: float, *, policy: GatePolicy = GRADED) -> Mark:
    return Mark(passed=score >= 0.5, score=score, values=(score,) if policy.graded else ())


ERROR = Mark(passed=None, why="500", fault=True)
GONE = Mark(passed=None, why="no connection")


def tallied(policy: GatePolicy, pairs: list[tuple[Mark, Mark]]) -> Report:
    tally = Tally(PAIRED, THREE, policy)
    for i, (canary, stable) in enumerate(pairs):
        tally.add(i % 3, canary, stable)
    return tally.report(Usage(calls=2 * len(pairs)))


# Graded scores


def test_scores_of_nought_and_one_weigh_as_passes_do() -> None:
    rng = random.Random(1)
    pairs = [(mark(float(rng.random() < 0.8)), mark(float(rng.random() < 0.9))) for _ in range(200)]
    report = tallied(GRADED, pairs)
    passes = weigh(POLICY, replace(report, measures=(), floor=()))
    found = weigh(GRADED, report)
    for field in dataclasses.fields(found):
        a, b = getattr(found, field.name), getattr(passes, field.name)
        assert a == pytest.approx(b, rel=3e-4)
        assert a <= b * (1 + 1e-9)  # rounded down: never overstated


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_honest_sums_survive_their_text_and_never_contradict_themselves(pairs: list[tuple[float, float, bool]]) -> None:
    report = tallied(GRADED, [(mark(c), ERROR if e else mark(s)) for c, s, e in pairs])
    assert decode(encode(report)) == report
    assert not contradiction(report.measures[0], GRADED)
    assert not floor_contradiction(report.floor, report.canary.scored, GRADED)


def test_worse_scores_fail_and_equal_scores_pass_though_no_pass_changes() -> None:
    worse = tallied(GRADED, [(mark(0.80), mark(0.95))] * 200)
    same = tallied(GRADED, [(mark(0.9), mark(0.9))] * 200)
    assert worse.pairs.lost == 0
    assert judge(GRADED, worse, probes=3).reason == "WorseThanStable"
    assert judge(GRADED, same, probes=3).verdict is Verdict.PASSED
    assert judge(GRADED, tallied(GRADED, [(mark(0.6), mark(0.6))] * 200), probes=3).reason == "BelowFloor"


HONEST = tallied(GRADED, [(mark(0.8), mark(0.9)), (mark(0.9), mark(0.8)), (mark(0.7), mark(0.7))] * 20).measures[0]


@pytest.mark.parametrize(
    "change",
    [
        {"promotion": tuple(x + 0.5 for x in HONEST.promotion)},
        {"rollback": tuple(x + 0.5 for x in HONEST.rollback)},
        {"rollback": ()},
        {"promotion": HONEST.promotion[:3]},
        {"total": 61.0},
        {"squares": 61.0},
        {"squares": -1.0},
        {"total": 30.0},
    ],
)
def test_sums_that_say_more_than_their_scores_are_never_judged(change: dict[str, object]) -> None:
    report = tallied(GRADED, [(mark(0.9), mark(0.9))] * 60)
    forged = replace(report, measures=(replace(HONEST, **change),), end="Decided")  # type: ignore[arg-type]
    assert contradiction(forged.measures[0], GRADED)
    assert (judge(GRADED, forged, probes=3).verdict, judge(GRADED, forged, probes=3).reason) == (
        Verdict.BROKEN,
        "CountsDisagree",
    )


@pytest.mark.parametrize("sums", [(), (61.0, *[0.0] * 8), (-1.0, *[0.0] * 8), (54.0, *[9.0] * 8), (54.0, 0.0)])
def test_floor_sums_that_cannot_be_are_never_judged(sums: tuple[float, ...]) -> None:
    report = tallied(GRADED, [(mark(0.9), mark(0.9))] * 60)
    assert floor_contradiction(sums, 60, GRADED)
    assert judge(GRADED, replace(report, floor=sums, end="Decided"), probes=3).reason == "CountsDisagree"


def test_report_of_another_form_of_gate_is_never_judged() -> None:
    graded = tallied(GRADED, [(mark(0.9), mark(0.9))] * 60)
    for policy, report in ((POLICY, graded), (GRADED, GOOD), (METRICS, GOOD), (METRICS, graded)):
        assert judge(policy, report, probes=3).reason == "CountsDisagree"
        assert weigh(policy, report).rollback == weigh(policy, report).promotion == 1
    first = replace(graded, identity=FIRST, pairs=Pairs(), stable=Side())
    assert judge(GRADED, first, probes=3).reason == "CountsDisagree"
    assert judge(GRADED, replace(first, measures=()), probes=3).verdict is Verdict.PASSED


def test_interval_of_scores_holds_the_mean_and_is_no_narrower_than_that_of_passes() -> None:
    n, total = 200, WORSE.pairs.won - WORSE.pairs.lost
    low, high = evidence.graded_interval(n, total, WORSE.pairs.won + WORSE.pairs.lost, alpha=0.05)
    exact = evidence.interval(WORSE.pairs.lost, n - 23, WORSE.pairs.won, alpha=0.05)
    assert low <= exact[0] < total / n < exact[1] <= high
    assert exact[0] - low < 0.05
    assert evidence.graded_interval(0, 0.0, 0.0, alpha=0.05) == (-1.0, 1.0)
    report = tallied(GRADED, [(mark(0.8), mark(0.9))] * 100)
    low, high = interval(GRADED, report)
    assert low < -0.1 < high < 0
    text = describe(GRADED, report, judge(GRADED, report, probes=3))
    assert f"difference of scores -10.0 points, 90 % interval [{100 * low:+.1f}, {100 * high:+.1f}]" in text
    assert " difference -6.3 points" in describe(POLICY, WORSE, judge(POLICY, WORSE, probes=PROBES))


# Several metrics in one gate


def with_metrics(facts: Measure, tone: Measure) -> Report:
    side = Side(passed=190, failed=10)
    return replace(GOOD, pairs=Pairs(tied=200), canary=side, stable=side, measures=(facts, tone), end="")


def test_rollback_of_metrics_is_their_weighted_mean_and_promotion_the_least() -> None:
    facts, tone = Measure(lost=20, tied=176, won=4), Measure(lost=2, tied=195, won=3)
    report = with_metrics(facts, tone)
    (roll_a, prom_a), (roll_b, prom_b) = weigh_metric(METRICS, facts), weigh_metric(METRICS, tone)
    found = weigh(METRICS, report)
    assert roll_a == pytest.approx(136.37049360036548)
    assert found.rollback == pytest.approx((3 * roll_a + roll_b) / 4)
    assert found.promotion == min(prom_a, prom_b) == prom_a
    assert judge(METRICS, report, probes=PROBES).reason == "WorseThanStable"
    light = replace(METRICS, metrics=tuple(replace(m, weight=w) for m, w in zip(METRICS.metrics, (1, 30), strict=True)))
    assert judge(light, report, probes=PROBES).verdict is Verdict.RUNNING


def test_one_metric_that_is_not_surely_as_good_holds_the_promotion() -> None:
    sure, unsure = Measure(lost=2, tied=195, won=3), Measure(lost=10, tied=180, won=10)
    assert judge(METRICS, with_metrics(sure, sure), probes=PROBES).verdict is Verdict.PASSED
    assert judge(METRICS, with_metrics(sure, unsure), probes=PROBES).verdict is Verdict.RUNNING
    assert judge(METRICS, with_metrics(sure, Measure()), probes=PROBES).verdict is Verdict.RUNNING


def test_metric_is_the_mean_of_its_assertions_or_whether_all_of_them_passed() -> None:
    made = [
        Assertion(type="contains", metric="facts", weight=3.0),
        Assertion(type="contains", metric="facts", weight=1.0),
        Assertion(type="contains"),
        Assertion(type="contains", metric="tone", weight=0.0),
    ]
    probe = Probe(id="p", prompt="x", assertions=tuple(made))
    found = [{"passed": s >= 0.5, "score": s} for s in (1.0, 0.2, 0.0)] + [{"passed": True, "score": 0.4}]
    graded = replace(METRICS, graded=True)
    assert list(values(graded, probe, 0.5, found)) == [pytest.approx(0.8), pytest.approx(0.4)]
    assert values(METRICS, probe, 0.5, found) == (0.0, 0.0)  # one failed; a measured 0.4 is no pass
    assert values(METRICS, probe, 1.0, [{"passed": True, "score": 0.9}] * 4) == (1.0, 1.0)
    assert values(METRICS, probe, 0.0, []) == (0.0, 0.0)  # an answer that is wrong as a whole
    assert values(METRICS, THREE[0], 1.0, []) == (None, None)  # not measured: no pair
    assert values(GRADED, probe, 0.7, found) == (0.7,)
    assert values(POLICY, probe, 0.7, found) == ()


def test_probe_without_a_metric_is_no_pair_of_it() -> None:
    both, one = Mark(passed=True, score=1.0, values=(1.0, 1.0)), Mark(passed=True, score=1.0, values=(1.0, None))
    report = tallied(METRICS, [(both, both), (one, one), (both, replace(both, values=(0.0, 1.0)))])
    assert report.measures == (Measure(tied=2, won=1), Measure(tied=2))
    assert report.pairs.scored == 3


# Errors of stable


def test_error_of_stable_is_its_failure_against_a_rollback_and_nowhere_else() -> None:
    yes, no = Mark(passed=True, score=1.0), Mark(passed=False)
    report = tallied(POLICY, [(yes, yes)] * 10 + [(yes, ERROR)] * 2 + [(no, ERROR), (yes, GONE), (GONE, ERROR)])
    assert dataclasses.asdict(report.pairs) | {"worst_window": 0} == {
        "lost": 0,
        "tied": 10,
        "won": 0,
        "unscored": 5,
        "worst_window": 0,
        "fault_tied": 1,
        "fault_won": 2,
    }
    assert (report.canary.scored, report.stable.scored) == (10, 10)
    found = weigh(POLICY, report)
    assert found.rollback == evidence.rollback(0, 11, 2)
    assert found.promotion == evidence.promotion(0, 10, 0, margin=0.05)
    assert decode(encode(report)) == report


@given(st.integers(0, 300), st.integers(0, 300), st.booleans())
def test_no_error_of_stable_ever_helps_a_promotion(tied: int, won: int, graded: bool) -> None:
    policy = GRADED if graded else POLICY
    pairs = [(mark(1.0, policy=policy), mark(1.0, policy=policy))] * 3
    errors = [(mark(1.0, policy=policy), ERROR)] * won + [(mark(0.0, policy=policy), ERROR)] * tied
    with_errors, without = weigh(policy, tallied(policy, pairs + errors)), weigh(policy, tallied(policy, pairs))
    assert with_errors.promotion == without.promotion
    assert with_errors.floor_promotion == without.floor_promotion
    assert with_errors.rollback <= without.rollback


def test_garbage_canary_behind_a_broken_stable_never_passes() -> None:
    no, yes = Mark(passed=False), Mark(passed=True, score=1.0)
    for answers in ([no], [yes], [no, yes]):
        report = tallied(POLICY, [(answers[i % len(answers)], ERROR) for i in range(500)])
        for end in ("", "Budget", "Decided"):
            assert judge(POLICY, replace(report, end=end), probes=3).verdict in (Verdict.BROKEN, Verdict.INCONCLUSIVE)


def test_faults_are_told_in_words_and_more_of_them_than_unscored_pairs_are_refused() -> None:
    report = replace(GOOD, pairs=replace(GOOD.pairs, unscored=3, fault_tied=1, fault_won=2))
    text = describe(POLICY, report, judge(POLICY, report, probes=PROBES))
    assert "In 3 further pairs stable answered with an error, which the canary did in 1" in text
    with pytest.raises(Exception, match="fault_tied and fault_won: found 3, allowed is at most 2"):
        decode(encode(replace(report, pairs=replace(report.pairs, unscored=2))))


# Which probes broke


def test_fishers_test_on_counts_worked_by_hand() -> None:
    assert fisher.p_value((3, 0), (0, 3)) == pytest.approx(1 / 20)
    assert fisher.p_value((9, 1), (0, 10)) == pytest.approx((math.comb(11, 1) * math.comb(9, 9)) / math.comb(20, 10))
    assert fisher.p_value((0, 5), (5, 0)) == 1
    assert fisher.p_value((1, 1), (1, 1)) == pytest.approx(5 / 6)
    assert fisher.p_value((0, 0), (0, 0)) == 1


def test_benjamini_hochberg_names_all_up_to_the_last_that_is_under_its_line() -> None:
    assert fisher.discoveries([0.001, 0.9, 0.049, 0.06], rate=0.10) == {0, 2, 3}
    assert fisher.discoveries([0.03, 0.9, 0.8, 0.7], rate=0.10) == frozenset()
    assert fisher.discoveries([]) == frozenset()


def test_probes_that_broke_are_named_at_the_end_and_decide_nothing() -> None:
    yes, no = Mark(passed=True, score=1.0), Mark(passed=False, example="no")
    pairs = [(no if i % 3 == 1 else yes, yes) for i in range(30)]
    tally = Tally(PAIRED, THREE, POLICY)
    for i, (canary, stable) in enumerate(pairs):
        tally.add(i % 3, canary, stable)
    before, after = tally.report(Usage()), tally.report(Usage(), end="Decided")
    assert [(w.probe, w.broke) for w in before.worst] == [("b", False)]
    assert [(w.probe, w.broke) for w in after.worst] == [("b", True)]
    assert "Probes that broke: b (10/10 -> 0/10)" in describe(POLICY, after, judge(POLICY, after, probes=3))
    assert judge(POLICY, after, probes=3).evidence == judge(POLICY, replace(after, worst=()), probes=3).evidence


# The report


def test_largest_report_of_every_form_fits() -> None:
    ten = tuple(MetricWeight(name=f"m{i}") for i in range(10))
    policy = replace(GRADED, metrics=ten)
    measure = Measure(
        lost=999_999, tied=999_999, won=999_999, fault_tied=99_999, fault_won=99_999, total=-999_999.123456,
        squares=999_999.123456, rollback=(-999_999.1234,) * 4, promotion=(-999_999.1234,) * 4,
    )  # fmt: skip
    side = Side(passed=1_500_000, failed=1_499_997)
    report = replace(
        OPEN,
        identity=replace(PAIRED, namespace="n" * 63, service="s" * 40, gate="g" * 20, digest="sha256:" + "0" * 64),
        pairs=Pairs(lost=999_999, tied=999_999, won=999_999, unscored=10**7, fault_tied=10**6, fault_won=10**6),
        canary=side,
        stable=side,
        critical=tuple(Critical(probe=f"{i}" * 32, passed=99_999, failed=99_999) for i in range(10, 30)),
        measures=(measure,) * len(policy.metrics),
        floor=(1_499_999.123456, *(-999_999.1234,) * 8),
        cached="c" * 480,
        error="e" * 480,
        judge_digest="sha256:" + "1" * 64,
    )
    text = encode(report)
    assert len(text.encode()) <= MAX_BYTES
    assert decode(text).measures == report.measures


@pytest.mark.parametrize(
    "raw",
    [None, {}, [1, 2], [1] * 8, ["1"] * 7, [True] * 7, [-1] * 7, [1.5] * 7, [0] * 6 + [math.inf], [0] * 6 + ["x"]],
)
def test_sums_that_are_no_sums_are_refused(raw: object) -> None:
    with pytest.raises(ValueError, match="m: "):
        measures.unflat("m", raw, most=10)


def test_sums_are_read_back_and_counts_stay_whole() -> None:
    plain = Measure(lost=1, tied=2, won=3, fault_tied=4, fault_won=5)
    for found in (plain, HONEST):
        assert measures.unflat("m", measures.flat(found), most=100) == found
    assert (plain.scored, plain.faults) == (6, 9)
    assert measures.rounded([1.23456, -1.23456]) == (1.2345, -1.2346)
