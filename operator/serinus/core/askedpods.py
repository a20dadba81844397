"""Whose pods stand behind the Services that a run asks. Reads the world; decides nothing."""

from serinus.core import naming
from serinus.core.seen import Snapshot


def strangers(snapshot: Snapshot, service: str, *, canary: str, baseline: str = "") -> str:
    """Say which side of a comparison leads to pods of another revision: one clause; empty if each is as it must be.

    `baseline` empty: only the canary is asked. The selector is looked at besides the endpoints: it may be back already
    when they are read, though calls went astray.
    """
    sides = ((naming.canary_service(service), canary), (naming.stable_service(service), baseline))
    return next(
        (text for name, revision in sides if revision and (text := _side(snapshot, service, name, revision))), ""
    )


def _side(snapshot: Snapshot, service: str, name: str, revision: str) -> str:
    selected = snapshot.selected.get(name, revision)
    if selected != revision:
        return f"the Service {name} selects {selected or 'no revision'}, not {revision}"
    revisions = {p.name: p.revision for p in snapshot.pods}
    # A pod that is in the endpoints before it was seen itself is known by the name of its ReplicaSet.
    ours = f"{naming.revision_object(service, revision)}-"
    for pod in sorted(snapshot.reachable.get(name, ())):
        if revisions.get(pod, revision if pod.startswith(ours) else "") != revision:
            return f"the Service {name} leads to the pod {pod}, which is not of {revision}"
    return ""
