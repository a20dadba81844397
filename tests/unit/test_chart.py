"""Owns what the operator's chart promises, asked of the real Helm: rights, CRDs, the pod, refused values."""

import dataclasses
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.shell.settings import Settings, load_settings
from serinus.shell.verbs import VERBS, Place
from tests.support import helm
from tests.support.generate import ROOT, chart
from tests.support.helm import CHART, HelmError, Manifest, only, run, template

GROUPS_OF_KUBERNETES = "k8s.io"
VALUE_SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "monitored": {"monitoring": {"enabled": True}, "operator": {"monitorLabels": {"release": "kps"}}},
    "namespaced": {"namespaces": ["team-a", "team-b"], "crds": {"enabled": False}},
    "bare": {
        "replicas": 1,
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "given"},
        "networkPolicy": {"enabled": False},
    },
    "digest": {"image": {"digest": "sha256:" + "0" * 64}, "prometheus": {"url": "https://prometheus.monitoring:9091"}},
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[Manifest]]:
    """Render every set of values once."""
    return {name: template(values) for name, values in VALUE_SETS.items()}


def kinds(objects: list[Manifest]) -> set[str]:
    """Return the kinds that occur."""
    return {item["kind"] for item in objects}


def rules(objects: list[Manifest], kind: str, name: str) -> list[dict[str, Any]]:
    """Return the rules of one role, of every namespace that has it."""
    return [
        rule for item in objects if (item["kind"], item["metadata"]["name"]) == (kind, name) for rule in item["rules"]
    ]


def table(*places: Place) -> set[tuple[str, str, str]]:
    """Return the verb table of the code as (group, resource, verb)."""
    return {(rule.group, r, v) for rule in VERBS if rule.place in places for r in rule.resources for v in rule.verbs}


