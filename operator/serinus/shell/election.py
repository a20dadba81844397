"""Leader election by a Lease, and the fence that every write of the engine passes. It starts nothing but `lead`.

Only differences of this process's monotonic clock count, never the time that another one wrote. A leader's right
ends `renew_deadline` after the moment before its last acknowledged renewal was sent; a candidate waits the whole
`duration` after it saw the Lease change. With renew deadline + write timeout < duration, the last write of the old
leader has ended before the first one of the new leader begins.
"""

import asyncio
import datetime as dt
import logging
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from serinus.shell.kinds import LEASES, Object, Ref
from serinus.shell.kube import Api, ApiError, Conflict, NotFound, NotLeader
from serinus.shell.settings import LeaseSettings

_log = logging.getLogger(__name__)
_jitter = random.SystemRandom().random
_RELEASE_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds that only grow, for every decision; and the time of day, for the people who read the Lease."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


class Elector:
    """One candidate. `api` is an Api of its own, without a fence; `on_lost` is told why and must end the process."""

    def __init__(
        self, api: Api, lease: LeaseSettings, *, on_lost: Callable[[str], None], clocks: Clocks = Clocks()
    ) -> None:
        self._api = api
        self._lease = lease
        self._on_lost = on_lost
        self._clocks = clocks
        self._ref = Ref(LEASES, lease.namespace, lease.name)
        self._leading = False
        self._sent = float("-inf")
        self._contact = clocks.monotonic()
        self._version = ""
        self._observed_at = float("-inf")
        self._spec: dict[str, Any] = {}

    @property
    def is_leader(self) -> bool:
        """The fence would let a write pass."""
        return self._leading and self._clocks.monotonic() < self._sent + self._lease.renew_deadline

    def assert_leader(self) -> None:
        """The fence. Raises NotLeader unless the last acknowledged renewal was sent within the renew deadline."""
        if not self.is_leader:
            age = self._clocks.monotonic() - self._sent
            raise NotLeader(
                f"Lease {self._lease.namespace}/{self._lease.name}: the last renewal by {self._lease.identity} "
                f"was sent {age:.1f} s ago, allowed are {self._lease.renew_deadline} s"
            )

    def lease_age(self) -> float:
        """Seconds since the last acknowledged renewal was sent; infinite for one who never led."""
        return self._clocks.monotonic() - self._sent

    def contact_age(self) -> float:
        """Seconds since the API server answered this election loop: a standby's sign of life."""
        return self._clocks.monotonic() - self._contact

    async def run(self, lead: Callable[[], Awaitable[None]]) -> None:
        """Wait for the Lease, then lead while it is renewed; release it when `lead` has ended or was cancelled.

        When the Lease is lost `on_lost` is called at once; if it returns, NotLeader is raised (in a group).
        """
        while not await self._acquired():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(self._lease.retry * (1 + 0.2 * _jitter()))
        _log.info("leading", extra={"fields": {"lease": self._lease.name, "identity": self._lease.identity}})
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew())
                await lead()
                renewing.cancel()
        finally:
            await self._release()

    async def _acquired(self) -> bool:
        sent = self._clocks.monotonic()
        try:
            async with asyncio.timeout(self._lease.write_timeout):
                body = await self._read()
                if body is None:
                    self._keep(await self._api.create(self._manifest()))
                elif not self._free():
                    return False
                else:
                    sent = self._clocks.monotonic()
                    self._keep(await self._patch(self._taken()))
        except (ApiError, TimeoutError) as error:
            _log.info("not elected: %s", error)
            return False
        self._sent, self._leading = sent, True
        return True

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._lease.retry)
            sent = self._clocks.monotonic()
            left = self._sent + self._lease.renew_deadline - sent
            if left > 0 and await self._renewed(min(left, self._lease.write_timeout)):
                self._sent = sent
            elif self._clocks.monotonic() >= self._sent + self._lease.renew_deadline:
                self._lose(f"not renewed within {self._lease.renew_deadline} s")

    async def _renewed(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                try:
                    self._keep(await self._patch({"renewTime": self._time()}))
                except Conflict:
                    # An earlier renewal may have arrived without its answer: the holder decides, not the version.
                    body = await self._read()
                    if body is None or self._spec.get("holderIdentity") != self._lease.identity:
                        self._lose(f"held by {self._spec.get('holderIdentity')!r}")
                    self._keep(await self._patch({"renewTime": self._time()}))
        except (ApiError, TimeoutError) as error:
            _log.warning("lease not renewed: %s", error)
            return False
        return True

    async def _release(self) -> None:
        if not self.is_leader:
            self._leading = False
            return
        self._leading = False
        try:
            async with asyncio.timeout(min(_RELEASE_SECONDS, self._lease.write_timeout)):
                await self._patch({"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._time()})
        except (ApiError, TimeoutError) as error:
            _log.warning("lease not released: %s", error)

    def _lose(self, reason: str) -> None:
        self._leading = False
        _log.error("lease lost", extra={"fields": {"lease": self._lease.name, "reason": reason}})
        self._on_lost(reason)
        raise NotLeader(f"Lease {self._lease.namespace}/{self._lease.name}: {reason}")

    async def _read(self) -> Object | None:
        try:
            body = await self._api.get(self._ref)
        except NotFound:
            self._contact = self._clocks.monotonic()
            return None
        self._keep(body)
        return body

    async def _patch(self, spec: dict[str, Any]) -> Object:
        return await self._api.patch_merge(self._ref, {"spec": spec}, resource_version=self._version)

    def _keep(self, body: Object) -> None:
        self._contact = self._clocks.monotonic()
        version = body["metadata"]["resourceVersion"]
        if version != self._version:
            self._version, self._observed_at = version, self._contact
        self._spec = body.get("spec") or {}

    def _free(self) -> bool:
        if self._spec.get("holderIdentity") in {None, "", self._lease.identity}:
            return True
        duration = self._spec.get("leaseDurationSeconds") or self._lease.duration
        return self._clocks.monotonic() >= self._observed_at + float(duration)

    def _taken(self) -> dict[str, Any]:
        transitions = int(self._spec.get("leaseTransitions") or 0)
        if self._spec.get("holderIdentity") != self._lease.identity:
            transitions += 1
        return {**self._claim(), "leaseTransitions": transitions}

    def _claim(self) -> dict[str, Any]:
        now = self._time()
        return {
            "holderIdentity": self._lease.identity,
            "leaseDurationSeconds": math.ceil(self._lease.duration),
            "acquireTime": now,
            "renewTime": now,
        }

    def _manifest(self) -> Object:
        return {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._lease.name, "namespace": self._lease.namespace},
            "spec": {**self._claim(), "leaseTransitions": 0},
        }

    def _time(self) -> str:
        return self._clocks.wall().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
