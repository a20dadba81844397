"""Where kopf meets the engine: four `on.event` handlers that put a key in the queue, login, and settings. Nothing else.

kopf's create, update, delete, timer and daemon handlers, its indexes and its finalizers are not used: they are driven
by edges, and lose work (docs/decisions/0001).
"""

from collections.abc import Callable
from typing import Any

import kopf

from serinus.shell.intake import Intake
from serinus.shell.kinds import Kind
from serinus.shell.login import Credentials, open_session
from serinus.shell.workqueue import Priority
from serinus.shell.world import OWN_KINDS

_CONNECTIONS = 32
_INACTIVITY = 70
_CONNECT_TIMEOUT = 5
_REQUEST_TIMEOUT = 30


class NoMemory(kopf.DiffBaseStorage):
    """Keeps kopf from copying every object for a comparison that no handler of ours asks for."""

    def build(self, **_: Any) -> Any:  # type: ignore[explicit-override]
        """Nothing of an object is essential."""
        return {}

    def fetch(self, **_: Any) -> Any:  # type: ignore[explicit-override]
        """Nothing is remembered."""
        return None

    def store(self, **_: Any) -> None:  # type: ignore[explicit-override]
        """Nothing is written."""


class NoProgress(kopf.ProgressStorage):
    """Keeps kopf from looking for the progress of handlers that there are not."""

    def fetch(self, **_: Any) -> None:  # type: ignore[explicit-override]
        """Nothing is remembered."""

    def store(self, **_: Any) -> None:  # type: ignore[explicit-override]
        """Nothing is written."""

    def purge(self, **_: Any) -> None:  # type: ignore[explicit-override]
        """Nothing is there to be forgotten."""

    def touch(self, **_: Any) -> None:  # type: ignore[explicit-override]
        """Nothing is written."""

    def clear(self, *, essence: Any) -> Any:  # type: ignore[explicit-override]
        """Nothing is there to be left out."""
        return essence


def make_settings(*, cluster_wide: bool) -> kopf.OperatorSettings:
    """Bound what kopf does by itself: no posted events, no scanning without the right to, no endless silence."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NoMemory()
    settings.persistence.progress_storage = NoProgress()
    settings.scanning.disabled = not cluster_wide
    settings.watching.inactivity_timeout = _INACTIVITY
    settings.networking.request_timeout = _REQUEST_TIMEOUT
    settings.networking.connect_timeout = _CONNECT_TIMEOUT
    return settings


def make_registry(intake: Intake, credentials: Credentials, stop: Callable[[], None]) -> kopf.OperatorRegistry:
    """Register the handlers; the session is ours, so that its connections are bounded. `stop`: called as kopf ends."""
    registry = kopf.OperatorRegistry()
    for kind in OWN_KINDS:
        _watch(registry, kind, intake)

    @kopf.on.login(registry=registry)
    async def _login(**_: Any) -> kopf.AiohttpSession:
        session = open_session(credentials.reload(), connections=_CONNECTIONS, headers=True)
        return kopf.AiohttpSession(aiohttp_session=session, server=credentials.server)

    @kopf.on.cleanup(registry=registry)
    async def _cleanup(**_: Any) -> None:
        stop()  # otherwise kopf takes the tasks of the engine for hung ones of its own, and waits 5 s for them

    return registry


def _watch(registry: kopf.OperatorRegistry, kind: Kind, intake: Intake) -> None:
    def is_news(event: kopf.RawEvent, **_: Any) -> bool:
        """Most events are echoes of our own writes of status: for them kopf need not call anything."""
        return event["type"] == "DELETED" or intake.is_news(kind, event["object"])

    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry, id=kind.plural, when=is_news)
    async def _event(event: kopf.RawEvent, **_: Any) -> None:
        body: dict[str, Any] = dict(event["object"])
        if event["type"] == "DELETED":
            intake.gone(kind, body)
        else:
            # `None` is the first list: everything at once, behind what people change meanwhile.
            intake.offered(kind, body, Priority.RESYNC if event["type"] is None else Priority.USER)
