"""The chart's admission policy in a real API server: what each rule refuses and lets through, and how it is told."""

import json
from collections.abc import Iterator

import pytest

from serinus.core import naming
from serinus.core.policies import PolicyAction, Rule
from serinus.resources import admission_policy
from tests.support import helm
from tests.support.apibed import ApiBed, a_bed
from tests.support.bedclient import ApiError, Manifest
from tests.support.policy_cases import (
    CASES,
    CHAT,
    COLLECTOR,
    EVERYTHING,
    JANE,
    OPERATOR,
    OWNER,
    PATCH_CASES,
    REPLICAS,
    REQUIRED,
    TAGGED,
    Case,
    config_map,
    context,
    image,
    installed_policy,
    pod,
)
from tests.support.processes import eventually

pytestmark = pytest.mark.api


@pytest.fixture(scope="module")
def bed() -> Iterator[ApiBed]:
    """A bed of its own: others write what the policy refuses, and controllers collect what has no real owner."""
    with a_bed() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(bed: ApiBed) -> ApiBed:
    """The bed with the chart's policy."""
    for item in installed_policy(helm.template({}, namespace="ops")):
        bed.client.apply(item)
    return bed


def name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


@pytest.fixture(scope="module")
def denying(guarded: ApiBed) -> str:
    """A namespace whose services refuse; what the table patches and deletes was there before."""
    namespace = guarded.new_namespace()
    for user in (JANE, OPERATOR, REPLICAS, COLLECTOR):
        guarded.grant(user, EVERYTHING, namespace=namespace)
    for case in (*CASES, *PATCH_CASES):
        if case.patch is not None or case.delete:
            guarded.client.create(there(case.object, namespace))
    write_parameters(guarded, namespace, PolicyAction.DENY)
    eventually(lambda: refusal(guarded, JANE, config_map("probe"), namespace), "the parameters are read")
    eventually(lambda: refusal(guarded, REPLICAS, _latest(), namespace), "those of the other service too")
    return namespace


def _latest() -> Manifest:
    return pod("probe", service=TAGGED, containers=image("vllm:latest"))


def there(manifest: Manifest, namespace: str) -> Manifest:
    """An object in a namespace, with an owner as everything that Serinus makes has one."""
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace, "ownerReferences": [OWNER]}}


def write_parameters(bed: ApiBed, namespace: str, action: PolicyAction) -> None:
    for service in REQUIRED:
        for manifest in admission_policy.build(context(service, namespace, action)):
            bed.client_of(OPERATOR).apply(manifest, manager=naming.FIELD_MANAGER)


def refusal(bed: ApiBed, user: str, manifest: Manifest, namespace: str) -> str:
    try:
        bed.client_of(user).create(there(manifest, namespace), dry_run=True)
    except ApiError as e:
        return e.message
    return ""


def write(bed: ApiBed, case: Case, namespace: str) -> None:
    """Try a case without effect."""
    client, manifest = bed.client_of(case.user), there(case.object, namespace)
    if case.delete:
        client.delete(manifest, dryRun="All")
    elif case.patch is not None:
        client.patch(client.path_of(manifest), case.patch, dryRun="All")
    else:
        client.create(manifest, dry_run=True)


@pytest.mark.parametrize("case", [c for c in (*CASES, *PATCH_CASES) if c.refused is None], ids=lambda c: c.name)
def test_what_no_rule_forbids_is_allowed(case: Case, guarded: ApiBed, denying: str) -> None:
    write(guarded, case, denying)


@pytest.mark.parametrize(
    "case", [c for c in (*CASES, *PATCH_CASES) if c.refused not in (None, Rule.MANAGED_OBJECTS)], ids=lambda c: c.name
)
def test_only_a_proven_revision_serves_and_what_is_not_proven_keeps_to_the_rules(
    case: Case, guarded: ApiBed, denying: str
) -> None:
    with pytest.raises(ApiError, match=f"{case.refused} of LLMService {case.service}") as error:
        write(guarded, case, denying)

    assert f"{case.object['kind']} {name(case.object)}: " in error.value.message
    assert "found" in error.value.message


@pytest.mark.parametrize(
    "case", [c for c in (*CASES, *PATCH_CASES) if c.refused is Rule.MANAGED_OBJECTS], ids=lambda c: c.name
)
def test_generated_objects_are_edited_by_serinus_alone(case: Case, guarded: ApiBed, denying: str) -> None:
    with pytest.raises(ApiError, match="managedObjects of LLMService chat") as error:
        write(guarded, case, denying)

    assert f"by {JANE}; it is written by Serinus alone" in error.value.message


def test_the_parameters_guard_themselves_and_rule_over_their_own_service_alone(guarded: ApiBed, denying: str) -> None:
    jane = guarded.client_of(JANE)
    path = jane.path("v1", "ConfigMap", denying, naming.policy(CHAT))
    with pytest.raises(ApiError, match="managedObjects"):
        jane.patch(path, {"data": {"require": ""}}, dryRun="All")
    other = pod("other", service="another", containers=image("vllm:latest"), securityContext={})
    assert jane.create(there(other, denying), dry_run=True)["kind"] == "Pod"


def test_a_subresource_is_exempt(guarded: ApiBed, denying: str) -> None:
    jane, labels = guarded.client_of(JANE), {"app": "chat"}
    template = {"metadata": {"labels": labels}, "spec": pod("p")["spec"]}
    replica_set = config_map("scaled") | {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    del replica_set["data"]
    replica_set["spec"] = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    guarded.client_of(OPERATOR).create(there(replica_set, denying))
    path, more = jane.path("apps/v1", "ReplicaSet", denying, "scaled"), {"spec": {"replicas": 1}}

    assert jane.patch(f"{path}/scale", more, dryRun="All")["kind"] == "Scale"
    with pytest.raises(ApiError, match="managedObjects"):
        jane.patch(path, more, dryRun="All")


def test_an_audited_service_warns_the_writer_and_leaves_a_trace_and_then_lets_it_through(guarded: ApiBed) -> None:
    namespace = guarded.new_namespace()
    for user in (JANE, OPERATOR):
        guarded.grant(user, EVERYTHING, namespace=namespace)
    write_parameters(guarded, namespace, PolicyAction.AUDIT)
    client = guarded.client_of(JANE)
    bad = there(pod("p", containers=image("vllm:latest")), namespace)

    def warned() -> str:
        answer = client.request("POST", client.path_of(bad, collection=True), body=bad, query={"dryRun": "All"})
        return answer.headers.get("Warning", "")

    said = eventually(warned, "a warning")
    for rule in (Rule.IMAGE_DIGEST, Rule.NO_LATEST, Rule.MANAGED_OBJECTS):
        assert f"{rule} of LLMService chat" in said
    guarded.writes()  # a barrier: the audit log holds everything up to here
    lines = [json.loads(line) for line in guarded.server.audit_log.read_text().splitlines() if namespace in line]
    assert any("validation_failure" in key for line in lines for key in line.get("annotations") or {})


def test_kubernetes_own_check_of_the_policys_types_warns_of_nothing(guarded: ApiBed) -> None:
    guarded.start_controllers()

    def checked() -> Manifest:
        policies = guarded.client.list("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy")
        [found] = [p for p in policies if "service-policy" in name(p)]
        status: Manifest = found.get("status") or {}
        return status if status.get("observedGeneration") == found["metadata"]["generation"] else {}

    assert eventually(checked, "the check of types").get("typeChecking", {}) == {}
