"""The work queue: which key runs next, when, and never twice at once. It knows nothing of what a key means.

Rules: a key is in the queue once; one worker a key, and what arrives meanwhile sets a dirty bit; a person's change
goes before a resync, but one pick in eight is the oldest resync; failures back off exponentially with jitter; a key
that runs again and again without a pause is held to a pace, so that no loop of its own making can take the machine.
"""

import asyncio
import enum
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

_log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)
Handler = Callable[[K], Awaitable[float | None]]
_FAIR = 8
_PURGE = 1024
_random = random.SystemRandom().random


class Priority(enum.IntEnum):
    """Who asked. The smaller goes first."""

    USER = 0
    RESYNC = 1


@dataclass(frozen=True, slots=True)
class Pacing:
    """Seconds of backoff (first, longest) and the pace of one key: runs in a row, then one every `interval` seconds.

    `echo`: seconds after a run in which a resync that came meanwhile waits for others: a run's own writes call back.
    """

    first: float = 0.5
    longest: float = 300.0
    burst: int = 30
    interval: float = 1.0
    echo: float = 0.05

    def backoff(self, failures: int, jitter: float) -> float:
        """Seconds to wait after this many failures in a row (from 1); `jitter` in [0, 1) takes up to a half off."""
        doublings = min(failures - 1, 32)
        return float(min(self.longest, self.first * 2**doublings) * (1 - jitter / 2))


@dataclass(slots=True)
class _Key:
    """What is known of a key that is queued, waiting, running or failing."""

    priority: Priority | None = None
    since: float = 0.0
    running: bool = False
    forgotten: bool = False
    dirty: Priority | None = None
    failures: int = 0
    timer: asyncio.TimerHandle | None = None
    next_run: float = float("-inf")


