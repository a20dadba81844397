"""Owns the proof of what a service of a custom runtime records by itself, and of what cannot get into its rules."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serinus.core.model import InvalidSpec, Manifest, Service
from serinus.core.parse import parse
from serinus.resources import signal_rules
from tests.alerts import promtool
from tests.alerts.sample import RECORDED, Sample, expectation
from tests.golden import render

SIGNALS: dict[str, Any] = {
    "requests_finished": {"metric": "my_done_total", "kind": "counter"},
    "request_errors": {"metric": "my_done_total", "kind": "counter", "labels": {"code": "500"}},
    "ttft": {"metric": "my_first_ms", "kind": "histogram", "unit": "milliseconds"},
    "requests_waiting": {"metric": "my_queue", "kind": "gauge", "labels": {"model": "a"}},
    "kv_cache_usage": {"metric": "my_cache", "kind": "gauge", "unit": "percent"},
}
TEXT = """
# TYPE my_done_total counter
my_done_total{code="200"} 540
my_done_total{code="500"} 60
# TYPE my_first_ms histogram
my_first_ms_bucket{le="100"} 30
my_first_ms_bucket{le="300"} 60
my_first_ms_bucket{le="+Inf"} 60
my_first_ms_count 60
my_first_ms_sum 9000
# TYPE my_queue gauge
my_queue{model="a"} 4
my_queue{model="b"} 9
# TYPE my_cache gauge
my_cache 25
"""


def service(signals: dict[str, Any], **spec: Any) -> Service:
    body = copy.deepcopy(next(d for d in render.documents("vllm") if d["kind"] == "LLMService"))
    body["spec"] |= {"runtime": "custom", "signals": signals, **spec}
    return parse(body, render.library().runtimes)


def built(of: Service, *, cluster_wide: bool = True) -> list[Manifest]:
    settings = replace(render.SETTINGS, cluster_wide=cluster_wide)
    return signal_rules.build_own(replace(render.context("vllm"), service=of, settings=settings))


def test_named_metrics_become_signals_of_this_service_alone(tmp_path: Path) -> None:
    [rules] = built(service(SIGNALS))
    target = {"runtime": "custom"}
    other = target | {"llmservice": "other"}
    wanted = {
        "llm:requests_finished:rate5m": ({"finish_reason": "unknown"}, 10.0),
        "llm:request_errors:rate5m": ({"error_class": "server"}, 1.0),
        "llm:request_error:ratio5m": ({}, 0.1),
        "llm:ttft_seconds:p50_5m": ({}, 0.1),
        "llm:ttft_seconds:mean5m": ({}, 0.15),
        "llm:requests_waiting": ({}, 4.0),
        "llm:kv_cache_usage:ratio": ({}, 0.25),
    }
    samples = [Sample(TEXT, target=target), Sample(TEXT, pod="other-0", target=other)]
    test = {
        "interval": "1m",
        "input_series": [series for sample in samples for series in sample.input_series()],
        "promql_expr_test": [
            expectation(name, [(RECORDED | target | own, value)]) for name, (own, value) in wanted.items()
        ],
    }

    assert rules["metadata"]["namespace"] == "team-a"
    assert rules["metadata"]["name"] == "chat-signals"
    assert promtool.test(rules, [test], tmp_path) == ""


def test_a_histogram_in_milliseconds_has_no_buckets_for_their_edges_would_be_wrong() -> None:
    [rules] = built(service(SIGNALS))

    assert not any("_bucket:" in rule["record"] for rule in rules["spec"]["groups"][0]["rules"])


HOSTILE = ['x"} or vector(1) or up{a="', "back\\slash", "line\nbreak", "{{ $value }}", "$service"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_label_values_stay_text(text: str, tmp_path: Path) -> None:
    [rules] = built(service({"requests_waiting": {"metric": "q", "kind": "gauge", "labels": {"a": text}}}))
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    sample = Sample(f'# TYPE q gauge\nq{{a="{escaped}"}} 4\nq{{a="other"}} 9\n', target={"runtime": "custom"})
    test = {
        "interval": "1m",
        "input_series": sample.input_series(),
        "promql_expr_test": [expectation("llm:requests_waiting", [(RECORDED | {"runtime": "custom"}, 4.0)])],
    }

    assert promtool.test(rules, [test], tmp_path) == ""


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "spec.signals: found 0 with runtime custom, allowed is at least one signal"),
    ({"tfft": {}}, "spec.signals.tfft: is unknown, allowed are requests_finished"),
    ({"lora_adapters": {}}, "spec.signals.lora_adapters: is unknown"),
    ({"gpu_util": {}}, "spec.signals.gpu_util: is unknown"),
    ({"ttft": {"kind": "gauge", "metric": "x"}}, "spec.signals.ttft.kind: found 'gauge', allowed are histogram"),
    ({"ttft": {"kind": "histogram", "metric": "x", "unit": "count"}}, "spec.signals.ttft.unit: found 'count', allowed"),
    ({"ttft": {"kind": "histogram", "metric": "x y"}}, "spec.signals.ttft.metric: metric: found 'x y', allowed is"),
    ({"ttft": {"kind": "histogram", "metric": "x", "labels": {"a b": ""}}}, "spec.signals.ttft.labels.a b: label:"),
    ({"ttft": {"kind": "histogram", "metric": "x", "expr": "up"}}, "spec.signals.ttft.expr: is unknown"),
]


@pytest.mark.parametrize(("signals", "message"), WRONG)
def test_a_wrong_signal_says_where_and_what_is_allowed(signals: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        service(signals)

    assert message in str(caught.value)


def test_signals_of_a_runtime_of_the_catalogue_are_refused() -> None:
    with pytest.raises(InvalidSpec, match=r"^spec\.signals: found 5 with runtime vllm, allowed is none"):
        service(SIGNALS, runtime="vllm")


def test_a_runtime_that_only_observes_is_none_that_a_service_can_be_of() -> None:
    with pytest.raises(InvalidSpec, match=r"^spec\.runtime: found 'dcgm', allowed are custom, dynamo"):
        service(SIGNALS, runtime="dcgm")


def test_where_the_operator_serves_a_list_of_namespaces_every_service_has_its_own_rules() -> None:
    plain = render.service("vllm")

    assert built(plain) == []
    [rules] = built(plain, cluster_wide=False)
    expressions = [rule["expr"] for rule in rules["spec"]["groups"][0]["rules"]]
    assert len(expressions) == len(signal_rules.rules(plain.runtime))
    assert all('namespace="team-a",llmservice="chat"' in expr for expr in expressions)
