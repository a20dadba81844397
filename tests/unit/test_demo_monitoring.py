"""What the demo says of its monitoring, from answers in the form of Prometheus and Alertmanager."""

import copy
from collections.abc import Sequence
from typing import Any

import pytest

from tests.cluster.consumers import Answer, Query
from tests.e2e.demo import monitoring, settings
from tests.e2e.demo.monitoring import Counted, Findings
from tests.e2e.demo.settings import OWNER
from tests.support.dashboards import boards

Json = dict[str, Any]
RULE: Json = {"kind": "PrometheusRule", "metadata": {"namespace": "team-a", "name": "chat", "uid": "u-1"}}
RULE["spec"] = {"groups": [{"name": "cost", "rules": [{"record": "a:b", "expr": "1"}, {"alert": "C", "expr": "2"}]}]}
LOADED: Json = {
    "file": "/etc/prometheus/rules/prometheus-x-rulefiles-0/team-a-chat-u-1.yaml",
    "rules": [
        {"name": "a:b", "query": "1", "health": "ok"},
        {"name": "C", "query": "2", "health": "ok", "lastError": ""},
    ],
}
SELECTOR = {"serinus.dev/service": "chat"}


def silent(wanted: Sequence[Query]) -> list[Answer]:
    return [Answer(query, 0, "") for query in wanted]


def refusing(wanted: Sequence[Query]) -> list[Answer]:
    return [Answer(query, 0, "parse error") for query in wanted]


def loaded(number: int, **changes: Any) -> list[Json]:
    group = copy.deepcopy(LOADED)
    group["rules"][number] |= changes
    return [group]


# Rules


def test_rules_are_counted_where_prometheus_loaded_all_of_an_object() -> None:
    assert monitoring.rules([RULE], [LOADED], refusing) == Counted(2, ())


def test_a_rule_that_is_missing_fails_or_was_never_loaded_is_named() -> None:
    one_of_two = [LOADED | {"rules": LOADED["rules"][:1]}]
    assert monitoring.rules([RULE], one_of_two, silent).problems == (
        "PrometheusRule team-a/chat: 1 of its 2 rules are loaded",
    )
    failing = loaded(1, health="err", lastError="many-to-many matching not allowed")
    assert monitoring.rules([RULE], failing, silent).problems == (
        "PrometheusRule team-a/chat: C: many-to-many matching not allowed",
    )
    assert monitoring.rules([RULE], [LOADED | {"file": "/other-u-2.yaml"}], silent).problems
    assert monitoring.rules([], [], silent).problems == ("no rule is loaded",)


def test_a_rule_that_was_not_due_yet_is_asked_as_a_query() -> None:
    young = loaded(1, health="unknown")
    assert monitoring.rules([RULE], young, silent) == Counted(2, ())
    assert monitoring.rules([RULE], young, refusing).problems == ("rule 2: parse error",)


# Targets


def world() -> list[Json]:
    place = {"namespace": "team-a"}
    return [
        {
            "kind": "ServiceMonitor",
            "metadata": place | {"name": "chat"},
            "spec": {"selector": {"matchLabels": SELECTOR}},
        },
        {
            "kind": "Service",
            "metadata": place | {"name": "chat-metrics", "labels": SELECTOR},
            "spec": {"selector": SELECTOR},
        },
        {"kind": "Service", "metadata": place | {"name": "other"}, "spec": {"selector": {}}},
        {"kind": "Pod", "metadata": place | {"name": "one", "labels": SELECTOR}, "status": {"phase": "Running"}},
        {"kind": "Pod", "metadata": place | {"name": "users"}, "status": {"phase": "Running"}},
        {"kind": "Pod", "metadata": place | {"name": "new", "labels": SELECTOR}, "status": {"phase": "Pending"}},
        {
            "kind": "Pod",
            "metadata": place | {"name": "old", "labels": SELECTOR, "deletionTimestamp": "2026-11-21T10:00:00Z"},
            "status": {"phase": "Running"},
        },
    ]


