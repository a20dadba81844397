"""From Kubernetes objects to the few facts that decisions need: one function per kind. It decides nothing.

Informers keep these facts instead of whole objects. A malformed object reads as one without the fact.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from serinus.core import naming, probepod
from serinus.core.model import Manifest, Purpose
from serinus.core.seen import DecisionSeen, JobPodSeen, JobSeen, Outcome, PodSeen, RevisionSeen, RunSeen, SetSeen

_PULL_TROUBLES = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_MAX_WAITING = 500
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z
_CONFIG_TROUBLES = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_NO_RIGHT = re.compile(r"User \S+ cannot \w+ resource")
_START_TROUBLES = _PULL_TROUBLES | _CONFIG_TROUBLES


def seconds(text: object) -> float:
    """Read an RFC 3339 time as seconds since the epoch; 0 for anything else."""
    if not isinstance(text, str):
        return 0.0
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    # Without a zone it is UTC, never that of this machine; the timestamp of an aware time cannot overflow.
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def timestamp(at: float) -> str:
    """Write seconds since the epoch as Kubernetes does; what no date can hold becomes the last one, or the first."""
    return datetime.fromtimestamp(min(max(int(at), 0), _LAST_SECOND), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod_seen(pod: Manifest) -> PodSeen:
    """Reduce a serving pod."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    trouble, detail = _pod_trouble(status)
    ended = status.get("phase") in ("Succeeded", "Failed")
    return PodSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        revision=labels.get(naming.LABEL_REVISION, ""),
        live=labels.get(naming.LABEL_TRAFFIC) == naming.TRAFFIC_LIVE,
        draining=labels.get(naming.LABEL_DRAIN) == "true",
        drain_since=seconds(annotations.get(naming.ANNOTATION_DRAIN_SINCE)),
        ready=_condition(status, "Ready").get("status") == "True",
        deleting=bool(metadata.get("deletionTimestamp")) or ended,
        ended=ended,
        address=status.get("podIP", ""),
        unready_since=0.0 if trouble else _unready_since(status),
        created=seconds(metadata.get("creationTimestamp")),
        restarts=max((int(c.get("restartCount", 0)) for c in containers), default=0),
        trouble=trouble,
        leaves_by=seconds(metadata.get("deletionTimestamp")),
        detail=detail,
        waiting=_waiting(status),
    )


def _waiting(status: Manifest) -> str:
    """What keeps the first container that waits, in a few words; empty if none does.

    The reason why a volume is not there stands in events only, which the operator does not read.
    """
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        reason = _waiting_reason(container)
        if not reason or reason == "PodInitializing":
            continue
        more = ""
        if reason in _CONFIG_TROUBLES:
            more = f": {container['state']['waiting'].get('message', '')}"
        elif ended := (container.get("lastState") or {}).get("terminated"):
            more = f", it ended with code {ended.get('exitCode')} ({ended.get('reason', '')})"
        elif _condition(status, "PodReadyToStartContainers").get("status") == "False":
            more = ", its volumes or its network are not there yet: a ConfigMap, Secret or claim may be missing"
        return f"container {container.get('name', '')}: {reason}{more}"[:_MAX_WAITING]
    return ""


def _unready_since(status: Manifest) -> float:
    """The later of "it had all it needs to run" and "it lost readiness"; 0 while its images are pulled."""
    ready = _condition(status, "Ready")
    started = _started(status)
    if ready.get("status") == "True" or not started:
        return 0.0
    return max(started, seconds(ready.get("lastTransitionTime")))


def _started(status: Manifest) -> float:
    """When a pod could run: its containers have, or an init container did, or the kubelet refuses to start one.

    An init container that hangs or crashes and a Secret that is missing are no lack of a node or an image.
    """
    main = status.get("containerStatuses") or []
    times = [_container_started(c) for c in main]
    if times and all(times):
        return min(times)
    reasons = {_waiting_reason(c) for c in main}
    first = [t for t in map(_container_started, status.get("initContainerStatuses") or []) if t]
    if first and "PodInitializing" in reasons:
        return min(first)
    if reasons & _CONFIG_TROUBLES:
        return seconds(_condition(status, "PodScheduled").get("lastTransitionTime"))
    return 0.0


