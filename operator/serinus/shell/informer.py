"""One kind, one selector: a list in pages, then a watch, for ever; the memory of it is a `Store`.

It enqueues nothing itself (it tells `on_change`), writes nothing, and survives whatever a watch does: a cut, an ERROR
event, 410, silence, a stale list, an API that is not installed or not allowed, an object that cannot be read.
"""

import asyncio
import enum
import logging
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, TypeVar

from serinus.shell.api_errors import Answer, unanswered
from serinus.shell.entry import Entry, Mark
from serinus.shell.kube import Api, ApiError, Event, Gone, Kind, NotFound, Object, Refused, Unavailable
from serinus.shell.reading import Reader
from serinus.shell.store import Change, Key, Seen, Store, version_number
from serinus.shell.transport import SILENCE

_log = logging.getLogger(__name__)
_jitter = random.SystemRandom().random
T = TypeVar("T")
OnChange = Callable[[str, str, Seen[T] | None, Seen[T] | None], None]
_STALE_TRIES = 3
_CUT_DELAY = 0.2


class State(enum.Enum):
    """What an informer knows: nothing yet, its objects, that there is no such API, that it may not look."""

    STARTING = "Starting"
    SYNCED = "Synced"
    ABSENT = "Absent"
    REFUSED = "Refused"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched: a kind, in one namespace or (None) in all, by label; `index_label` as in `Store`.

    `optional`: nobody waits for it if it may not be listed.
    """

    kind: Kind
    namespace: str | None = None
    selector: str = ""
    index_label: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds: between two compares with a list, of silence before a watch counts as dead, the longest backoff."""

    relist: float = 600.0
    inactivity: float = 70.0
    longest_backoff: float = 30.0


