"""Owns what the API server's audit log says about writes: every one, with its answer. It must not write anything."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}
"""Writes only, Lease renewals apart, at both stages: a write that was received and not yet answered can be awaited."""

_REVIEWS = frozenset({"selfsubjectreviews", "subjectaccessreviews", "selfsubjectaccessreviews", "tokenreviews"})
_DEADLINE = 5.0


@dataclass(frozen=True, slots=True)
class Write:
    """One write as the API server saw it. `code` is its HTTP status; `manager` the field manager of a patch."""

    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    manager: str = ""
    dry_run: bool = False


class AuditLog:
    """The writes since the last reset. `barrier` makes one request that the log shows, and returns its audit id."""

    def __init__(self, path: Path, barrier: Callable[[], str]) -> None:
        self._path = path
        self._barrier = barrier
        self._offset = 0

    def reset(self) -> None:
        """Forget what was written so far."""
        _, self._offset = self._settled()

    def writes(self, *, users: Iterable[str] | None = None) -> list[Write]:
        """Every answered write since the reset, in the order of the answers; reviews (which store nothing) apart.

        Dry runs are told by their flag. Waits, for 5 s at most, until each write that was received is answered.
        """
        wanted = None if users is None else frozenset(users)
        events, _ = self._settled()
        found = [_write(e) for e in events if e["stage"] in ("ResponseComplete", "Panic")]
        return [w for w in found if w.resource not in _REVIEWS and (wanted is None or w.user in wanted)]

    def _settled(self) -> tuple[list[dict[str, Any]], int]:
        """Read until our own barrier is there and nothing that began is open; the events, and where they end."""
        barrier = self._barrier()
        end = time.monotonic() + _DEADLINE
        while True:
            events, offset = self._read()
            begun = {e["auditID"] for e in events if e["stage"] == "RequestReceived"}
            ended = {e["auditID"] for e in events if e["stage"] != "RequestReceived"}
            if (barrier in ended and begun <= ended) or time.monotonic() > end:
                return events, offset
            time.sleep(0.01)

    def _read(self) -> tuple[list[dict[str, Any]], int]:
        with self._path.open("rb") as log:
            log.seek(self._offset)
            content = log.read()
        complete = content[: content.rfind(b"\n") + 1]
        return [json.loads(line) for line in complete.splitlines()], self._offset + len(complete)


def _write(event: dict[str, Any]) -> Write:
    reference = event.get("objectRef", {})
    query = dict(p.split("=", 1) for p in event["requestURI"].partition("?")[2].split("&") if "=" in p)
    return Write(
        user=event.get("impersonatedUser", event["user"])["username"],
        verb=event["verb"],
        resource=reference.get("resource", ""),
        subresource=reference.get("subresource", ""),
        namespace=reference.get("namespace", ""),
        name=reference.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        manager=query.get("fieldManager", ""),
        dry_run="dryRun" in query,
    )
