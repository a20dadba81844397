"""Which ProbeRuns are old enough to go. What anything still refers to stays, whatever its age. It deletes nothing."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from serinus.core.gates import newest_views
from serinus.core.model import OF_ROLLOUTS, Purpose, Service
from serinus.core.rollout import State
from serinus.core.seen import RunSeen, Snapshot
from serinus.core.views import seconds

MAX_AT_ONCE: Final = 20
"""Runs that one look lets go: a long history must not keep a service from being looked at."""


def expired(snapshot: Snapshot, service: Service, state: State, *, before: float) -> tuple[RunSeen, ...]:
    """Runs that ended before that time and that nothing refers to, the oldest first, at most 20.

    `snapshot.revisions` are the kept ones. Referred to by: the state and its gates, the record of a kept revision, and
    a Decision that waits. The last run of a kept revision stays too, so that attempts never begin from 0 again.
    """
    if not old_runs(snapshot.runs, before=before):
        return ()  # nearly always, and then nobody need ask what refers to which
    return old_runs(snapshot.runs, before=before, keep=set(_named(snapshot, service, state)))


def old_runs(runs: Sequence[RunSeen], *, before: float, keep: Collection[str] = ()) -> tuple[RunSeen, ...]:
    """Finished runs that ended before that time, but for those to keep and those that a person made."""
    found = [r for r in runs if r.finished and r.purpose is not Purpose.MANUAL and r.name not in keep]
    return tuple(sorted((r for r in found if _ended(r) < before), key=lambda r: (_ended(r), r.name))[:MAX_AT_ONCE])


def _ended(run: RunSeen) -> float:
    return seconds(run.status.get("finishedAt")) or run.created


def _named(snapshot: Snapshot, service: Service, state: State) -> Iterator[str]:
    yield state.run
    for revision in snapshot.revisions:
        yield revision.run
        for purposes in (OF_ROLLOUTS, (Purpose.CONTINUOUS,)):
            mine = (r for r in snapshot.runs if r.revision == revision.name and r.purpose in purposes)
            last = max(mine, key=lambda r: r.attempt, default=None)
            if last is not None:
                yield last.name
    current = {state.stable, state.revision} - {""}
    yield from (r.name for r in snapshot.runs if r.revision in current and r.purpose in OF_ROLLOUTS)
    yield from (v.name for v in newest_views(service, snapshot.runs))
    for decision in snapshot.decisions:
        yield from decision.evidence if decision.pending else ()
