"""Owns the faults that the proxy can play, and which calls they meet. It must not do any input or output.

A rule meets calls by verb, path, token and occurrence; its fault says what happens to them.
"""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.watchfaults import REASONS, WatchFault, status

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
NOT_LEASES = r"^(?!.*/leases\b)"
"""A path pattern that leaves Lease renewals out: their number depends on the clock."""
_OBJECT = re.compile(r"^/(?:api/[^/]+|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+(?=/))?/([^/]+)(?:/([^/]+))?(?:/(.+))?$")


@dataclass(slots=True)
class Call:
    """One request as the proxy saw it. `code` is what the client was answered, 0 for no answer."""

    number: int
    verb: str
    path: str
    token: str
    body_hash: str
    forwarded: bool = False
    code: int = 0
    fault: str = ""

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.verb in WRITES


def verb_of(method: str, path: str, *, watch: bool) -> str:
    """The Kubernetes verb of a request."""
    if watch:
        return "watch"
    found = _OBJECT.match(path)
    named = bool(found and found.group(2))
    match method:
        case "GET":
            return "get" if named or not found else "list"
        case "DELETE":
            return "delete" if named else "deletecollection"
        case _:
            return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())


def body_hash(body: bytes) -> str:
    """16 hex digits of a request's body; the empty string for none."""
    return hashlib.sha256(body).hexdigest()[:16] if body else ""


@dataclass(frozen=True)
class Answer:
    """Answer with this code instead of the API server, which never sees the request."""

    code: int
    retry_after: int | None = None  # seconds

    @property
    def body(self) -> bytes:
        """The Status object."""
        return json.dumps(status(self.code, REASONS.get(self.code, "Unknown"), f"fault: {self.code}")).encode()


@dataclass(frozen=True)
class Reset:
    """Reset the connection: before the API server sees the request, or after it has done it (the answer is lost)."""

    after: bool = False


@dataclass(frozen=True)
class Delay:
    """Wait so many seconds before the request goes on (or, `after`, before its answer does)."""

    seconds: float
    after: bool = False


@dataclass(frozen=True)
class Cut:
    """Answer with the first half of the JSON."""


@dataclass(frozen=True)
class Stale:
    """Answer with what the first call of the same address and query that this rule met was answered."""


@dataclass(frozen=True)
class Hook:
    """Call something before the request goes on, and when it is done and not yet answered; in the proxy's thread."""

    before: Callable[[], None] = field(default=lambda: None)
    after: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True)
class Kill:
    """Kill the client: before its request goes on (it never does), or after it is done and before it is answered."""

    pid: int
    after: bool = False


Fault = Answer | Reset | Delay | Cut | Stale | Hook | Kill | WatchFault


@dataclass
class Rule:
    """A fault, and the calls that it meets: of a verb (`write` for every write) and a path pattern, from the `nth` on.

    `times` is for how many of them, None for all. `seen` counts the calls that fit, `met` those that got the fault.
    """

    fault: Fault
    verb: str = ""
    path: str = NOT_LEASES
    nth: int = 1
    times: int | None = 1
    token: str = ""
    seen: int = 0
    met: int = 0
    remembered: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def meets(self, call: Call) -> bool:
        """Whether this call gets the fault; counts it."""
        fits = self._fits_verb(call) and re.search(self.path, call.path) and self.token in ("", call.token)
        if not fits:
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.seen >= self.nth + self.times):
            return False
        self.met += 1
        return True

    def _fits_verb(self, call: Call) -> bool:
        return self.verb in ("", call.verb) or (self.verb == "write" and call.is_write)
