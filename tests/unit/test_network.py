"""Network and runtime policies of the pods that serve: off unless asked for, and what stays allowed always."""

import copy
import dataclasses
from typing import Any

import pytest

from serinus.core.installation import Network, Peer
from serinus.core.model import Manifest, Outputs
from serinus.core.naming import LABEL_PROBE_FOR, LABEL_SERVICE
from serinus.core.parse import parse
from serinus.core.scrapers import Scraper
from serinus.resources import cilium_policy, network_policy, output_of, tracing_policy
from serinus.resources.context import Context
from tests.golden import guards, render

BUILDERS = [network_policy, cilium_policy, tracing_policy]
PROBES = {"matchExpressions": [{"key": LABEL_PROBE_FOR, "operator": "Exists"}]}


def asked(network: Network | None = None, *, service_type: str = "ClusterIP") -> Context:
    found = guards.switched_on(render.context("vllm"))
    options = dataclasses.replace(found.service.service, type=service_type)
    settings = dataclasses.replace(found.settings, network=network or Network())
    return dataclasses.replace(found, settings=settings, service=dataclasses.replace(found.service, service=options))


def spec(module: Any, context: Context) -> Manifest:
    [policy] = module.build(context)
    found: Manifest = policy["spec"]
    return found


def prometheus(namespace: str) -> Scraper:
    return Scraper(namespace=namespace, name="k8s", monitors={}, monitor_namespaces={}, rules={}, rule_namespaces={})


@pytest.mark.parametrize("module", BUILDERS)
def test_nothing_is_made_and_nothing_said_unless_it_is_asked_for(module: Any) -> None:
    assert module.build(render.context("vllm")) == []
    assert module.note(render.context("vllm")) == ""


def test_probes_and_prometheus_stay_allowed() -> None:
    context = dataclasses.replace(asked(), scrapers=(prometheus("monitoring"),))
    port = [{"protocol": "TCP", "port": 8000}]

    rules = spec(network_policy, context)["ingress"]
    assert {"from": [{"podSelector": PROBES}], "ports": port} in rules
    namespace = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert {"from": [namespace], "ports": port} in rules

    rules = spec(cilium_policy, context)["ingress"]
    ports = [{"ports": [{"port": "8000", "protocol": "TCP"}]}]
    probes = {"matchExpressions": [{"key": f"k8s:{LABEL_PROBE_FOR}", "operator": "Exists"}]}
    assert {"fromEndpoints": [probes], "toPorts": ports} in rules
    labels = {"k8s:io.kubernetes.pod.namespace": "monitoring"}
    assert {"fromEndpoints": [{"matchLabels": labels}], "toPorts": ports} in rules


def test_without_clients_every_pod_of_the_cluster_may_ask_and_with_an_address_outside_anybody() -> None:
    inside, outside = asked(), asked(service_type="LoadBalancer")

    assert spec(network_policy, inside)["ingress"][0]["from"] == [{"namespaceSelector": {}}]
    assert "from" not in spec(network_policy, outside)["ingress"][0]
    assert spec(cilium_policy, inside)["ingress"][0]["fromEntities"] == ["cluster"]
    assert spec(cilium_policy, outside)["ingress"][0]["fromEntities"] == ["all"]


def test_named_clients_alone_may_ask() -> None:
    network = Network(clients=(Peer(namespace="gateways", pod_labels={"app": "envoy"}), Peer(cidr="192.0.2.0/24")))

    assert spec(network_policy, asked(network))["ingress"][0]["from"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "gateways"}},
            "podSelector": {"matchLabels": {"app": "envoy"}},
        },
        {"ipBlock": {"cidr": "192.0.2.0/24"}},
    ]
    rules = spec(cilium_policy, asked(network))["ingress"]
    assert rules[0]["fromEndpoints"][0]["matchLabels"]["k8s:app"] == "envoy"
    assert rules[1]["fromCIDR"] == ["192.0.2.0/24"]


