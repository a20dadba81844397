"""Owns the proof that a template without what a runtime needs is told so, and what cannot be seen is only noted."""

from dataclasses import replace
from typing import Any

import pytest

from serinus.core import flags, status
from serinus.core.model import Service
from serinus.core.scrapers import scraper_of
from serinus.plan import Surroundings
from serinus.resources import monitoring
from serinus.resources.signal_rules import gaps
from serinus.steady import plan_steady
from tests.golden import render

RUNTIMES = render.library().runtimes


def service(runtime: str, *containers: dict[str, Any]) -> Service:
    base = render.service("vllm")
    assert base.workload
    ports = [{"name": "http", "containerPort": 8000}]
    template = {"spec": {"containers": [{"name": "server", "ports": ports, **c} for c in containers]}}
    return replace(base, runtime=RUNTIMES[runtime], workload=replace(base.workload, template=template))


MET: list[tuple[str, dict[str, Any]]] = [
    ("sglang", {"args": ["--model-path=x", "--enable-metrics"]}),
    ("sglang", {"command": ["sh", "-c", "python3 -m sglang.launch_server --enable-metrics --port 30000"]}),
    ("sglang", {"args": ["--enable-metrics=true"]}),
    ("llamacpp", {"args": ["--metrics"]}),
    ("llamacpp", {"env": [{"name": "LLAMA_ARG_ENDPOINT_METRICS", "value": "1"}]}),
    ("lmdeploy", {"args": ["serve", "api_server"]}),
    ("vllm", {}),
]
MISSING: list[tuple[str, dict[str, Any], str]] = [
    ("sglang", {"args": ["--model-path=x"]}, "SGLang has no metrics without the argument --enable-metrics: add it"),
    ("sglang", {"args": ["--enable-metrics=false"]}, "without the argument --enable-metrics"),
    ("sglang", {"args": ["--enable-metrics-for-all-schedulers"]}, "without the argument --enable-metrics"),
    ("sglang", {}, "without the argument --enable-metrics"),
    ("llamacpp", {"args": ["-m", "x"]}, "without the argument --metrics or the variable LLAMA_ARG_ENDPOINT_METRICS"),
    ("llamacpp", {"env": [{"name": "LLAMA_ARG_ENDPOINT_METRICS", "value": "0"}]}, "without the argument --metrics"),
    ("litellm", {}, 'without the setting callbacks: ["prometheus"], in the file of --config or -c: add it'),
    ("trtllm-serve", {"args": ["serve", "x"]}, "without the setting return_perf_metrics: true"),
    ("lmdeploy", {"args": ["--disable-metrics"]}, "LMDeploy has no metrics with --disable-metrics: remove it"),
]


@pytest.mark.parametrize(("runtime", "container"), MET)
def test_a_template_that_says_it_lacks_nothing(runtime: str, container: dict[str, Any]) -> None:
    found = service(runtime, container)

    assert (flags.metrics_off(found), flags.notes(found)) == ((), ())


@pytest.mark.parametrize(("runtime", "container", "message"), MISSING)
def test_a_template_without_it_is_told_what_to_add(runtime: str, container: dict[str, Any], message: str) -> None:
    [told] = flags.metrics_off(service(runtime, container))

    assert told.startswith("spec.workload.template: ")
    assert message in told


def test_a_sidecar_counts_for_the_pod() -> None:
    assert flags.metrics_off(service("sglang", {}, {"args": ["--enable-metrics"]})) == ()


@pytest.mark.parametrize(
    ("runtime", "container"),
    [
        ("litellm", {"args": ["--config", "/etc/litellm.yaml"]}),
        ("litellm", {"args": ["--config=/etc/litellm.yaml"]}),
        ("trtllm-serve", {"args": ["--extra_llm_api_options", "x.yaml"]}),
        ("llamacpp", {"envFrom": [{"configMapRef": {"name": "x"}}]}),
    ],
)
def test_what_may_stand_in_a_file_is_a_note_and_no_problem(runtime: str, container: dict[str, Any]) -> None:
    found = service(runtime, container)

    assert flags.metrics_off(found) == ()
    assert "which cannot be seen from here" in flags.notes(found)[0]


def test_a_signal_that_is_optional_is_a_note_and_no_problem() -> None:
    found = service("triton-tensorrtllm", {"args": ["--model-repository=/x"]})

    assert flags.metrics_off(found) == ()
    [note] = flags.notes(found)
    assert note.endswith("has no ttft without the argument histogram_latencies=true: add it")
    assert flags.notes(service("triton-tensorrtllm", {"args": ["--metrics-config=histogram_latencies=true"]})) == ()


def test_a_component_is_asked_for_its_flag_only_where_the_template_has_its_port() -> None:
    worker = {"ports": [{"name": "system", "containerPort": 8081}]}

    assert flags.notes(service("dynamo", {})) == ()
    assert "without the variable DYN_SYSTEM_PORT" in flags.notes(service("dynamo", worker))[0]
    assert flags.notes(service("dynamo", {**worker, "env": [{"name": "DYN_SYSTEM_PORT", "value": "8081"}]})) == ()


def test_it_is_a_problem_of_the_monitoring_with_a_reason_of_its_own() -> None:
    context = replace(render.context("vllm"), service=service("sglang", {}))

    assert monitoring.problems(context)[0].reason == "MetricsOff"
    assert "SGLang has no refusals" in monitoring.note(context)


def test_labels_that_no_prometheus_selects_are_a_problem_of_the_monitoring() -> None:
    other = scraper_of({"metadata": {"namespace": "m", "name": "p"}, "spec": {"serviceMonitorSelector": {}}})
    context = replace(render.context("vllm"), scrapers=(other,))

    assert [p.reason for p in monitoring.problems(context)][:2] == ["NotSelected", "NotSelected"]
    assert "NotSelected" not in [p.reason for p in monitoring.problems(render.context("vllm"))]


def test_the_gaps_of_a_runtime_stand_in_the_status() -> None:
    found = render.documents("tgi")[0]
    around = Surroundings(catalogue=RUNTIMES, settings=render.SETTINGS)

    view = plan_steady(found, around, {}).view
    assert status.build(view, [], {}, "2026-11-21T10:00:00Z")["gaps"] == list(gaps(RUNTIMES["tgi"]))
    assert "ttft" in view.gaps
