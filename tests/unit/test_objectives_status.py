"""Owns the proof of what status and metrics say of objectives and of the alerts beside them."""

from typing import Any

import pytest

from serinus.core import gauges, status
from serinus.steady import plan_steady
from tests.support import objects
from tests.unit.fake_world import surroundings


def monitoring_ready(**spec: Any) -> dict[str, Any]:
    """The condition as it stands in status, from a whole plan."""
    found = plan_steady(objects.llmservice(**spec), surroundings(), {})
    conditions = status.build(found.view, (), {}, "2026-11-21T10:00:00Z")["conditions"]
    return next(c for c in conditions if c["type"] == "MonitoringReady")


def test_status_names_the_objective_that_is_missing_and_the_alerts_that_the_runtime_cannot_have() -> None:
    slo = {"name": "fast", "signal": "ttft", "objectivePercent": 99, "thresholdDuration": "3s"}

    wrong, right = monitoring_ready(slos=[slo]), monitoring_ready(slos=[{**slo, "thresholdDuration": "2500ms"}])
    assert (wrong["status"], wrong["reason"]) == ("False", "ThresholdNotABucketEdge")
    assert "the nearest are 2.5s and 5s" in wrong["message"]
    assert (right["status"], right["reason"]) == ("True", "Generated")
    assert "LLMFallbacksHigh" in right["message"]


def test_an_alert_that_does_not_exist_or_that_gates_rest_on_is_named_in_status() -> None:
    gone = monitoring_ready(alerts={"overrides": [{"alert": "LLMGone", "for": "1m"}], "disabled": ["LLMProbesBroken"]})

    assert (gone["status"], gone["reason"]) == ("False", "NotAsSpecified")
    assert "spec.alerts.overrides[alert=LLMGone]: found 'LLMGone', allowed are" in gone["message"]
    assert "spec.alerts.disabled: found 'LLMProbesBroken', allowed is an alert that no gate rests on" in gone["message"]


def test_the_operator_exports_each_objective() -> None:
    slo = {"name": "up", "signal": "availability", "objectivePercent": 99.9}
    found = plan_steady(objects.llmservice(slos=[slo]), surroundings(), {})

    assert gauges.samples(found.view, ())["slo_objective", "up"] == pytest.approx(0.999)


def test_the_operator_exports_whom_to_tell_also_of_a_spec_that_is_invalid() -> None:
    owner = {"team": "search", "runbook": "https://wiki/chat"}
    found = plan_steady(objects.llmservice(owner=owner), surroundings(), {})

    assert gauges.samples(found.view, ())["service_owner", "search", "https://wiki/chat"] == 1
    assert ("service_owner", "search", "https://wiki/chat") in gauges.invalid_samples({"spec": {"owner": owner}})
    for wrong in ({}, {"spec": None}, {"spec": {"owner": ["search"]}}, {"spec": {"owner": {"team": 5}}}):
        assert gauges.invalid_samples(wrong)["service_owner", "", ""] == 1
