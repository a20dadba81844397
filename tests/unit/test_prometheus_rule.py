"""Owns the proof of what goes from a service into its PrometheusRule, and of what is left out."""

from dataclasses import replace
from typing import Any

import pytest

from serinus.core import naming, promql
from serinus.core.model import AlertOverride, Monitoring, Owner, Service
from serinus.resources import prometheus_rule
from serinus.resources.context import Context
from tests.alerts import cases
from tests.golden import render


def service(**overrides: AlertOverride) -> Service:
    monitoring = Monitoring(interval="15s", overrides=overrides)
    return replace(render.service("vllm"), monitoring=monitoring, owner=Owner(team="search"), slos=())


def context(of: Service, **settings: Any) -> Context:
    """An operator of some namespaces, so that no alert is shared."""
    chosen = {"cluster_wide": False, **settings}
    return replace(render.context("vllm"), service=of, settings=replace(render.SETTINGS, **chosen))


def rules(of: Service, **settings: Any) -> dict[str, dict[str, Any]]:
    [built] = prometheus_rule.build(context(of, **settings))
    return {rule["alert"]: rule for group in built["spec"]["groups"] for rule in group["rules"] if "alert" in rule}


def problems(of: Service) -> tuple[str, ...]:
    return prometheus_rule.override_problems(context(of))


def test_every_alert_is_generated_with_severity_and_owner() -> None:
    [built] = prometheus_rule.build(cases.context())
    found = {rule["alert"]: rule for group in built["spec"]["groups"] for rule in group["rules"] if "alert" in rule}

    assert set(found) == {alert.name for group in render.library().alerts for alert in group.alerts}
    for rule in found.values():
        assert rule["labels"].items() >= {"namespace": "team-a", "llmservice": "chat", "team": "search"}.items()
        assert rule["labels"]["severity"] in ("info", "warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url", "dashboard_url"}


def test_every_selector_of_every_alert_carries_the_namespace_and_the_service() -> None:
    for rule in rules(service()).values():
        promql.require_matchers(promql.check(rule["expr"]), promql.scope("team-a", "chat"))


def test_the_object_is_labelled_as_the_setting_and_the_spec_say_and_as_ours() -> None:
    clash = {"release": "theirs", naming.LABEL_SERVICE: "stolen", "extra": "1"}
    labelled = replace(service(), monitoring=Monitoring(interval="15s", labels=clash))

    [built] = prometheus_rule.build(context(labelled, monitor_labels={"release": "kps", "shard": "a"}))

    assert built["metadata"]["labels"] == {"release": "theirs", "shard": "a", "extra": "1"} | naming.app_labels("chat")


@pytest.mark.parametrize(
    ("alert", "override", "expected"),
    [
        ("LLMErrorRatioHigh", AlertOverride(threshold="0.5"), ("> 0.5", "5m", "critical", "more than 0.5 % of")),
        ("LLMErrorRatioHigh", AlertOverride(hold="90m"), ("> 5", "1h30m", "critical", "For 1h30m more than 5 %")),
        ("LLMErrorRatioHigh", AlertOverride(severity="info"), ("> 5", "5m", "info", "more than 5 %")),
        ("LLMFirstTokenLatencyHigh", AlertOverride(threshold="2500ms"), ("> 2.5", "10m", "warning", "than 2s500ms")),
        ("LLMQueueGrowing", AlertOverride(threshold="1e3"), ("> 1000", "10m", "warning", "more than 1000 requests")),
    ],
)
def test_an_override_changes_that_parameter_and_no_other(
    alert: str, override: AlertOverride, expected: tuple[str, str, str, str]
) -> None:
    overridden = service(**{alert: override})
    rule = rules(overridden)[alert]

    limit, hold, severity, text = expected
    assert limit in rule["expr"]
    assert (rule["for"], rule["labels"]["severity"]) == (hold, severity)
    assert text in rule["annotations"]["description"]
    assert problems(overridden) == ()