class WorkQueue(Generic[K]):
    """Deduplicated keys for `workers` concurrent calls of one handler. Time is the loop's.

    `on_run` is told the seconds and the outcome (`ok`, `error`) of every run.
    """

    def __init__(
        self,
        workers: int = 16,
        *,
        pacing: Pacing = Pacing(),
        jitter: Callable[[], float] = _random,
        on_run: Callable[[float, str], None] = lambda _seconds, _outcome: None,
    ) -> None:
        self._workers = workers
        self._pacing = pacing
        self._jitter = jitter
        self._on_run = on_run
        self._keys: dict[K, _Key] = {}
        self._ready: dict[Priority, dict[K, None]] = {priority: {} for priority in Priority}
        self._idle: deque[asyncio.Future[None]] = deque()
        self._picks = 0

    def add(self, key: K, priority: Priority = Priority.USER) -> None:
        """Run this key soon; while it runs, once more afterwards. The higher of two priorities counts."""
        state = self._keys.setdefault(key, _Key())
        if state.running:
            state.dirty = priority if state.dirty is None else min(state.dirty, priority)
            state.forgotten = False
            return
        if state.priority is None:
            self._enqueue(key, state, priority)
        elif priority < state.priority:
            del self._ready[state.priority][key]
            state.priority = priority
            self._ready[priority][key] = None

    def add_after(self, key: K, seconds: float) -> None:
        """Run this key in so many seconds, as a resync; of two such wishes the sooner one counts."""
        if seconds <= 0:
            self.add(key, Priority.RESYNC)
            return
        loop = asyncio.get_running_loop()
        state = self._keys.setdefault(key, _Key())
        due = loop.time() + seconds
        if state.timer is not None:
            if state.timer.when() <= due:
                return
            state.timer.cancel()
        state.timer = loop.call_at(due, self._fire, key)

    def forget(self, key: K) -> None:
        """Drop everything about a key: its place, its timer, its failures; what a present run returns is ignored."""
        state = self._keys.get(key)
        if state is None:
            return
        if state.timer is not None:
            state.timer.cancel()
        if state.priority is not None:
            del self._ready[state.priority][key]
        if state.running:
            state.timer, state.dirty, state.failures, state.forgotten = None, None, 0, True
        else:
            del self._keys[key]

    def depth(self) -> int:
        """Keys that are ready and wait for a worker."""
        return sum(len(keys) for keys in self._ready.values())

    def delayed(self) -> int:
        """Keys that wait for their time."""
        return sum(1 for state in self._keys.values() if state.timer is not None)

    def oldest_age(self) -> float:
        """Seconds that the oldest ready key, or the oldest run, has lasted; 0 with nothing to do."""
        busy = [state.since for state in self._keys.values() if state.running or state.priority is not None]
        return asyncio.get_running_loop().time() - min(busy) if busy else 0.0

    def failures(self, key: K) -> int:
        """How often in a row this key has failed."""
        state = self._keys.get(key)
        return state.failures if state else 0

    async def run(self, handler: Handler[K]) -> None:
        """Work until cancelled. The handler returns seconds until it wants to run again, or None, or raises.

        An exception's `retry_after` (seconds), if it has one, is the least delay. Whatever derives from Exception is
        logged and retried for ever; what does not ends the queue.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work(handler))

    async def _work(self, handler: Handler[K]) -> None:
        while True:
            key = await self._next()
            state = self._keys[key]
            started = asyncio.get_running_loop().time()
            outcome = "ok"
            try:
                again = await handler(key)
            except Exception as error:  # noqa: BLE001 - a worker outlives every bug; the key's backoff makes it slow
                outcome = "error"
                again = self._failed(key, state, error)
            else:
                state.failures = 0
            finally:
                self._done(key, state)
            if again is not None and not state.forgotten:
                self.add_after(key, again)
            self._on_run(asyncio.get_running_loop().time() - started, outcome)

    async def _next(self) -> K:
        while True:
            key = self._pick()
            if key is not None:
                return key
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter

    def _pick(self) -> K | None:
        self._picks += 1
        order = sorted(Priority, reverse=self._picks % _FAIR == 0)
        for priority in order:
            for key in self._ready[priority]:
                del self._ready[priority][key]
                state = self._keys[key]
                state.priority, state.running, state.since = None, True, asyncio.get_running_loop().time()
                if state.timer is not None:  # this run sees what was to be seen, and says itself when to look again
                    state.timer.cancel()
                    state.timer = None
                return key
        return None

    def _enqueue(self, key: K, state: _Key, priority: Priority) -> None:
        now = asyncio.get_running_loop().time()
        floor = now - self._pacing.interval * (self._pacing.burst - 1)
        state.next_run = max(state.next_run, floor)
        if state.next_run > now:
            self.add_after(key, state.next_run - now)
            return
        state.next_run += self._pacing.interval
        state.priority, state.since = priority, now
        self._ready[priority][key] = None
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _fire(self, key: K) -> None:
        self._keys[key].timer = None
        self.add(key, Priority.RESYNC)

    def _failed(self, key: K, state: _Key, error: Exception) -> float:
        state.failures += 1
        delay = self._pacing.backoff(state.failures, self._jitter())
        least = getattr(error, "retry_after", None)
        delay = max(delay, min(float(least or 0.0), self._pacing.longest))
        _log.warning("retry of %s in %.1f s after failure %d: %s", key, delay, state.failures, error, exc_info=error)
        return delay

    def _done(self, key: K, state: _Key) -> None:
        state.running = False
        dirty, state.dirty = state.dirty, None
        if dirty is Priority.RESYNC and self._pacing.echo:
            self.add_after(key, self._pacing.echo)
        elif dirty is not None:
            self._enqueue(key, state, dirty)
        elif state.forgotten:
            del self._keys[key]
        if self._picks % _PURGE == 0:
            self._purge()

    def _purge(self) -> None:
        paced = asyncio.get_running_loop().time() - self._pacing.interval * (self._pacing.burst - 1)
        for key, state in list(self._keys.items()):
            busy = state.running or state.priority is not None or state.timer is not None or state.failures
            if not busy and state.next_run <= paced:
                del self._keys[key]
