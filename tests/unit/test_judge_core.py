"""Judges in a ProbeSet: read, measured, paid for, and what their quality does to a gate."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import judge, judge_cost, judge_quality, probejson
from serinus.core.findings import Findings
from serinus.core.judge import Judged, JudgeSpec, Judging, Label
from serinus.core.judge_labels import read_labels
from serinus.core.judge_quality import Quality, calibrated, wilson
from serinus.core.judge_sanity import ALLOWED_ERRORS, SANITY
from serinus.core.model import GatePolicy, Verdict
from serinus.core.probeset import parse_probe_set
from serinus.core.questions import read_probe_set
from serinus.core.report import Identity, Pairs, Report, Side
from serinus.core.verdict import judge as judge_counts
from serinus.core.verdict import weigh
from serinus.core.wording import describe
from tests.support.probing import POLICY

RUBRIC = {"type": "llm-rubric", "value": "is kind"}
JUDGE = {"name": "local", "model": "qwen", "serviceRef": {"name": "qwen", "port": 8000}}


def spec(*assertions: object, **fields: Any) -> dict[str, Any]:
    tests = [{"vars": {"q": f"q{i}"}, "assert": list(assertions or (RUBRIC,))} for i in range(4)]
    return {"source": {"inline": json.dumps({"prompts": ["{{q}}"], "tests": tests})}, **fields}


def problems(found: Any) -> list[str]:
    return [f"{p.field}: {p.message}" for p in found.problems]


LABELLED = {
    "a.yaml": "\n".join(
        f"- {{rubric: kind, output: 'text {i}', label: {'pass' if i % 2 else 'fail'}}}" for i in range(20)
    )
}


def test_judges_embeddings_and_labels_are_part_of_the_digest_and_come_back() -> None:
    fields: dict[str, Any] = {"judges": [JUDGE], "calibration": {"configMapRef": {"name": "labels"}}}
    fields["embeddings"] = {"model": "e5", "endpointRef": {"name": "outside"}}
    found = parse_probe_set(spec(RUBRIC, {"type": "similar", "value": "kind"}, **fields), {}, LABELLED)
    assert not found.problems
    again = probejson.from_json(probejson.to_json(found))
    assert again.judging == found.judging
    assert again.digest == found.digest
    assert len(found.judging.labels) == 20
    assert found.judging.embeddings == JudgeSpec(name="embeddings", model="e5", endpoint="outside")
    other = parse_probe_set(spec(judges=[{**JUDGE, "model": "another"}]), {})
    same = parse_probe_set(spec(judges=[{**JUDGE, "secretKeyRef": {"name": "key", "key": "token"}}]), {})
    alone = parse_probe_set(spec(judges=[JUDGE]), {})
    assert len({found.digest, other.digest, alone.digest}) == 3
    assert same.digest == alone.digest
    assert "secret" not in probejson.to_json(same)
    assert judge.digest_of(other.judging) != judge.digest_of(alone.judging)


def test_set_without_judges_has_no_word_of_them() -> None:
    found = parse_probe_set(spec({"type": "contains", "value": "a"}), {})
    assert "judging" not in probejson.to_json(found)
    assert judge.digest_of(found.judging) == ""


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({}, "found 'llm-rubric', which needs spec.judges"),
        ({"judges": [JUDGE, {**JUDGE, "name": "b"}]}, "spec.judges: found 2, allowed are 1, 3 or 5"),
        ({"judges": [JUDGE, JUDGE, JUDGE]}, "found the name 'local' twice"),
        ({"judges": [{"name": "a", "model": "m"}]}, "allowed is exactly one of serviceRef"),
        ({"judges": [{**JUDGE, "name": "embeddings"}]}, "spec.judges[0].name: found 'embeddings'"),
        ({"judges": [{**JUDGE, "serviceRef": {"name": "x", "port": 0}}]}, "serviceRef.port: found 0"),
        ({"judges": [{**JUDGE, "name": "A b"}]}, "spec.judges[0].name: found 'A b'"),
        ({"judges": [JUDGE], "calibration": {"configMapRef": {"name": "x"}}}, "found 0 good and 0 bad answers"),
    ],
)
def test_wrong_judges_are_named_with_their_path(fields: dict[str, Any], problem: str) -> None:
    found = parse_probe_set(spec(**fields), {})
    assert any(problem in p for p in problems(found)), problems(found)
    assert found.probes == ()


def test_similarity_needs_an_embeddings_endpoint() -> None:
    found = parse_probe_set(spec({"type": "similar", "value": "kind"}), {})
    assert any("'similar', which needs spec.embeddings" in p for p in problems(found))


def test_judges_that_nobody_asks_are_a_note() -> None:
    found = parse_probe_set(spec({"type": "contains", "value": "a"}, judges=[JUDGE]), {})
    assert not found.problems
    assert any("not needed" in n.message for n in found.notes)


def labels_of(name: str, text: str) -> tuple[tuple[Label, ...], list[str]]:
    findings = Findings()
    found = read_labels(findings, {name: text})
    return found, [f"{p.line} {p.field} {p.message}" for p in findings.problems]


@pytest.mark.parametrize("name", ["l.yaml", "l.json", "l.jsonl", "l.csv"])
def test_labels_are_read_from_every_format(name: str) -> None:
    rows = [{"criterion": "kind", "answer": f"text {i}", "pass": i < 10, "question": "?"} for i in range(20)]
    texts = {
        "l.yaml": json.dumps(rows),
        "l.json": json.dumps(rows),
        "l.jsonl": "\n".join(json.dumps(r) for r in rows) + "\n",
        "l.csv": "criterion,answer,label,question\n"
        + "".join(f"kind,text {i},{'pass' if i < 10 else 'fail'},?\n" for i in range(20)),
    }
    found, wrong = labels_of(name, texts[name])
    assert wrong == []
    assert found[0] == Label(criterion="kind", answer="text 0", good=True, question="?")
    assert [x.good for x in found] == [True] * 10 + [False] * 10


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b", "allowed is a list"),
        ("- 1", "allowed is a mapping"),
        ("- {rubric: x, output: y}", "pass: found None, allowed are pass and fail"),
        ("- {rubric: x, output: y, label: maybe}", "pass: found 'maybe'"),
        ("- {rubric: ' ', output: y, label: pass}", "criterion: found nothing"),
        ("- {output: y, label: pass}", "criterion: allowed is a text"),
        ("- {rubric: x, output: 3, label: pass}", "answer: allowed is a text"),
        ("- {rubric: x, output: y, label: pass, note: z}", "found 'note', allowed are"),
        ("- [", "not YAML"),
    ],
)
def test_wrong_labels_are_named_with_their_line(text: str, problem: str) -> None:
    wrong = labels_of("l.yaml", text)[1]
    assert any(problem in w for w in wrong), wrong


def test_few_labels_measure_nothing() -> None:
    text = json.dumps([{"rubric": "x", "output": f"{i}", "label": "pass"} for i in range(12)])
    assert "found 12 good and 0 bad answers, allowed are at least 10 of each" in labels_of("l.json", text)[1][0]


def test_wilson_interval_has_its_published_values() -> None:
    assert wilson(45, 50) == pytest.approx((0.7864, 0.9565), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500), st.data())
def test_wilson_interval_holds_the_share_and_mirrors(trials: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, trials))
    low, high = wilson(successes, trials)
    assert 0 <= low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= high <= 1
    assert wilson(trials - successes, trials) == pytest.approx((1 - high, 1 - low), abs=1e-9)


def quality(sensitivity: int, specificity: int) -> Quality:
    """Percent of a hundred good and a hundred bad answers."""
    return Quality(
        good_passed=sensitivity,
        good_failed=100 - sensitivity,
        bad_passed=100 - specificity,
        bad_failed=specificity,
    )


@pytest.mark.parametrize(
    ("found", "j", "weak", "unfit"),
    [
        (quality(100, 100), 1.0, False, False),
        (quality(90, 90), 0.8, False, False),
        (quality(90, 89), 0.79, True, False),
        (quality(80, 80), 0.6, True, False),
        (quality(80, 79), 0.59, True, True),
        (quality(100, 0), 0.0, True, True),
        (quality(0, 0), -1.0, True, True),
        (Quality(), -1.0, False, False),
        (Quality(good_passed=5), 0.0, False, False),
    ],
)
def test_limits_of_j_are_meant_exactly(found: Quality, j: float, weak: bool, unfit: bool) -> None:
    assert (round(found.j, 6), found.weak, found.unfit) == (j, weak, unfit)


def report(pairs: Pairs, canary: Side, stable: Side, **fields: Any) -> Report:
    identity = Identity(
        namespace="n", service="s", revision="r2", baseline="r1", gate="g", purpose="BeforeTraffic", step=-1,
        attempt=0, digest="sha256:1",
    )  # fmt: skip
    return Report(identity=identity, pairs=pairs, canary=canary, stable=stable, probes_seen=10, **fields)


GOOD_RUN = report(Pairs(tied=100), Side(passed=100), Side(passed=100))


def test_margin_and_tolerance_shrink_with_the_judges() -> None:
    policy = dataclasses.replace(POLICY, tolerance=0.02)
    scaled = calibrated(policy, quality(90, 80))
    assert (scaled.margin, scaled.tolerance) == pytest.approx((0.035, 0.014))
    assert calibrated(policy, Quality()) == policy
    perfect = dataclasses.replace(GOOD_RUN, judge=quality(100, 100))
    poor = dataclasses.replace(GOOD_RUN, judge=quality(80, 80))
    assert weigh(POLICY, perfect) == weigh(POLICY, GOOD_RUN)
    assert weigh(POLICY, poor).promotion < weigh(POLICY, GOOD_RUN).promotion
    assert math.isclose(
        weigh(POLICY, poor).promotion, weigh(dataclasses.replace(POLICY, margin=0.03), GOOD_RUN).promotion
    )


@pytest.mark.parametrize(
    ("fields", "verdict", "reason", "words"),
    [
        ({}, Verdict.PASSED, "Passed", ""),
        ({"judge_digest": "sha256:2"}, Verdict.PASSED, "Passed", "The judges are not calibrated"),
        ({"judge": quality(100, 100)}, Verdict.PASSED, "Passed", "J 1.00; margin scaled to 5.0 points"),
        ({"judge": quality(70, 80)}, Verdict.INCONCLUSIVE, "JudgeUnfit", "J 0.50; J is below 0.6"),
        ({"flagged": 5}, Verdict.PASSED, "Passed", "5 answers speak to the judge: scored by rules alone"),
        ({"flagged": 6, "end": "Budget"}, Verdict.INCONCLUSIVE, "AnswersToJudge", "6 of 100 (allowed 5 %)"),
        ({"flagged": 6}, Verdict.RUNNING, "Running", ""),
    ],
)
def test_what_is_known_of_the_judges_decides_too(
    fields: dict[str, Any], verdict: Verdict, reason: str, words: str
) -> None:
    found = dataclasses.replace(GOOD_RUN, **fields)
    judged = judge_counts(POLICY, found, probes=10)
    assert (judged.verdict, judged.reason) == (verdict, reason)
    assert words in describe(POLICY, found, judged)


def test_bad_judges_decide_nothing_against_a_canary_either() -> None:
    lost = report(Pairs(lost=100), Side(failed=100), Side(passed=100), judge=quality(70, 80))
    assert judge_counts(POLICY, lost, probes=10).reason == "JudgeUnfit"


def test_cost_is_known_before_anybody_is_asked() -> None:
    fields = {"judges": [JUDGE], "calibration": {"configMapRef": {"name": "labels"}}}
    seen, _ = read_probe_set("support", spec(RUBRIC, RUBRIC, **fields), {}, LABELLED)
    assert seen.questions is not None
    asked = seen.questions
    assert asked.judged is not None
    found = judge_cost.expected(asked.judged)
    assert (found["judges"], found["labels"], found["callsPerRound"], found["calibrationCalls"]) == (1, 20, 16, 20)
    assert found["tokensPerRound"] > 16 * 500
    run = judge_cost.in_a_run(asked, calls=400, paired=True)
    assert run["expectedCalls"] == 8 + 20 + 800
    assert judge_cost.in_a_run(dataclasses.replace(asked, judged=None), calls=400, paired=True) == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model": "chat-model"}, "is the model under test"),
        ({"service": "chat-canary", "port": 80}, "is the model under test"),
        ({"service": "qwen", "port": 80}, "not calibrated"),
    ],
)
def test_judge_that_is_the_model_under_test_is_a_warning(fields: dict[str, Any], words: str) -> None:
    judged = Judged(judges=(JudgeSpec(**({"name": "local", "model": "qwen"} | fields)),))
    found = judge_cost.warning(judged, model="chat-model", service="chat")
    assert words in found
    assert ("under test" in found) == ("under test" in words)


def test_known_judge_needs_no_warning() -> None:
    judged = Judged(judges=(JudgeSpec(name="a", model="qwen", endpoint="x"),), labels=100)
    assert judge_cost.warning(judged, model="chat-model", service="chat") == ""
    assert judge_cost.warning(None, model="m", service="s") == ""


def test_plain_answers_catch_whoever_always_says_the_same() -> None:
    good = sum(label.good for label in SANITY)
    assert good == len(SANITY) - good
    assert good > ALLOWED_ERRORS


def test_quality_is_shown_with_its_bounds() -> None:
    found = judge_quality.status(quality(95, 80))
    assert (found["sensitivityPercent"], found["specificityPercent"], found["j"]) == (95.0, 80.0, 0.75)
    assert "sensitivity 95.0 % [88.8, 97.8] of 100" in found["message"]
    assert "J is below 0.8" in found["message"]
    assert judge_quality.status(Quality()) == {}


def test_policy_type_is_kept() -> None:
    assert isinstance(calibrated(POLICY, quality(90, 90)), GatePolicy)
    assert judge.from_plain({}) == Judging()
