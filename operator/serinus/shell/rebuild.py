"""Revisions whose record was lost, made again from their ReplicaSets: what serves must never look like nothing.

It reads a ReplicaSet only when a record is missing, and decides nothing.
"""

import copy
import dataclasses

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.seen import RevisionSeen, SetSeen, Snapshot
from serinus.shell.kinds import Object, Ref
from serinus.shell.kube import Api, NotFound
from serinus.shell.world import REPLICASET

_OURS = (naming.LABEL_SERVICE, naming.LABEL_REVISION, naming.LABEL_TRAFFIC, naming.LABEL_DRAIN)


async def with_lost_revisions(api: Api, snapshot: Snapshot) -> Snapshot:
    """Add a record for every ReplicaSet that has none; raises ApiError if one cannot be read."""
    known = {r.name for r in snapshot.revisions}
    lost = [s for s in snapshot.sets if s.revision and s.revision not in known]
    found = [await _rebuilt(api, snapshot.body, one) for one in lost]
    revisions = (*snapshot.revisions, *(r for r in found if r is not None))
    return dataclasses.replace(snapshot, revisions=revisions) if lost else snapshot


async def _rebuilt(api: Api, body: Object, found: SetSeen) -> RevisionSeen | None:
    ref = Ref(REPLICASET, body["metadata"]["namespace"], found.name)
    try:
        replica_set = await api.get(ref)
    except NotFound:
        return None
    spec = body.get("spec") or {}
    data: Manifest = {
        "template": _users_template(replica_set["spec"]["template"]),
        "runtime": str(spec.get("runtime", "")),
    }
    port = (spec.get("workload") or {}).get("port")
    if port is not None:
        data["port"] = port
    return RevisionSeen(name=found.revision, sha256="", number=0, outcome=None, data=data)


def _users_template(template: Manifest) -> Manifest:
    """Take our labels out of a pod template; what the API server has defaulted stays, and changes nothing."""
    copied = copy.deepcopy(template)
    metadata = copied.get("metadata") or {}
    labels = {k: v for k, v in (metadata.get("labels") or {}).items() if k not in _OURS}
    copied["metadata"] = {"labels": labels} | ({"annotations": a} if (a := metadata.get("annotations")) else {})
    return copied