def target(pod: str, health: str = "up", pool: str = "serviceMonitor/team-a/chat/0") -> Json:
    found = {"scrapePool": pool, "scrapeUrl": f"http://{pod}/metrics", "labels": {"pod": pod}}
    return found | {"health": health, "lastError": "" if health == "up" else "refused"}


def test_targets_of_ours_are_counted_where_every_pod_that_runs_is_one() -> None:
    foreign = target("x", "down", "serviceMonitor/elsewhere/y/0")
    assert monitoring.targets(world(), [target("one"), foreign]) == Counted(1, ())


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ([target("one", "down")], "target http://one/metrics of serviceMonitor/team-a/chat/0: down: refused"),
        ([target("old")], "ServiceMonitor team-a/chat: pod one is no target"),
        ([], "nothing of ours is scraped"),
    ],
)
def test_a_target_that_is_down_or_missing_is_named(found: list[Json], problem: str) -> None:
    assert problem in monitoring.targets(world(), found).problems


def test_a_monitor_that_selects_no_pod_is_named() -> None:
    alone = [o for o in world() if o["kind"] != "Service"]
    assert monitoring.targets(alone, [target("one")]).problems == (
        "ServiceMonitor team-a/chat: selects no pod that runs",
    )


# Routes


def configuration(**changes: Any) -> Json:
    route = {"receiver": OWNER, "matchers": ['llmservice="chat"', 'namespace="team-a"'], "continue": True} | changes
    receivers = [{"name": "nobody"}, *({"name": n, "webhook_configs": [{}]} for n in (OWNER, "webhook"))]
    return {"route": {"receiver": "nobody", "routes": [route, {"receiver": "webhook"}]}, "receivers": receivers}


def test_the_owner_s_route_stands_beside_the_stack_s() -> None:
    assert monitoring.routes(configuration()) == Counted(1, ())


def test_a_route_that_is_missing_too_wide_or_without_receivers_is_named() -> None:
    bare = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    assert monitoring.routes(bare).problems == (
        f"Alertmanager has 0 routes to {OWNER}, promised 1",
        f"Alertmanager has no webhook {OWNER}",
        "Alertmanager has no webhook webhook",
    )
    [wide] = monitoring.routes(configuration(matchers=['namespace="team-a"'])).problems
    assert wide.startswith(f"route to {OWNER}: ['namespace=\"team-a\"'], promised ")


# Dashboards


def test_every_query_of_a_dashboard_is_asked_with_the_demo_s_service_filled_in() -> None:
    assert (boards.CHOSEN["$namespace"], boards.CHOSEN["$service"]) == (settings.NAMESPACE, settings.SERVICE)
    board = boards.boards()["serinus-services"]
    found = list(monitoring.queries(board))
    panels = [asked for asked in boards.queries(board) if not asked.logs]
    notes, variables = board["annotations"]["list"], [v for v in board["templating"]["list"] if v["type"] == "query"]
    assert len(found) == len(panels) + len(notes) + len(variables)
    assert min(len(panels), len(notes), len(variables)) > 2
    assert not [query.expr for query in found if "$" in query.expr]


def test_a_dashboard_that_is_missing_or_has_a_query_that_is_refused_is_named() -> None:
    names = sorted(monitoring.DASHBOARDS)
    found = dict(zip(names, boards.boards().values(), strict=True))
    whole = monitoring.dashboards(found, silent)
    assert whole.problems == ()
    assert whole.count > 150
    del found[names[0]]
    assert monitoring.dashboards(found, silent).problems == (f"no dashboard {'/'.join(names[0])}",)
    assert all(p.endswith(": parse error") for p in monitoring.dashboards(found, refusing).problems[1:])
    assert len(monitoring.dashboards(found, refusing).problems) > 100


def test_the_line_says_how_much_was_found_and_problems_are_all_told() -> None:
    found = Findings(
        rules=Counted(50, ("a",)), targets=Counted(6, ()), routes=Counted(1, ("b",)), queries=Counted(170, ())
    )
    assert found.line(OWNER) == (
        "monitoring: 50 rules loaded, 6 targets up, 170 dashboard queries answered, page by route team-a/chat/owner"
    )
    assert found.problems == ["a", "b"]
