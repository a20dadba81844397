"""Owns the proof that the alerts on the operator, as the chart renders them, fire when they should and only then."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.alerts import cases, promtool
from tests.golden.render import ROOT
from tests.support import helm

FOLDER = Path(__file__).parent / "operator_cases"
CASES = cases.read(FOLDER)
FIRING = [case for case in CASES if case.fires]
VALUES = {"monitoring": {"enabled": True}, "operator": {"monitorLabels": {"release": "kps"}}}
OWN = 'namespace="ops",job="canary-serinus"'


@cache
def rule() -> dict[str, Any]:
    """The chart's PrometheusRule, rendered by Helm."""
    return helm.only(helm.template(VALUES), "PrometheusRule")


def names() -> set[str]:
    return {entry["alert"] for group in rule()["spec"]["groups"] for entry in group["rules"]}


def judge(case: cases.Case, folder: Path, *, fires: bool, rules: dict[str, Any] | None = None) -> str:
    series = [{"series": k.replace("OWN", OWN), "values": str(v)} for k, v in case.data["series"].items()]
    labels = {"severity": case.data.get("severity", "warning"), **case.data.get("labels", {})}
    [wanted] = cases.only(rule(), case.alert)["spec"]["groups"][0]["rules"]
    annotations = {
        "summary": case.data.get("summary", ""),
        "description": case.data.get("description", ""),
        "runbook_url": wanted["annotations"]["runbook_url"],
    }
    expected = [{"exp_labels": labels, "exp_annotations": annotations}] if fires else []
    at = {"eval_time": case.data["at"], "alertname": case.alert, "exp_alerts": expected}
    test = {"interval": "1m", "input_series": series, "alert_rule_test": [at]}
    return promtool.test(cases.only(rules or rule(), case.alert), [test], folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_alert_on_the_operator(case: cases.Case, tmp_path: Path) -> None:
    assert judge(case, tmp_path, fires=case.fires) == ""
    assert "FAILED" in judge(case, tmp_path, fires=not case.fires)


@pytest.mark.parametrize("case", FIRING, ids=lambda case: case.title)
def test_a_misspelt_metric_of_the_operator_does_not_fire(case: cases.Case, tmp_path: Path) -> None:
    if case.alert == "SerinusDown":  # it is about what is absent, and fires for a name that nobody has
        assert "absent(" in cases.only(rule(), case.alert)["spec"]["groups"][0]["rules"][0]["expr"]
        return
    spoilt = cases.only(rule(), case.alert)
    [group] = spoilt["spec"]["groups"]
    renamed = [{**r, "expr": re.sub(r"\bserinus_", "serinus_x", r["expr"])} for r in group["rules"]]

    assert "FAILED" in judge(case, tmp_path, fires=True, rules={"spec": {"groups": [{**group, "rules": renamed}]}})


def test_every_alert_on_the_operator_has_both_kinds_of_case() -> None:
    assert cases.untested(names(), CASES) == []
    assert len(names()) >= 9


def test_promtool_accepts_the_operators_rules_and_each_links_to_its_section(tmp_path: Path) -> None:
    assert promtool.check(rule(), tmp_path) == ""
    runbooks = (ROOT / "alert-rules" / "runbooks.md").read_text(encoding="utf-8")
    for name in names():
        [entry] = cases.only(rule(), name)["spec"]["groups"][0]["rules"]
        assert entry["annotations"]["runbook_url"] == f"https://serinus.dev/docs/runbooks#{name.lower()}"
        assert f"\n## {name}\n" in runbooks


def test_the_rules_are_labelled_for_prometheus_and_there_only_if_monitoring_is_wanted() -> None:
    assert rule()["metadata"]["labels"]["release"] == "kps"
    assert "PrometheusRule" not in {item["kind"] for item in helm.template({})}


def test_every_metric_of_the_alerts_is_one_that_the_operator_has() -> None:
    text = (ROOT / "operator" / "serinus" / "shell" / "telemetry.py").read_text(encoding="utf-8")
    text += (ROOT / "operator" / "serinus" / "shell" / "engine.py").read_text(encoding="utf-8")
    for group in rule()["spec"]["groups"]:
        for entry in group["rules"]:
            for metric in re.findall(r"\bserinus_(\w+?)(?:_total|_count)?\{", entry["expr"]):
                assert re.search(rf'"(serinus_)?{metric}"', text), metric
