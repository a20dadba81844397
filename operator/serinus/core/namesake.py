"""Runs that an earlier service of the same name left behind (`evidenceRetention: Keep`): kept, counted, no evidence.

Their names stay taken, so attempts go on after them. It marks them and decides nothing.
"""

import dataclasses

from serinus.core.seen import Snapshot
from serinus.core.views import seconds


def with_former(snapshot: Snapshot) -> Snapshot:
    """Mark the runs that are older than the service itself."""
    since = seconds((snapshot.body.get("metadata") or {}).get("creationTimestamp"))
    if all(run.created >= since for run in snapshot.runs):
        return snapshot
    marked = (dataclasses.replace(run, former=run.created < since) for run in snapshot.runs)
    return dataclasses.replace(snapshot, runs=tuple(marked))
