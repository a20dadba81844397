"""Owns what the chart does with its values: refused ones, the operator's settings, notes, the table of the README."""

import dataclasses
import json
import tomllib
from typing import Any

import pytest
import yaml

from serinus.core.installation import Network, Peer
from serinus.shell.settings import Settings, load_settings
from tests.support.chart_cases import container, environment, rendered
from tests.support.generate import ROOT, chart
from tests.support.helm import CHART, HelmError, Manifest, only, run, template

__all__ = ["rendered"]


def test_versions_of_chart_and_package_agree() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (about["version"], about["appVersion"]) == (version, version)


def settings(objects: list[Manifest]) -> Settings:
    """Return the operator's own reading of the chart's variables, those of the downward API filled in."""
    fields = {"metadata.name": "canary-serinus-0", "metadata.namespace": "ops"}
    references = [entry for entry in container(objects)["env"] if "valueFrom" in entry]
    downward = {entry["name"]: fields[entry["valueFrom"]["fieldRef"]["fieldPath"]] for entry in references}
    return load_settings(environment(objects) | downward)


def test_operator_reads_every_variable_of_the_chart(rendered: dict[str, list[Manifest]]) -> None:
    for objects in rendered.values():
        assert settings(objects).ignored == ()


def test_values_reach_the_operator_as_settings(rendered: dict[str, list[Manifest]]) -> None:
    defaults, namespaced = settings(rendered["defaults"]), settings(rendered["namespaced"])
    assert (defaults.namespaces, namespaced.namespaces) == ((), ("team-a", "team-b"))
    assert (defaults.authors_verified, namespaced.authors_verified) == (True, False)
    assert (defaults.lease.name, defaults.lease.namespace) == ("canary-serinus", "ops")
    assert defaults.lease.identity == "canary-serinus-0"
    assert settings(rendered["monitored"]).monitor_labels == {"release": "kps"}
    assert settings(rendered["digest"]).prometheus_url == "https://prometheus.monitoring:9091"
    rich = {
        "allowedServiceTypes": ["ClusterIP", "LoadBalancer"],
        "allowedServiceAnnotations": ["cloud.google.com/"],
        "dnsTargets": [{"namespace": "dns", "ports": [1053]}],
        "endpoints": {"judge": "https://judge.example.com/v1"},
    }
    assert (defaults.admission_policy, namespaced.admission_policy) == (True, False)
    assert defaults.user == "system:serviceaccount:ops:canary-serinus"
    network = {
        "clients": [{"namespace": "gateways", "podLabels": {"app": "envoy"}}],
        "egress": [{"cidr": "192.0.2.0/24", "ports": [443]}],
        "hosts": ["huggingface.co", "*.hf.co"],
        "inside": ["10.0.0.0/8"],
        "modelPaths": ["/models", "/cache"],
    }
    chosen = settings(template({"operator": rich, "network": network}))
    assert chosen.network == Network(
        clients=(Peer(namespace="gateways", pod_labels={"app": "envoy"}),),
        egress=(Peer(cidr="192.0.2.0/24", ports=(443,)),),
        hosts=("huggingface.co", "*.hf.co"),
        inside=("10.0.0.0/8",),
        model_paths=("/models", "/cache"),
    )
    assert chosen.allowed.service_types == ("ClusterIP", "LoadBalancer")
    assert chosen.allowed.service_annotations == ("cloud.google.com/",)
    assert [(t.namespace, t.ports) for t in chosen.dns_targets] == [("dns", (1053,))]
    assert chosen.endpoints == {"judge": "https://judge.example.com/v1"}


def test_defaults_of_the_chart_are_those_of_the_operator(rendered: dict[str, list[Manifest]]) -> None:
    chart_s, own = settings(rendered["defaults"]), load_settings({})
    installed = {"lease", "probe_image", "authors_verified", "admission_policy", "user"}
    for field in dataclasses.fields(Settings):
        if field.name not in installed:
            assert getattr(chart_s, field.name) == getattr(own, field.name), field.name
    times = ("duration", "renew_deadline", "retry", "write_timeout")
    assert [getattr(chart_s.lease, name) for name in times] == [getattr(own.lease, name) for name in times]