def test_pods_of_a_service_reach_each_other_and_dns() -> None:
    found = spec(network_policy, asked())
    mine = {"podSelector": {"matchLabels": {LABEL_SERVICE: "chat"}}}

    assert {"from": [mine]} in found["ingress"]
    assert {"to": [mine]} in found["egress"]
    assert found["policyTypes"] == ["Ingress", "Egress"]
    assert "kube-dns" in str(found["egress"])
    assert "k8s:k8s-app" in str(spec(cilium_policy, asked())["egress"])


def test_names_of_hosts_are_followed_by_cilium_which_then_reads_dns() -> None:
    named = Network(hosts=("huggingface.co", "*.hf.co"))
    rules = spec(cilium_policy, asked(named))["egress"]

    hosts = [rule for rule in rules if "toFQDNs" in rule]
    assert hosts[0]["toFQDNs"] == [{"matchName": "huggingface.co"}, {"matchPattern": "*.hf.co"}]
    assert any("rules" in port for rule in rules for port in rule.get("toPorts", []))
    assert "rules" not in str(spec(cilium_policy, asked())["egress"])


def test_status_tells_what_is_blocked() -> None:
    plain, named = asked(), asked(guards.NETWORK)

    said = network_policy.note(plain)
    assert "every pod of the cluster and probes on TCP 8000" in said
    assert "anything else is blocked, models that pods fetch as they start among it" in said
    assert "anybody and probes" in network_policy.note(asked(service_type="NodePort"))
    assert "huggingface.co, *.hf.co too: a NetworkPolicy cannot follow names" in network_policy.note(named)
    assert "192.0.2.0/24 on 443, namespace storage on 9000; pods" in network_policy.note(named)
    assert "namespace storage on 9000, huggingface.co, *.hf.co; pods" in cilium_policy.note(named)
    assert "namespace gateways app=envoy" in cilium_policy.note(named)


def test_a_service_without_metrics_lets_nobody_scrape() -> None:
    context = asked(Network(monitoring=(Peer(namespace="monitoring"),)))
    assert context.service.workload is not None
    silent = dataclasses.replace(context.service.workload, metrics_path="")
    context = dataclasses.replace(context, service=dataclasses.replace(context.service, workload=silent))

    assert "monitoring" not in str(spec(network_policy, context)["ingress"])
    assert "on no port (metrics)" in network_policy.note(context)


def test_tetragon_watches_and_never_acts() -> None:
    context = asked(Network(inside=("10.0.0.0/8",), model_paths=("/models", "/cache")))
    found = spec(tracing_policy, context)

    assert found["options"] == [{"name": "policy-mode", "value": "monitor"}]
    assert found["podSelector"] == {"matchLabels": {LABEL_SERVICE: "chat"}}
    assert "matchActions" not in str(found)
    matched = [m for probe in found["kprobes"] for s in probe["selectors"] for m in s["matchArgs"]]
    assert {"index": 0, "operator": "Prefix", "values": ["/models", "/cache"]} in matched
    assert {"index": 0, "operator": "NotDAddr", "values": ["10.0.0.0/8"]} in matched
    assert "blocks nothing" in tracing_policy.note(context)


def test_the_policy_of_serving_pods_is_an_output_and_that_of_probes_is_none() -> None:
    assert output_of("NetworkPolicy", "chat-serving") is not None
    assert output_of("NetworkPolicy", "chat-probes") is None


def test_the_switches_are_read_from_the_spec_and_acted_on() -> None:
    body = copy.deepcopy(next(d for d in render.documents("vllm") if d["kind"] == "LLMService"))
    body["spec"]["monitoring"] = {"outputs": {"networkPolicy": True, "cilium": True, "tetragon": True}}
    service = parse(body, render.library().runtimes)

    assert service.monitoring.outputs == Outputs(network_policy=True, cilium=True, tetragon=True)
    assert service.ignored == ()
