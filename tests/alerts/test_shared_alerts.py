"""Owns the proof, by promtool, that one alert for all is what each service had: default, overridden, disabled."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from serinus.core.model import AlertOverride, Manifest
from serinus.resources import prometheus_rule, shared_alerts
from serinus.resources.context import Context, Settings
from tests.alerts import cases, promtool
from tests.golden import render

SHARED = {name: alert for name, alert in cases.alerts().items() if alert.shared}
CASES = [case for case in cases.read() if case.alert in SHARED]
OWNER = 'serinus_service_owner{namespace="team-a",llmservice="chat",team="search",runbook="",pod="serinus-0"}'
OTHER = 'serinus_service_owner{namespace="team-b",llmservice="other",team="ads",runbook="https://wiki/x?{{1}}"}'
HELD = "LLMRolloutHeld"
PHASES = {
    f'serinus_rollout_phase{{{who},phase="Held",revision="r1"}}': "1x200"
    for who in (cases.CHAT, 'namespace="team-b",llmservice="other"')
}
WORLD = {OWNER: "1x200", OTHER: "1x200", **PHASES}
Seen = dict[str, Any]


@cache
def for_all() -> Manifest:
    [built] = shared_alerts.build(cases.groups(), render.SETTINGS)
    return built


def together(of: Context) -> Manifest:
    """The rules for all and those of one service, as one Prometheus evaluates them."""
    own = prometheus_rule.build(of)
    groups = [{**g, "name": f"{i}-{g['name']}"} for i, m in enumerate((for_all(), *own)) for g in m["spec"]["groups"]]
    return {**for_all(), "spec": {"groups": groups}}


def firing(at: str, *seen: Seen, alert: str = HELD) -> dict[str, Any]:
    """Which alerts of a name fire, by their labels: each once."""
    labels = [",".join(f'{k}="{v}"' for k, v in sorted({"revision": "r1", **s}.items())) for s in seen]
    each = "count by (namespace, llmservice, team, revision, severity)"
    expr = f'{each} (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": at, "exp_samples": [{"labels": f"{{{text}}}", "value": 1} for text in labels]}


def chat(severity: str = "warning", **labels: str) -> Seen:
    return {"namespace": "team-a", "llmservice": "chat", "team": "search", "severity": severity, **labels}


def other(severity: str = "warning") -> Seen:
    return {"namespace": "team-b", "llmservice": "other", "team": "ads", "severity": severity}


def judge(rule: Manifest, series: dict[str, str], folder: Path, *wanted: dict[str, Any]) -> str:
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return promtool.test(rule, [{"interval": "1m", "input_series": inputs, "promql_expr_test": list(wanted)}], folder)


def stories(interval: str, *, opposite: bool) -> list[dict[str, Any]]:
    """Every case of an interval, with the owner that the operator exports."""
    found = []
    for case in (c for c in CASES if c.interval == interval):
        test = cases.unit_test(case, fires=case.fires is not opposite)
        test["input_series"].append({"series": OWNER, "values": "1x600"})
        found.append(test)
    return found


@pytest.mark.parametrize("interval", sorted({case.interval for case in CASES}))
def test_every_case_of_a_shared_alert_holds_for_the_rule_that_is_for_all(interval: str, tmp_path: Path) -> None:
    assert promtool.test(for_all(), stories(interval, opposite=False), tmp_path, interval=interval) == ""


@pytest.mark.parametrize("interval", sorted({case.interval for case in CASES}))
def test_every_case_of_a_shared_alert_fails_when_the_opposite_is_expected(interval: str, tmp_path: Path) -> None:
    told = promtool.test(for_all(), stories(interval, opposite=True), tmp_path, interval=interval)

    assert told.count("alertname: ") == len(stories(interval, opposite=True))


def test_promtool_accepts_the_rules_for_all(tmp_path: Path) -> None:
    assert promtool.check(for_all(), tmp_path) == ""


def test_by_default_each_service_has_the_alert_once_with_its_own_team(tmp_path: Path) -> None:
    rules = together(cases.cluster())

    assert judge(rules, WORLD, tmp_path, firing("14m"), firing("16m", chat(), other())) == ""


def test_an_overridden_alert_is_the_services_own_and_no_other_service_notices(tmp_path: Path) -> None:
    rules = together(cases.cluster(overrides={HELD: AlertOverride(hold="1h", severity="critical")}))

    wanted = firing("30m", other()), firing("70m", chat("critical"), other())
    assert judge(rules, WORLD, tmp_path, *wanted) == ""


def test_an_override_that_changes_nothing_leaves_the_shared_alert_in_its_place() -> None:
    same = AlertOverride(hold="15m", severity="warning")

    assert prometheus_rule.build(cases.cluster(overrides={HELD: same})) == prometheus_rule.build(cases.cluster())


def test_a_disabled_alert_fires_for_nobody_but_the_others(tmp_path: Path) -> None:
    rules = together(cases.cluster(disabled=frozenset({HELD})))

    assert judge(rules, WORLD, tmp_path, firing("100m", other())) == ""


def test_a_disabled_alert_that_gates_rest_on_stays_the_shared_one(tmp_path: Path) -> None:
    rules = together(cases.cluster(disabled=frozenset({"LLMProbesBroken"})))
    broken = f'serinus_gate_verdict{{{cases.CHAT},gate="support",verdict="Broken",revision="r1"}}'

    wanted = firing("6m", chat(), alert="LLMProbesBroken")
    assert judge(rules, {OWNER: "1x20", broken: "1x20"}, tmp_path, wanted) == ""


def test_the_exception_of_a_service_ends_the_shared_alert_and_without_it_the_alert_is_back(tmp_path: Path) -> None:
    """What Prometheus sees when it reads the service's rules with an override, and later without."""
    exception = f'{shared_alerts.OWN}{{{cases.CHAT},alert="{HELD}"}}'
    elsewhere = f'{shared_alerts.OWN}{{{cases.CHAT},alert="LLMServiceInvalid"}}'
    series = {**WORLD, exception: "_x30 1x30 stale", elsewhere: "1x200"}

    wanted = [firing("29m", chat(), other()), firing("32m", other()), firing("59m", other())]
    assert judge(for_all(), series, tmp_path, *wanted, firing("80m", chat(), other())) == ""