def _waiting_reason(container: Manifest) -> str:
    return str(((container.get("state") or {}).get("waiting") or {}).get("reason", ""))


def _container_started(container: Manifest) -> float:
    """When a container first ran, as far as its status tells; 0 if it never did."""
    state, last = container.get("state") or {}, container.get("lastState") or {}
    times = (
        (last.get("terminated") or {}).get("startedAt"),
        (state.get("running") or {}).get("startedAt"),
        (state.get("terminated") or {}).get("startedAt"),
    )
    return next((seconds(t) for t in times if t), 0.0)


def _pod_trouble(status: Manifest) -> tuple[str, str]:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return "Unschedulable", str(scheduled.get("message", ""))
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in _PULL_TROUBLES:
            return "ImagePull", f"{container.get('image', '')}: {waiting.get('message') or waiting['reason']}"
    return "", ""


def _condition(status: Manifest, kind: str) -> Manifest:
    found: Iterable[Manifest] = status.get("conditions") or []
    return next((c for c in found if c.get("type") == kind), {})


def set_seen(replica_set: Manifest) -> SetSeen:
    """Reduce a ReplicaSet."""
    metadata, spec, status = replica_set["metadata"], replica_set.get("spec") or {}, replica_set.get("status") or {}
    template_labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    failure = _condition(status, "ReplicaFailure")
    failing = failure.get("status") == "True"
    message = str(failure.get("message", "")) if failing else ""
    return SetSeen(
        name=metadata["name"],
        revision=(metadata.get("labels") or {}).get(naming.LABEL_REVISION, ""),
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        replicas=int(spec.get("replicas", 1)),
        live=template_labels.get(naming.LABEL_TRAFFIC) == naming.TRAFFIC_LIVE,
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        failure=refusal_reason(message) if failing else "",
        detail=message,
    )


def refusal_reason(message: str) -> str:
    """Name why the API server refused an object, by its words: a quota, a missing right, else admission."""
    if "exceeded quota" in message:
        return "QuotaExceeded"
    return "NotPermitted" if _NO_RIGHT.search(message) else "AdmissionRefused"


def revision_seen(revision: Manifest) -> RevisionSeen:
    """Reduce a ControllerRevision."""
    metadata = revision["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    detail = dict(
        part.split("=", 1) for part in annotations.get(naming.ANNOTATION_OUTCOME, "").split(";") if "=" in part
    )
    outcome = labels.get(naming.LABEL_OUTCOME)
    return RevisionSeen(
        name=labels.get(naming.LABEL_REVISION, ""),
        sha256=annotations.get(naming.ANNOTATION_SHA256, ""),
        number=int(revision.get("revision", 0)),
        outcome=Outcome(outcome) if outcome in tuple(Outcome) else None,
        data=revision.get("data") or {},
        reason=detail.get("reason", ""),
        run=detail.get("run", ""),
        at=detail.get("at", ""),
        detail=annotations.get(naming.ANNOTATION_OUTCOME, ""),
    )


def job_seen(job: Manifest, pods: Iterable[JobPodSeen] = ()) -> JobSeen:
    """Reduce a probe Job."""
    metadata = job["metadata"]
    spec = job.get("spec") or {}
    failed = _condition(job.get("status") or {}, "Failed")
    return JobSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        owner_uids=tuple(o.get("uid", "") for o in metadata.get("ownerReferences") or []),
        created=seconds(metadata.get("creationTimestamp")),
        failed=str(failed.get("reason", "Failed")) if failed.get("status") == "True" else "",
        pod_spec=(spec.get("template") or {}).get("spec") or {},
        pods=tuple(pods),
        suspended=bool(spec.get("suspend")),
        parallelism=int(spec.get("parallelism", 1)),
        completions=int(spec.get("completions", 1)),
    )


