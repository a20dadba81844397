"""Owns what a kubelet would report of a pod in each situation: behaviours, and the status that each one gives.

Pure: times are arguments. It must not call the API; `podfaker` does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Manifest = dict[str, Any]
NODE = "faked-node"
HOST_IP = "198.19.255.254"
ANNOTATION = "tests.serinus.dev/pod"
"""On a pod or its template: never-ready, crash-loop, image-pull, unschedulable, evicted, silent or ready-after=2."""


@dataclass(frozen=True)
class Ready:
    """Runs, and is Ready after so many seconds; its containers were restarted so often."""

    after: float = 0.0
    restarts: int = 0


@dataclass(frozen=True)
class NeverReady:
    """Runs and is not Ready."""


@dataclass(frozen=True)
class CrashLoop:
    """Every container exits again and again, so many times, with so many seconds between."""

    restarts: int = 5
    every: float = 0.0
    exit_code: int = 1


@dataclass(frozen=True)
class ImagePull:
    """The image cannot be pulled."""


@dataclass(frozen=True)
class Unschedulable:
    """No node takes the pod."""


@dataclass(frozen=True)
class Evicted:
    """The node was short of memory and ended the pod."""


@dataclass(frozen=True)
class Silent:
    """Nothing reports the pod at all."""


@dataclass(frozen=True)
class Finish:
    """The container `container` (absent: the first) runs so many seconds and ends with a termination message.

    Other containers end with it, or go on when `sidecars_stay`.
    """

    message: str = ""
    exit_code: int = 0
    after: float = 0.0
    container: str = ""
    reason: str = ""
    sidecars_stay: bool = False


Behaviour = Ready | NeverReady | CrashLoop | ImagePull | Unschedulable | Evicted | Silent | Finish

_NAMED: dict[str, Behaviour] = {
    "never-ready": NeverReady(),
    "crash-loop": CrashLoop(),
    "image-pull": ImagePull(),
    "unschedulable": Unschedulable(),
    "evicted": Evicted(),
    "silent": Silent(),
}


def by_annotation(pod: Manifest) -> Behaviour:
    """What the pod's annotation says; without one, pods of a Job end well at once and all others are Ready at once.

    Raises ValueError for an annotation that names no behaviour.
    """
    text = pod["metadata"].get("annotations", {}).get(ANNOTATION, "")
    if text in _NAMED:
        return _NAMED[text]
    if text.startswith("ready-after="):
        return Ready(after=float(text.removeprefix("ready-after=")))
    if text:
        raise ValueError(f"annotation {ANNOTATION}: found {text!r}, allowed are ready-after=… and {', '.join(_NAMED)}")
    owners = pod["metadata"].get("ownerReferences", [])
    return Finish() if any(o["kind"] == "Job" for o in owners) else Ready()


def timestamp(at: float) -> str:
    """Seconds since the epoch as Kubernetes writes them."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def pod_ip(number: int) -> str:
    """The n-th address of 198.18.0.0/15, a range for benchmarks: EndpointSlices refuse loopback ones."""
    if not 0 < number < 130_000:
        raise ValueError(f"pod number {number}: allowed are 1 to 129999")
    return f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}"


def unschedulable_status(now: float) -> Manifest:
    """Status of a pod that no node takes, with the scheduler's words."""
    message = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
    condition = _condition("PodScheduled", now, holds=False)
    return {"phase": "Pending", "conditions": [condition | {"reason": "Unschedulable", "message": message}]}


def running_status(pod: Manifest, ip: str, now: float, *, ready: bool, restarts: int = 0) -> Manifest:
    """Status of a pod whose containers run."""
    state = {"running": {"startedAt": timestamp(now)}}
    containers = [_container(c, state, restarts, ready=ready) for c in pod["spec"]["containers"]]
    return _placed(pod, ip, now, ready=ready) | {"phase": "Running", "containerStatuses": containers}


def crashing_status(pod: Manifest, ip: str, now: float, *, restarts: int, exit_code: int) -> Manifest:
    """Status of a pod whose containers have exited `restarts` times and wait for the next start."""
    ended = {"exitCode": exit_code, "reason": "Error", "startedAt": timestamp(now), "finishedAt": timestamp(now)}
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}
    containers = [
        _container(c, waiting, restarts, ready=False) | {"lastState": {"terminated": ended}}
        for c in pod["spec"]["containers"]
    ]
    return _placed(pod, ip, now, ready=False) | {"phase": "Running", "containerStatuses": containers}


def pulling_status(pod: Manifest, now: float) -> Manifest:
    """Status of a pod whose image cannot be pulled."""
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    containers = [_container(c, waiting, 0, ready=False) for c in pod["spec"]["containers"]]
    return _placed(pod, "", now, ready=False) | {"phase": "Pending", "containerStatuses": containers}


def evicted_status(now: float) -> Manifest:
    """Status of a pod that the node ended."""
    target = _condition("DisruptionTarget", now, holds=True) | {"reason": "TerminationByKubelet"}
    conditions = [target, _condition("Ready", now, holds=False), _condition("ContainersReady", now, holds=False)]
    message = "The node was low on resource: memory."
    return {"phase": "Failed", "reason": "Evicted", "message": message, "conditions": conditions}


def finished_status(pod: Manifest, ip: str, now: float, finish: Finish) -> Manifest:
    """Status of a pod whose main container has ended."""
    ended = {"startedAt": timestamp(now - finish.after), "finishedAt": timestamp(now)}
    reason = finish.reason or ("Error" if finish.exit_code else "Completed")
    main = {"terminated": ended | {"exitCode": finish.exit_code, "reason": reason, "message": finish.message}}
    running = {"running": {"startedAt": timestamp(now - finish.after)}}
    beside = running if finish.sidecars_stay else {"terminated": ended | {"exitCode": 0, "reason": "Completed"}}
    name = finish.container or pod["spec"]["containers"][0]["name"]
    containers = [
        _container(c, main if c["name"] == name else beside, 0, ready=c["name"] != name and finish.sidecars_stay)
        for c in pod["spec"]["containers"]
    ]
    goes_on = finish.sidecars_stay and len(containers) > 1
    phase = "Running" if goes_on else ("Failed" if finish.exit_code else "Succeeded")
    return _placed(pod, ip, now, ready=False) | {"phase": phase, "containerStatuses": containers}


def _placed(pod: Manifest, ip: str, now: float, *, ready: bool) -> Manifest:
    holding = {"PodScheduled": True, "Initialized": True, "ContainersReady": ready, "Ready": ready}
    old = {c["type"]: c for c in pod.get("status", {}).get("conditions", [])}
    fresh = [_condition(kind, now, holds=holds) for kind, holds in holding.items()]
    kept = [old[c["type"]] if old.get(c["type"], {}).get("status") == c["status"] else c for c in fresh]
    addresses = {"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {}
    started = pod.get("status", {}).get("startTime") or timestamp(now)
    return {"hostIP": HOST_IP, "startTime": started, "conditions": kept, **addresses}


def _condition(kind: str, now: float, *, holds: bool) -> Manifest:
    return {"type": kind, "status": str(holds), "lastTransitionTime": timestamp(now)}


def _container(spec: Manifest, state: Manifest, restarts: int, *, ready: bool) -> Manifest:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": spec["image"],
        "ready": ready,
        "started": "running" in state,
        "restartCount": restarts,
        "state": state,
    }