class Informer(Generic[T]):
    """Objects of a scope, kept up to date by `run`.

    With `project` it reads whole objects and keeps what the projection returns, else it reads metadata alone and the
    value is None. A projection that raises leaves an object that is not readable. `on_change(namespace, name, old,
    new)` is called for every difference that somebody else made, also for those that only a compare finds; not for
    one in resourceVersion alone, and not for what `learn` was told (if the watch did not tell it first: then a write
    of ours is news once).
    """

    def __init__(
        self,
        api: Api,
        scope: Scope,
        mark: Mark,
        *,
        on_change: OnChange[T],
        project: Callable[[Object], T] | None = None,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self.scope = scope
        self.store: Store[T] = Store(scope.index_label)
        self.state = State.STARTING
        self.synced = asyncio.Event()
        self._api = api
        self.reader = Reader(scope.kind, mark, project)
        self._on_change = on_change
        self._rhythm = rhythm
        self._installed = asyncio.Event()
        self._contact: float | None = None
        self._version = ""
        self._failures = 0
        self._stale = 0

    def age(self) -> float:
        """Seconds since the last event, bookmark or list; 0 before the first one and while the API is absent."""
        if self._contact is None or self.state is State.ABSENT:
            return 0.0
        return asyncio.get_running_loop().time() - self._contact

    def covers(self, namespace: str | None) -> bool:
        """Objects of this namespace are in the store (if they carry the selector's labels)."""
        known = self.state is not State.STARTING or self.synced.is_set()
        return known and (self.scope.namespace is None or self.scope.namespace == namespace)

    def installed(self) -> None:
        """The API may be there now: look again at once."""
        self._installed.set()

    def learn(self, body: Object) -> Entry:
        """Take over the answer to our own write, so that its event is no news."""
        seen = self.reader.seen(body)
        self.store.offer(_key(body), seen)
        return seen.entry

    def unlearn(self, namespace: str, name: str, resource_version: str) -> None:
        """Take over that we deleted an object that was known at this version."""
        self.store.remove((namespace, name), resource_version)

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            try:
                await self._cycle()
            except NotFound as error:
                # A built-in API is never absent: such an answer must not read as "nothing exists".
                await (self._back_off(error) if self.scope.kind.built_in else self._absent())
            except Gone as error:
                await self._back_off(error)
            except Refused as error:
                self.state = State.REFUSED
                if self.scope.optional:
                    self.synced.set()
                await self._back_off(error)
            except ApiError as error:
                await self._back_off(error)

    async def _cycle(self) -> None:
        self._installed.clear()
        await self._list()
        deadline = asyncio.get_running_loop().time() + self._rhythm.relist * (0.9 + 0.2 * _jitter())
        try:
            async with asyncio.timeout_at(deadline):
                while True:
                    await self._follow()
        except TimeoutError:
            return

    async def _list(self) -> None:
        listed: dict[Key, Seen[T]] = {}
        version = ""
        scope = self.scope
        metadata_only = not self.reader.whole
        async with aclosing(
            self._api.pages(scope.kind, scope.namespace, scope.selector, metadata_only=metadata_only)
        ) as pages:
            async for page in pages:
                self._touch()
                version = version or page.resource_version
                listed.update((_key(body), self.reader.seen(body)) for body in page.items)
        stale = version_number(version) < version_number(self._version)
        if stale and self._stale < _STALE_TRIES:
            self._stale += 1
            message = f"the list is of version {version}, but {self._version} was seen before"
            raise Gone(f"list {scope.kind.resource}", Answer(0, "StaleList", message))
        changes = self.store.reset(listed) if stale else self.store.replace(listed, version)
        self._stale, self._version = 0, version
        self.state = State.SYNCED
        self.synced.set()
        self._tell(changes)

    async def _follow(self) -> None:
        """One watch stream. One that ends without a single event tells nothing: then the next thing is a list.

        One that was opened and is silent is another matter, for bookmarks are no promise: a new stream goes on from
        the same version, so that nothing which the old one kept back is lost.
        """
        heard, opened = False, asyncio.get_running_loop().time()
        try:
            async with aclosing(self._watch()) as events:
                async for event in events:
                    heard = True
                    self._failures = 0
                    self._touch()
                    self._take(event)
        except Unavailable as error:
            if error.reason == SILENCE:
                self._contact = max(self._contact or opened, opened)
                return
            if not heard or error.code:
                raise
            await asyncio.sleep(_CUT_DELAY * (1 + _jitter()))
        if not heard:
            raise unanswered(f"watch {self.scope.kind.resource}", "EmptyStream", "it ended without a single event")

    def _watch(self) -> AsyncGenerator[Event, None]:
        return self._api.watch(
            self.scope.kind,
            self.scope.namespace,
            self.scope.selector,
            resource_version=self._version,
            metadata_only=not self.reader.whole,
            inactivity=self._rhythm.inactivity,
        )

    def _take(self, event: Event) -> None:
        version = event.object["metadata"]["resourceVersion"]
        if version_number(version) > version_number(self._version):
            self._version = version
        if event.type == "BOOKMARK":
            return
        key = _key(event.object)
        if event.type == "DELETED":
            change = self.store.remove(key, version)
        elif self.store.knows(key, version):
            return  # the echo of a write of ours: not read once more
        else:
            change = self.store.offer(key, self.reader.seen(event.object))
        self._tell([] if change is None else [change])

    def _tell(self, changes: list[Change[T]]) -> None:
        for change in changes:
            self._on_change(change.namespace, change.name, change.old, change.new)

    async def _absent(self) -> None:
        """Nothing of an API that is gone exists; look again when told, or at the next compare."""
        self.state = State.ABSENT
        self.synced.set()
        self._version, self._failures = "", 0
        self._tell(self.store.reset({}))
        try:
            async with asyncio.timeout(self._rhythm.relist):
                await self._installed.wait()
        except TimeoutError:
            return

    async def _back_off(self, error: ApiError) -> None:
        self._failures += 1
        delay = min(self._rhythm.longest_backoff, 0.25 * 2 ** min(self._failures, 16)) * (1 - _jitter() / 2)
        _log.info("watch of %s again in %.1f s: %s", self.scope.kind.resource, delay, error)
        await asyncio.sleep(delay)

    def _touch(self) -> None:
        self._contact = asyncio.get_running_loop().time()


def _key(body: Object) -> Key:
    metadata = body["metadata"]
    return metadata.get("namespace") or "", metadata["name"]
