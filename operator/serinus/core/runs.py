"""The life of one ProbeRun, from its Job to its result. A Job is believed by its UID, a report by its identity.

`advance` returns the next status of a run, or None if it has none. Nothing here reads a clock or writes an object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from serinus.core import report as reports
from serinus.core.model import GatePolicy, Manifest, Verdict
from serinus.core.probepod import difference, foreign
from serinus.core.report import Identity, Report
from serinus.core.runstatus import finished_status, kept
from serinus.core.seen import JobPodSeen, JobSeen, PodSeen, RunSeen
from serinus.core.verdict import judge
from serinus.core.views import seconds, timestamp

WAITS: Final = "Waiting"
"""Reason in the status of a run that may not begin yet."""
START_PATIENCE: Final = 120
"""Seconds that the pod of a probe Job may wait for its image, Secret or node before the attempt is over."""
CREATION_PATIENCE: Final = 300
"""Seconds that a run may wait for its Job to be created before the attempt is over."""
START_BUDGET: Final = 600
END_GRACE: Final = 60


def job_deadline(budget_seconds: int) -> int:
    """Seconds after which a Job is ended: time to start, the budget, a grace in which the runner reports by itself."""
    return START_BUDGET + budget_seconds + END_GRACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a run must look like to count: made from the spec, not from the run."""

    identity: Identity
    policy: GatePolicy
    probes: int
    owner_uid: str
    pod_spec: Manifest  # of the Job that we make
    strangers: str = ""  # whose pods are asked besides those of the two revisions; empty: nobody's


def advance(
    run: RunSeen, job: JobSeen | None, pods: Sequence[PodSeen], expected: Expected, now: float
) -> Manifest | None:
    """Return the next status of an unfinished run, None if it stays as it is."""
    recorded = run.status.get("jobUID", "")
    if job is None:
        absent = _absent(run, recorded, now)
        return _broken(run, now, *absent) if absent else None
    job = replace(job, pods=tuple(p for p in job.pods if p.controller == job.uid))
    problem = _not_ours(job, recorded, expected) or _changed(job)
    if not problem and expected.strangers:
        problem = "OtherPodsAsked", f"it compares no longer what it was made for: {expected.strangers}"
    if problem:
        return _broken(run, now, *problem)
    if not recorded:
        return {
            "phase": "Running",
            "jobUID": job.uid,
            "startedAt": timestamp(now),
            "probedPods": _probed(pods, expected.identity),
        }
    ended = _ended(job, expected, now)
    if ended is None:
        return _without_drained(run, pods)
    if isinstance(ended, tuple):
        return _broken(run, now, *ended)
    lost = _lost_pods(run, pods)
    if lost:
        return _broken(run, now, "PodsDisrupted", f"the probed pod {lost} was deleted, evicted or lost during the run")
    judgement = judge(expected.policy, ended, probes=expected.probes)
    return finished_status(run, ended, judgement, expected.policy, timestamp(now))


def wait(run: RunSeen, message: str) -> Manifest | None:
    """The status of a run that may not begin yet, None if it says so already; its Job is not waited for meanwhile."""
    status = {"phase": "Pending", "reason": WAITS, "message": message}
    return status if run.status != status else None


def begin(run: RunSeen, now: float) -> Manifest | None:
    """The status of a run of a person that may begin now, None if it says so: from then on its Job is waited for."""
    return None if run.status.get("startedAt") else {"phase": "Pending", "startedAt": timestamp(now)}


def supersede(run: RunSeen, now: float) -> Manifest:
    """The status of a run that nobody waits for any more."""
    return _broken(run, now, "Superseded", "the rollout went on without this run")


def refuse(run: RunSeen, now: float, reason: str, message: str) -> Manifest:
    """The status of a run that a person asked for and that cannot be made."""
    return _broken(run, now, reason, message)


def contains(found: Any, wanted: Any) -> bool:
    """Whether `found` is `wanted` plus defaults of the API server: objects may have more keys, lists not more items."""
    return not difference(found, wanted)


def _absent(run: RunSeen, recorded: str, now: float) -> tuple[str, str] | None:
    """Why a run without its Job is over; None while the Job may still be created."""
    if recorded:
        return "JobVanished", "its Job was deleted before it reported"
    if now - max(run.created, seconds(run.status.get("startedAt"))) <= CREATION_PATIENCE:
        return None
    return "JobNotCreated", (
        f"its Job {run.name} was not created within {CREATION_PATIENCE} s: a quota, an admission webhook or another "
        "object of that name may refuse it; look at the events of the namespace and at the operator's log"
    )


def _not_ours(job: JobSeen, recorded: str, expected: Expected) -> tuple[str, str] | None:
    """A Job of the right name that somebody else made, or made again, proves nothing."""
    if recorded:
        # A Job's pod cannot change: one that was believed is ours, also for an operator of another version or setting.
        replaced = "JobReplaced", "its Job was deleted and made again by somebody else"
        return replaced if recorded != job.uid else None
    if expected.owner_uid not in job.owner_uids:
        found = ", ".join(job.owner_uids) or "none"
        return "JobNameTaken", (
            f"the Job {job.name} was made by somebody else: metadata.ownerReferences: found {found}, "
            f"Serinus makes {expected.owner_uid}; delete it"
        )
    differs = _template_difference(job.pod_spec, expected.pod_spec)
    if differs:
        return "JobChanged", (
            f"the Job {job.name} differs from what Serinus makes at {differs}; "
            "a mutating webhook or somebody else changed it"
        )
    return None


