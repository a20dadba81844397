"""Owns the proof that every rule is used: each recorded series has an alert, another rule or a panel that reads it."""

import json
import re
from functools import cache
from pathlib import Path

from serinus.resources import objectives, prometheus_rule, service_rules, shared_alerts, signal_rules
from tests.alerts import alert_table, cases
from tests.golden import render

SERIES = re.compile(r"\bllm:[a-zA-Z0-9_:]+")
DASHBOARDS = render.ROOT / "grafana-dashboards"


@cache
def recorded() -> dict[str, set[str]]:
    """Every series of every runtime, observer and service, with the expressions that make it."""
    runtimes = render.library().runtimes.values()
    rules = [r for runtime in runtimes for r in (*signal_rules.rules(runtime), *signal_rules.attached_rules(runtime))]
    rules += service_rules.rules(cases.context().settings.prices)
    found: dict[str, set[str]] = {}
    for rule in rules:
        found.setdefault(rule.record, set()).add(rule.expr)
    [own] = prometheus_rule.build(cases.context())
    found[shared_alerts.OWN] = {"vector(1)"}
    for entry in (r for g in own["spec"]["groups"] for r in g["rules"] if "record" in r):
        found.setdefault(entry["record"], set()).add(entry["expr"])
    return found


@cache
def used(folder: Path = DASHBOARDS) -> set[str]:
    """Series that an alert, another rule or a panel reads."""
    [own] = prometheus_rule.build(cases.context())
    [every] = shared_alerts.build(cases.groups(), render.SETTINGS)
    expressions = [r["expr"] for m in (own, every) for g in m["spec"]["groups"] for r in g["rules"]]
    expressions += [expr for name, made in recorded().items() for expr in made if name not in expr or "slo" in name]
    expressions += [json.dumps(json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
    return {series for expr in expressions for series in SERIES.findall(expr)}


def test_every_recorded_series_is_read_by_an_alert_a_rule_or_a_panel() -> None:
    assert set(recorded()) - used() == set()


def test_a_series_that_nobody_reads_is_seen(tmp_path: Path) -> None:
    assert "llm:nobody:rate5m" not in used()
    # Without the dashboards these are idle: it is a panel that shows them.
    assert set(recorded()) - used(tmp_path) > {"llm:gpu_util:ratio", "llm:slo_error_budget:remaining"}


def test_every_series_of_an_alert_is_recorded() -> None:
    [own] = prometheus_rule.build(cases.context())
    asked = {s for g in own["spec"]["groups"] for r in g["rules"] if "alert" in r for s in SERIES.findall(r["expr"])}

    assert asked - set(recorded()) <= {"llm:refusals:rate5m", "llm:retries:rate5m"}, "only custom signals have these"
    assert asked > {objectives.REQUESTS, "llm:up", "llm:cost_usd:rate5m", "llm:gpu_xid_last", "llm:log_errors:rate5m"}


def test_no_cell_of_the_table_of_alerts_is_empty() -> None:
    found = alert_table.rows()

    assert all(cell for row in found for cell in row)
    assert len({row[0] for row in found}) == len(found) > 50
    assert alert_table.lines(found)[-1].startswith(f"{len(found)} alerts: ")
