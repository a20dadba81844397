"""Owns the proof that errors in logs are recorded for the service that wrote them, whatever agent counted them."""

from pathlib import Path
from typing import Any

import pytest

from serinus.resources import service_rules
from tests.alerts import promtool
from tests.golden import render

OWN = 'llmservice="chat",model="m",runtime="vllm",role="server",revision="r1"'
RECORDED = (
    'llm:log_errors:rate5m{namespace="team-a",llmservice="chat",model="m",runtime="vllm",role="server",'
    'revision="r1",source="log"}'
)
PLACES = {
    "honoured": 'namespace="team-a",job="alloy"',
    "renamed": 'namespace="monitoring",exported_namespace="team-a",job="promtail"',
}


def judge(series: dict[str, str], wanted: list[tuple[str, float]], folder: Path) -> str:
    [built] = service_rules.build(render.SETTINGS)
    samples = [{"labels": labels, "value": value} for labels, value in wanted]
    expected: dict[str, Any] = {"expr": "llm:log_errors:rate5m", "eval_time": "10m", "exp_samples": samples}
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    return promtool.test(built, [{"interval": "1m", "input_series": inputs, "promql_expr_test": [expected]}], folder)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_errors_of_two_agents_are_summed_for_their_service(tmp_path: Path, place: str) -> None:
    series = {f'llm_log_errors_total{{{place},instance="{i}",{OWN}}}': "0+30x10" for i in "ab"}

    assert judge(series, [(RECORDED, 1.0)], tmp_path) == ""


def test_a_service_that_logs_no_errors_has_none_instead_of_a_gap(tmp_path: Path) -> None:
    series = {f"llm_log_lines_total{{{PLACES['renamed']},{OWN}}}": "0+30x10"}

    assert judge(series, [(RECORDED, 0.0)], tmp_path) == ""


def test_an_agent_that_counts_nobodys_lines_records_nothing(tmp_path: Path) -> None:
    assert judge({'llm_log_errors_total{job="alloy"}': "0+30x10"}, [], tmp_path) == ""


def test_a_wrong_expectation_is_refused(tmp_path: Path) -> None:
    series = {f"llm_log_errors_total{{{PLACES['honoured']},{OWN}}}": "0+30x10"}

    assert judge(series, [(RECORDED, 1.0)], tmp_path) != ""