def _template_difference(found: Manifest, wanted: Manifest) -> str:
    """Where a Job's pod is not ours, but for resources: the API server rewrites quantities (0.5 is 500m)."""
    containers = [{k: v for k, v in c.items() if k != "resources"} for c in wanted["containers"]]
    missing = difference(found, wanted | {"containers": containers}, "spec.template.spec")
    added = "" if missing else foreign(found, wanted)
    return missing or (f"spec.template.{added}" if added else "")


def _changed(job: JobSeen) -> tuple[str, str] | None:
    """A Job that was told to make no pod, or several, or whose pod is not what it makes, proves nothing either."""
    fields = (
        ("suspend", job.suspended, False),
        ("parallelism", job.parallelism, 1),
        ("completions", job.completions, 1),
    )
    for name, found, wanted in fields:
        if found != wanted:
            return "JobChanged", f"the Job {job.name} was changed: spec.{name}: found {found}, Serinus makes {wanted}"
    if len(job.pods) > 1:
        return "MorePods", f"the Job {job.name} has {len(job.pods)} pods where one is made"
    # Compared with the Job's own template, which was compared with ours before it was recorded, and cannot change.
    for pod in job.pods:
        differs = foreign(pod.spec, job.pod_spec)
        if differs:
            return "PodForged", (
                f"the pod {pod.name} is not what the Job {job.name} makes: {differs}; "
                "a mutating webhook or somebody else changed it"
            )
    return None


def _ended(job: JobSeen, expected: Expected, now: float) -> Report | tuple[str, str] | None:
    """The report; or why there is none; or None while the run goes on."""
    pod = job.pods[0] if job.pods else None
    if pod is not None and pod.exit_code is not None:
        return _read(pod, expected.identity)
    if pod is not None and pod.disrupted:
        return "PodDisrupted", f"the probe pod was disrupted: {pod.disrupted}"
    if job.failed:
        return "JobFailed", f"the Job failed: {job.failed}"
    waiting = "has no pod" if pod is None else pod.waiting
    since = job.created if pod is None else pod.created
    if waiting and now - since > START_PATIENCE:
        return "NotStarted", f"the probe pod did not start within {START_PATIENCE} s: {waiting}"
    if now - job.created > job_deadline(expected.policy.budget.duration) + END_GRACE:
        return "Overdue", "the probe pod neither reported nor ended"
    return None


def _read(pod: JobPodSeen, identity: Identity) -> Report | tuple[str, str]:
    if pod.oom_killed:
        return "OutOfMemory", "the probe container ran out of memory; raise spec.probeJob.resources"
    if pod.exit_code != 0:
        return "RunnerFailed", f"the probe container ended with code {pod.exit_code}: {pod.message[:200].strip()}"
    try:
        report = reports.decode(pod.message)
    except reports.UnreadableReport as e:
        return "ReportUnreadable", str(e)
    if report.identity != identity:
        return "ReportOfAnother", f"the report belongs to another run: {_difference(report.identity, identity)}"
    if not report.end:
        return "ReportUnfinished", "the report does not say why the run ended"
    return report


def _difference(found: Identity, wanted: Identity) -> str:
    for name in Identity.__dataclass_fields__:
        a, b = getattr(found, name), getattr(wanted, name)
        if a != b:
            return f"{name} is {a!r}, expected {b!r}"
    return ""


def _probed(pods: Sequence[PodSeen], identity: Identity) -> list[Manifest]:
    sides = {identity.revision, identity.baseline} - {""}
    asked = (p for p in pods if p.revision in sides and p.ready and not p.draining and not p.deleting)
    return [
        {"uid": p.uid, "side": "canary" if p.revision == identity.revision else "stable", "restarts": p.restarts}
        for p in sorted(asked, key=lambda p: p.uid)
    ]


def _lost_pods(run: RunSeen, pods: Sequence[PodSeen]) -> str:
    """The UID of a probed pod that went away. A container that exited by itself is still the same pod: it stands.

    A pod that Serinus drained itself has gone on purpose; a drained pod finishes what it was asked.
    """
    there = {p.uid for p in pods if not p.deleting or p.draining}
    lost = (p for p in run.status.get("probedPods", []) if p["uid"] not in there)
    return next((f"{p['uid']} ({p['side']})" for p in lost), "")


def _without_drained(run: RunSeen, pods: Sequence[PodSeen]) -> Manifest | None:
    """The status of a run whose probed pod is being drained, None if none is: that pod will go on purpose."""
    drained = {p.uid for p in pods if p.draining}
    probed = run.status.get("probedPods", [])
    rest = [p for p in probed if p["uid"] not in drained]
    return {**kept(run), "phase": "Running", "probedPods": rest} if len(rest) < len(probed) else None


def _broken(run: RunSeen, now: float, reason: str, message: str) -> Manifest:
    return {
        **kept(run),
        "phase": "Finished",
        "verdict": str(Verdict.BROKEN),
        "reason": reason,
        "message": message[:1000],
        "finishedAt": timestamp(now),
    }
