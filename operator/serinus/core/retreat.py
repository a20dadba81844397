"""What still counts of a service whose spec cannot be acted on: its stable revision, its size, and how pods may move.

A canary with users must not go on unjudged, and the gates of the last valid spec are on no record: so its rollout ends,
without a rejection. Nothing else of the new spec is followed. Decides no transition.
"""

from typing import Final

from serinus.core.model import InvalidSpec, Manifest, Service
from serinus.core.parse import parse
from serinus.core.revision import Revision
from serinus.core.runtime import Catalogue
from serinus.core.seen import RevisionSeen

_PACE: Final = ("maxSurge", "drainTimeout")
"""Fields of spec.rollout that say how pods may be replaced; where they are wrong, the defaults count."""


def retreat_target(stable: RevisionSeen) -> Revision:
    """Build the revision that the service goes back to: as it is on record, whatever its content hashes to now."""
    return Revision(name=stable.name, sha256=stable.sha256, data=stable.data)


def retreat_service(body: Manifest, stable: RevisionSeen, catalogue: Catalogue) -> Service | None:
    """Build the service with the stable revision's content; None if even its size or its runtime is not known."""
    spec, data = body.get("spec") or {}, stable.data
    workload = spec.get("workload")
    runtime = catalogue.get(str(data.get("runtime", "")))
    if not isinstance(workload, dict) or runtime is None:
        return None
    port = data.get("port") or runtime.port
    known: Manifest = {
        "servedModelName": str(spec.get("servedModelName") or body["metadata"]["name"]),
        "runtime": runtime.name,
        "owner": {"team": "-"},
        "workload": {
            "replicas": workload.get("replicas", 1),
            "template": data.get("template"),
            "port": port,
            "metricsPort": port,
        },
    }
    rollout = spec.get("rollout")
    given = {key: rollout[key] for key in _PACE if key in rollout} if isinstance(rollout, dict) else {}
    for pace in (given, {}):
        try:
            return parse(body | {"spec": known | {"rollout": pace | {"mode": "Ungated"}}}, catalogue)
        except InvalidSpec:
            continue
    return None