def job_pod_seen(pod: Manifest) -> JobPodSeen:
    """Reduce the pod of a probe Job; the report counts as soon as the container `probe` has ended."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    containers = status.get("containerStatuses") or []
    probe: Manifest = next((c for c in containers if c.get("name") == naming.PROBE_CONTAINER), {})
    ended: Any = (probe.get("state") or {}).get("terminated") or None
    return JobPodSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        created=seconds(metadata.get("creationTimestamp")),
        exit_code=int(ended.get("exitCode", -1)) if ended else None,
        message=str(ended.get("message", "")) if ended else "",
        waiting=_job_waiting(status, probe),
        disrupted=_disrupted(metadata, status),
        oom_killed=bool(ended) and ended.get("reason") == "OOMKilled",
        controller=_controlling_job(metadata),
        spec=probepod.reduced(pod.get("spec") or {}),
    )


def _controlling_job(metadata: Manifest) -> str:
    """An object has at most one controller; other owners, and Jobs of other APIs, did not make the pod."""
    owners: Iterable[Manifest] = metadata.get("ownerReferences") or []
    jobs = (o for o in owners if (o.get("apiVersion"), o.get("kind")) == ("batch/v1", "Job"))
    return next((str(o.get("uid", "")) for o in jobs if o.get("controller") is True), "")


def _job_waiting(status: Manifest, probe: Manifest) -> str:
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"Unschedulable: {scheduled.get('message', '')}"
    waiting = (probe.get("state") or {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _START_TROUBLES:
        return f"{reason}: {waiting.get('message', '')}"
    return reason or ("" if probe.get("state") else "Pending")


def _disrupted(metadata: Manifest, status: Manifest) -> str:
    target = _condition(status, "DisruptionTarget")
    if target.get("status") == "True":
        return str(target.get("reason", "DisruptionTarget"))
    if status.get("phase") == "Failed" and status.get("reason") in ("Evicted", "NodeLost", "Shutdown", "Preempting"):
        return str(status["reason"])
    return "Deleted" if metadata.get("deletionTimestamp") else ""


def run_seen(run: Manifest) -> RunSeen | None:
    """Reduce a ProbeRun; None for a purpose that this version does not know."""
    metadata, spec = run["metadata"], run.get("spec") or {}
    if spec.get("purpose") not in tuple(Purpose):
        return None
    return RunSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        gate=spec.get("gate", ""),
        purpose=Purpose(spec["purpose"]),
        step=int(spec.get("step", -1)),
        revision=spec.get("revision", ""),
        baseline=spec.get("baseline", ""),
        attempt=int(spec.get("attempt", 0)),
        created=seconds(metadata.get("creationTimestamp")),
        spec=spec,
        status=run.get("status") or {},
    )


def decision_seen(decision: Manifest) -> DecisionSeen:
    """Reduce a Decision."""
    metadata, spec = decision["metadata"], decision.get("spec") or {}
    return DecisionSeen(
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        resource_version=metadata.get("resourceVersion", ""),
        action=spec.get("action", ""),
        revision=spec.get("revision", ""),
        by=spec.get("by", ""),
        created=seconds(metadata.get("creationTimestamp")),
        expires=seconds(spec.get("expires")),
        pending=not (decision.get("status") or {}).get("state"),
        service_uid=(spec.get("llmServiceRef") or {}).get("uid", ""),
        reason=spec.get("reason", ""),
        evidence=tuple(str(name) for name in spec.get("evidence") or ()),
    )


def ready_pods(slices: Iterable[Manifest]) -> frozenset[str]:
    """Names of the pods that are ready endpoints of a Service, from its EndpointSlices."""
    return frozenset(
        endpoint["targetRef"]["name"]
        for one in slices
        for endpoint in one.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
        and (endpoint.get("targetRef") or {}).get("name")
    )
