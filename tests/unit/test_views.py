"""Facts read from Kubernetes objects: what counts as crashed, stuck, placed, drained, and malformed objects."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import views
from serinus.core.model import Purpose
from serinus.core.seen import Outcome
from serinus.shell.world import _probe_pod
from tests.support import objects

AT = "2026-11-21T10:00:00Z"
T = views.seconds(AT)


def pod(labels: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    metadata = {"name": "p", "uid": "u", "labels": {"serinus.dev/revision": "r1", **(labels or {})}}
    return {"metadata": metadata, "status": status}


def ready(status: str, at: str = AT) -> dict[str, str]:
    return {"type": "Ready", "status": status, "lastTransitionTime": at}


SCHEDULED = {"type": "PodScheduled", "status": "True", "lastTransitionTime": AT}


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "server", "image": "x:1", "state": state, **more}


RUNNING = container({"running": {"startedAt": AT}})


def waits(reason: str) -> dict[str, Any]:
    return container({"waiting": {"reason": reason, "message": "why"}})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (AT, 1795255200.0),
        ("2026-11-21T11:00:00+01:00", 1795255200.0),
        ("2026-11-21T10:00:00", 1795255200.0),
        ("", 0.0),
        ("yesterday", 0.0),
        (None, 0.0),
        (7, 0.0),
        ("9999-12-31T23:59:59-05:00", 253402318799.0),
        ("0001-01-01T00:00:00+05:00", -62135614800.0),
    ],
)
def test_times_are_seconds_since_the_epoch_whatever_they_are(text: object, seconds: float) -> None:
    assert views.seconds(text) == seconds


@given(st.text(max_size=40) | st.datetimes().map(lambda d: d.isoformat() + "-23:59"))
def test_no_time_breaks_the_reading(text: str) -> None:
    assert views.timestamp(views.seconds(text))


@given(st.integers(0, 253_402_300_799))
def test_a_time_comes_back_as_it_was_written(at: int) -> None:
    assert views.seconds(views.timestamp(at)) == at


def test_a_time_beyond_the_calendar_is_its_end() -> None:
    assert views.timestamp(1e18) == "9999-12-31T23:59:59Z"
    assert views.timestamp(-5) == "1970-01-01T00:00:00Z"


def test_labels_and_conditions_of_a_pod_are_read() -> None:
    labels = {"serinus.dev/traffic": "live", "serinus.dev/drain": "true"}
    body = pod(labels, conditions=[ready("True")], podIP="10.0.0.1", containerStatuses=[RUNNING | {"restartCount": 5}])
    body["metadata"]["annotations"] = {"serinus.dev/drain-since": AT}
    found = views.pod_seen(body)

    assert (found.live, found.draining, found.drain_since, found.ready) == (True, True, T, True)
    assert (found.address, found.restarts, found.crashing, found.unready_since) == ("10.0.0.1", 5, True, 0.0)


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_an_evicted_pod_has_ended_and_a_deleted_one_is_ending(phase: str) -> None:
    evicted = views.pod_seen(pod(phase=phase, reason="Evicted"))
    deleted = pod(phase="Running")
    deleted["metadata"]["deletionTimestamp"] = AT

    assert (evicted.deleting, evicted.ended) == (True, True)
    assert (views.pod_seen(deleted).deleting, views.pod_seen(deleted).ended) == (True, False)


UNREADY: dict[str, tuple[dict[str, Any], float]] = {
    "runs": ({"containerStatuses": [RUNNING]}, T),
    "runs, and lost readiness later": (
        {"containerStatuses": [RUNNING], "conditions": [ready("False", "2026-11-21T10:00:09Z")]},
        T + 9,
    ),
    "is Ready": ({"containerStatuses": [RUNNING], "conditions": [ready("True")]}, 0.0),
    "crashed": ({"containerStatuses": [container({"terminated": {"startedAt": AT}})]}, T),
    "crashed before": (
        {"containerStatuses": [waits("CrashLoopBackOff") | {"lastState": {"terminated": {"startedAt": AT}}}]},
        T,
    ),
    "is being pulled": ({"conditions": [SCHEDULED], "containerStatuses": [waits("ContainerCreating")]}, 0.0),
    "one of two is pulled": ({"containerStatuses": [RUNNING, waits("ContainerCreating")]}, 0.0),
    "cannot be pulled": ({"conditions": [SCHEDULED], "containerStatuses": [RUNNING, waits("ErrImagePull")]}, 0.0),
    "its Secret is missing": (
        {"conditions": [SCHEDULED], "containerStatuses": [waits("CreateContainerConfigError")]},
        T,
    ),
    "its init container hangs": (
        {"initContainerStatuses": [RUNNING], "containerStatuses": [waits("PodInitializing")]},
        T,
    ),
    "its init container is pulled": (
        {"initContainerStatuses": [waits("PodInitializing")], "containerStatuses": [waits("PodInitializing")]},
        0.0,
    ),
    "its init container is done, the image is pulled": (
        {"initContainerStatuses": [RUNNING], "containerStatuses": [waits("ContainerCreating")]},
        0.0,
    ),
    "nothing is known": ({}, 0.0),
}


@pytest.mark.parametrize("name", UNREADY)
def test_a_pod_is_late_only_from_when_it_had_all_that_it_needs(name: str) -> None:
    status, since = UNREADY[name]

    assert views.pod_seen(pod(**status)).unready_since == since


def test_restarts_of_init_containers_count() -> None:
    crashing = waits("CrashLoopBackOff") | {"restartCount": 6}

    assert views.pod_seen(pod(initContainerStatuses=[crashing], containerStatuses=[waits("PodInitializing")])).crashing


TROUBLE: dict[str, dict[str, Any]] = {
    "Unschedulable": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]},
    "ImagePull": {"containerStatuses": [waits("ImagePullBackOff")]},
    "": {"containerStatuses": [waits("CrashLoopBackOff")]},
}


@pytest.mark.parametrize("reason", TROUBLE)
def test_a_pod_that_finds_no_place_says_why(reason: str) -> None:
    assert views.pod_seen(pod(**TROUBLE[reason])).trouble == reason


def test_an_init_image_that_cannot_be_pulled_is_trouble_too() -> None:
    found = views.pod_seen(pod(initContainerStatuses=[waits("ErrImagePull")]))

    assert (found.trouble, found.detail) == ("ImagePull", "x:1: why")


WAITS: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"containerStatuses": [RUNNING]}, ""),
    "no container yet": ({"conditions": [SCHEDULED]}, ""),
    "pull or volumes": ({"containerStatuses": [waits("ContainerCreating")]}, "container server: ContainerCreating"),
    "volumes": (
        {
            "containerStatuses": [waits("ContainerCreating")],
            "conditions": [SCHEDULED, {"type": "PodReadyToStartContainers", "status": "False"}],
        },
        (
            "container server: ContainerCreating, its volumes or its network are not there yet: "
            "a ConfigMap, Secret or claim may be missing"
        ),
    ),
    "crash": (
        {
            "containerStatuses": [
                container(
                    {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}},
                    lastState={"terminated": {"exitCode": 1, "reason": "Error"}},
                )
            ]
        },
        "container server: CrashLoopBackOff, it ended with code 1 (Error)",
    ),
    "config": (
        {
            "containerStatuses": [
                container({"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "key" not found'}})
            ]
        },
        'container server: CreateContainerConfigError: secret "key" not found',
    ),
    "init first": (
        {
            "initContainerStatuses": [waits("CrashLoopBackOff") | {"name": "fetch"}],
            "containerStatuses": [waits("PodInitializing")],
        },
        "container fetch: CrashLoopBackOff",
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_a_pod_waits_for_is_told(name: str) -> None:
    status, told = WAITS[name]
    assert views.pod_seen(pod(**status)).waiting == told


def replica_set(**status: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"serinus.dev/traffic": "live"}}}
    metadata = {"name": "s", "labels": {"serinus.dev/revision": "r1"}, "generation": 4, "resourceVersion": "9"}
    return {"metadata": metadata, "spec": {"replicas": 3, "template": template}, "status": status}


def test_a_replica_set_is_observed_at_its_generation() -> None:
    found = views.set_seen(replica_set(observedGeneration=4))

    assert (found.replicas, found.live, found.observed, found.revision) == (3, True, True, "r1")
    assert not views.set_seen(replica_set(observedGeneration=3)).observed
    assert not views.set_seen(replica_set()).observed


@pytest.mark.parametrize(
    ("message", "status", "reason"),
    [
        ("pods is forbidden: exceeded quota: gpus", "True", "QuotaExceeded"),
        ("admission webhook denied the request", "True", "AdmissionRefused"),
        ("exceeded quota", "False", ""),
    ],
)
def test_a_replica_set_that_cannot_make_pods_says_why(message: str, status: str, reason: str) -> None:
    failure = {"type": "ReplicaFailure", "status": status, "message": message}
    found = views.set_seen(replica_set(conditions=[failure]))

    assert (found.failure, bool(found.detail)) == (reason, bool(reason))


def test_the_record_of_a_revision_is_read_as_it_was_written() -> None:
    annotations = {"serinus.dev/outcome-detail": "reason=CrashLoop;run=;at=17", "serinus.dev/sha256": "ab"}
    labels = {"serinus.dev/revision": "r1", "serinus.dev/outcome": "Rejected"}
    found = views.revision_seen({"metadata": {"labels": labels, "annotations": annotations}, "revision": 3, "data": {}})

    assert (found.name, found.number, found.outcome, found.sha256) == ("r1", 3, Outcome.REJECTED, "ab")
    assert (found.reason, found.run, found.at) == ("CrashLoop", "", "17")


@pytest.mark.parametrize("label", ["proven", "", "Passed"])
def test_an_outcome_that_nobody_writes_is_none(label: str) -> None:
    found = views.revision_seen({"metadata": {"labels": {"serinus.dev/outcome": label}}})

    assert (found.outcome, found.number, found.data) == (None, 0, {})


def job_pod(**status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", "uid": "u", "creationTimestamp": AT}, "status": status}


def probe(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": "proxy", "state": {"running": {}}}, {"name": "probe", "state": state}]


def test_the_report_is_the_termination_message_of_the_container_probe() -> None:
    ended = {"terminated": {"exitCode": 0, "message": "report"}}
    found = views.job_pod_seen(job_pod(containerStatuses=probe(ended)))

    assert (found.exit_code, found.message, found.created, found.oom_killed) == (0, "report", T, False)
    assert views.job_pod_seen(job_pod(containerStatuses=probe({"terminated": {"reason": "OOMKilled"}}))).oom_killed


WAITING: dict[str, tuple[dict[str, Any], str]] = {
    "runs": ({"containerStatuses": probe({"running": {}})}, ""),
    "creating": ({"containerStatuses": probe({"waiting": {"reason": "ContainerCreating"}})}, "ContainerCreating"),
    "pull": ({"containerStatuses": probe({"waiting": {"reason": "ErrImagePull", "message": "m"}})}, "ErrImagePull: m"),
    "no node": (
        {"conditions": [{"type": "PodScheduled", "status": "False", "message": "m"}]},
        "Unschedulable: m",
    ),
    "nothing": ({}, "Pending"),
}


@pytest.mark.parametrize("name", WAITING)
def test_what_the_pod_of_a_job_waits_for(name: str) -> None:
    status, reason = WAITING[name]

    assert views.job_pod_seen(job_pod(**status)).waiting == reason


def test_disruptions_are_told_from_failures() -> None:
    target = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
    deleted = job_pod()
    deleted["metadata"]["deletionTimestamp"] = AT

    assert views.job_pod_seen(job_pod(conditions=[target])).disrupted == "EvictionByEvictionAPI"
    assert views.job_pod_seen(job_pod(phase="Failed", reason="Evicted")).disrupted == "Evicted"
    assert views.job_pod_seen(deleted).disrupted == "Deleted"
    assert views.job_pod_seen(job_pod(phase="Failed", reason="Error")).disrupted == ""


def test_a_job_names_its_owners_and_why_it_failed() -> None:
    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    metadata = {"name": "j", "uid": "u", "ownerReferences": [{"uid": "o"}]}
    found = views.job_seen({"metadata": metadata, "status": {"conditions": [failed]}})

    assert (found.owner_uids, found.failed, found.pod_spec) == (("o",), "DeadlineExceeded", {})
    assert (found.suspended, found.parallelism, found.completions) == (False, 1, 1)


def test_a_job_says_how_many_pods_it_makes() -> None:
    spec = {"suspend": True, "parallelism": 0, "completions": 2}
    found = views.job_seen({"metadata": {"name": "j"}, "spec": spec})

    assert (found.suspended, found.parallelism, found.completions) == (True, 0, 2)


OWNER: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job", "uid": "j", "controller": True}


@pytest.mark.parametrize(
    ("owners", "controller"),
    [
        ([{"uid": "s", "kind": "Service"}, OWNER], "j"),
        ([OWNER | {"controller": False}], ""),
        ([{k: v for k, v in OWNER.items() if k != "controller"}], ""),
        ([OWNER | {"apiVersion": "example.com/v1"}], ""),
        ([OWNER | {"kind": "ReplicaSet"}], ""),
        ([OWNER | {"controller": False}, OWNER | {"kind": "ReplicaSet"}], ""),
        ([], ""),
    ],
)
def test_only_the_job_that_controls_a_pod_made_it(owners: list[dict[str, Any]], controller: str) -> None:
    body = job_pod()
    body["metadata"]["ownerReferences"] = owners

    assert views.job_pod_seen(body).controller == controller
    assert _probe_pod(body).job_uid == controller


def test_of_the_spec_of_a_probe_pod_only_what_decides_is_kept() -> None:
    probe_container = {"name": "probe", "image": "x", "env": [{"name": "A"}]}
    proxy = {"name": "proxy", "image": "y", "volumeMounts": [{"name": "v"}]}
    spec = {
        "nodeName": "n",
        "containers": [probe_container | {"resources": {}}, proxy],
        "initContainers": [proxy],
        "volumes": [{"name": "v"}],
    }
    kept = {"name": "proxy", "volumeMounts": [{"name": "v"}]}

    assert views.job_pod_seen(job_pod() | {"spec": spec}).spec == {
        "containers": [probe_container, kept],
        "initContainers": [kept],
        "volumes": [{"name": "v"}],
    }


def test_a_run_of_an_unknown_purpose_is_no_run() -> None:
    run = objects.proberun()
    unknown = objects.proberun(purpose="Later")
    found = views.run_seen(run)

    assert found is not None
    assert (found.purpose, found.step, found.attempt, found.finished) == (Purpose.BEFORE_TRAFFIC, -1, 0, False)
    assert views.run_seen(unknown) is None


def test_a_decision_is_pending_until_it_is_answered() -> None:
    body = objects.decision(expires=AT)
    found = views.decision_seen(body)

    assert (found.action, found.expires, found.pending, found.service_uid) == ("Approve", T, True, objects.UID)
    assert not views.decision_seen(body | {"status": {"state": "Applied"}}).pending


def test_only_ready_endpoints_with_a_pod_count() -> None:
    def endpoint(name: str, **conditions: bool) -> dict[str, Any]:
        return {"conditions": conditions, "targetRef": {"name": name}}

    slices = [
        {"endpoints": [endpoint("a", ready=True), endpoint("b", ready=False), endpoint("c")]},
        {"endpoints": [{"addresses": ["10.0.0.1"]}, endpoint("a", ready=True)]},
        {},
    ]
    assert views.ready_pods(slices) == {"a", "c"}


READERS = (views.pod_seen, views.set_seen, views.revision_seen, views.job_seen, views.job_pod_seen, views.decision_seen)


@pytest.mark.parametrize("read", READERS)
def test_an_object_without_anything_reads_as_one_without_facts(read: Any) -> None:
    assert read({"metadata": {"name": "x"}}) is not None
