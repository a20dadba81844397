"""Kubernetes Events for people: one for each object, reason and key, also across restarts. Never a condition for work.

The name of an Event is a hash of what it says it for, so the same one is never posted twice while the server keeps
it (an hour, by default). It drops rather than waits: a lost event is counted, nothing depends on it.
"""

import asyncio
import datetime as dt
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from serinus.shell.kinds import EVENTS, Object, Ref
from serinus.shell.kube import Api, ApiError, Conflict, NotFound, Refused, Unavailable

_log = logging.getLogger(__name__)
_MAX_NOTE = 1024
_TRIES = 4
_FIRST_DELAY = 1.0
EventType = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened to an object (`ref`, `uid`): a CamelCase reason, a sentence; told once for each `key`.

    `lasting`: it is found again by every life of ours, not met once, so an earlier one may have told it.
    """

    ref: Ref
    uid: str
    reason: str
    note: str
    key: str
    type: EventType = "Normal"
    action: str = "Reconcile"
    lasting: bool = False

    def name(self) -> str:
        """Name of the Event: the same for the same object, reason and key."""
        told = f"{self.uid}\n{self.reason}\n{self.key}"
        return f"{self.ref.name[:200].rstrip('-.')}.{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class Recorder:
    """Posts events in the background. `remembered` names are kept in memory, `waiting` ones at most wait."""

    def __init__(
        self,
        api: Api,
        *,
        controller: str,
        instance: str,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        on_dropped: Callable[[], None] = lambda: None,
        waiting: int = 1000,
        remembered: int = 20_000,
    ) -> None:
        self._api = api
        self._controller = controller
        self._instance = instance
        self._now = now
        self._on_dropped = on_dropped
        self._waiting = waiting
        self._remembered = remembered
        self._told: OrderedDict[tuple[str | None, str], None] = OrderedDict()
        self._queue: OrderedDict[tuple[str | None, str], tuple[Happening, dt.datetime]] = OrderedDict()
        self._news = asyncio.Event()

    def record(self, happening: Happening) -> None:
        """Tell it once. Returns at once; the oldest waiting event is dropped when too many wait."""
        key = (happening.ref.namespace, happening.name())
        if key in self._told:
            self._told.move_to_end(key)
            return
        self._told[key] = None
        self._queue[key] = (happening, self._now())
        if len(self._told) > self._remembered:
            self._told.popitem(last=False)
        if len(self._queue) > self._waiting:
            dropped, _ = self._queue.popitem(last=False)
            self._told.pop(dropped, None)
            self._on_dropped()
        self._news.set()

    def waiting(self) -> int:
        """Events that have yet to be posted."""
        return len(self._queue)

    async def run(self) -> None:
        """Post what is recorded until cancelled. Raises what the fence raises."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._queue:
                key, (happening, when) = next(iter(self._queue.items()))
                await self._tell(happening, when)
                self._queue.pop(key, None)

    async def _tell(self, happening: Happening, when: dt.datetime) -> None:
        for attempt in range(_TRIES):
            try:
                await self._post(happening, when)
                return
            except Unavailable as error:
                delay = max(_FIRST_DELAY * 2**attempt, error.retry_after or 0.0)
                await asyncio.sleep(min(delay, 30.0))
            except (Refused, NotFound) as error:
                _log.info("event not posted: %s", error)
                break
            except ApiError as error:
                _log.warning("event not posted: %s", error)
                break
        self._on_dropped()

    async def _post(self, happening: Happening, when: dt.datetime) -> None:
        """What an earlier life of ours has told is not written again; where that is likely, look first."""
        ref = Ref(EVENTS, happening.ref.namespace or "default", happening.name())
        if happening.lasting and await self._told_before(ref):
            return
        try:
            await self._api.create(self._manifest(ref, happening, when))
        except Conflict as error:
            if not error.already_exists:
                raise

    async def _told_before(self, ref: Ref) -> bool:
        try:
            await self._api.get(ref, metadata_only=True)
        except NotFound:
            return False
        return True

    def _manifest(self, ref: Ref, happening: Happening, when: dt.datetime) -> Object:
        about = happening.ref
        namespace = {"namespace": about.namespace} if about.namespace else {}
        kind = {"apiVersion": about.kind.api_version, "kind": about.kind.kind}
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {"name": ref.name, "namespace": ref.namespace},
            "eventTime": when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "reportingController": self._controller,
            "reportingInstance": self._instance[:128],
            "action": happening.action,
            "reason": happening.reason,
            "type": happening.type,
            "note": _cut(happening.note),
            "regarding": {**kind, **namespace, "name": about.name, "uid": happening.uid},
        }


def _cut(note: str) -> str:
    """At most 1,024 bytes: the server counts bytes."""
    encoded = note.encode()
    return note if len(encoded) <= _MAX_NOTE else encoded[: _MAX_NOTE - 3].decode(errors="ignore") + "…"
