"""Owns a complete history of one namespace: every state of every object that bears on users, in the order of the API.

It watches and remembers; it changes nothing. One etcd gives all kinds one order: that of their resourceVersions.
"""

import asyncio
import contextlib
import json
import ssl
import threading
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.apibed import ApiBed
from tests.support.bedclient import Client
from tests.support.lastwords import connections_ended
from tests.support.processes import eventually

Manifest = dict[str, Any]
KINDS = {
    "Pod": "v1",
    "Service": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "ReplicaSet": "apps/v1",
    "ControllerRevision": "apps/v1",
    "Job": "batch/v1",
    "LLMService": "serinus.dev/v1alpha1",
    "ProbeRun": "serinus.dev/v1alpha1",
}
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One state of one object, or its end."""

    version: int
    kind: str
    name: str
    body: Manifest
    deleted: bool


class History:
    """What happened in a namespace since the start."""

    def __init__(self, bed: ApiBed, namespace: str) -> None:
        self._bed = bed
        self._client = Client(bed.client.access)
        self._namespace = namespace
        self._events: dict[str, list[Event]] = {kind: [] for kind in KINDS}
        self._lock = threading.Lock()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problem: BaseException | None = None
        self._paths = {kind: self._client.path(version, kind, namespace) for kind, version in KINDS.items()}
        self.start = int(self._client.request("GET", self._paths["Pod"]).json()["metadata"]["resourceVersion"])
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)
        self._thread.start()

    def events(self) -> list[Event]:
        """Everything until now, in order: waits until each watch has caught up with a list."""
        for kind in KINDS:
            eventually(lambda k=kind: self._caught_up(k), f"the watch of {kind} caught up")  # type: ignore[misc]
        with self._lock:
            found = [event for events in self._events.values() for event in events]
        return sorted(found, key=lambda event: event.version)

    def now(self) -> int:
        """The resourceVersion of this moment."""
        return int(self._client.request("GET", self._paths["Pod"]).json()["metadata"]["resourceVersion"])

    def close(self) -> None:
        """End the watches."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)
        self._client.close()

    def _caught_up(self, kind: str) -> bool:
        if self._problem is not None:
            raise AssertionError(f"the history is not complete: {self._problem}") from self._problem
        items = self._client.request("GET", self._paths[kind]).json()["items"]
        with self._lock:
            last = {event.name: event for event in self._events[kind]}
        there = {i["metadata"]["name"]: int(i["metadata"]["resourceVersion"]) for i in items}
        seen = {name: event.version for name, event in last.items() if not event.deleted}
        new = {name for name, version in there.items() if version > self.start}
        return all(seen.get(name, 0) >= there[name] for name in new) and all(name in there for name in seen)

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except BaseException as e:  # noqa: BLE001 -- told by `events`, in the caller's thread
            self._problem = e

    async def _serve(self) -> None:
        trusted = ssl.create_default_context(cafile=str(self._bed.ca))
        headers = {"Authorization": f"Bearer {self._client.access.token}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
        async with aiohttp.ClientSession(
            self._bed.url, connector=connector, headers=headers, timeout=timeout, read_bufsize=2**22
        ) as session:
            tasks = [asyncio.ensure_future(self._watch(session, kind)) for kind in KINDS]
            stopping = asyncio.ensure_future(self._stop.wait())
            done, pending = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            for task in pending:
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            for task in done:
                task.result()
        await connections_ended()

    async def _watch(self, session: aiohttp.ClientSession, kind: str) -> None:
        """Follow one kind; a stream that ends is taken up where it ended."""
        version = str(self.start)
        while True:
            query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
            async with session.get(self._paths[kind], params=query, raise_for_status=True) as stream:
                try:
                    version = await self._follow(kind, stream, version)
                finally:
                    if stream.connection is not None and stream.connection.transport is not None:
                        stream.connection.transport.abort()

    async def _follow(self, kind: str, stream: aiohttp.ClientResponse, version: str) -> str:
        async for line in stream.content:
            event = json.loads(line)
            if event["type"] == "ERROR":
                raise RuntimeError(f"watch of {kind}: {event['object']}")
            version = event["object"]["metadata"]["resourceVersion"]
            if event["type"] != "BOOKMARK":
                self._keep(kind, event)
        return version

    def _keep(self, kind: str, event: Manifest) -> None:
        body = event["object"]
        body["metadata"].pop("managedFields", None)
        meta = body["metadata"]
        kept = Event(int(meta["resourceVersion"]), kind, meta["name"], body, event["type"] == "DELETED")
        with self._lock:
            self._events[kind].append(kept)
