"""ProbeSets resolved once per version of the object and of its ConfigMap. It never keeps a rollback waiting for long.

It reads and keeps; it writes nothing. What cannot be read is a result like others: its reason holds steps forward.
"""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from serinus.core.judge import JudgeService
from serinus.core.seen import ProbeSetSeen
from serinus.shell.kinds import Object
from serinus.shell.kube import Api
from serinus.shell.probe_process import CannotRead, ProbeReader
from serinus.shell.probe_sources import Source, Unread, read_source
from serinus.shell.world import PROBESET, Customs

READ_AGAIN: Final = 30.0
"""Seconds for which a ConfigMap that was read is believed."""
TRY_AGAIN: Final = 10.0
"""Seconds after which a ConfigMap that could not be read is tried again."""
_UNFINISHED_AGAIN: Final = 3600.0
"""Seconds until a source that took too long is tried again, if nobody changes it: the machine may have been slow."""

Key = tuple[str, str]
Identity = tuple[str, str]
"""UID and generation of a ProbeSet."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that a caller waits: for the first result of a version, and for a newer one when there is one."""

    first: float = 20.0
    newer: float = 5.0


@dataclass(frozen=True, slots=True)
class _Known:
    identity: Identity
    version: str  # of everything that it refers to; empty: nothing, or nothing was read
    until: float
    seen: ProbeSetSeen
    status: Object = field(default_factory=dict)
    retry: bool = False  # somebody waits for a better answer
    stale: float = math.inf  # when the same source is read once more


@dataclass(frozen=True, slots=True)
class _Work:
    identity: Identity
    task: "asyncio.Task[_Known]"


class ProbeSets:
    """The resolved ProbeSets. `clock` gives seconds that only grow."""

    def __init__(
        self,
        api: Api,
        customs: Customs,
        *,
        reader: ProbeReader | None = None,
        clock: Callable[[], float] = time.monotonic,
        patience: Patience = Patience(),
    ) -> None:
        self._api = api
        self._customs = customs
        self._reader = reader or ProbeReader()
        self._clock = clock
        self._patience = patience
        self._known: dict[Key, _Known] = {}
        self._work: dict[Key, _Work] = {}

    async def resolve(self, namespace: str, name: str) -> ProbeSetSeen | None:
        """Resolve a ProbeSet; None if there is none of this name."""
        found = await self.resolve_with_status(namespace, name)
        return found[0] if found else None

    async def resolve_with_status(self, namespace: str, name: str) -> tuple[ProbeSetSeen, Object] | None:
        """Resolve a ProbeSet and say what its status must be; None if there is none of this name.

        Raises nothing for what cannot be read or takes long: then the last result of this generation counts, or the
        reason is ProbesNotFound (absent or forbidden), ProbesUnreadable (not yet), ProbeSetInvalid (never).
        """
        key = (namespace, name)
        while (body := self._customs.get(PROBESET, namespace, name)) is not None:
            known = self._last(key, body)
            if known is not None and self._clock() < known.until:
                return known.seen, known.status
            task = self._working(key, body)
            await asyncio.wait({task}, timeout=self._patience.newer if known else self._patience.first)
            if not task.done():
                late = self._late(key, body)
                return late.seen, late.status
            if not task.cancelled():
                found = task.result()
                return found.seen, found.status
        self._forget(key)
        return None

    def again(self, namespace: str, name: str) -> float | None:
        """Seconds until a failed reading is worth another look; None if there is nothing to wait for."""
        known = self._known.get((namespace, name))
        return max(1.0, known.until - self._clock()) if known is not None and known.retry else None

    async def close(self) -> None:
        """End everything that is being read."""
        tasks = [work.task for work in self._work.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _last(self, key: Key, body: Object) -> _Known | None:
        """The last result of this generation: no verdict rests on questions that were replaced."""
        known = self._known.get(key)
        return known if known is not None and known.identity == _identity(body) else None

    def _working(self, key: Key, body: Object) -> "asyncio.Task[_Known]":
        """The one task that reads this generation; an older one is ended."""
        work = self._work.get(key)
        if work is not None and work.identity == _identity(body):
            return work.task
        if work is not None:
            work.task.cancel()
        task = asyncio.create_task(self._refresh(key, body))
        self._work[key] = _Work(_identity(body), task)
        task.add_done_callback(lambda done: self._ended(key, done))
        return task

    def _ended(self, key: Key, task: "asyncio.Task[_Known]") -> None:
        work = self._work.get(key)
        if work is None or work.task is not task:
            return
        del self._work[key]
        if not task.cancelled() and task.exception() is None:
            self._known[key] = task.result()

    def _late(self, key: Key, body: Object) -> _Known:
        """What counts while the reading goes on: nobody waits for the same reading twice."""
        problem = "its questions are still being read"
        unread = ProbeSetSeen(name=key[1], reason="ProbesUnreadable", problem=problem)
        known = self._last(key, body) or _Known(_identity(body), "", 0.0, unread, _said("spec.source", problem))
        self._known[key] = replace(known, until=self._clock() + TRY_AGAIN, retry=True)
        return self._known[key]

    def _forget(self, key: Key) -> None:
        self._known.pop(key, None)
        work = self._work.pop(key, None)
        if work is not None:
            work.task.cancel()

    async def _refresh(self, key: Key, body: Object) -> _Known:
        try:
            source = await read_source(self._api, key[0], body.get("spec") or {})
        except Unread as e:
            known = self._last(key, body)
            if e.later and known is not None:
                return replace(known, until=self._clock() + TRY_AGAIN, retry=True)
            if e.later:
                unread = ProbeSetSeen(name=key[1], reason="ProbesUnreadable", problem=e.message)
            else:
                unread = ProbeSetSeen(name=key[1], reason="ProbesNotFound", problem=e.message)
            return self._unread(body, unread, e.where)
        known = self._last(key, body)
        if source.version and known is not None and known.version == source.version and self._clock() < known.stale:
            return replace(known, until=self._clock() + READ_AGAIN, retry=False)
        return await self._read(key, body, source)

    async def _read(self, key: Key, body: Object, source: Source) -> _Known:
        try:
            seen, status = await self._reader.read(key[1], body.get("spec") or {}, source.files, source.labelled)
            seen = _with_services(seen, source.services)
            stale = math.inf
        except CannotRead as e:
            seen = ProbeSetSeen(name=key[1], reason="ProbeSetInvalid", problem=f"spec.source: {e}")
            status, stale = _said("spec.source", str(e)), self._clock() + _UNFINISHED_AGAIN
        until = self._clock() + READ_AGAIN if source.version else stale
        return _Known(_identity(body), source.version, until, seen, status, stale=stale)

    def _unread(self, body: Object, seen: ProbeSetSeen, where: str) -> _Known:
        problem = seen.problem[:1000]
        said = replace(seen, problem=f"{where}: {problem}")
        return _Known(_identity(body), "", self._clock() + TRY_AGAIN, said, _said(where, problem), retry=True)


def _identity(body: Object) -> Identity:
    return body["metadata"]["uid"], str(body["metadata"].get("generation", 0))


def _with_services(seen: ProbeSetSeen, services: tuple[JudgeService, ...]) -> ProbeSetSeen:
    """The same with where the judges' Services lead to; the reader never sees those."""
    if seen.questions is None or seen.questions.judged is None:
        return seen
    judged = replace(seen.questions.judged, services=services)
    return replace(seen, questions=replace(seen.questions, judged=judged))


def _said(where: str, message: str) -> Object:
    return {"problems": [{"line": 0, "field": where, "message": message}]}
