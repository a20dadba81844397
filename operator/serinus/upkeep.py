"""What becomes of a service's ProbeRuns: those that are wanted go on, those that nobody waits for end. Pure."""

from dataclasses import dataclass, field
from typing import Final

from serinus.core.askedpods import strangers
from serinus.core.byhand import BY_PEOPLE, ByHand
from serinus.core.gates import GateView
from serinus.core.model import Manifest, Purpose, Verdict
from serinus.core.rollout import Hold
from serinus.core.runs import Expected, advance, begin, refuse, supersede, wait
from serinus.core.seen import RunSeen, Snapshot
from serinus.core.watch import cusum_after
from serinus.resources.context import Context
from serinus.resources.probes import asks_stable, pod_spec


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUpdate:
    """A new status of a ProbeRun."""

    run: RunSeen
    status: Manifest = field(hash=False)
    unwanted: bool = False  # its Job must stop asking


_INVALID: Final = "InvalidSpec", "the spec of the service cannot be acted on; make another run when it can"


def run_updates(
    snapshot: Snapshot,
    context: Context,
    now: float,
    *,
    by_hand: ByHand,
    obstacle: Hold | None = None,
) -> tuple[RunUpdate, ...]:
    """Bring every unfinished run forward; end those that nobody waits for. A refused Job may still come."""
    wanted = {v.name: v for v in context.gates if v.wanted}
    jobs = {j.name: j for j in snapshot.jobs}
    updates = []
    for run in (r for r in snapshot.runs if not r.finished):
        view, job = wanted.get(run.name), jobs.get(run.name)
        # Somebody else's Job is not ended; one that was not there yet may be made by this very plan.
        ours = job is None or context.service.uid in job.owner_uids
        unwanted = view is None and ours
        if run.name in by_hand.waiting:
            status, unwanted = wait(run, by_hand.waiting[run.name]), False
        elif view is None:
            status = _ended(run, by_hand, now)
        elif job is None and obstacle is not None and obstacle.object == f"Job {run.name}":
            continue
        elif job is None and run.purpose in BY_PEOPLE and (begun := begin(run, now)):
            status = begun
        else:
            status = advance(run, job, snapshot.pods, _expected(snapshot, context, view), now)
            status = _with_drift(snapshot, run, status, view) if status else None
            unwanted = ours and (status or {}).get("verdict") == Verdict.BROKEN
        if status is not None:
            updates.append(RunUpdate(run=run, status=status, unwanted=unwanted))
    return tuple(updates)


def _ended(run: RunSeen, by_hand: ByHand, now: float) -> Manifest:
    """The status of a run without a view: a person who made it is told why it cannot be."""
    if run.purpose not in BY_PEOPLE:
        return supersede(run, now)
    return refuse(run, now, *by_hand.refused.get(run.name, _INVALID))


def _with_drift(snapshot: Snapshot, run: RunSeen, status: Manifest, view: GateView) -> Manifest:
    """The drift is recorded with the run that moved it, in one write: no answer counts twice, whatever is killed."""
    if run.purpose is not Purpose.CONTINUOUS or status.get("phase") != "Finished":
        return status
    return {**status, "cusum": cusum_after(run, status, snapshot.runs, view)}


def _expected(snapshot: Snapshot, context: Context, view: GateView) -> Expected:
    identity = view.identity
    canary, baseline = identity.revision, identity.baseline
    if asks_stable(identity, context.state):
        canary, baseline = "", identity.revision
    return Expected(
        identity=identity,
        policy=view.gate.policy,
        probes=view.questions.probes if view.questions else 0,
        owner_uid=context.service.uid,
        pod_spec=pod_spec(context, view),
        strangers=strangers(snapshot, identity.service, canary=canary, baseline=baseline),
    )
