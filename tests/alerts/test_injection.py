"""Owns the proof, by promtool, that hostile text in a service arrives as text in an alert and nowhere else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serinus.core.model import Monitoring, Owner
from serinus.resources import prometheus_rule, shared_alerts
from tests.alerts import cases, promtool
from tests.golden import render

HOSTILE = [
    "{{ $value }}",
    '{{ query "up" | first | value }}',
    "{{{{ $labels.llmservice }}}}",
    "{{/*",
    "{{",
    "}} {{ . }} {{",
    '"} or vector(1) or up{x="',
    "back\\slash",
    "line\nbreak",
    "`tick` $service $threshold $name",
    "%s %d {{ printf }}",
]


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_as_text(text: str, tmp_path: Path) -> None:
    service = replace(
        render.service("vllm"),
        namespace=text,
        name=text,
        model=text,
        owner=Owner(team=text, runbook=f"https://wiki/{text}"),
        monitoring=Monitoring(interval="15s"),
    )
    of = render.context("vllm")
    own = replace(of, service=service, settings=replace(of.settings, cluster_wide=False))
    [each], [every] = prometheus_rule.build(own), shared_alerts.build(of.alerts, of.settings)
    scope = f'namespace="{escaped(text)}",llmservice="{escaped(text)}"'
    owner = f'team="{escaped(text)}",runbook="https://wiki/{escaped(text)}"'
    series = (
        f'serinus_rollout_phase{{{scope},phase="Ungated"}}',
        f"serinus_service_owner{{{scope},{owner}}}",
        'serinus_rollout_phase{namespace="other",llmservice="x",phase="Ungated"}',
        "up",
    )
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": "1x9"} for name in series],
        "alert_rule_test": [{"eval_time": "7m", "alertname": "LLMServiceUngated", "exp_alerts": [expected(text)]}],
    }

    for rules in (each, every):
        assert promtool.test(cases.only(rules, "LLMServiceUngated"), [test], tmp_path) == ""


def expected(text: str) -> dict[str, Any]:
    [rule] = prometheus_rule.build(cases.context())
    [ungated] = cases.only(rule, "LLMServiceUngated")["spec"]["groups"][0]["rules"]
    dashboard = prometheus_rule.build(
        replace(render.context("vllm"), service=replace(render.service("vllm"), namespace=text, name=text))
    )[0]["spec"]["groups"][0]["rules"][0]["annotations"]["dashboard_url"]
    annotations = {
        "summary": ungated["annotations"]["summary"].replace("team-a/chat", f"{text}/{text}"),
        "description": ungated["annotations"]["description"].replace("of chat is", f"of {text} is"),
        "runbook_url": f"https://wiki/{text}",
        "dashboard_url": dashboard,
    }
    labels = {"namespace": text, "llmservice": text, "team": text, "severity": "info"}
    return {"exp_labels": labels, "exp_annotations": annotations}