def test_services_ports_lead_to_the_pods_ports(rendered: dict[str, list[Manifest]]) -> None:
    ports = {port["name"] for port in container(rendered["defaults"])["ports"]}
    service = only(rendered["defaults"], "Service")
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports == {"metrics", "health", "gate"}
    numbers = {port["name"]: port["containerPort"] for port in container(rendered["defaults"])["ports"]}
    listening = settings(rendered["defaults"]).ports
    assert numbers == {"metrics": listening.metrics, "health": listening.health, "gate": listening.gate}
    labels = only(rendered["defaults"], "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 2}, "replica"),
        ({"operator": {"monitorLabel": {"release": "kps"}}}, "monitorLabel"),
        ({"replicas": "two"}, "replicas"),
        ({"namespaces": "team-a"}, "namespaces"),
        ({"operator": {"logLevel": "loud"}}, "logLevel"),
        ({"image": {"tag": "latest"}}, "tag"),
        ({"image": {"digest": "sha256:short"}}, "digest"),
        ({"prometheus": {"url": "http://user:secret@prometheus"}}, "url"),
        ({"lease": {"durationSeconds": 14}}, "two leaders"),
        ({"lease": {"retryPeriodSeconds": 6}}, "half of renewDeadlineSeconds"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name"),
    ],
    ids=str,
)
def test_wrong_values_are_refused_by_their_name(values: dict[str, Any], said: str) -> None:
    with pytest.raises(HelmError, match=said):
        template(values)


def open_objects(schema: dict[str, Any], path: str = "") -> list[str]:
    """Return the objects with named properties that allow others too."""
    found = [path] if "properties" in schema and schema.get("additionalProperties") is not False else []
    for name, inner in schema.get("properties", {}).items():
        found += open_objects(inner, f"{path}.{name}")
    return found


def names_of(values: Any, schema: dict[str, Any], path: str = "") -> set[str]:
    """Return the dotted names of values that the schema does not know."""
    if not isinstance(values, dict) or "properties" not in schema:
        return set()
    unknown = {f"{path}.{name}" for name in values if name not in schema["properties"]}
    return unknown.union(
        *(names_of(v, schema["properties"][k], f"{path}.{k}") for k, v in values.items() if k in schema["properties"])
    )


def test_schema_is_closed_and_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert open_objects(schema) == []
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert names_of(values, schema) == set()
    assert set(schema["properties"]) - set(values) == {"global"}


def test_an_open_object_in_a_schema_is_found() -> None:
    assert open_objects({"properties": {"a": {"properties": {}}}, "additionalProperties": False}) == [".a"]


def test_every_value_is_described() -> None:
    text = (CHART / "values.yaml").read_text()
    described = {name for name, _, _ in chart.value_rows(text)}

    def leaves(values: Any, path: str = "") -> set[str]:
        if path in described or not isinstance(values, dict) or not values:
            return {path}
        return {leaf for key, inner in values.items() for leaf in leaves(inner, f"{path}.{key}".lstrip("."))}

    assert leaves(yaml.safe_load(text)) == described


def notes(values: dict[str, Any]) -> str:
    """Return the notes that an installation prints."""
    flags = [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]
    return run("install", "canary", str(CHART), "--namespace", "ops", "--dry-run=client", *flags).split("\nNOTES:\n")[1]


def test_notes_say_what_is_missing() -> None:
    bare = notes({"namespaces": ["team-a"], "crds": {"enabled": False}})
    for words in ("serves the namespaces team-a", "crds.enabled is false", "operator.monitorLabels is empty"):
        assert words in bare
    for words in ("prometheus.url is empty", "Approve and Override are refused"):
        assert words in bare


def test_notes_say_nothing_of_what_is_there() -> None:
    full = notes({"operator": {"monitorLabels": {"release": "kps"}}, "prometheus": {"url": "http://p.m:9090"}})
    assert "every namespace" in full
    assert "empty" not in full
    assert "admission policy" not in full


def test_generated_files_are_fresh() -> None:
    wanted = chart.files() | {chart.INSTALL: chart.install_manifest()}
    assert [str(path) for path, text in wanted.items() if not path.exists() or path.read_text() != text] == []
    assert chart.stale_files() == []
