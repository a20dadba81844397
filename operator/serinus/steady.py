"""The world of a service whose wanted revision serves and has settled: what `serinus render` and goldens plan from.

Pure: the same plan() as in a cluster, over a world that was made up and says so by its name.
"""

from serinus.core import memory, naming
from serinus.core.model import Manifest
from serinus.core.revision import revision_of
from serinus.core.rollout import State
from serinus.core.seen import Outcome, ProbeSetSeen, RevisionSeen, SetSeen, Snapshot
from serinus.plan import Plan, Surroundings, plan


def plan_steady(body: Manifest, around: Surroundings, probe_sets: dict[str, ProbeSetSeen]) -> Plan:
    """Plan for a service in steady state; raises InvalidSpec."""
    revision = revision_of(body)
    record = RevisionSeen(
        name=revision.name, sha256=revision.sha256, number=1, outcome=Outcome.PROVEN, data=revision.data
    )
    workload = (body.get("spec") or {}).get("workload") or {}
    replica_set = SetSeen(
        name=naming.revision_object(body["metadata"]["name"], revision.name),
        revision=revision.name,
        uid="",
        resource_version="",
        replicas=int(workload.get("replicas", 1)),
        live=True,
        observed=True,
    )
    settled = {**body, "status": {"rollout": memory.dump(State(stable=revision.name))}}
    snapshot = Snapshot(body=settled, sets=(replica_set,), revisions=(record,), probe_sets=probe_sets)
    return plan(snapshot, around, now=0.0)
