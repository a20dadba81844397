"""A scripted stand-in for the API client: lists and watch streams played from a script, for what no server does on
demand (stale lists, reordered events, silence). The real server's behaviour is tested in test_kube_api.py.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from serinus.shell.api_errors import Answer, ApiError, Gone, NotFound, Refused, Unavailable, unanswered
from serinus.shell.kinds import Kind, Object
from serinus.shell.kube import Event, Listing
from serinus.shell.transport import SILENCE

HANG = "hang"
"""In a stream: not a byte more, until the inactivity timeout."""
OPEN = "open"
"""In a stream: nothing more, but the connection is sound (bookmarks go on)."""
Step = Event | ApiError | str


def thing(name: str, version: int, *, uid: str = "", **labels: str) -> Object:
    """The metadata of an object of team-a at a version."""
    metadata = {"name": name, "namespace": "team-a", "uid": uid or f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": {**metadata, "generation": 1, "labels": {"serinus.dev/service": "chat", **labels}}}


def added(name: str, version: int, **more: str) -> Event:
    return Event("ADDED", thing(name, version, **more))


def modified(name: str, version: int, **more: str) -> Event:
    return Event("MODIFIED", thing(name, version, **more))


def deleted(name: str, version: int, **more: str) -> Event:
    return Event("DELETED", thing(name, version, **more))


def bookmark(version: int) -> Event:
    return Event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def listing(version: int, *items: Object) -> Listing:
    return Listing(list(items), str(version))


def gone() -> Gone:
    return Gone("watch things", Answer(410, "Expired", "too old resource version"))


def internal() -> Unavailable:
    return Unavailable("watch things", Answer(500, "InternalError", "etcdserver: leader changed"))


def cut() -> Unavailable:
    return unanswered("watch things", "ClientPayloadError", "the stream was cut")


def absent() -> NotFound:
    return NotFound("list things", Answer(404, "NotFound", "the server could not find the requested resource"))


def forbidden() -> Refused:
    return Refused("list things", Answer(403, "Forbidden", "serinus cannot list things"))


@dataclass
class ScriptedApi:
    """Plays lists and streams in order; the last list repeats, and after the last stream every one stays open.

    It notes when it was asked for a list, and from which version for a stream.
    """

    lists: list[Listing | ApiError]
    streams: list[list[Step]] = field(default_factory=list)
    listed_at: list[float] = field(default_factory=list)
    watched_from: list[str] = field(default_factory=list)

    async def pages(self, _kind: Kind, *_scope: object, **_options: object) -> AsyncGenerator[Listing, None]:
        self.listed_at.append(asyncio.get_running_loop().time())
        answer = self.lists[0] if len(self.lists) == 1 else self.lists.pop(0)
        await asyncio.sleep(0)
        if isinstance(answer, ApiError):
            raise answer
        half = len(answer.items) // 2
        yield Listing(answer.items[:half], answer.resource_version)
        yield Listing(answer.items[half:], answer.resource_version)

    async def watch(
        self, _kind: Kind, *_scope: object, resource_version: str, inactivity: float, **_options: object
    ) -> AsyncGenerator[Event, None]:
        self.watched_from.append(resource_version)
        steps = self.streams.pop(0) if self.streams else [OPEN]
        for step in steps:
            await asyncio.sleep(0.001)
            if isinstance(step, Event):
                yield step
            elif isinstance(step, ApiError):
                raise step
            elif step == HANG:
                await asyncio.sleep(inactivity)
                raise unanswered("watch things", SILENCE, "not a byte")
            else:
                version = int(resource_version or 0)
                while True:
                    await asyncio.sleep(60)
                    yield bookmark(version)
