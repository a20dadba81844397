"""Which APIs the server has: read at start and again when a CRD appears or goes. It watches nothing itself."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from serinus.shell.kinds import Kind
from serinus.shell.kube import Api, ApiError, NotFound

_log = logging.getLogger(__name__)
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
_LIST = "APIGroupDiscoveryList"
# A CRD is served some time after its event: seconds after a trigger at which to look.
_LOOKS: tuple[float, ...] = (0.2, 1.0, 3.0, 10.0)
Served = frozenset[tuple[str, str, str]]
"""Group, version and plural of every resource that is served."""
OnChange = Callable[[frozenset[Kind], frozenset[Kind]], None]


class Discovery:
    """What of `kinds` is installed. `on_change(came, went)` is called when that differs from what was known."""

    def __init__(
        self, api: Api, kinds: Iterable[Kind], *, on_change: OnChange = lambda _came, _went: None, resync: float = 600.0
    ) -> None:
        self._api = api
        self._kinds = frozenset(kinds)
        self._on_change = on_change
        self._resync = resync
        self._present: frozenset[Kind] = frozenset()
        self._versions: frozenset[str] = frozenset()
        self._served: Served = frozenset()
        self._wanted = asyncio.Event()

    def has(self, kind: Kind) -> bool:
        """The server serves this kind in this version, as of the last look."""
        return kind in self._present

    def present(self) -> frozenset[Kind]:
        """Those of the kinds in question that are installed."""
        return self._present

    def serves(self, api_version: str) -> bool:
        """Any of the kinds in question is installed in this group and version."""
        return api_version in self._versions

    def trigger(self) -> None:
        """Something about the installed APIs may have changed: look soon, and some more times."""
        self._wanted.set()

    async def refresh(self) -> None:
        """Look now. Raises ApiError; then what was known stays."""
        self._served = await self._read()
        present = frozenset(kind for kind in self._kinds if (kind.group, kind.version, kind.plural) in self._served)
        came, went = present - self._present, self._present - present
        self._present, self._versions = present, frozenset(kind.api_version for kind in present)
        if came or went:
            self._on_change(came, went)

    async def run(self) -> None:
        """Look after every trigger and every `resync` seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._resync):
                    await self._wanted.wait()
                looks = _LOOKS
            except TimeoutError:
                looks = _LOOKS[:1]
            self._wanted.clear()
            for delay in looks:
                await asyncio.sleep(delay)
                try:
                    await self.refresh()
                except ApiError as error:
                    _log.warning("discovery failed, the APIs known before stay: %s", error)

    async def _read(self) -> Served:
        served: set[tuple[str, str, str]] = set()
        for root in ("/api", "/apis"):
            body = await self._api.raw(root, accept=_AGGREGATED)
            if body.get("kind") == _LIST:
                served |= self._aggregated(body)
            else:
                served |= await self._each(root, body)
        return frozenset(served)

    def _aggregated(self, body: Any) -> set[tuple[str, str, str]]:
        served = set()
        for item in body["items"]:
            group = item["metadata"].get("name", "")
            for version in item["versions"]:
                if version.get("freshness") == "Stale":
                    # The server could not ask the extension behind it: its last word is ours too.
                    served |= {known for known in self._served if known[:2] == (group, version["version"])}
                served |= {(group, version["version"], found["resource"]) for found in version.get("resources") or ()}
        return served

    async def _each(self, root: str, body: Any) -> set[tuple[str, str, str]]:
        """Servers before 1.30: one request for each group and version of the kinds in question."""
        if root == "/api":
            versions = {("", version) for version in body["versions"]}
        else:
            versions = {
                (group["name"], version["version"]) for group in body["groups"] for version in group["versions"]
            }
        served = set()
        for group, version in sorted(versions & {(kind.group, kind.version) for kind in self._kinds}):
            path = f"{root}/{group}/{version}" if group else f"{root}/{version}"
            try:
                found = await self._api.raw(path)
            except NotFound:
                continue
            served |= {(group, version, resource["name"]) for resource in found["resources"]}
        return served
