"""What becomes of a service's ProbeRuns: those that are wanted go on, those that nobody waits for end. Pure."""

from dataclasses import dataclass, field

from serinus.core.askedpods import strangers
from serinus.core.gates import GateView
from serinus.core.model import Manifest, Purpose, Verdict
from serinus.core.rollout import Hold
from serinus.core.runs import Expected, advance, supersede
from serinus.core.seen import RunSeen, Snapshot
from serinus.resources.context import Context
from serinus.resources.probes import pod_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUpdate:
    """A new status of a ProbeRun."""

    run: RunSeen
    status: Manifest = field(hash=False)
    unwanted: bool = False  # its Job must stop asking


def run_updates(
    snapshot: Snapshot, context: Context, now: float, *, obstacle: Hold | None = None
) -> tuple[RunUpdate, ...]:
    """Bring every unfinished run forward; end those that nobody waits for. A refused Job may still come."""
    wanted = {v.name: v for v in context.gates if v.wanted}
    jobs = {j.name: j for j in snapshot.jobs}
    updates = []
    for run in snapshot.runs:
        if run.finished or run.purpose not in (Purpose.BEFORE_TRAFFIC, Purpose.EACH_STEP, Purpose.BAKE):
            continue
        view, job = wanted.get(run.name), jobs.get(run.name)
        # Somebody else's Job is not ended; one that was not there yet may be made by this very plan.
        ours = job is None or context.service.uid in job.owner_uids
        if view is None:
            updates.append(RunUpdate(run=run, status=supersede(run, now), unwanted=ours))
            continue
        if job is None and obstacle is not None and obstacle.object == f"Job {run.name}":
            continue
        status = advance(run, job, snapshot.pods, _expected(snapshot, context, view), now)
        if status is not None:
            broken = status.get("verdict") == Verdict.BROKEN
            updates.append(RunUpdate(run=run, status=status, unwanted=broken and ours))
    return tuple(updates)


def _expected(snapshot: Snapshot, context: Context, view: GateView) -> Expected:
    identity = view.identity
    return Expected(
        identity=identity,
        policy=view.gate.policy,
        probes=view.questions.probes if view.questions else 0,
        owner_uid=context.service.uid,
        pod_spec=pod_spec(context, view),
        strangers=strangers(snapshot, identity.service, canary=identity.revision, baseline=identity.baseline),
    )
