"""From the memory of the engine to a Snapshot of one service. Reads only; what it cannot see it leaves out."""

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from serinus.core import naming, views
from serinus.core.scrapers import Scraper
from serinus.core.seen import JobSeen, ProbeSetSeen, RevisionSeen, Snapshot
from serinus.shell.entry import Entry
from serinus.shell.informer import Informer
from serinus.shell.kinds import Kind, Object
from serinus.shell.kube import Api
from serinus.shell.probe_process import ProbeReader
from serinus.shell.probe_sets import ProbeSets
from serinus.shell.store import Seen
from serinus.shell.watches import Watches
from serinus.shell.world import (
    DECISION,
    JOB,
    LLMSERVICE,
    POD,
    PROBERUN,
    REPLICASET,
    REVISION,
    SERVICE,
    SLICE,
    Customs,
)

__all__ = ["Observation", "Observer", "ProbeSets"]


@dataclass(frozen=True, slots=True)
class Observation:
    """A snapshot, and the versions of the objects that bear traffic, by kind and name.

    `again`: seconds until questions that could not be read are worth another look; None: there are none.
    """

    snapshot: Snapshot
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    again: float | None = None


class NotReadable(Exception):
    """A child is there and cannot be read: nothing is decided on what is known of the others."""


class Observer:
    """Reads the world of one service."""

    def __init__(
        self,
        api: Api,
        watches: Watches,
        customs: Customs,
        scrapers: Callable[[], tuple[Scraper, ...]] = lambda: (),
        reader: ProbeReader | None = None,
    ) -> None:
        self._scrapers = scrapers
        self._informers: dict[tuple[Kind, str], list[Informer[Any]]] = {}
        for informer in watches:
            self._informers.setdefault((informer.scope.kind, informer.scope.selector), []).append(informer)
        self._customs = customs
        self._probe_sets = ProbeSets(api, customs, reader=reader)

    @property
    def probe_sets(self) -> ProbeSets:
        """The resolved ProbeSets."""
        return self._probe_sets

    async def observe(self, body: Object) -> Observation:
        """Observe everything that a plan for this LLMService needs; questions that cannot be read stand in it as such.

        Raises NotReadable for a child that cannot be read.
        """
        namespace, name, uid = (body["metadata"][key] for key in ("namespace", "name", "uid"))
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
            sets=tuple(_current(seen) for _, seen in sorted(sets.items()) if _counts(seen.entry, uid)),
            pods=tuple(_current(seen) for _, seen in sorted(self._values(POD, namespace, name).items())),
            routed=reachable.get(name, frozenset()),
            reachable=reachable,
            selected={child: seen.value for child, seen in services.items()},
            revisions=self._records(namespace, name, uid),
            jobs=self._jobs(namespace, name),
            runs=tuple(run for run in runs if run is not None),
            decisions=tuple(views.decision_seen(d) for d in self._customs.of_service(DECISION, namespace, name)),
            probe_sets=await self._resolved(body, namespace),
            stable_selector=stable.value if stable is not None else "",
            scrapers=self._scrapers(),
        )
        versions = {
            (kind.kind, child): seen.entry.resource_version
            for kind, found in ((REPLICASET, sets), (SERVICE, services))
            for child, seen in found.items()
        }
        waits = [self._probe_sets.again(namespace, probe_set) for probe_set in snapshot.probe_sets]
        return Observation(snapshot, versions, min((w for w in waits if w is not None), default=None))

    def _records(self, namespace: str, name: str, uid: str) -> tuple[RevisionSeen, ...]:
        """The ControllerRevisions, each under the one name that it can have: a copy says nothing."""
        found = sorted(self._values(REVISION, namespace, name).items())
        mine = ((child, seen.value) for child, seen in found if _counts(seen.entry, uid))
        return tuple(value for child, value in mine if child == naming.revision_object(name, value.name))

    async def _resolved(self, body: Object, namespace: str) -> dict[str, ProbeSetSeen]:
        gates = ((body.get("spec") or {}).get("gates") or {}).get("quality") or []
        names = {str((gate.get("probeSetRef") or {}).get("name", "")) for gate in gates if isinstance(gate, dict)}
        asked = sorted(names - {""})
        found = await asyncio.gather(*(self._probe_sets.resolve(namespace, name) for name in asked))
        return {name: seen for name, seen in zip(asked, found, strict=True) if seen is not None}

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
        for informer in self._informers.get((kind, label), ()):
            if informer.covers(namespace):
                found: dict[str, Seen[Any]] = informer.store.indexed(namespace, name)
                dark = [child for child, seen in sorted(found.items()) if not seen.readable]
                if dark:
                    raise NotReadable(f"{kind.kind} {namespace}/{dark[0]}: is there, but cannot be read; see the log")
                return found
        return {}


def _counts(entry: Entry, uid: str) -> bool:
    """Whether an object is this service's, or nobody's and made by us. One of an earlier service has yet to go."""
    owners = [owner.uid for owner in entry.owners if owner.kind == LLMSERVICE.kind]
    return uid in owners if owners else entry.made


def _current(seen: Seen[Any]) -> Any:
    """The projected value, at the version that was seen last: a change in the version alone keeps the old value."""
    return dataclasses.replace(seen.value, resource_version=seen.entry.resource_version)
