"""Owns what a real API server says of the chart: every object accepted, rights as meant, CRDs kept, authors checked.

It must not install anything into the shared bed: it has one of its own.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.cluster.binaries import ensure_crds
from tests.support import helm
from tests.support.apibed import ApiBed
from tests.support.bedclient import Access, ApiError, Client, Manifest
from tests.support.generate import ROOT, chart
from tests.support.objects import decision, llmservice
from tests.support.processes import eventually

pytestmark = pytest.mark.api

MONITORED = {"monitoring": {"enabled": True}, "operator": {"monitorLabels": {"release": "kps"}}}
NAMESPACED = {"namespaces": ["team-a", "team-b"], "crds": {"enabled": False}}
JANE = "jane@example.com"


@pytest.fixture(scope="module")
def bed() -> Iterator[ApiBed]:
    """A bed without our CustomResourceDefinitions, and with those of the Prometheus Operator."""
    running = ApiBed()
    try:
        kinds = ("servicemonitors", "prometheusrules")
        for path in (ensure_crds() / f"monitoring.coreos.com_{kind}.yaml" for kind in kinds):
            running.client.install(yaml.safe_load(path.read_text()))
        for name in ("ops", "team-a", "team-b", "other"):
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            running.client.create(body)
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def installed(bed: ApiBed) -> ApiBed:
    """The bed with the chart in it, cluster-wide in `ops`, and for two namespaces as another release in `team-a`."""
    apply_all(bed, helm.template(MONITORED, namespace="ops"))
    apply_all(bed, helm.template(NAMESPACED, namespace="team-a"))
    return bed


def apply_all(bed: ApiBed, objects: list[Manifest]) -> None:
    """Apply objects, definitions first, unknown fields refused."""
    for item in sorted(objects, key=lambda item: item["kind"] != "CustomResourceDefinition"):
        if item["kind"] == "CustomResourceDefinition":
            bed.client.install(item)
        else:
            bed.client.apply(item)


def may(client: Client, verb: str, resource: str, *, group: str = "", namespace: str = "") -> bool:
    """Ask the API server what a client may do; a subresource is written `resource/subresource`."""
    name, _, subresource = resource.partition("/")
    attributes = {"verb": verb, "group": group, "resource": name, "subresource": subresource, "namespace": namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    answer = client.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review)
    return bool(answer.json()["status"]["allowed"])


def operator_client(bed: ApiBed, namespace: str) -> Client:
    """A client with the token of the operator's service account."""
    return Client(Access(bed.url, bed.service_account("canary-serinus", namespace), str(bed.ca)))


def test_every_object_of_the_chart_is_accepted_without_an_unknown_field(installed: ApiBed) -> None:
    for objects, namespace in ((MONITORED, "ops"), (NAMESPACED, "team-a")):
        for item in helm.template(objects, namespace=namespace):
            found = installed.client.find(
                item["apiVersion"], item["kind"], item["metadata"]["name"], item["metadata"].get("namespace", "")
            )
            assert found is not None, f"{item['kind']} {item['metadata']['name']}"


def test_a_misspelt_field_would_have_been_refused(installed: ApiBed) -> None:
    budget = helm.only(helm.template({}, namespace="ops"), "PodDisruptionBudget")
    budget["spec"]["maxUnavailabe"] = 1
    with pytest.raises(ApiError, match="maxUnavailabe"):
        installed.client.apply(budget)


def test_the_install_manifest_is_accepted_and_its_pod_fits_a_restricted_namespace(installed: ApiBed) -> None:
    objects = [item for item in yaml.safe_load_all(chart.INSTALL.read_text()) if item]
    apply_all(installed, objects)
    namespace = helm.only(objects, "Namespace")["metadata"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    template = helm.only(objects, "Deployment")["spec"]["template"]
    pod: Manifest = {"apiVersion": "v1", "kind": "Pod", "spec": template["spec"]}
    pod["metadata"] = {"name": "operator", "namespace": namespace["name"]}
    installed.client.create(pod, dry_run=True)
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(ApiError, match="restricted"):
        installed.client.create(pod, dry_run=True)


def test_the_operator_may_what_its_table_says_everywhere_and_reads_no_secret(installed: ApiBed) -> None:
    client = operator_client(installed, "ops")
    for namespace in ("team-a", "other"):
        assert may(client, "patch", "llmservices/status", group="serinus.dev", namespace=namespace)
        assert may(client, "create", "replicasets", group="apps", namespace=namespace)
        assert not may(client, "update", "llmservices", group="serinus.dev", namespace=namespace)
        for verb in ("get", "list", "watch"):
            assert not may(client, verb, "secrets", namespace=namespace)
        assert not may(client, "get", "pods/log", namespace=namespace)
        assert not may(client, "create", "decisions", group="serinus.dev", namespace=namespace)
    assert may(client, "patch", "leases", group="coordination.k8s.io", namespace="ops")
    assert not may(client, "patch", "leases", group="coordination.k8s.io", namespace="other")
    client.close()


def test_the_namespaced_operator_may_nothing_elsewhere(installed: ApiBed) -> None:
    client = operator_client(installed, "team-a")
    for namespace in ("team-a", "team-b"):
        assert may(client, "list", "llmservices", group="serinus.dev", namespace=namespace)
    for namespace in ("other", "ops", ""):
        assert not may(client, "list", "llmservices", group="serinus.dev", namespace=namespace)
        assert not may(client, "create", "services", namespace=namespace)
    assert not may(client, "list", "customresourcedefinitions", group="apiextensions.k8s.io")
    client.close()


def test_nobody_signs_a_decision_with_another_name(installed: ApiBed) -> None:
    rule = {"apiGroups": ["serinus.dev"], "resources": ["decisions"], "verbs": ["create"]}
    installed.grant(JANE, [rule], namespace="other")
    jane = installed.client_of(JANE)
    forged: Manifest = decision("forged", "other")
    forged["spec"]["by"] = "john@example.com"

    def refused() -> str:
        try:
            jane.create(forged, dry_run=True)
        except ApiError as e:
            return str(e) if e.code == 403 else ""
        return ""

    # The policy is observed by the API server some time after it was written.
    said = eventually(refused, "a refusal of the forged Decision")
    assert f'spec.by is "john@example.com", but you are "{JANE}"' in said
    own: Manifest = decision("own", "other")
    own["spec"]["by"] = JANE
    assert jane.create(own)["spec"]["by"] == JANE


def test_helm_upgrades_and_an_uninstall_leaves_the_definitions_and_every_service() -> None:
    fresh = ApiBed()
    try:
        kubeconfig = f"--kubeconfig={fresh.kubeconfig()}"
        place = ("canary", str(helm.CHART), "--namespace=ops", kubeconfig)
        helm.run("install", *place, "--create-namespace")
        fresh.client.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-a"}})
        fresh.client.create(llmservice("chat", "team-a"))
        helm.run("upgrade", *place, "--set=operator.logLevel=debug")
        deployment = fresh.client.get("apps/v1", "Deployment", "canary-serinus", "ops")
        environment: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        assert {"name": "SERINUS_LOG_LEVEL", "value": "debug"} in environment
        helm.run("uninstall", "canary", "--namespace=ops", kubeconfig)
        assert fresh.client.find("apps/v1", "Deployment", "canary-serinus", "ops") is None
        assert fresh.client.find("serinus.dev/v1alpha1", "LLMService", "chat", "team-a") is not None
        for path in (ROOT / "crds").glob("*.yaml"):
            name = yaml.safe_load(path.read_text())["metadata"]["name"]
            assert fresh.client.find("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) is not None
    finally:
        fresh.close()
