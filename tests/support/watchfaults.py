"""Owns the faults of watches: what becomes of each event of a stream. It must not do any input or output."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Event = dict[str, Any]
Filter = Callable[[Event], list[Event]]
"""A function from an event of the API server to the events that the client gets; one a stream."""


def status(code: int, reason: str, message: str) -> Event:
    """A Status object as the API server answers it."""
    base: Event = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return base | {"message": message, "reason": reason, "code": code}


REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(frozen=True)
class Hang:
    """The watch stays open and silent."""

    def filter(self) -> Filter:
        """Nothing comes through."""
        return lambda _: []


@dataclass(frozen=True)
class StreamError:
    """The watch brings so many events, then an ERROR event, and ends."""

    code: int = 410
    events: int = 0

    @property
    def event(self) -> Event:
        """The ERROR event."""
        return {"type": "ERROR", "object": status(self.code, REASONS.get(self.code, "Unknown"), "fault in the stream")}

    def filter(self) -> Filter:
        """Events until the number is reached, then the error; the stream ends with it."""
        left = self.events

        def change(event: Event) -> list[Event]:
            nonlocal left
            left -= 1
            return [event] if left > 0 else [event, self.event]

        return change


@dataclass(frozen=True)
class BookmarksOnly:
    """The watch brings bookmarks and nothing else."""

    def filter(self) -> Filter:
        """Bookmarks come through."""
        return lambda event: [event] if event["type"] == "BOOKMARK" else []


@dataclass(frozen=True)
class Duplicate:
    """Every event comes twice."""

    def filter(self) -> Filter:
        """Twice the event."""
        return lambda event: [event, event]


@dataclass(frozen=True)
class Reorder:
    """Events come in swapped pairs: each odd one waits for the next one, which overtakes it."""

    def filter(self) -> Filter:
        """One event is held back until the next one."""
        held: list[Event] = []

        def change(event: Event) -> list[Event]:
            if not held:
                held.append(event)
                return []
            return [event, held.pop()]

        return change


@dataclass(frozen=True)
class Drop:
    """Events of this type are lost."""

    type: str = "DELETED"

    def filter(self) -> Filter:
        """All other events."""
        return lambda event: [] if event["type"] == self.type else [event]


WatchFault = Hang | StreamError | BookmarksOnly | Duplicate | Reorder | Drop
