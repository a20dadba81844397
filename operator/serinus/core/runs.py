"""The life of one ProbeRun, from its Job to its result. A Job is believed by its UID, a report by its identity.

`advance` returns the next status of a run, or None if it has none. Nothing here reads a clock or writes an object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from serinus.core import report as reports
from serinus.core.model import GatePolicy, Manifest, Verdict
from serinus.core.report import Identity, Report
from serinus.core.runstatus import finished_status, kept
from serinus.core.seen import JobPodSeen, JobSeen, PodSeen, RunSeen
from serinus.core.verdict import judge
from serinus.core.views import timestamp

START_PATIENCE: Final = 120
"""Seconds that the pod of a probe Job may wait for its image, Secret or node before the attempt is over."""
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


def advance(
    run: RunSeen, job: JobSeen | None, pods: Sequence[PodSeen], expected: Expected, now: float
) -> Manifest | None:
    """Return the next status of an unfinished run, None if it stays as it is."""
    recorded = run.status.get("jobUID", "")
    if job is None:
        return _broken(run, now, "JobVanished", "its Job was deleted before it reported") if recorded else None
    problem = _not_ours(job, recorded, expected)
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
        return None
    if isinstance(ended, tuple):
        return _broken(run, now, *ended)
    lost = _lost_pods(run, pods)
    if lost:
        return _broken(run, now, "PodsDisrupted", f"the probed pod {lost} was deleted, evicted or lost during the run")
    judgement = judge(expected.policy, ended, probes=expected.probes)
    return finished_status(run, ended, judgement, expected.policy, timestamp(now))


def supersede(run: RunSeen, now: float) -> Manifest:
    """The status of a run that nobody waits for any more."""
    return _broken(run, now, "Superseded", "the rollout went on without this run")


def contains(found: Any, wanted: Any) -> bool:
    """Whether `found` is `wanted` plus defaults of the API server: objects may have more keys, lists not more items."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(contains(found.get(k), v) for k, v in wanted.items())
    if isinstance(wanted, list):
        same = isinstance(found, list) and len(found) == len(wanted)
        return same and all(contains(f, w) for f, w in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _not_ours(job: JobSeen, recorded: str, expected: Expected) -> tuple[str, str] | None:
    """A Job of the right name that somebody else made, or made again, proves nothing."""
    if recorded and recorded != job.uid:
        return "JobReplaced", "its Job was deleted and made again by somebody else"
    # A Job's pod cannot change: one that was believed is ours, also for an operator of another version or setting.
    if not recorded and (expected.owner_uid not in job.owner_uids or not _same_pod(job.pod_spec, expected.pod_spec)):
        return "JobNameTaken", f"the Job {job.name} exists and is not what Serinus makes; delete it"
    if len(job.pods) > 1:
        return "MorePods", f"the Job {job.name} has {len(job.pods)} pods where one is made"
    return None


def _same_pod(found: Manifest, wanted: Manifest) -> bool:
    """Whether a Job's pod is ours, but for resources: the API server rewrites quantities (0.5 is 500m)."""
    containers = [{k: v for k, v in c.items() if k != "resources"} for c in wanted["containers"]]
    return contains(found, wanted | {"containers": containers})


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
    problem = _impossible(report)
    return ("ReportImpossible", problem) if problem else report


def _difference(found: Identity, wanted: Identity) -> str:
    for name in Identity.__dataclass_fields__:
        a, b = getattr(found, name), getattr(wanted, name)
        if a != b:
            return f"{name} is {a!r}, expected {b!r}"
    return ""


def _impossible(report: Report) -> str:
    """Counts that contradict each other."""
    if report.identity.baseline and not report.canary.scored == report.stable.scored == report.pairs.scored:
        return f"{report.pairs.scored} pairs, but {report.canary.scored} and {report.stable.scored} answers"
    if report.identity.baseline and report.canary.passed - report.stable.passed != report.pairs.won - report.pairs.lost:
        return "the pairs won and lost do not add up to the answers passed"
    if report.probes_seen > report.canary.scored:
        return f"{report.probes_seen} probes seen in {report.canary.scored} answers"
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


def _broken(run: RunSeen, now: float, reason: str, message: str) -> Manifest:
    return {
        **kept(run),
        "phase": "Finished",
        "verdict": str(Verdict.BROKEN),
        "reason": reason,
        "message": message[:1000],
        "finishedAt": timestamp(now),
    }