@pytest.mark.parametrize(
    ("alert", "override", "problem"),
    [
        (
            "LLMErrorRatioHigh",
            AlertOverride(threshold="2s"),
            "spec.alerts.overrides[alert=LLMErrorRatioHigh].thresholdPercent: found '2s', allowed is a number",
        ),
        (
            "LLMFirstTokenLatencyHigh",
            AlertOverride(threshold="2"),
            "spec.alerts.overrides[alert=LLMFirstTokenLatencyHigh].thresholdDuration: found '2', allowed is a duration",
        ),
        (
            "LLMQueueGrowing",
            AlertOverride(threshold="5 or up"),
            "spec.alerts.overrides[alert=LLMQueueGrowing].thresholdValue: found '5 or up', allowed is a number",
        ),
        (
            "LLMRolloutHeld",
            AlertOverride(threshold="5"),
            "spec.alerts.overrides[alert=LLMRolloutHeld].threshold: found '5', allowed is none",
        ),
        (
            "LLMErrorRatioHigh",
            AlertOverride(threshold="2", threshold_field="thresholdValue"),
            "spec.alerts.overrides[alert=LLMErrorRatioHigh].thresholdValue: found '2', allowed is thresholdPercent",
        ),
        (
            "LLMRolloutHeld",
            AlertOverride(threshold="5", threshold_field="thresholdPercent"),
            "spec.alerts.overrides[alert=LLMRolloutHeld].thresholdPercent: found '5', allowed is none",
        ),
        (
            "LLMRolloutHeld",
            AlertOverride(hold="5"),
            "spec.alerts.overrides[alert=LLMRolloutHeld].for: found '5', allowed is a duration",
        ),
        (
            "LLMRolloutHeld",
            AlertOverride(severity="page"),
            "spec.alerts.overrides[alert=LLMRolloutHeld].severity: found 'page', allowed are info, warning, critical",
        ),
    ],
)
def test_an_override_that_does_not_fit_is_reported_and_the_alert_keeps_its_defaults(
    alert: str, override: AlertOverride, problem: str
) -> None:
    overridden = service(**{alert: override})

    [found] = problems(overridden)
    assert found.startswith(problem)
    assert rules(overridden)[alert] == rules(service())[alert]


def test_a_disabled_alert_is_left_out_and_an_empty_group_with_it() -> None:
    logs = next(g for g in render.library().alerts if g.name == "logs")
    quiet = replace(service(), monitoring=Monitoring(interval="15s", disabled=frozenset(a.name for a in logs.alerts)))

    [built] = prometheus_rule.build(context(quiet))

    names = [group["name"] for group in built["spec"]["groups"]]
    assert ("logs" in names, "rollout" in names) == (False, True)


def test_without_any_alert_there_is_no_object() -> None:
    bare = replace(service(), slos=())

    assert prometheus_rule.build(replace(context(bare), alerts=())) == []


def test_an_alert_that_does_not_exist_is_reported_with_those_that_do() -> None:
    wrong = replace(
        service(),
        monitoring=Monitoring(
            interval="15s",
            overrides={"LLMRolloutHolt": AlertOverride()},
            disabled=frozenset({"LLMGone", "LLMQueueGrowing"}),
        ),
    )

    first, second = prometheus_rule.unknown_alerts(context(wrong))

    assert first.startswith(
        "spec.alerts.overrides[alert=LLMRolloutHolt]: found 'LLMRolloutHolt', allowed are LLMAnswer"
    )
    assert second.startswith(
        "spec.alerts.disabled: found 'LLMGone', allowed are LLMAnswerLengthShift, LLMCanaryNotReady, "
    )
    assert prometheus_rule.unknown_alerts(context(service())) == ()


def test_alerts_over_signals_that_a_runtime_does_not_have_are_not_generated() -> None:
    custom = replace(service(), runtime=render.library().runtimes["custom"])

    missing = prometheus_rule.unavailable_alerts(context(custom))

    assert missing >= {
        "LLMErrorRatioHigh",
        "LLMFirstTokenLatencyHigh",
        "LLMQueueGrowing",
        "LLMKvCacheFull",
        "LLMGpuXid",
    }
    assert {"LLMTargetDown", "LLMServiceDown", "LLMRolloutHeld"} <= rules(custom).keys()
    assert not missing & rules(custom).keys()
    assert all(name in prometheus_rule.left_out(context(custom)) for name in missing)
    assert prometheus_rule.unavailable_alerts(cases.context()) == frozenset()
    assert prometheus_rule.left_out(cases.context()) == ""


def test_the_owners_runbook_goes_before_ours_and_what_is_not_configured_is_left_out() -> None:
    own = replace(service(), owner=Owner(team="search", runbook="https://wiki/chat"))

    assert rules(own)["LLMRolloutHeld"]["annotations"]["runbook_url"] == "https://wiki/chat"
    assert rules(service())["LLMRolloutHeld"]["annotations"]["runbook_url"].endswith("/runbooks#llmrolloutheld")
    bare = rules(service(), runbook_base="", dashboard_base="")["LLMRolloutHeld"]["annotations"]
    assert set(bare) == {"summary", "description"}


def test_a_dashboard_that_has_parameters_keeps_them() -> None:
    found = rules(service(), dashboard_base="https://grafana/d/x?orgId=1")["LLMRolloutHeld"]["annotations"]

    assert found["dashboard_url"] == "https://grafana/d/x?orgId=1&var-namespace=team-a&var-service=chat"


def test_same_input_same_output() -> None:
    assert prometheus_rule.build(context(service())) == prometheus_rule.build(context(service()))
