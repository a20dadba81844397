"""Owns the proof that a new runtime is three files and no Python: catalogue, example, sample."""

from pathlib import Path

import yaml

from serinus.cli.documents import Document
from serinus.plan import Surroundings
from serinus.resources import signal_rules
from serinus.shell.catalogue import RUNTIMES, load
from serinus.steady import plan_steady
from tests.alerts import promtool
from tests.alerts.sample import Sample
from tests.golden import render

CATALOGUE = """
name: newserver
title: New Server
port: {name: http, number: 9000}
metrics: {path: /m}
health: /up
api: chat
role: server
logs: json
requires:
- {flag: --with-metrics}
signals:
  requests_finished:
    kind: counter
    classes: {unknown: [{metrics: [new_done_total]}]}
  ttft: {kind: histogram, unit: milliseconds, metrics: [new_first_ms, old_first_ms], buckets: [100, 200]}
  requests_waiting: {kind: gauge, metrics: [new_waiting], matchers: {model: a}}
"""
SAMPLE = """
# TYPE new_done_total counter
new_done_total 60
# TYPE new_first_ms histogram
new_first_ms_bucket{le="100"} 30
new_first_ms_bucket{le="200"} 60
new_first_ms_bucket{le="+Inf"} 60
new_first_ms_count 60
new_first_ms_sum 6000
# TYPE new_waiting gauge
new_waiting{model="a"} 4
"""


def test_a_runtime_of_three_files_is_rendered_scraped_and_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "runtimes"
    folder.mkdir()
    (folder / "newserver.yaml").write_text(CATALOGUE)
    for file in RUNTIMES.glob("*.yaml"):
        (folder / file.name).write_bytes(file.read_bytes())
    example = next(d for d in render.documents("vllm") if d["kind"] == "LLMService")
    example["spec"]["runtime"] = "newserver"
    (tmp_path / "newserver.yaml").write_text(yaml.safe_dump(example))
    library = load(folder, render.ROOT / "alert-rules")
    around = Surroundings(catalogue=library.runtimes, settings=render.SETTINGS, alerts=library.alerts)
    document = Document("newserver.yaml", yaml.safe_load((tmp_path / "newserver.yaml").read_text()))

    planned = plan_steady(document.body, around, {})

    [monitor] = [m for m in planned.manifests if m["kind"] == "ServiceMonitor"]
    assert monitor["spec"]["endpoints"][0]["path"] == "/m"
    assert "--with-metrics" in planned.view.monitoring_problems[0].message
    runtime = library.runtimes["newserver"]
    [rules] = signal_rules.build(runtime, render.SETTINGS)
    recorded = [name for name in signal_rules.series(runtime) if name != "llm:up"]
    sample = Sample(SAMPLE, target={"runtime": "newserver"})
    there = [{"labels": "{}", "value": 1}]
    tests = [{"expr": f"count({n}) > bool 0", "eval_time": "10m", "exp_samples": there} for n in recorded]
    test = {"interval": "1m", "input_series": sample.input_series(), "promql_expr_test": tests}
    assert "llm:ttft_seconds:p95_5m" in recorded
    assert promtool.test(rules, [test], tmp_path) == ""
