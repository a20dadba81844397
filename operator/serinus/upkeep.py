"""What becomes of a service's ProbeRuns: those that are wanted go on, those that nobody waits for end. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serinus.core.askedpods import strangers
from serinus.core.gates import GateView
from serinus.core.model import Manifest, Purpose, Verdict
from serinus.core.rollout import Hold
from serinus.core.runs import Expected, advance, refuse, supersede
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


_OURS: Final = frozenset(Purpose) - {Purpose.MANUAL}
_NONE: Final[Mapping[str, tuple[str, str]]] = {}


def run_updates(
    snapshot: Snapshot,
    context: Context,
    now: float,
    *,
    obstacle: Hold | None = None,
    refused: Mapping[str, tuple[str, str]] = _NONE,
) -> tuple[RunUpdate, ...]:
    """Bring every unfinished run forward; end those that nobody waits for. A refused Job may still come.

    `refused`: runs that a person asked for and that cannot be made, with reason and message.
    """
    wanted = {v.name: v for v in context.gates if v.wanted}
    jobs = {j.name: j for j in snapshot.jobs}
    updates = []
    for run in snapshot.runs:
        if run.finished or run.purpose not in _OURS:
            continue
        view, job = wanted.get(run.name), jobs.get(run.name)
        # Somebody else's Job is not ended; one that was not there yet may be made by this very plan.
        ours = job is None or context.service.uid in job.owner_uids
        if view is None:
            ended = refuse(run, now, *refused[run.name]) if run.name in refused else supersede(run, now)
            updates.append(RunUpdate(run=run, status=ended, unwanted=ours))
            continue
        if job is None and obstacle is not None and obstacle.object == f"Job {run.name}":
            continue
        status = advance(run, job, snapshot.pods, _expected(snapshot, context, view), now)
        if status is not None:
            status = _with_drift(snapshot, run, status, view)
            broken = status.get("verdict") == Verdict.BROKEN
            updates.append(RunUpdate(run=run, status=status, unwanted=broken and ours))
    return tuple(updates)


def _with_drift(snapshot: Snapshot, run: RunSeen, status: Manifest, view: GateView) -> Manifest:
    """The drift is recorded with the run that moved it, in one write: no answer counts twice, whatever is killed."""
    if run.purpose is not Purpose.CONTINUOUS or status.get("phase") != "Finished":
        return status
    return {**status, "cusum": cusum_after(run, status, snapshot.runs, view)}


def _expected(snapshot: Snapshot, context: Context, view: GateView) -> Expected:
    identity = view.identity
    canary, baseline = identity.revision, identity.baseline
    if asks_stable(identity):
        canary, baseline = "", identity.revision
    return Expected(
        identity=identity,
        policy=view.gate.policy,
        probes=view.questions.probes if view.questions else 0,
        owner_uid=context.service.uid,
        pod_spec=pod_spec(context, view),
        strangers=strangers(snapshot, identity.service, canary=canary, baseline=baseline),
    )
