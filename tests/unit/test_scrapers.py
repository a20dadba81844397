"""Owns the proof that labels which no Prometheus selects are told, and nothing is said where that is not known."""

from typing import Any

import pytest

from serinus.core.scrapers import not_selected, scraper_of

OURS = {"app": "chat", "release": "kps"}


def prometheus(**spec: Any) -> Any:
    all_of_it: dict[str, Any] = {"ruleSelector": {}, "ruleNamespaceSelector": {}, "serviceMonitorNamespaceSelector": {}}
    metadata = {"namespace": "monitoring", "name": "kps"}
    return scraper_of({"metadata": metadata, "spec": {**all_of_it, "serviceMonitorSelector": {}, **spec}})


SELECTED: list[dict[str, Any]] = [
    {},
    {"serviceMonitorSelector": {"matchLabels": {"release": "kps"}}},
    {"serviceMonitorSelector": {"matchExpressions": [{"key": "release", "operator": "In", "values": ["kps", "x"]}]}},
    {"serviceMonitorSelector": {"matchExpressions": [{"key": "release", "operator": "Exists"}]}},
    {"serviceMonitorSelector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}},
    {"serviceMonitorSelector": {"matchExpressions": [{"key": "team", "operator": "NotIn", "values": ["x"]}]}},
    {"serviceMonitorNamespaceSelector": {"matchLabels": {"unknown": "here"}}},
]


@pytest.mark.parametrize("spec", SELECTED)
def test_a_prometheus_that_selects_them_is_enough(spec: dict[str, Any]) -> None:
    nothing = prometheus(serviceMonitorSelector=None, ruleSelector=None)

    assert not_selected([nothing, prometheus(**spec)], "team-a", OURS) == ()


NOT: list[tuple[dict[str, Any], str]] = [
    ({"serviceMonitorSelector": None}, "monitoring/kps wants nothing"),
    ({"serviceMonitorSelector": {"matchLabels": {"release": "other"}}}, "monitoring/kps wants release=other"),
    (
        {"serviceMonitorSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}},
        "monitoring/kps wants a In (b,c)",
    ),
    ({"serviceMonitorNamespaceSelector": None}, "monitoring/kps wants any label, but in other namespaces"),
]


@pytest.mark.parametrize(("spec", "words"), NOT)
def test_monitors_that_nobody_selects_are_told_with_what_is_wanted(spec: dict[str, Any], words: str) -> None:
    [told] = not_selected([prometheus(**spec)], "team-a", OURS)

    assert told.startswith("spec.monitoring.labels: no Prometheus selects the ServiceMonitor in namespace team-a: ")
    assert words in told
    assert told.endswith("add the label there or to the operator's setting monitorLabels")


def test_rules_are_told_apart_from_monitors() -> None:
    [told] = not_selected([prometheus(ruleSelector={"matchLabels": {"a": "b"}})], "team-a", OURS)

    assert "selects the PrometheusRule in namespace team-a: monitoring/kps wants a=b" in told


def test_without_any_prometheus_object_nothing_is_known() -> None:
    assert not_selected([], "team-a", OURS) == ()
