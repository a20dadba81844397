"""The engine's parts connected to a real API server, as user `serinus` with rights in one namespace."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from serinus.shell.apply import Applier, Mark, Outcome, Owner, Sweep, Wanted
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.kinds import LEASES, Kind, Object, Ref
from serinus.shell.kube import Api
from serinus.shell.limits import Limiter
from serinus.shell.login import load_credentials, open_session
from serinus.shell.store import Seen
from serinus.shell.transport import Call, Timeouts, Transport
from serinus.shell.watches import Watches
from serinus.shell.wire import canonical
from tests.engine.waiting import eventually, running
from tests.support.apibed import ApiBed
from tests.support.auditlog import Write

USER = "serinus"
MARK = Mark("serinus", "serinus.dev/applied")
SERVICE_LABEL = "serinus.dev/service"
SERVICES = Kind("", "v1", "services", "Service")
CONFIG_MAPS = Kind("", "v1", "configmaps", "ConfigMap")
PODS = Kind("", "v1", "pods", "Pod")
REPLICA_SETS = Kind("apps", "v1", "replicasets", "ReplicaSet")
JOBS = Kind("batch", "v1", "jobs", "Job")
PROBE_RUNS = Kind("serinus.dev", "v1alpha1", "proberuns", "ProbeRun")
EVENTS_V1 = Kind("events.k8s.io", "v1", "events", "Event")
KINDS = (SERVICES, CONFIG_MAPS, PODS, REPLICA_SETS, JOBS, PROBE_RUNS, LEASES, EVENTS_V1)
_WATCHED = (SERVICES, CONFIG_MAPS, REPLICA_SETS, JOBS, PROBE_RUNS)
_ALL = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


@asynccontextmanager
async def connected(
    bed: ApiBed,
    *,
    url: str = "",
    fence: Callable[[], None] = lambda: None,
    observers: Sequence[Callable[[Call], None]] = (),
    timeouts: Timeouts | None = None,
) -> AsyncIterator[Api]:
    """A client of the bed, or of a proxy before it."""
    credentials = await asyncio.to_thread(load_credentials, bed.kubeconfig(USER, url=url))
    async with open_session(credentials, connections=32) as session:
        limiter = Limiter(qps=1000, burst=1000, concurrency=16)
        transport = Transport(
            session, credentials, limiter, timeouts=timeouts or Timeouts(), fence=fence, observers=observers
        )
        yield Api(transport, field_manager=MARK.manager, kinds=KINDS)


def allow(bed: ApiBed, namespace: str) -> None:
    """Give the user every right in a namespace."""
    bed.grant(USER, _ALL, namespace=namespace)


@dataclass
class Engine:
    """One life of the engine's writing half: informers that are in sync, and an applier on them."""

    api: Api
    watches: Watches
    applier: Applier
    news: list[tuple[str, str]]
    owner: Owner
    namespace: str
    kept: dict[bytes, Wanted] = field(default_factory=dict)

    async def apply(self, *manifests: Object, sweep: Sweep | None = None) -> list[Outcome]:
        """Apply manifests for the owner; one of the same content comes under the same head, as in the engine."""
        wanted = [self.kept.setdefault(canonical(m), Wanted.of(copy.deepcopy(m))) for m in manifests]
        return await self.applier.apply_all(self.owner, wanted, sweep)

    async def sees(self, ref: Ref, resource_version: str) -> None:
        """Wait until the informers have this version of an object."""

        def there() -> bool:
            entry = self.watches.get(ref)
            return entry is not None and int(entry.resource_version) >= int(resource_version)

        await eventually(there, f"{ref.text} at version {resource_version} in the store")

    async def misses(self, ref: Ref) -> None:
        """Wait until the informers know that an object is gone."""
        await eventually(lambda: self.watches.get(ref) is None, f"{ref.text} gone from the store")


@asynccontextmanager
async def engine(
    bed: ApiBed, namespace: str, owner: Owner, *, observers: Sequence[Callable[[Call], None]] = ()
) -> AsyncIterator[Engine]:
    """Start an engine and wait until its caches are filled. Starting a second one is what a restart is."""
    news: list[tuple[str, str]] = []
    async with connected(bed, observers=observers) as api:
        watches = Watches(
            _informer(api, Scope(kind, namespace, SERVICE_LABEL, SERVICE_LABEL), news) for kind in _WATCHED
        )
        applier = Applier(api, watches, MARK, create_once=[JOBS, PROBE_RUNS])
        async with running(watches.run()):
            await eventually(lambda: not watches.unsynced(), "caches filled")
            yield Engine(api, watches, applier, news, owner, namespace)


def _informer(api: Api, scope: Scope, news: list[tuple[str, str]]) -> Informer[None]:
    def on_change(_namespace: str, name: str, _old: Seen[None] | None, _new: Seen[None] | None) -> None:
        news.append((scope.kind.kind, name))

    return Informer[None](api, scope, MARK, on_change=on_change, rhythm=Rhythm(inactivity=20.0))


async def writes(bed: ApiBed) -> list[Write]:
    """What the engine wrote since the last reset, as the API server's audit log has it."""
    return await asyncio.to_thread(bed.writes, USER)


async def reset_writes(bed: ApiBed) -> None:
    """Count from here."""
    await asyncio.to_thread(bed.reset_writes)
