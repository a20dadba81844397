"""What only the leader does: watch, queue, reconcile, tell. It wires the parts; each part decides for itself."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

import kopf

from serinus.core import naming
from serinus.core.catalogue import Library
from serinus.core.decisions import Trust
from serinus.plan import Surroundings
from serinus.shell import handlers, logs
from serinus.shell.apply import Applier
from serinus.shell.built import Built
from serinus.shell.discovery import Discovery
from serinus.shell.events import Recorder as EventRecorder
from serinus.shell.informer import Informer, Rhythm, Scope
from serinus.shell.intake import Intake, Key, Relister
from serinus.shell.kinds import CRDS, Kind
from serinus.shell.kube import Api
from serinus.shell.login import Credentials
from serinus.shell.observe import Observer
from serinus.shell.output_settings import output_settings
from serinus.shell.probe_process import ProbeReader
from serinus.shell.reconcile import Reconciler, Tools
from serinus.shell.scrapers import Scrapers
from serinus.shell.settings import Settings
from serinus.shell.shared import Shared, shared_watches
from serinus.shell.shared_dashboards import SharedDashboards
from serinus.shell.shared_logs import SharedLogs
from serinus.shell.telemetry import Telemetry
from serinus.shell.voice import Voice
from serinus.shell.watches import Watches
from serinus.shell.workqueue import Priority, WorkQueue
from serinus.shell.world import JOB, KINDS, LLMSERVICE, MARK, PROBERUN, PROBESET, Customs, make_watches

_log = logging.getLogger(__name__)
_SHARED = Key("Shared", "", "")
_SHARED_LOGS = Key("SharedLogs", "", "")
_SHARED_DASHBOARDS = Key("SharedDashboards", "", "")
_ALL_SHARED = (_SHARED, _SHARED_LOGS, _SHARED_DASHBOARDS)
_GATHERED = 1.0
"""Seconds in which changes of services are gathered before what they share is looked at."""


class Leader:
    """The engine of one leadership. `unfilled` says what has not been listed once."""

    def __init__(
        self, settings: Settings, api: Api, library: Library, telemetry: Telemetry, queue: WorkQueue[Key]
    ) -> None:
        self._settings = settings
        self._api = api
        self._queue = queue
        self._telemetry = telemetry
        self._filled = False
        self._namespaces: tuple[str | None, ...] = settings.namespaces or (None,)
        self._rhythm = Rhythm(relist=settings.resync)
        self._customs = Customs()
        self._intake = Intake(self._customs, queue, on_services=self._services_changed)
        self._discovery = Discovery(api, KINDS, on_change=self._apis_changed)
        self._children = make_watches(api, self._namespaces, self._intake.child_changed, rhythm=self._rhythm)
        self._rules = shared_watches(api, settings.namespace, self._look_at_shared, rhythm=self._rhythm)
        self._scrapers = Scrapers(api, self._intake.resync, cluster_wide=settings.cluster_wide, rhythm=self._rhythm)
        self.watches = Watches([*self._children, *self._rules, *self._scrapers.informers, *self._crds()])
        self._around = _surroundings(settings, library)
        self._events = EventRecorder(
            api,
            controller=f"{naming.GROUP}/operator",
            instance=settings.lease.identity,
            on_dropped=telemetry.event_dropped,
        )

    def unfilled(self) -> list[str]:
        """Resources that were not listed once."""
        return [] if self._filled else (self.watches.unsynced() or ["llmservices"])

    async def run(self, credentials: Credentials) -> None:
        """Lead until cancelled; a part that fails ends all of them."""
        await self._discovery.refresh()
        for resource in self.watches.resources():
            self._telemetry.watch_age(resource, partial(self.watches.age, resource))
            self._telemetry.unreadable(resource, partial(self.watches.unreadable, resource))
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self.watches.run())
            for informer in self.watches:
                await informer.synced.wait()
            relister = Relister(self._api, self._customs, self._intake, self._namespaces)
            await relister.fill()
            self._filled = True
            self._look_at_shared()
            logs.event(_log, "leading", services=len(self._customs.keys(LLMSERVICE)))
            parts = (self._discovery.run(), self._events.run(), self._work(), relister.run(self._settings.resync))
            tasks = [watching, *(group.create_task(part) for part in parts)]

            def stop() -> None:
                for task in tasks:
                    task.cancel()

            await self._kopf(credentials, stop)
            stop()

    async def _kopf(self, credentials: Credentials, stop: Callable[[], None]) -> None:
        """Run kopf as the shell that tells what our own objects become, until SIGTERM or a watch that cannot go on."""
        await kopf.operator(
            registry=handlers.make_registry(self._intake, credentials, stop),
            settings=handlers.make_settings(cluster_wide=self._settings.cluster_wide),
            standalone=True,
            clusterwide=self._settings.cluster_wide,
            namespaces=list(self._settings.namespaces),
        )

    async def _work(self) -> None:
        tools = self._tools()
        reconciler, shared = Reconciler(tools), self._shared()
        others: dict[Key, SharedLogs | SharedDashboards] = {
            _SHARED_LOGS: self._shared_logs(),
            _SHARED_DASHBOARDS: self._shared_dashboards(),
        }

        async def handle(key: Key) -> float | None:
            if key.kind == LLMSERVICE.kind:
                return await reconciler.run(key.namespace, key.name)
            if key.kind == PROBESET.kind:
                return await reconciler.run_probe_set(key.namespace, key.name)
            return await (others[key].run() if key in others else shared.run())

        try:
            await self._queue.run(handle)
        finally:
            await tools.observer.probe_sets.close()

    def _tools(self) -> Tools:
        reader = ProbeReader(python=self._around.settings.allow_python)
        return Tools(
            api=self._api,
            applier=Applier(self._api, self._children, MARK, create_once=(JOB, PROBERUN)),
            observer=Observer(self._api, self._children, self._customs, self._scrapers.found, reader),
            customs=self._customs,
            watches=self._children,
            around=self._around,
            voice=Voice(self._events, self._telemetry.services),
            installed=self._installed,
        )

    def _shared(self) -> Shared:
        applier = Applier(self._api, self._rules, MARK)
        around = self._around
        return Shared(applier, self._customs, around.catalogue, around.settings, self._installed, around.alerts)

    def _shared_logs(self) -> SharedLogs:
        applier = Applier(self._api, self._rules, MARK)
        return SharedLogs(self._api, applier, self._customs, self._around.catalogue, self._around.settings)

    def _shared_dashboards(self) -> SharedDashboards:
        applier = Applier(self._api, self._rules, MARK)
        return SharedDashboards(applier, self._customs, self._around.catalogue, self._around.settings, self._installed)

    def _installed(self, api_version: str) -> bool:
        """Whether any kind of ours of this API is served; one CRD of a group may be absent alone, which apply says."""
        return self._discovery.serves(api_version)

    def _apis_changed(self, came: frozenset[Kind], went: frozenset[Kind]) -> None:
        """Outputs follow the installed APIs without a restart."""
        self.watches.installed(came | went)
        self._intake.resync()
        self._look_at_shared()

    def _look_at_shared(self) -> None:
        for key in _ALL_SHARED:
            self._queue.add(key, Priority.RESYNC)

    def _services_changed(self) -> None:
        for key in _ALL_SHARED:
            self._queue.add_after(key, _GATHERED)

    def _crds(self) -> Iterable[Informer[None]]:
        """Watch CRDs, where that is granted: one that comes or goes changes what is installed."""
        if not self._settings.cluster_wide:
            return []
        trigger: Callable[..., None] = lambda *_: self._discovery.trigger()  # noqa: E731 - bound late on purpose
        return [Informer(self._api, Scope(CRDS, optional=True), MARK, on_change=trigger, rhythm=self._rhythm)]


def _surroundings(settings: Settings, library: Library) -> Surroundings:
    outputs = output_settings(settings, library)
    trust = Trust(verified=settings.authors_verified, unverified_allowed=settings.allow_unverified_decisions)
    built = Built()
    return Surroundings(
        catalogue=library.runtimes,
        settings=outputs,
        alerts=library.alerts,
        trust=trust,
        evidence_max_age=settings.evidence_max_age,
        build=built.build,
        say=built.say,
        read=built.read,
    )