def test_at_the_take_over_of_an_alert_without_delay_there_is_one_at_any_time(tmp_path: Path) -> None:
    """The service's own rule begins when its file is read: its exception and it are evaluated from then on."""
    alert = "LLMRolloutRolledBack"
    rules = together(cases.cluster(overrides={alert: AlertOverride(severity="critical")}))
    phase = f'serinus_rollout_phase{{{cases.CHAT},phase="RolledBack",revision="r1"}}'

    wanted = [firing(f"{m}m", chat("critical"), alert=alert) for m in range(1, 20)]
    assert judge(rules, {OWNER: "1x30", phase: "1x30"}, tmp_path, *wanted) == ""


def test_two_replicas_that_name_two_teams_break_no_alert_and_neither_does_a_restart(tmp_path: Path) -> None:
    renamed = OWNER.replace("serinus-0", "serinus-1")
    series = {**WORLD, OWNER: "1x20 stale", renamed: "_x30 1x100"}
    two = {**WORLD, OWNER.replace("search", "found").replace("serinus-0", "serinus-1"): "1x200"}

    assert judge(for_all(), series, tmp_path, *(firing(f"{m}m", chat(), other()) for m in (19, 25, 33, 50))) == ""
    count = {
        "expr": 'count(ALERTS{alertstate="firing"})',
        "eval_time": "30m",
        "exp_samples": [{"labels": "{}", "value": 2}],
    }
    assert judge(for_all(), two, tmp_path, count) == ""


def test_a_service_that_goes_down_with_the_operator_pages_its_team(tmp_path: Path) -> None:
    up = f'llm:up{{{cases.CHAT},model="m",runtime="vllm",role="",revision="r1"}}'
    info = f'serinus_service_info{{{cases.CHAT},stable="r1",canary=""}}'
    series = {OWNER: "1x9 stale", info: "1x9 stale", up: "1x9 0x80"}
    expr = 'count by (team, severity) (ALERTS{alertname="LLMServiceDown",alertstate="firing"})'
    page = [{"labels": '{team="search",severity="critical"}', "value": 1}]
    wanted = [{"expr": expr, "eval_time": at, "exp_samples": found} for at, found in (("13m", []), ("60m", page))]

    assert judge(for_all(), series, tmp_path, *wanted) == ""


def test_another_team_is_paged_as_soon_as_the_owner_has_changed(tmp_path: Path) -> None:
    for team in ("found", "zeal"):
        series = {**PHASES, OTHER: "1x200", OWNER: "1x20 stale", OWNER.replace("search", team): "_x21 1x100"}
        assert judge(for_all(), series, tmp_path, firing("37m", {**chat(), "team": team}, other())) == ""


def test_the_owners_runbook_goes_before_ours_and_is_text(tmp_path: Path) -> None:
    labels = {**other(), "revision": "r1"}
    annotations = {
        "summary": "team-b/other: the rollout has been held for 15m",
        "description": "The rollout of revision r1 of other does not go forward, for a reason that the condition Held "
        "names. Rolling back and scaling go on.",
        "runbook_url": "https://wiki/x?{{1}}",
        "dashboard_url": f"{render.SETTINGS.dashboard_base}?var-namespace=team-b&var-service=other",
    }
    alone = {name: values for name, values in WORLD.items() if "team-b" in name}
    wanted = {"exp_labels": labels, "exp_annotations": annotations}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in alone.items()],
        "alert_rule_test": [{"eval_time": "20m", "alertname": HELD, "exp_alerts": [wanted]}],
    }

    assert promtool.test(for_all(), [test], tmp_path) == ""


def test_the_namespace_of_an_alert_is_the_services_and_no_rule_names_another() -> None:
    """Alertmanager routes by it; a label that is set in the rule would be that of the operator."""
    for group in for_all()["spec"]["groups"]:
        for rule in group["rules"]:
            assert set(rule["labels"]) == {"severity"}
            assert "by (namespace, llmservice" in rule["expr"]
            assert render.SETTINGS.operator_namespace not in rule["expr"]


def test_where_an_operator_serves_some_namespaces_nothing_is_shared() -> None:
    own = cases.context()
    [built] = prometheus_rule.build(own)

    assert shared_alerts.build(own.alerts, own.settings) == []
    names = {rule.get("alert") for group in built["spec"]["groups"] for rule in group["rules"]}
    assert names >= set(SHARED)
    assert shared_alerts.OWN not in {rule.get("record") for group in built["spec"]["groups"] for rule in group["rules"]}


def test_alerts_that_are_not_configured_to_link_anywhere_have_the_owners_runbook_alone() -> None:
    bare = Settings(probe_image="x")
    [built] = shared_alerts.build(cases.groups(), bare)
    found = built["spec"]["groups"][0]["rules"][0]["annotations"]

    assert set(found) == {"summary", "description", "runbook_url"}
    assert found["runbook_url"].endswith("{{ else }}{{ end }}")
