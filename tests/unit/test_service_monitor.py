"""Owns the proof of what goes from a service into its ServiceMonitor, and of what cannot get there."""

from dataclasses import replace
from typing import Any

import pytest

from serinus.core import naming
from serinus.core.model import InvalidSpec, Monitoring, Service
from serinus.resources import service as services
from serinus.resources import service_monitor
from tests.cluster.binaries import ensure_crds
from tests.golden import render
from tests.golden.crd import CrdFolder


def monitor(of: Service, **settings: Any) -> dict[str, Any]:
    context = replace(render.context("vllm"), service=of, settings=replace(render.SETTINGS, **settings))
    [built] = service_monitor.build(context)
    return built


def relabelled(of: Service, meta: dict[str, str]) -> dict[str, str]:
    """What Prometheus makes of a target: `$1` is the first group of `(.*)`, `$$` is a dollar."""
    labels = dict(meta)
    for step in monitor(of)["spec"]["endpoints"][0]["relabelings"]:
        source = ";".join(labels.get(name, "") for name in step.get("sourceLabels", []))
        parts = step.get("replacement", "$1").split("$$")
        labels[step["targetLabel"]] = "$".join(part.replace("$1", source) for part in parts)
    return labels


def test_every_series_says_whose_it_is() -> None:
    found = relabelled(render.service("vllm"), {"__meta_kubernetes_pod_label_serinus_dev_revision": "r8d21bb77f0"})

    expected = {
        "llmservice": "chat",
        "runtime": "vllm",
        "model": "llama-3.1-8b",
        "role": "server",
        "revision": "r8d21bb77f0",
    }
    assert found.items() >= expected.items()


@pytest.mark.parametrize("model", ["org/model-$1", "$$", "a${1}b", "$__meta_kubernetes_namespace"])
def test_a_dollar_in_a_model_is_no_reference(model: str) -> None:
    assert relabelled(replace(render.service("vllm"), model=model), {})["model"] == model


def test_it_selects_the_metrics_service_alone_by_the_port_that_the_service_has() -> None:
    context = render.context("vllm")
    built = {s["metadata"]["name"]: s for s in services.build(context)}
    scraped = built.pop(naming.metrics_service("chat"))
    spec = monitor(context.service)["spec"]
    wanted = spec["selector"]["matchLabels"].items()

    assert built
    assert scraped["metadata"]["labels"].items() >= wanted
    assert not any(s["metadata"]["labels"].items() >= wanted for s in built.values())
    assert spec["endpoints"][0]["port"] in [p["name"] for p in scraped["spec"]["ports"]]
    assert "namespaceSelector" not in spec


def test_path_and_interval_come_from_the_spec() -> None:
    base = render.service("vllm")
    assert base.workload
    changed = replace(
        base,
        workload=replace(base.workload, metrics_path="/m"),
        monitoring=Monitoring(interval="90s", labels={"a": "b"}),
    )

    [endpoint] = monitor(changed)["spec"]["endpoints"]

    assert (endpoint["path"], endpoint["interval"]) == ("/m", "1m30s")
    assert monitor(changed)["metadata"]["labels"]["a"] == "b"
    assert monitor(replace(changed, workload=None))["spec"]["endpoints"][0]["path"] == "/metrics"


def test_an_interval_that_prometheus_would_refuse_is_refused_with_its_path() -> None:
    wrong = replace(render.service("vllm"), monitoring=Monitoring(interval="soon"))

    with pytest.raises(InvalidSpec, match=r"^spec\.monitoring\.interval: found 'soon', allowed is a duration"):
        monitor(wrong)


def test_nothing_but_the_fixed_form_gets_in() -> None:
    found = monitor(render.service("vllm"))

    assert set(found["spec"]) == {"selector", "fallbackScrapeProtocol", "sampleLimit", "labelLimit", "endpoints"}
    assert set(found["spec"]["endpoints"][0]) == {"port", "path", "interval", "relabelings"}
    assert all(
        set(step) <= {"sourceLabels", "targetLabel", "replacement"}
        for step in found["spec"]["endpoints"][0]["relabelings"]
    )


def test_the_discovery_role_is_set_where_the_crd_has_it() -> None:
    found = monitor(render.service("vllm"), endpoint_slices=True)

    assert found["spec"]["serviceDiscoveryRole"] == "EndpointSlice"
    problems = CrdFolder(ensure_crds()).problems(found)
    assert all("'serviceDiscoveryRole' was unexpected" in p for p in problems)
    assert "serviceDiscoveryRole" not in monitor(render.service("vllm"))["spec"]


def test_a_component_whose_port_the_template_has_is_scraped_with_its_own_role() -> None:
    context = render.context("dynamo")
    [monitor] = service_monitor.build(context)
    scraped = next(s for s in services.build(context) if s["metadata"]["name"] == naming.metrics_service("chat"))

    found = {e["port"]: (e["path"], role(e)) for e in monitor["spec"]["endpoints"]}
    assert found == {"metrics": ("/metrics", "router"), "metrics-worker": ("/metrics", "server")}
    assert {p["name"]: p["port"] for p in scraped["spec"]["ports"]} == {"metrics": 8000, "metrics-worker": 8081}

    alone = replace(context, service=replace(context.service, runtime=render.library().runtimes["vllm"]))
    assert [e["port"] for e in service_monitor.build(alone)[0]["spec"]["endpoints"]] == ["metrics"]


def role(endpoint: dict[str, Any]) -> str:
    return str(next(step["replacement"] for step in endpoint["relabelings"] if step["targetLabel"] == "role"))


def test_a_runtime_without_metrics_is_not_scraped() -> None:
    context = render.context("ollama")

    assert service_monitor.build(context) == []
    assert [s["metadata"]["name"] for s in services.build(context)] == ["chat"]


def test_a_metrics_port_of_its_own_is_the_runtimes_default() -> None:
    context = render.context("triton-tensorrtllm")
    scraped = next(s for s in services.build(context) if s["metadata"]["name"] == naming.metrics_service("chat"))

    assert scraped["spec"]["ports"][0]["port"] == 8002
    assert service_monitor.build(render.context("nim"))[0]["spec"]["endpoints"][0]["path"] == "/v1/metrics"
