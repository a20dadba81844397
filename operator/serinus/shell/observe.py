"""From the memory of the engine to a Snapshot of one service. Reads only; what it cannot see it leaves out."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from serinus.core import naming, views
from serinus.core.questions import read_probe_set
from serinus.core.seen import JobSeen, ProbeSetSeen, Snapshot
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api, NotFound
from serinus.shell.store import Seen
from serinus.shell.watches import Watches
from serinus.shell.world import (
    CONFIGMAP,
    DECISION,
    JOB,
    POD,
    PROBERUN,
    PROBESET,
    REPLICASET,
    REVISION,
    SERVICE,
    SLICE,
    Customs,
)


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot, and the versions of the objects that bear traffic, by reference."""

    snapshot: Snapshot
    versions: dict[Ref, str] = field(default_factory=dict)


class Observer:
    """Reads the world of one service."""

    def __init__(self, api: Api, watches: Watches, customs: Customs) -> None:
        self._watches = watches
        self._customs = customs
        self._probe_sets = ProbeSets(api, customs)

    @property
    def probe_sets(self) -> "ProbeSets":
        """The resolved ProbeSets."""
        return self._probe_sets

    async def observe(self, body: Object) -> Observation:
        """Observe everything that a plan for this LLMService needs; raises ApiError if a ConfigMap cannot be read."""
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        sets = self._values(REPLICASET, namespace, name)
        services = self._values(SERVICE, namespace, name)
        slices = [seen.value for seen in self._values(SLICE, namespace, name).values()]
        reachable: dict[str, frozenset[str]] = {}
        for found in slices:
            reachable[found.service] = reachable.get(found.service, frozenset()) | found.pods
        stable = services.get(naming.stable_service(name))
        runs = (views.run_seen(r) for r in self._customs.of_service(PROBERUN, namespace, name))
        snapshot = Snapshot(
            body=body,
            sets=tuple(_current(seen) for _, seen in sorted(sets.items())),
            pods=tuple(_current(seen) for _, seen in sorted(self._values(POD, namespace, name).items())),
            routed=reachable.get(name, frozenset()),
            reachable=reachable,
            revisions=tuple(seen.value for _, seen in sorted(self._values(REVISION, namespace, name).items())),
            jobs=self._jobs(namespace, name),
            runs=tuple(run for run in runs if run is not None),
            decisions=tuple(views.decision_seen(d) for d in self._customs.of_service(DECISION, namespace, name)),
            probe_sets=await self._resolved(body, namespace),
            stable_selector=stable.value if stable is not None else "",
        )
        versions = {
            Ref(kind, namespace, child): seen.entry.resource_version
            for kind, found in ((REPLICASET, sets), (SERVICE, services))
            for child, seen in found.items()
        }
        return Observation(snapshot, versions)

    async def _resolved(self, body: Object, namespace: str) -> dict[str, ProbeSetSeen]:
        gates = ((body.get("spec") or {}).get("gates") or {}).get("quality") or []
        names = {str((gate.get("probeSetRef") or {}).get("name", "")) for gate in gates if isinstance(gate, dict)}
        found = {name: await self._probe_sets.resolve(namespace, name) for name in sorted(names - {""})}
        return {name: seen for name, seen in found.items() if seen is not None}

    def _jobs(self, namespace: str, name: str) -> tuple[JobSeen, ...]:
        pods = self._values(POD, namespace, name, label=naming.LABEL_PROBE_FOR)
        by_job: dict[str, list[Any]] = {}
        for _, seen in sorted(pods.items()):
            by_job.setdefault(seen.value.job_uid, []).append(seen.value.pod)
        jobs = (seen.value for _, seen in sorted(self._values(JOB, namespace, name).items()))
        return tuple(dataclasses.replace(job, pods=tuple(by_job.get(job.uid, ()))) for job in jobs)

    def _values(
        self, kind: Kind, namespace: str, name: str, *, label: str = naming.LABEL_SERVICE
    ) -> dict[str, Seen[Any]]:
        for informer in self._watches:
            if informer.scope.kind == kind and informer.scope.selector == label and informer.covers(namespace):
                found: dict[str, Seen[Any]] = informer.store.indexed(namespace, name)
                return found
        return {}


def _current(seen: Seen[Any]) -> Any:
    """The projected value, at the version that was seen last: a change in the version alone keeps the old value."""
    return dataclasses.replace(seen.value, resource_version=seen.entry.resource_version)


class ProbeSets:
    """ProbeSets resolved once per version of the object and of the ConfigMap that it refers to."""

    def __init__(self, api: Api, customs: Customs) -> None:
        self._api = api
        self._customs = customs
        self._resolved: dict[tuple[str, str], tuple[tuple[str, ...], ProbeSetSeen, Object]] = {}

    async def resolve(self, namespace: str, name: str) -> ProbeSetSeen | None:
        """Resolve a ProbeSet; None if there is none of this name."""
        found = await self.resolve_with_status(namespace, name)
        return found[0] if found else None

    async def resolve_with_status(self, namespace: str, name: str) -> tuple[ProbeSetSeen, Object] | None:
        """Resolve a ProbeSet and say what its status must be; None if there is none of this name."""
        body = self._customs.get(PROBESET, namespace, name)
        if body is None:
            self._resolved.pop((namespace, name), None)
            return None
        spec = body.get("spec") or {}
        config_map = str((((spec.get("source") or {}).get("configMapRef")) or {}).get("name", ""))
        files, version, missing = await self._files(namespace, config_map)
        token = (body["metadata"]["uid"], str(body["metadata"].get("generation", 0)), version)
        known = self._resolved.get((namespace, name))
        if known is not None and known[0] == token:
            return known[1], known[2]
        if missing:
            seen = ProbeSetSeen(name=name, reason="ProbesNotFound", problem=missing)
            status: Object = {"problems": [{"line": 0, "field": "spec.source.configMapRef.name", "message": missing}]}
        else:
            seen, parsed = read_probe_set(name, spec, files)
            problems = [{"line": p.line, "field": p.field, "message": p.message[:1000]} for p in parsed.problems]
            status = {"digest": parsed.digest, "probes": len(parsed.probes), "critical": parsed.critical}
            status = {k: v for k, v in status.items() if v != ""} | ({"problems": problems} if problems else {})
        self._resolved[(namespace, name)] = (token, seen, status)
        return seen, status

    async def _files(self, namespace: str, config_map: str) -> tuple[dict[str, str], str, str]:
        """The files, their version, and what is missing."""
        if not config_map:
            return {}, "", ""
        try:
            found = await self._api.get(Ref(CONFIGMAP, namespace, config_map))
        except NotFound:
            message = f"found {config_map!r}, allowed is a ConfigMap of this namespace"
            return {}, "missing", f"spec.source.configMapRef.name: {message}"
        return dict(found.get("data") or {}), found["metadata"]["resourceVersion"], ""
