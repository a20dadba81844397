"""Owns the proof that every dashboard is as it should be, and that each rule of the lint sees what breaks it."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace as changed
from html import unescape
from typing import Any

import pytest

from serinus.core.model import Dashboard
from serinus.resources import dashboard
from tests.golden import dashboard_lint, render
from tests.golden.crd import GRAFANA_DASHBOARDS, CrdFolder
from tests.golden.dashboard_lint import problems
from tests.support.dashboards import __main__ as previews
from tests.support.dashboards.boards import boards, panels, queries
from tests.support.generate import dashboards

Json = dict[str, Any]
UIDS = sorted(boards())
SERVICES = "serinus-services"


@pytest.mark.parametrize("uid", UIDS)
def test_a_dashboard_breaks_no_rule(uid: str) -> None:
    assert problems(boards()[uid]) == []


def test_the_files_are_what_the_operator_writes() -> None:
    for path, text in dashboards.files().items():
        assert path.read_text(encoding="utf-8") == text
        assert json.loads(text) == boards()[path.stem]
    assert {path.stem for path in dashboards.FOLDER.glob("*")} == {SERVICES, "serinus-fleet"}


def test_no_panel_is_on_two_dashboards() -> None:
    services, fleet = boards()[SERVICES], boards()["serinus-fleet"]

    assert {q.expr for q in queries(services)} & {q.expr for q in queries(fleet)} == set()


def test_a_dashboard_of_one_service_asks_the_same_and_lets_nobody_choose() -> None:
    [own] = [board for uid, board in boards().items() if uid not in (SERVICES, "serinus-fleet")]
    fixed = {v["name"]: v["query"] for v in own["templating"]["list"] if v["type"] == "constant"}

    assert fixed == {"namespace": "team-a", "service": "chat"}
    assert own["panels"] == boards()[SERVICES]["panels"]


def test_the_rows_are_those_that_people_look_for() -> None:
    rows = [p["title"] for p in boards()[SERVICES]["panels"] if p["type"] == "row"]

    assert rows == [
        "Answers and gates",
        "Traffic and rollout",
        "Latency",
        "Errors",
        "Tokens and cost",
        "Saturation",
        "GPU",
        "Logs",
        "Operator",
    ]


def test_metrics_lead_to_traces_and_logs_and_logs_to_traces() -> None:
    found = {p["title"]: p for p in panels(boards()[SERVICES])}
    errors = found["Requests that fail"]["fieldConfig"]["defaults"]["links"][0]["url"]
    traced = found["Lines with a trace"]["fieldConfig"]["overrides"][0]

    assert all(t["exemplar"] for t in found["Slow requests, with traces"]["targets"])
    assert "${logs}" in errors
    assert "${__field.labels.revision}" in errors
    assert traced["matcher"]["options"] == "trace_id"
    assert "${traces}" in json.dumps(traced)


def test_grafana_operators_kind_takes_the_object_and_a_typo_is_refused() -> None:
    crds = CrdFolder(GRAFANA_DASHBOARDS.parent)
    settings = changed(render.SETTINGS, grafanas={"dashboards": "grafana"})
    for made in dashboard.build_shared(frozenset(Dashboard), render.library().runtimes, settings):
        assert crds.problems(made) == []
        spoilt = {**made, "spec": {**made["spec"], "instanceSelectors": {}}}
        assert any("instanceSelectors" in problem for problem in crds.problems(spoilt))


def test_every_row_has_its_preview_with_all_of_its_panels() -> None:
    wanted = {file: [p["title"] for p in row] for file, _, _, row in previews.files()}

    assert {path.name for path in previews.FOLDER.glob("*")} == set(wanted)
    for file, titles in wanted.items():
        drawn = unescape((previews.FOLDER / file).read_text(encoding="utf-8"))
        assert [title for title in titles if f">{title}</text>" not in drawn] == [], file


def panel(board: Json, title: str) -> Json:
    return next(p for p in panels(board) if p["title"] == title)


def target(board: Json, title: str) -> Json:
    found: Json = panel(board, title)["targets"][0]
    return found


def replace(title: str, old: str, new: str) -> Callable[[Json], None]:
    def spoil(board: Json) -> None:
        asked = target(board, title)
        assert old in asked["expr"]
        asked["expr"] = asked["expr"].replace(old, new)

    return spoil


def put(path: str, value: Any) -> Callable[[Json], None]:
    """Put a value into the panel `Drift`."""

    def spoil(board: Json) -> None:
        *parents, last = path.split(".")
        at: Any = panel(board, "Drift")
        for key in parents:
            at = at[int(key)] if key.isdecimal() else at[key]
        at[last] = value

    return spoil


def drop_variable(board: Json) -> None:
    board["templating"]["list"] = [v for v in board["templating"]["list"] if v["name"] != "revision"]


def add_variable(board: Json) -> None:
    board["templating"]["list"].append({**board["templating"]["list"][-1], "name": "unused"})


BROKEN: list[tuple[str, Callable[[Json], None]]] = [
    ("form: $: Additional properties", lambda b: b.update(pannels=[])),
    ("form: $.uid", lambda b: b.update(uid="x" * 41)),
    ("form: $.schemaVersion", lambda b: b.update(schemaVersion=43)),
    ("form: $.panels", put("description", "")),
    ("form: $.panels", put("fieldConfig.defaults", {"units": "s"})),
    ("query_parses: Drift", replace("Drift", "max by", "max bye")),
    ("query_parses: annotation Rollout", lambda b: b["annotations"]["list"][0].update(expr="max by (")),
    ("query_parses: Error lines", replace("Error lines", "}", "")),
    ("query_parses: Error lines: {pod=", replace("Error lines", "namespace=", "pod=")),
    ("query_parses: Lines by level", replace("Lines by level", "by (level)", "by (pod)")),
    ("query_parses: Lines with a trace", replace("Lines with a trace", "| trace_id", "| user")),
    ("series_exist: Drift", replace("Drift", "serinus_drift_cusum", "serinus_drift")),
    ("unit: Drift: found unit 'furlong'", put("fieldConfig.defaults.unit", "furlong")),
    ("unit: Drift: a curve without a unit", put("fieldConfig.defaults.unit", "none")),
    ("rate_interval: Time of a call", replace("Time of a call", "$__rate_interval", "5m")),
    ("rate_interval: Lines by level", replace("Lines by level", "$__auto", "$__rate_interval")),
    ("rate_interval: Answers that are judged", replace("Answers that are judged", "rate(", "last_over_time(")),
    ("identity: 2 panels have the id 2", put("id", 2)),
    ("identity: 2 panels are called Phase", put("title", "Phase")),
    ("copies: 2 times", lambda b: target(b, "Drift").update(expr=target(b, "Probes that pass")["expr"])),
    ("grid: Drift: stands out", put("gridPos.x", 20)),
    ("grid: Bad part of each objective lies over Drift", put("gridPos.h", 9)),
    ("legend: Drift: a query without", put("targets.0.legendFormat", "")),
    ("legend: Drift: the legend names pod", put("targets.0.legendFormat", "{{pod}}")),
    ("legend: Requests: two queries", lambda b: target(b, "Requests").update(legendFormat=b_legend(b))),
    ("sources: Drift: a panel of one", put("datasource", {"type": "loki", "uid": "${logs}"})),
    ("sources: Phase: found datasource", lambda b: b["templating"]["list"][0].update(query="loki")),
    ("variables: nobody sets $revision", drop_variable),
    ("variables: nothing reads $unused", add_variable),
    ("scope: Drift", replace("Drift", ',llmservice="$service"', "")),
    ("links: Drift", put("fieldConfig.defaults.links", [{"title": "x", "url": "http://x", "targetBlank": True}])),
]


def b_legend(board: Json) -> str:
    return str(panel(board, "Requests")["targets"][1]["legendFormat"])


@pytest.mark.parametrize(("complaint", "spoil"), BROKEN)
def test_a_broken_dashboard_is_seen(complaint: str, spoil: Callable[[Json], None]) -> None:
    board = copy.deepcopy(boards()[SERVICES])
    spoil(board)

    found = problems(board)

    assert any(text.startswith(complaint) for text in found), found


def test_every_rule_is_broken_once() -> None:
    names = {complaint.partition(":")[0] for complaint, _ in BROKEN}

    assert names == {"form", *(rule.__name__.strip("_") for rules in dashboard_lint.STAGES for rule in rules)}
