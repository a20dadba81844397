"""What comes in becomes a key in the queue: events of our own kinds, and a list compared with the memory now and then.

It remembers objects and enqueues; it decides nothing, and writes nothing.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api, ApiError, NotFound
from serinus.shell.workqueue import Priority, WorkQueue
from serinus.shell.world import DECISION, LLMSERVICE, OWN_KINDS, PROBERUN, PROBESET, Customs

_log = logging.getLogger(__name__)
_MOMENT = 0.05
"""Seconds in which changes of children are gathered: controllers answer one change of ours with several of theirs."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a worker works on: a service or a ProbeSet."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:  # type: ignore[explicit-override]
        return f"{self.kind} {self.namespace}/{self.name}"


class Intake:
    """The one way from an event to the queue."""

    def __init__(
        self, customs: Customs, queue: WorkQueue[Key], *, on_services: Callable[[], None] = lambda: None
    ) -> None:
        self._customs = customs
        self._queue = queue
        self._on_services = on_services  # called when a service comes, goes, or has another spec

    def child_changed(self, namespace: str, service: str) -> None:
        """A foreign change of a child: its owner is looked at, once for the changes of one moment."""
        self._queue.add_after(Key(LLMSERVICE.kind, namespace, service), _MOMENT)

    def is_news(self, kind: Kind, body: Mapping[str, Any]) -> bool:
        """Whether an object is not known at this version or a newer one."""
        return not self._customs.knows(kind, body)

    def offered(self, kind: Kind, body: Object, priority: Priority) -> None:
        """An object as it is now; old news changes nothing."""
        namespace, name = body["metadata"].get("namespace", ""), body["metadata"]["name"]
        known = self._customs.get(kind, namespace, name)
        generation = known["metadata"].get("generation") if known else None
        if not self._customs.offer(kind, body):
            return
        changed = generation is None or generation != body["metadata"].get("generation")
        if kind == LLMSERVICE and changed:
            self._on_services()
        self._enqueue(kind, body, priority if changed else Priority.RESYNC)

    def gone(self, kind: Kind, body: Object) -> None:
        """An object that was deleted."""
        self._customs.remove(kind, body["metadata"].get("namespace", ""), body["metadata"]["name"])
        if kind == LLMSERVICE:
            self._on_services()
        self._enqueue(kind, body, Priority.USER)

    def resync(self) -> None:
        """Look at everything again."""
        for kind in (LLMSERVICE, PROBESET):
            for namespace, name in self._customs.keys(kind):
                self._queue.add(Key(kind.kind, namespace, name), Priority.RESYNC)
        for namespace, service in self._customs.services(PROBERUN):
            # Evidence may outlive its service, but not its time.
            if self._customs.get(LLMSERVICE, namespace, service) is None:
                self._queue.add(Key(LLMSERVICE.kind, namespace, service), Priority.RESYNC)

    def _enqueue(self, kind: Kind, body: Object, priority: Priority) -> None:
        namespace, name = body["metadata"].get("namespace", ""), body["metadata"]["name"]
        if kind in (PROBERUN, DECISION):
            service = ((body.get("spec") or {}).get("llmServiceRef") or {}).get("name", "")
            self._queue.add(Key(LLMSERVICE.kind, namespace, str(service)), priority)
            return
        self._queue.add(Key(kind.kind, namespace, name), priority)
        if kind == PROBESET:
            for service in self._asking(namespace, name):
                self._queue.add(Key(LLMSERVICE.kind, namespace, service), priority)

    def _asking(self, namespace: str, probe_set: str) -> Iterable[str]:
        """Services of a namespace with a gate that asks this ProbeSet."""
        for where, name in self._customs.keys(LLMSERVICE):
            body = self._customs.get(LLMSERVICE, where, name) if where == namespace else None
            gates = (((body or {}).get("spec") or {}).get("gates") or {}).get("quality") or []
            if any((gate.get("probeSetRef") or {}).get("name") == probe_set for gate in gates):
                yield name


class Relister:
    """Compares lists of our own kinds with the memory: finds what a watch has missed, in both directions."""

    def __init__(self, api: Api, customs: Customs, intake: Intake, namespaces: Iterable[str | None]) -> None:
        self._api = api
        self._customs = customs
        self._intake = intake
        self._namespaces = tuple(namespaces)

    async def fill(self) -> None:
        """Fill an empty memory; raises ApiError."""
        for kind in OWN_KINDS:
            for namespace in self._namespaces:
                async for page in self._api.pages(kind, namespace):
                    for body in page.items:
                        self._intake.offered(kind, _typed(kind, body), Priority.RESYNC)

    async def run(self, interval: float) -> None:
        """Compare and look at everything again, every `interval` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                for kind in OWN_KINDS:
                    for namespace in self._namespaces:
                        await self._compare(kind, namespace)
            except ApiError as e:
                _log.warning("relist failed, again in %.0f s: %s", interval, e)
            self._intake.resync()

    async def _compare(self, kind: Kind, namespace: str | None) -> None:
        listing = await self._api.list(kind, namespace, metadata_only=True)
        there = {(b["metadata"].get("namespace", ""), b["metadata"]["name"]): b for b in listing.items}
        for key in self._customs.keys(kind):
            if key not in there and namespace in (None, key[0]):
                self._intake.gone(kind, self._customs.get(kind, *key) or _nameless(key))
        for key, body in there.items():
            known = self._customs.get(kind, *key)
            if known is None or known["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
                await self._fetch(Ref(kind, *key))

    async def _fetch(self, ref: Ref) -> None:
        try:
            self._intake.offered(ref.kind, await self._api.get(ref), Priority.RESYNC)
        except NotFound:
            return


def _typed(kind: Kind, body: Object) -> Object:
    """Items of a list carry no type of their own."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **body}


def _nameless(key: tuple[str, str]) -> Object:
    return {"metadata": {"namespace": key[0], "name": key[1]}}
