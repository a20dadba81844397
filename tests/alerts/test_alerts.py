"""Owns the proof that every alert fires when it should and stays silent when it should, by promtool."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from serinus.resources import prometheus_rule
from tests.alerts import cases, promtool
from tests.golden import render

CASES = cases.read()
FIRING = [case for case in CASES if case.fires]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_alert(case: cases.Case, tmp_path: Path) -> None:
    assert cases.run(case, tmp_path) == ""


@pytest.mark.parametrize("case", FIRING, ids=lambda case: case.title)
def test_alert_of_another_service_stays_silent_in_the_same_story(case: cases.Case, tmp_path: Path) -> None:
    other = replace(render.service("vllm"), name="chat-2")
    [rule] = prometheus_rule.build(cases.context(other))

    assert cases.run(case, tmp_path, rule=rule, expected=False) == ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_each_case_fails_when_the_opposite_is_expected(case: cases.Case, tmp_path: Path) -> None:
    assert "FAILED" in cases.run(case, tmp_path, expected=not case.fires)


@pytest.mark.parametrize("case", FIRING, ids=lambda case: case.title)
def test_a_misspelt_metric_does_not_fire(case: cases.Case, tmp_path: Path) -> None:
    [rule] = prometheus_rule.build(cases.context())
    spoilt = cases.only(rule, case.alert)
    for entry in spoilt["spec"]["groups"][0]["rules"]:
        entry["expr"] = re.sub(r"\b(serinus_|llm[:_])", r"\g<1>x", entry["expr"])

    assert "FAILED" in cases.run(case, tmp_path, rule=spoilt)


def test_every_alert_has_a_case_that_fires_and_one_that_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    names = set(cases.alerts())

    assert cases.untested(names, CASES) == []
    silent = len(CASES) - len(FIRING)
    with capsys.disabled():
        print(f"\n{len(names)} alerts x (fires, silent): {len(FIRING)} cases fire, {silent} stay silent")


def test_a_missing_case_and_a_case_of_no_alert_are_seen() -> None:
    some = [c for c in CASES if not (c.alert == "LLMRolloutHeld" and c.fires)]
    extra = [*some, cases.Case("LLMGone", fires=True, when="it is gone", data={})]

    assert cases.untested(set(cases.alerts()) | {"LLMNew"}, extra) == [
        "LLMNew: no case in which it fires",
        "LLMNew: no case in which it stays silent",
        "LLMRolloutHeld: no case in which it fires",
        "LLMGone: no such alert",
    ]


def test_promtool_accepts_the_rules_of_every_example(tmp_path: Path) -> None:
    for example in render.examples():
        for kind in ("prometheus-rule", "signal-rules"):
            for manifest in render.manifests(example, kind):
                assert promtool.check(manifest, tmp_path) == "", f"{example} {kind}"


def test_promtool_refuses_a_broken_rule(tmp_path: Path) -> None:
    [rule] = prometheus_rule.build(cases.context())
    rule["spec"]["groups"][0]["rules"][0]["expr"] += " and"

    assert "could not parse expression" in promtool.check(rule, tmp_path)


def test_rules_use_nothing_that_prometheus_2_42_does_not_know() -> None:
    known = {"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"}
    for example in render.examples():
        for kind in ("prometheus-rule", "signal-rules"):
            for group in (g for m in render.manifests(example, kind) for g in m["spec"]["groups"]):
                assert set(group) <= {"name", "interval", "limit", "rules"}
                assert all(set(rule) <= known for rule in group["rules"])
