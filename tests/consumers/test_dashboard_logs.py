"""Owns the proof that a real Loki takes the queries of the dashboards' log panels and finds lines by them.

The lines are what the description of the pipeline makes of the corpora; that agents make the same, `test_logs` shows.
"""

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from serinus.core.log_pipeline import pipeline
from serinus.resources.log_source import source_of
from tests.consumers import lokibed
from tests.consumers.conftest import Start
from tests.consumers.lokibed import Loki
from tests.support import log_corpus, log_oracle
from tests.support.dashboards.boards import Asked, boards, filled, queries
from tests.support.processes import eventually

REVISION = "r0123456789"
NAME = "json"
VALUES = {"$namespace": "team-a", "$service": NAME, "$revision": ".*", "$model": ".*"}
ASKED = [asked for asked in queries(boards()["serinus-services"]) if asked.logs]
TRACED = '{"level": "error", "msg": "failed", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}'


@pytest.fixture(scope="module")
def loki(start: Start, folder: Path) -> Loki:
    found = lokibed.launch(start, folder, {})
    service = log_corpus.service(NAME)
    place = {**source_of(service).labels, "revision": REVISION, "pod": f"{NAME}-0", "container": "server"}
    entries = log_oracle.run(pipeline(service.monitoring.logs), [*log_corpus.lines(NAME), TRACED], place)
    begin = time.time_ns() - 120 * 10**9
    streams = [
        {"stream": entry.labels, "values": [[str(begin + i * 10**6), entry.line, entry.metadata]]}
        for i, entry in enumerate(entries)
    ]
    answer = requests.post(found.push, json={"streams": streams}, timeout=20)
    assert answer.status_code == 204, answer.text
    selector = f'{{namespace="team-a", llmservice="{NAME}"}}'
    eventually(lambda: len(found.lines(selector)) == len(entries), "every line is stored", seconds=60)
    return found


def answered(loki: Loki, asked: Asked) -> list[Any]:
    """The answer as Grafana asks for it: over a time, by the query of the panel."""
    now = time.time_ns()
    times = {"start": str(now - 3600 * 10**9), "end": str(now), "step": "30", "limit": "1000"}
    query = {"query": filled(asked.target["expr"], VALUES), **times}
    answer = requests.get(f"{loki.address}/loki/api/v1/query_range", params=query, timeout=20)
    assert answer.status_code == 200, f"{asked.expr}: {answer.text}"
    result: list[Any] = answer.json()["data"]["result"]
    return result


@pytest.mark.parametrize("panel", [asked.panel for asked in ASKED])
def test_the_query_of_a_log_panel_finds_lines(loki: Loki, panel: str) -> None:
    [asked] = [a for a in ASKED if a.panel == panel]

    assert answered(loki, asked)


def test_the_panels_show_what_they_say(loki: Loki) -> None:
    by_panel = {asked.panel: answered(loki, asked) for asked in ASKED}
    errors = {s["stream"]["level"] for s in by_panel["Error lines"]}
    traces = {s["stream"]["trace_id"] for s in by_panel["Lines with a trace"]}

    assert errors
    assert errors <= {"error", "critical"}
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in traces
    assert "" not in traces
    assert {"error", "info"} <= {s["metric"]["level"] for s in by_panel["Lines by level"]}


def test_a_query_that_is_no_logql_is_refused(loki: Loki) -> None:
    wrong = Asked("x", "", "", logs=True, target={"expr": "{namespace="})

    with pytest.raises(AssertionError, match="parse error"):
        answered(loki, wrong)
