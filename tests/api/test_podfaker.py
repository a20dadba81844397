"""The pod faker in the API bed: real controllers, and pods that are reported as if a kubelet ran them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apibed import ApiBed
from tests.support.podfaker import PodFaker
from tests.support.podlife import (
    ANNOTATION,
    NODE,
    Behaviour,
    CrashLoop,
    Evicted,
    Finish,
    NeverReady,
    Ready,
    by_annotation,
    pod_ip,
)
from tests.support.processes import eventually

pytestmark = pytest.mark.api

Manifest = dict[str, Any]
_LABELS = {"app": "x"}


@pytest.fixture
def faker(controlled_bed: ApiBed, namespace: str) -> Iterator[PodFaker]:
    running = PodFaker(controlled_bed, namespace=namespace)
    yield running
    running.close()


def _template(behaviour: str = "", **spec: Any) -> Manifest:
    annotations = {ANNOTATION: behaviour} if behaviour else {}
    containers = [{"name": "server", "image": "registry.example/server"}]
    return {"metadata": {"labels": _LABELS, "annotations": annotations}, "spec": {"containers": containers, **spec}}


def _start(bed: ApiBed, namespace: str, template: Manifest, *, replicas: int = 1) -> Manifest:
    spec = {"replicas": replicas, "selector": {"matchLabels": _LABELS}, "template": template}
    metadata = {"name": "x", "namespace": namespace}
    return bed.client.create({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec})


def _job(bed: ApiBed, namespace: str, **pod: Any) -> Manifest:
    template = _template(restartPolicy="Never", **pod)
    metadata = {"name": "j", "namespace": namespace}
    spec = {"backoffLimit": 0, "podReplacementPolicy": "Failed", "template": template}
    return bed.client.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})


def _pods(bed: ApiBed, namespace: str) -> list[Manifest]:
    return bed.client.list("v1", "Pod", namespace)


def _condition(found: Manifest, kind: str) -> str:
    conditions = found.get("status", {}).get("conditions", [])
    return next((str(c["status"]) for c in conditions if c["type"] == kind), "")


def _only(bed: ApiBed, namespace: str) -> Manifest:
    """The one pod, once anything is reported of it."""
    return eventually(lambda: next((p for p in _pods(bed, namespace) if len(p["status"]) > 2), None), "a pod's status")


def _reported(bed: ApiBed, namespace: str, condition: str, value: str) -> Manifest:
    def found() -> Manifest | None:
        return next((p for p in _pods(bed, namespace) if _condition(p, condition) == value), None)

    return eventually(found, f"a pod with {condition}={value}")


@pytest.mark.usefixtures("faker")
def test_pods_become_ready_and_reach_the_endpoint_slice(bed: ApiBed, namespace: str) -> None:
    metadata = {"name": "x", "namespace": namespace}
    service = {"selector": _LABELS, "ports": [{"port": 80, "targetPort": 8000}]}
    bed.client.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service})
    stored = _start(bed, namespace, _template(), replicas=3)

    def ready_addresses() -> set[str]:
        slices = bed.client.list("discovery.k8s.io/v1", "EndpointSlice", namespace)
        ends = [e for s in slices for e in s["endpoints"] or [] if e["conditions"]["ready"]]
        return {e["addresses"][0] for e in ends}

    eventually(lambda: len(ready_addresses()) == 3, "three ready endpoints")
    assert all(address.startswith("198.18.") for address in ready_addresses())
    replica_set = bed.client.get("apps/v1", "ReplicaSet", "x", namespace)
    assert replica_set["status"]["readyReplicas"] == 3
    assert {p["spec"]["nodeName"] for p in _pods(bed, namespace)} == {NODE}
    bed.client.patch(bed.client.path_of(stored), {"spec": {"replicas": 1}})
    eventually(lambda: len(_pods(bed, namespace)) == 1, "one pod left")
    eventually(lambda: len(ready_addresses()) == 1, "one endpoint left")


@pytest.mark.usefixtures("faker")
def test_pod_that_never_gets_ready_runs(bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template("never-ready"))
    pod = _reported(bed, namespace, "Ready", "False")
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]


@pytest.mark.usefixtures("faker")
def test_pod_gets_ready_after_its_time(bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template("ready-after=1"))
    _reported(bed, namespace, "Ready", "False")
    pod = _reported(bed, namespace, "Ready", "True")
    assert pod["status"]["containerStatuses"][0]["ready"]


@pytest.mark.usefixtures("faker")
def test_crash_loop_counts_restarts(bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template("crash-loop"))
    container = _reported(bed, namespace, "Ready", "False")["status"]["containerStatuses"][0]
    assert container["restartCount"] == 5
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["lastState"]["terminated"]["exitCode"] == 1


@pytest.mark.usefixtures("faker")
def test_image_that_cannot_be_pulled_is_told_by_the_waiting_container(bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template("image-pull"))
    pulling = _reported(bed, namespace, "Ready", "False")["status"]
    assert (pulling["phase"], _condition({"status": pulling}, "PodScheduled")) == ("Pending", "True")
    assert pulling["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff"


@pytest.mark.usefixtures("faker")
def test_unschedulable_pod_has_no_node_and_goes_at_once(bed: ApiBed, namespace: str) -> None:
    stored = _start(bed, namespace, _template("unschedulable"))
    pod = _reported(bed, namespace, "PodScheduled", "False")
    assert "nodeName" not in pod["spec"]
    assert pod["status"]["conditions"][0]["reason"] == "Unschedulable"
    bed.client.delete(stored)
    eventually(lambda: not _pods(bed, namespace), "no pods")


@pytest.mark.usefixtures("faker")
def test_silent_pod_stays_pending(bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template("silent"))
    eventually(lambda: _pods(bed, namespace), "a pod")
    bed.client.create(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "after", "namespace": namespace},
            "spec": _template()["spec"],
        }
    )
    _reported(bed, namespace, "Ready", "True")
    silent = next(p for p in _pods(bed, namespace) if p["metadata"]["name"] != "after")
    assert silent["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_ready_pods_change_when_another_function_is_used(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    _start(bed, namespace, _template())
    ip = _reported(bed, namespace, "Ready", "True")["status"]["podIP"]
    faker.use(lambda _: NeverReady())
    assert _reported(bed, namespace, "Ready", "False")["status"]["podIP"] == ip
    faker.use(lambda _: Ready(restarts=2))
    again = _reported(bed, namespace, "Ready", "True")
    assert again["status"]["containerStatuses"][0]["restartCount"] == 2


def test_label_decides_when_the_function_says_so(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    def by_label(pod: Manifest) -> Behaviour:
        return NeverReady() if pod["metadata"]["labels"].get("sick") else Ready()

    faker.use(by_label)
    _start(bed, namespace, _template())
    pod = _reported(bed, namespace, "Ready", "True")
    bed.client.patch(bed.client.path_of(pod), {"metadata": {"labels": {"sick": "true"}}})
    assert _reported(bed, namespace, "Ready", "False")["metadata"]["uid"] == pod["metadata"]["uid"]


def test_crash_loop_goes_on_step_by_step(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    faker.use(lambda _: CrashLoop(restarts=3, every=0.2))
    _start(bed, namespace, _template())
    seen: set[int] = set()

    def counted() -> bool:
        statuses = [c for p in _pods(bed, namespace) for c in p["status"].get("containerStatuses", [])]
        seen.update(c["restartCount"] for c in statuses)
        return 3 in seen

    eventually(counted, "three restarts")
    assert seen == {1, 2, 3}


def test_job_completes_with_the_message_that_the_test_computes(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    faker.use(lambda pod: Finish(message=f"report of {pod['metadata']['labels']['app']}", after=0.2))
    stored = _job(bed, namespace)
    path = bed.client.path_of(stored)
    eventually(lambda: _condition(bed.client.request("GET", path).json(), "Complete") == "True", "the Job complete")
    ended = _only(bed, namespace)["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (0, "report of x")


def test_job_fails_with_the_exit_code(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    faker.use(lambda _: Finish(exit_code=137, reason="OOMKilled"))
    path = bed.client.path_of(_job(bed, namespace))
    eventually(lambda: _condition(bed.client.request("GET", path).json(), "Failed") == "True", "the Job failed")
    pod = _only(bed, namespace)
    assert pod["status"]["phase"] == "Failed"
    assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"


def test_sidecar_keeps_the_pod_open_after_its_probe_has_ended(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    names = ("probe", "mesh")
    containers = [{"name": n, "image": "registry.example/c"} for n in names]
    faker.use(lambda _: Finish(message="m", container="probe", sidecars_stay=True))
    _job(bed, namespace, containers=containers)
    status = _reported(bed, namespace, "Ready", "False")["status"]
    assert status["phase"] == "Running"
    assert [next(iter(c["state"])) for c in status["containerStatuses"]] == ["terminated", "running"]


def test_evicted_pod_is_a_disruption(faker: PodFaker, bed: ApiBed, namespace: str) -> None:
    faker.use(lambda _: Evicted())
    _job(bed, namespace)
    pod = _reported(bed, namespace, "DisruptionTarget", "True")
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Failed", "Evicted")


def test_deleted_pod_is_unready_through_its_grace(controlled_bed: ApiBed, namespace: str) -> None:
    bed = controlled_bed
    faker = PodFaker(bed, namespace=namespace, grace=1.0)
    try:
        stored = _start(bed, namespace, _template())
        pod = _reported(bed, namespace, "Ready", "True")
        bed.client.delete(stored)
        ending = _reported(bed, namespace, "Ready", "False")
        assert ending["metadata"]["deletionTimestamp"]
        assert ending["metadata"]["uid"] == pod["metadata"]["uid"]
        eventually(lambda: not _pods(bed, namespace), "no pods")
    finally:
        faker.close()


def test_misspelt_annotation_ends_the_faker_with_the_allowed_ones(controlled_bed: ApiBed, namespace: str) -> None:
    faker = PodFaker(controlled_bed, namespace=namespace)
    _start(controlled_bed, namespace, _template("redy"))
    eventually(lambda: not faker.running, "the faker ended")
    with pytest.raises(RuntimeError, match="ended by itself") as told:
        faker.close()
    assert "found 'redy', allowed are" in str(told.value.__cause__)


@pytest.mark.parametrize(("number", "ip"), [(1, "198.18.0.1"), (256, "198.18.1.0"), (65536, "198.19.0.0")])
def test_addresses_are_of_the_range_for_benchmarks(number: int, ip: str) -> None:
    assert pod_ip(number) == ip


def test_addresses_end_before_the_range_does() -> None:
    with pytest.raises(ValueError, match="allowed are 1 to 129999"):
        pod_ip(130_000)


def test_pod_of_a_job_ends_well_and_any_other_is_ready_unless_told() -> None:
    pod: Manifest = {"metadata": {}}
    assert by_annotation(pod) == Ready()
    assert by_annotation({"metadata": {"ownerReferences": [{"kind": "Job"}]}}) == Finish()
