"""Owns the proof of which dashboards are made as which objects, and that alerts lead to the one that there is."""

import json
from dataclasses import replace
from typing import Any

import pytest

from serinus.core import naming
from serinus.core.model import Dashboard, Manifest, Service
from serinus.core.parse import parse
from serinus.resources import BUILDERS, dashboard, prometheus_rule
from serinus.resources.context import Context
from serinus.resources.dashboard_frame import Identity
from tests.golden import render

RUNTIMES = render.library().runtimes
MIB = 1 << 20


def service(asked: Dashboard, **changes: Any) -> Service:
    plain = render.service("vllm")
    outputs = replace(plain.monitoring.outputs, dashboard=asked)
    return replace(plain, monitoring=replace(plain.monitoring, outputs=outputs), **changes)


def context(asked: Dashboard, **settings: Any) -> Context:
    chosen = replace(render.SETTINGS, **settings)
    return replace(render.context("vllm"), service=service(asked), settings=chosen)


def board(manifest: Manifest) -> Any:
    [text] = manifest["data"].values()
    return json.loads(text)


def test_a_service_has_a_dashboard_of_its_own_only_if_it_asks_for_one() -> None:
    assert dashboard.build(context(Dashboard.SHARED)) == dashboard.build(context(Dashboard.NONE)) == []

    [made] = dashboard.build(context(Dashboard.PER_SERVICE))

    assert made["kind"] == "ConfigMap"
    assert made["metadata"]["name"] == "chat-dashboard"
    assert made["metadata"]["namespace"] == "team-a"
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert list(made["data"]) == ["serinus-team-a.chat.json"]
    assert board(made)["title"] == "LLM service team-a/chat"
    assert len(json.dumps(made)) < MIB / 4


def test_two_services_never_share_a_file_or_a_uid_whatever_dashes_their_names_have() -> None:
    pairs = [("team", "a-chat"), ("team-a", "chat"), ("team-a-chat", "x")]
    made = []
    for namespace, name in pairs:
        one = replace(
            context(Dashboard.PER_SERVICE), service=service(Dashboard.PER_SERVICE, namespace=namespace, name=name)
        )
        made += dashboard.build(one)

    assert len({key for m in made for key in m["data"]}) == len(pairs)
    assert len({board(m)["uid"] for m in made}) == len(pairs)
    assert all(len(board(m)["uid"]) <= 40 for m in made)


def test_the_label_of_the_sidecar_is_a_setting_and_cannot_hide_an_object_from_us() -> None:
    labels = {"team-dashboards": "yes", naming.LABEL_MANAGED_BY: "helm", naming.LABEL_SERVICE: "other"}
    [made] = dashboard.build(context(Dashboard.PER_SERVICE, dashboard_labels=labels))

    assert made["metadata"]["labels"] == {"team-dashboards": "yes", **naming.app_labels("chat")}


def test_grafana_operator_gets_its_own_kind_in_place_of_a_config_map() -> None:
    chosen = {"dashboards": "grafana"}
    [made] = dashboard.build_custom(context(Dashboard.PER_SERVICE, grafanas=chosen))
    shared = dashboard.build_shared(frozenset(Dashboard), RUNTIMES, replace(render.SETTINGS, grafanas=chosen))

    assert dashboard.build(context(Dashboard.PER_SERVICE, grafanas=chosen)) == []
    assert dashboard.build_custom(context(Dashboard.PER_SERVICE)) == []
    assert {m["kind"] for m in (made, *shared)} == {"GrafanaDashboard"}
    assert made["spec"]["instanceSelector"] == {"matchLabels": chosen}
    assert json.loads(made["spec"]["json"])["uid"] == Identity("team-a", "chat").uid


@pytest.mark.parametrize(
    ("used", "names"),
    [
        ((), []),
        ((Dashboard.NONE,), []),
        ((Dashboard.PER_SERVICE,), ["serinus-services", "serinus-fleet"]),
        ((Dashboard.SHARED, Dashboard.NONE), ["serinus-services", "serinus-fleet"]),
    ],
)
def test_shared_dashboards_are_those_that_somebody_uses(used: tuple[Dashboard, ...], names: list[str]) -> None:
    made = dashboard.build_shared(frozenset(used), RUNTIMES, render.SETTINGS)

    assert [m["metadata"]["name"] for m in made] == names
    for one in made:
        assert one["metadata"]["namespace"] == "serinus-system"
        assert one["metadata"]["labels"][naming.LABEL_COMPONENT] == naming.DASHBOARDS
        assert list(one["data"]) == [f"{one['metadata']['name']}.json"]
        assert len(json.dumps(one)) < MIB / 4


def test_both_forms_are_outputs_that_status_shows() -> None:
    rows = {(b.api_version, b.kind, b.suffix) for b in BUILDERS if b.output}

    assert ("v1", "ConfigMap", "-dashboard") in rows
    assert (dashboard.GRAFANA_API, "GrafanaDashboard", "") in rows


def links(asked: Dashboard, base: str) -> set[str]:
    [rule] = prometheus_rule.build(context(asked, dashboard_base=base))
    alerts = [r for g in rule["spec"]["groups"] for r in g["rules"] if "alert" in r]
    return {alert["annotations"].get("dashboard_url", "") for alert in alerts}


OURS = "https://grafana.example.com/d/serinus-services"
ASKED = "?var-namespace=team-a&var-service=chat"


@pytest.mark.parametrize(
    ("asked", "base", "url"),
    [
        (Dashboard.SHARED, OURS, f"{OURS}{ASKED}"),
        (Dashboard.SHARED, f"{OURS}/llm-services?orgId=1", f"{OURS}/llm-services?orgId=1&{ASKED[1:]}"),
        (Dashboard.PER_SERVICE, OURS, f"https://grafana.example.com/d/{Identity('team-a', 'chat').uid}"),
        (
            Dashboard.PER_SERVICE,
            f"{OURS}/llm-services?orgId=1",
            f"https://grafana.example.com/d/{Identity('team-a', 'chat').uid}?orgId=1",
        ),
        (Dashboard.NONE, OURS, ""),
        (Dashboard.NONE, "https://grafana.example.com/d/mine", f"https://grafana.example.com/d/mine{ASKED}"),
        (Dashboard.PER_SERVICE, "https://grafana.example.com/d/mine", f"https://grafana.example.com/d/mine{ASKED}"),
        (Dashboard.SHARED, "", ""),
    ],
)
def test_alerts_lead_to_the_dashboard_that_there_is(asked: Dashboard, base: str, url: str) -> None:
    assert links(asked, base) == {url}


def test_the_spec_says_which_dashboard_and_nothing_else_is_taken() -> None:
    [body] = [d for d in render.documents("vllm") if d["kind"] == "LLMService"]

    def parsed(value: str) -> Dashboard:
        monitoring = {**body["spec"].get("monitoring", {}), "outputs": {"dashboard": value}}
        return parse(
            {**body, "spec": {**body["spec"], "monitoring": monitoring}}, RUNTIMES
        ).monitoring.outputs.dashboard

    assert [parsed(d) for d in Dashboard] == list(Dashboard)
    with pytest.raises(
        Exception, match=r"spec.monitoring.outputs.dashboard: found 'Own', allowed are Shared, PerService"
    ):
        parsed("Own")
