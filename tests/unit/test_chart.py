"""Owns what the operator's chart promises, asked of the real Helm: rights, CRDs, the pod, its surroundings."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.resources.admission_policy import build_policy
from serinus.shell.verbs import VERBS, Place
from tests.support import helm
from tests.support.chart_cases import container, environment, kinds, rendered
from tests.support.generate import ROOT
from tests.support.helm import CHART, HelmError, Manifest, only, run, template
from tests.support.policy_cases import installed_policy

__all__ = ["rendered"]


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


def test_helm_lint_finds_nothing() -> None:
    assert "0 chart(s) failed" in run("lint", "--strict", str(CHART))


def test_helm_lint_finds_a_broken_chart(tmp_path: Path) -> None:
    broken = tmp_path / "serinus"
    shutil.copytree(CHART, broken)
    (broken / "templates" / "broken.yaml").write_text("a: {{ .Values.unclosed\n")
    with pytest.raises(HelmError, match=r"broken\.yaml"):
        run("lint", "--strict", str(broken))


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

    assert egress("defaults") == {53, 5353, 443, 6443}
    assert egress("digest") == {53, 5353, 443, 6443, 9091}
    assert "NetworkPolicy" not in kinds(rendered["bare"])


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://p.m", 80), ("https://p.m/prefix", 443), ("http://p.m:9090/prefix", 9090), ("http://[fd00::1]", 80)],
)
def test_network_policy_finds_the_port_of_prometheus(url: str, port: int) -> None:
    policy = only(template({"prometheus": {"url": url}, "crds": {"enabled": False}}), "NetworkPolicy")
    assert policy["spec"]["egress"][2] == {"ports": [{"port": port, "protocol": "TCP"}]}


def test_decisions_are_compared_with_the_user_of_the_request(rendered: dict[str, list[Manifest]]) -> None:
    about = [o for o in rendered["defaults"] if o["metadata"]["name"].endswith("-decision-author")]
    policy = only(about, "ValidatingAdmissionPolicy")
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert policy["spec"]["validations"][0]["expression"] == "object.spec.by == request.userInfo.username"
    binding = only(about, "ValidatingAdmissionPolicyBinding")
    assert binding["spec"] == {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]}


def test_the_policy_on_services_is_that_of_the_code_bound_once_for_each_action(
    rendered: dict[str, list[Manifest]],
) -> None:
    found = installed_policy(rendered["defaults"])
    wanted = build_policy("ops-canary-serinus-service-policy")
    assert [(o["kind"], o["metadata"]["name"], o["spec"]) for o in found] == [
        (o["kind"], o["metadata"]["name"], o["spec"]) for o in wanted
    ]
    assert installed_policy(rendered["namespaced"]) == []
    assert installed_policy(template({"admissionPolicy": {"enabled": False}})) == []


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
