"""What can happen to the Job of a run, its pod, its report and the pods that it asks: one function each."""

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

from serinus.core.model import Manifest
from serinus.core.report import Report, encode
from serinus.core.runspec import RunSpec
from tests.unit.fake_world import FakeWorld, counted, good

Fault = Callable[[FakeWorld, str], None]


def pod_status(found: FakeWorld, name: str) -> Manifest:
    """The status of the pod of a probe Job, to be changed."""
    status: Manifest = found.job_pods[name][0]["status"]
    return status


def state(**container_state: Any) -> Fault:
    """The container `probe` is in a state."""

    def strike(found: FakeWorld, name: str) -> None:
        pod_status(found, name)["containerStatuses"] = [{"name": "probe", "state": container_state}]

    return strike


def waiting(reason: str) -> Fault:
    return state(waiting={"reason": reason, "message": "…"})


def ended(code: int, message: str = "", reason: str = "Error") -> Fault:
    return state(terminated={"exitCode": code, "message": message, "reason": reason})


def said(answer: Callable[[RunSpec], Report | str]) -> Fault:
    """The runner ends with a report, or with some text."""

    def strike(found: FakeWorld, _name: str) -> None:
        found.answer = answer

    return strike


def of_another(**fields: Any) -> Fault:
    return said(
        lambda spec: dataclasses.replace(good_report(spec), identity=dataclasses.replace(spec.identity, **fields))
    )


def good_report(spec: RunSpec) -> Report:
    return counted(spec, passed=100, failed=0, lost=0)


def forged(old: str, new: str) -> Fault:
    """A good report with a part of its text replaced and a checksum that fits again."""

    def answer(spec: RunSpec) -> str:
        header, body = encode(good_report(spec)).split("\n")
        assert old in body
        body = body.replace(old, new, 1)
        return " ".join([*header.split(" ")[:3], hashlib.sha256(body.encode()).hexdigest()[:16]]) + "\n" + body

    return said(answer)


def unscheduled(found: FakeWorld, name: str) -> None:
    pod_status(found, name).clear()
    pod_status(found, name)["conditions"] = [{"type": "PodScheduled", "status": "False", "message": "no node"}]


def no_pod(found: FakeWorld, name: str) -> None:
    found.job_pods[name] = []


def evicted(found: FakeWorld, name: str) -> None:
    found.job_pods[name][0]["status"] = {"phase": "Failed", "reason": "Evicted"}


def preempted(found: FakeWorld, name: str) -> None:
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    pod_status(found, name)["conditions"] = [condition]


def deleted_pod(found: FakeWorld, name: str) -> None:
    found.job_pods[name][0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


def deadline(found: FakeWorld, name: str) -> None:
    condition = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}
    found.objects["Job", name]["status"] = {"conditions": [condition]}
    found.job_pods[name] = []


def recorded(found: FakeWorld, name: str) -> bool:
    run = found.objects.get(("ProbeRun", name))
    return bool(run and (run.get("status") or {}).get("jobUID"))


def jobs(found: FakeWorld) -> list[str]:
    """The Jobs of runs that are not over."""
    names = {r.name for r in found.snapshot().runs if not r.finished}
    return [name for kind, name in found.objects if kind == "Job" and name in names]


def asking(found: FakeWorld) -> bool:
    """Whether the Job of a run was recorded, and goes on."""
    return found.stage == "Probing" and any(recorded(found, name) for name in jobs(found))


def deleted_by_hand(found: FakeWorld, name: str) -> None:
    if recorded(found, name):
        del found.objects["Job", name]


def made_again(found: FakeWorld, name: str) -> None:
    if recorded(found, name):
        found.objects["Job", name]["metadata"]["uid"] = "somebody"


def made_before(found: FakeWorld, name: str) -> None:
    found.objects["Job", name]["metadata"]["ownerReferences"] = []


def other_image(found: FakeWorld, name: str) -> None:
    found.objects["Job", name]["spec"]["template"]["spec"]["containers"][0]["image"] = "example/says-yes"


def template_with(change: Callable[[Manifest], object]) -> Fault:
    """A Job that somebody else made first in our name, or that admission changed, before it was recorded."""

    def strike(found: FakeWorld, name: str) -> None:
        found.answer = good
        if not recorded(found, name):
            change(found.objects["Job", name]["spec"]["template"]["spec"])

    return strike


def two_pods(found: FakeWorld, name: str) -> None:
    found.job_pods[name] *= 2


def not_created(found: FakeWorld, name: str) -> None:
    if not recorded(found, name):
        del found.objects["Job", name]


def job_with(**fields: Any) -> Fault:
    """Somebody patches the Job after it was recorded."""

    def strike(found: FakeWorld, name: str) -> None:
        if recorded(found, name):
            found.objects["Job", name]["spec"] |= fields

    return strike


def pod_with(change: Callable[[Manifest], object]) -> Fault:
    """A pod in the place of the Job's own says that all is well."""

    def strike(found: FakeWorld, name: str) -> None:
        found.answer = good
        for pod in found.job_pods.get(name, []):
            change(pod)

    return strike


def probe_with(**fields: Any) -> Fault:
    return pod_with(lambda pod: pod["spec"]["containers"][0].update(fields))


def owned_by(**fields: Any) -> Fault:
    """A pod that another object controls, if any does."""
    return pod_with(lambda pod: pod["metadata"]["ownerReferences"][0].update(fields))


def canary_pods(found: FakeWorld) -> list[str]:
    revision = found.status("rollout").get("revision", "")
    return [n for n, p in found.pods.items() if p["metadata"]["labels"]["serinus.dev/revision"] == revision]


def canary_evicted(found: FakeWorld, name: str) -> None:
    if recorded(found, name):
        found.answer = good
        for pod in canary_pods(found):
            found.pods[pod]["status"] = {"phase": "Failed", "reason": "Evicted"}


def canary_drained(found: FakeWorld, name: str) -> None:
    if recorded(found, name):
        found.answer = good
        for pod in canary_pods(found):
            del found.pods[pod]


def stable_lost(found: FakeWorld, name: str) -> None:
    if recorded(found, name):
        found.answer = good
        pod = next(n for n in found.pods if n not in canary_pods(found))
        del found.pods[pod]
