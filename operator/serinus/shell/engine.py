"""The operator's process: web servers at once, then election, then leading. It ends when it may not lead any more."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import uvloop

from serinus.core import naming
from serinus.core.datafile import InvalidCatalogue
from serinus.shell import catalogue, logs
from serinus.shell.election import Elector
from serinus.shell.gate_server import add_gate
from serinus.shell.health import Checks, LoopPulse, WebServer, add_health, add_metrics, at_most, none_of
from serinus.shell.intake import Key
from serinus.shell.kinds import CRDS, EVENTS, LEASES
from serinus.shell.kube import Api
from serinus.shell.leader import Leader
from serinus.shell.limits import Limiter
from serinus.shell.login import Credentials, LoginFailed, login, open_session
from serinus.shell.settings import Settings
from serinus.shell.shared import check_observers
from serinus.shell.telemetry import Telemetry
from serinus.shell.transport import Timeouts, Transport
from serinus.shell.workqueue import WorkQueue
from serinus.shell.world import KINDS

_log = logging.getLogger(__name__)
_SILENT_WATCH = 300.0
_OLD_KEY = 600.0
_MAX_LAG = 5.0
_LOST = 1


class CannotServe(Exception):
    """A port cannot be listened on; the message names its setting."""


class Engine:
    """One replica of the operator."""

    def __init__(self, settings: Settings, credentials: Credentials, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._credentials = credentials
        self._stack = stack
        self._library = catalogue.load(catalogue.RUNTIMES, settings.alert_rules_dir)
        check_observers(settings.observers, self._library.runtimes)
        self._pulse = LoopPulse()
        self._telemetry = Telemetry(is_leader=lambda: self._elector.is_leader)
        self._elector = Elector(self._election_api(), settings.lease, on_lost=_exit_at_once)
        self._queue: WorkQueue[Key] = WorkQueue(settings.workers, on_run=self._telemetry.run)
        self._leader: Leader | None = None

    async def run(self) -> None:
        """Serve health, wait for the Lease, lead until cancelled."""
        self._export()
        await self._serve()
        async with asyncio.TaskGroup() as group:
            pulse = group.create_task(self._pulse.run())
            try:
                await self._elector.run(self._lead)
            finally:
                pulse.cancel()

    async def _lead(self) -> None:
        self._leader = Leader(self._settings, self._leader_api(), self._library, self._telemetry, self._queue)
        await self._leader.run(self._credentials)

    def _export(self) -> None:
        telemetry, elector = self._telemetry, self._elector
        telemetry.gauge("queue_depth", "Keys that wait for a worker.", self._queue.depth)
        telemetry.gauge("queue_age_seconds", "Age of the oldest key that waits or runs.", self._queue.oldest_age)
        telemetry.gauge("leader", "1 while this replica leads.", lambda: float(elector.is_leader))
        telemetry.gauge("lease_age_seconds", "Age of this replica's last renewal.", elector.lease_age)
        telemetry.gauge("loop_lag_seconds", "Largest lag of the event loop in 30 s.", self._pulse.lag)

    async def _serve(self) -> None:
        ports = self._settings.ports
        health, metrics, gate = WebServer(ports.health), WebServer(ports.metrics), WebServer(ports.gate)
        add_health(health.app, self._checks())
        add_metrics(metrics.app, self._telemetry.expose)
        add_gate(gate.app, self._reading_api())
        for name, server in (("health", health), ("metrics", metrics), ("gate", gate)):
            try:
                port = await server.start()
            except OSError as e:
                raise CannotServe(f"{name}Port: {e.strerror or e}; allowed is a free port, or 0 for any") from e
            self._stack.push_async_callback(server.stop)
            logs.event(_log, "serving", what=name, port=port)

    def _checks(self) -> Checks:
        contact, lease = self._elector.contact_age, self._settings.lease
        return Checks(
            live={
                "loop": at_most("lag of the event loop in seconds", self._pulse.lag, _MAX_LAG),
                "election": at_most("seconds without an answer of the API server", contact, 20 * lease.duration),
                "watches": none_of(
                    "silent", lambda: self._leader.watches.silent(_SILENT_WATCH) if self._leader else []
                ),
                "queue": at_most("age of the oldest key in seconds", self._queue.oldest_age, _OLD_KEY),
            },
            ready={
                "api": at_most("seconds without an answer of the API server", contact, 2 * lease.duration),
                "caches": none_of("not listed yet", lambda: self._leader.unfilled() if self._leader else []),
            },
        )

    def _election_api(self) -> Api:
        """Make a client of its own, without a fence: a flood of writes must not keep the lease from renewal."""
        timeout = self._settings.lease.write_timeout
        return self._api(Limiter(qps=20, burst=20, concurrency=2), Timeouts(timeout, timeout), connections=2)

    def _reading_api(self) -> Api:
        """Make the client of the gate endpoint, which a standby has too: bounded, so that askers cannot flood it."""
        return self._api(Limiter(qps=50, burst=50, concurrency=8), Timeouts(read=5.0), connections=8)

    def _leader_api(self) -> Api:
        """Make the client of the engine: counted, bounded, and fenced."""
        bounds = self._settings.api
        limiter = Limiter(qps=bounds.qps, burst=bounds.burst, concurrency=bounds.concurrency)
        timeouts = Timeouts(write=self._settings.lease.write_timeout)
        # A watch keeps its connection: one for each kind and namespace, besides the calls.
        watches = (len(KINDS) + 3) * max(1, len(self._settings.namespaces))
        return self._api(limiter, timeouts, connections=bounds.concurrency + watches, fenced=True)

    def _api(self, limiter: Limiter, timeouts: Timeouts, *, connections: int, fenced: bool = False) -> Api:
        session = open_session(self._credentials, connections=connections)
        self._stack.push_async_callback(session.close)
        transport = Transport(
            session,
            self._credentials,
            limiter,
            timeouts=timeouts,
            fence=self._elector.assert_leader if fenced else _no_fence,
            observers=[self._telemetry.call],
        )
        return Api(transport, field_manager=naming.FIELD_MANAGER, kinds=(*KINDS, LEASES, EVENTS, CRDS))


def run_operator(settings: Settings, kubeconfig: str | None) -> int:
    """Run until SIGTERM or SIGINT; 0 then, 1 if a part failed, 2 without credentials, a catalogue or a free port."""
    logs.configure(settings.log_level)
    for variable in settings.ignored:
        logs.event(_log, "ignored variable", variable=variable)
    try:
        return uvloop.run(_main(settings, Path(kubeconfig) if kubeconfig else None))
    except (LoginFailed, InvalidCatalogue, CannotServe) as e:
        print(f"serinus: {e}", file=sys.stderr)  # noqa: T201 - the command line's own words
        return 2


async def _main(settings: Settings, kubeconfig: Path | None) -> int:
    credentials = await login(kubeconfig)
    async with AsyncExitStack() as stack:
        running = asyncio.create_task(Engine(settings, credentials, stack).run())
        stopped = _on_signals(running)
        try:
            await running
        except asyncio.CancelledError:
            if not stopped.is_set():
                raise
        except BaseExceptionGroup as failed:
            for error in failed.exceptions:
                _log.error("a part of the operator failed: %s", error, exc_info=error)
            return 1
    return 0


def _on_signals(task: "asyncio.Task[None]") -> asyncio.Event:
    """End the task at the first SIGTERM or SIGINT."""
    stopped = asyncio.Event()

    def stop() -> None:
        stopped.set()
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)
    return stopped


def _no_fence() -> None:
    """Let every write pass: the elector's own."""


def _exit_at_once(reason: str) -> None:
    """Nothing may be written after the lease is lost, not even by a cleanup."""
    logs.event(_log, "lease lost", reason=reason)
    os._exit(_LOST)