def granted(found: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Return RBAC rules as (group, resource, verb)."""
    return {(g, r, v) for rule in found for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}


def container(objects: list[Manifest]) -> Manifest:
    """Return the operator's container."""
    containers: list[Manifest] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return containers[0]


def environment(objects: list[Manifest]) -> dict[str, str]:
    """Return the operator's settings that are plain values."""
    return {entry["name"]: entry["value"] for entry in container(objects)["env"] if "value" in entry}


def test_helm_lint_finds_nothing() -> None:
    assert "0 chart(s) failed" in run("lint", "--strict", str(CHART))


def test_helm_lint_finds_a_broken_chart(tmp_path: Path) -> None:
    broken = tmp_path / "serinus"
    shutil.copytree(CHART, broken)
    (broken / "templates" / "broken.yaml").write_text("a: {{ .Values.unclosed\n")
    with pytest.raises(HelmError, match=r"broken\.yaml"):
        run("lint", "--strict", str(broken))


def test_versions_of_chart_and_package_agree() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (about["version"], about["appVersion"]) == (version, version)


def test_cluster_wide_roles_equal_the_verb_table(rendered: dict[str, list[Manifest]]) -> None:
    objects = rendered["defaults"]
    assert granted(rules(objects, "ClusterRole", "ops-canary-serinus")) == table(Place.WATCHED, Place.CLUSTER)
    assert granted(rules(objects, "Role", "canary-serinus-leader")) == table(Place.OPERATOR)


def test_namespaced_roles_equal_the_verb_table_and_nothing_of_the_cluster_is_granted(
    rendered: dict[str, list[Manifest]],
) -> None:
    objects = rendered["namespaced"]
    for namespace in ("team-a", "team-b"):
        here = [item for item in objects if item["metadata"].get("namespace") == namespace]
        assert granted(rules(here, "Role", "ops-canary-serinus")) == table(Place.WATCHED)
        assert only(here, "RoleBinding")["subjects"] == [
            {"kind": "ServiceAccount", "name": "canary-serinus", "namespace": "ops"}
        ]
    cluster_scoped = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
    assert not kinds(objects) & (cluster_scoped | {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"})


def test_no_role_has_a_wildcard_a_secret_or_a_right_over_rights(rendered: dict[str, list[Manifest]]) -> None:
    forbidden = {"*", "secrets", "pods/exec", "pods/log", "pods/attach", "serviceaccounts/token"}
    for objects in rendered.values():
        for item in objects:
            for group, resource, verb in granted(item.get("rules", []) if "Role" in item["kind"] else []):
                assert not {group, resource, verb} & {*forbidden, "escalate", "bind", "impersonate"}
                assert group != "rbac.authorization.k8s.io"


def test_bindings_bind_the_roles_that_are_there(rendered: dict[str, list[Manifest]]) -> None:
    for objects in rendered.values():
        there = {(item["kind"], item["metadata"]["name"]) for item in objects}
        for item in objects:
            if item["kind"].endswith("RoleBinding"):
                assert (item["roleRef"]["kind"], item["roleRef"]["name"]) in there


def test_nobody_who_may_edit_may_decide(rendered: dict[str, list[Manifest]]) -> None:
    for item in rendered["defaults"]:
        if any("aggregate-to-" in label for label in item["metadata"].get("labels", {})):
            assert ("serinus.dev", "decisions", "create") not in granted(item["rules"])
    decide = granted(rules(rendered["defaults"], "ClusterRole", "ops-canary-serinus-decide"))
    assert ("serinus.dev", "decisions", "create") in decide


def test_crds_of_the_chart_are_those_of_the_sources_and_survive_an_uninstall(
    rendered: dict[str, list[Manifest]],
) -> None:
    sources = {path.name: yaml.safe_load(path.read_text()) for path in (ROOT / "crds").glob("*.yaml")}
    found = [item for item in rendered["defaults"] if item["kind"] == "CustomResourceDefinition"]
    assert {item["metadata"]["name"]: item["spec"] for item in found} == {
        source["metadata"]["name"]: source["spec"] for source in sources.values()
    }
    assert len(found) == len(sources) == 4
    assert {item["metadata"]["annotations"]["helm.sh/resource-policy"] for item in found} == {"keep"}


def test_crds_can_be_left_out_or_be_removed_with_the_chart(rendered: dict[str, list[Manifest]]) -> None:
    assert "CustomResourceDefinition" not in kinds(rendered["namespaced"])
    found = [i for i in template({"crds": {"keep": False}}) if i["kind"] == "CustomResourceDefinition"]
    assert found
    assert all("helm.sh/resource-policy" not in item["metadata"].get("annotations", {}) for item in found)


def test_pod_is_restricted(rendered: dict[str, list[Manifest]]) -> None:
    for objects in rendered.values():
        pod = only(objects, "Deployment")["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        for item in pod["containers"]:
            assert item["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(item["resources"]["limits"]) == {"cpu", "memory"}
        assert [set(volume) for volume in pod["volumes"]] == [{"name", "emptyDir"}]


def test_pod_has_probes_and_spreads(rendered: dict[str, list[Manifest]]) -> None:
    pod = only(rendered["defaults"], "Deployment")["spec"]["template"]["spec"]
    ports = {port["name"] for port in container(rendered["defaults"])["ports"]}
    for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz"), ("startupProbe", "/healthz")):
        assert container(rendered["defaults"])[probe]["httpGet"]["path"] == path
        assert container(rendered["defaults"])[probe]["httpGet"]["port"] in ports
    assert [rule["topologyKey"] for rule in pod["topologySpreadConstraints"]] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]


def test_image_is_named_by_its_digest_when_there_is_one(rendered: dict[str, list[Manifest]]) -> None:
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container(rendered["defaults"])["image"] == f"ghcr.io/serinus-dev/serinus:{version}"
    digest = f"ghcr.io/serinus-dev/serinus@sha256:{'0' * 64}"
    assert container(rendered["digest"])["image"] == digest
    assert environment(rendered["digest"])["SERINUS_PROBE_IMAGE"] == digest


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
    rich = {"allowedHostnames": {"team-a": ["*.a.example.com"]}, "endpoints": {"judge": "https://judge.example.com/v1"}}
    chosen = settings(template({"operator": rich}))
    assert chosen.allowed_hostnames == {"team-a": ("*.a.example.com",)}
    assert chosen.endpoints == {"judge": "https://judge.example.com/v1"}


def test_defaults_of_the_chart_are_those_of_the_operator(rendered: dict[str, list[Manifest]]) -> None:
    chart_s, own = settings(rendered["defaults"]), load_settings({})
    installed = {"lease", "probe_image", "authors_verified"}
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


def test_monitor_honours_labels_and_is_selected_by_the_users_prometheus(rendered: dict[str, list[Manifest]]) -> None:
    monitor = only(rendered["monitored"], "ServiceMonitor")
    assert monitor["spec"]["endpoints"][0]["honorLabels"] is True
    assert monitor["metadata"]["labels"]["release"] == "kps"
    service = only(rendered["monitored"], "Service")
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert "ServiceMonitor" not in kinds(rendered["defaults"])


def test_one_replica_has_no_disruption_budget_and_two_have_one(rendered: dict[str, list[Manifest]]) -> None:
    assert "PodDisruptionBudget" not in kinds(rendered["bare"])
    assert only(rendered["defaults"], "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_network_policy_lets_out_dns_the_api_server_and_prometheus_only(rendered: dict[str, list[Manifest]]) -> None:
    def egress(name: str) -> set[int]:
        policy = only(rendered[name], "NetworkPolicy")
        return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}

    assert egress("defaults") == {53, 443, 6443}
    assert egress("digest") == {53, 443, 6443, 9091}
    assert "NetworkPolicy" not in kinds(rendered["bare"])


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://p.m", 80), ("https://p.m/prefix", 443), ("http://p.m:9090/prefix", 9090), ("http://[fd00::1]", 80)],
)
def test_network_policy_finds_the_port_of_prometheus(url: str, port: int) -> None:
    policy = only(template({"prometheus": {"url": url}, "crds": {"enabled": False}}), "NetworkPolicy")
    assert policy["spec"]["egress"][2] == {"ports": [{"port": port, "protocol": "TCP"}]}


def test_decisions_are_compared_with_the_user_of_the_request(rendered: dict[str, list[Manifest]]) -> None:
    policy = only(rendered["defaults"], "ValidatingAdmissionPolicy")
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert policy["spec"]["validations"][0]["expression"] == "object.spec.by == request.userInfo.username"
    binding = only(rendered["defaults"], "ValidatingAdmissionPolicyBinding")
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}


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


def test_labels_come_from_one_helper(rendered: dict[str, list[Manifest]]) -> None:
    for item in rendered["monitored"]:
        labels = item["metadata"]["labels"]
        assert labels["helm.sh/chart"].startswith("serinus-")
        assert labels["app.kubernetes.io/name"] == "serinus"
        assert labels["app.kubernetes.io/instance"] == "canary"
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_two_releases_share_no_cluster_scoped_name() -> None:
    def cluster_names(namespace: str) -> set[tuple[str, str]]:
        values = {"crds": {"enabled": False}}
        found = helm.template(values, namespace=namespace)
        return {(i["kind"], i["metadata"]["name"]) for i in found if "namespace" not in i["metadata"]}

    assert cluster_names("one")
    assert not cluster_names("one") & cluster_names("two")
