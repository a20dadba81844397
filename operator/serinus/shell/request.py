"""What is sent to the API server and what is noted of it: one request, its address, one exchange. It sends nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

METHODS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "patch": "PATCH", "delete": "DELETE"}
READS = frozenset({"get", "list", "watch"})
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


@lru_cache(maxsize=128)
def _query(params: tuple[tuple[str, str], ...]) -> str:
    return urlencode(params)


@dataclass(frozen=True, slots=True)
class Target:
    """What RBAC and metrics call the thing that is called; a bare path is a resource without a group."""

    group: str
    resource: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `again`: it may be sent twice with the effect of once."""

    verb: str
    target: Target
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content_type: str = "application/json"
    accept: str = "application/json"
    again: bool = True

    @property
    def writes(self) -> bool:
        """It changes something, so the fence is asked."""
        return self.verb not in READS

    @property
    def address(self) -> str:
        """Path and query, escaped here: for aiohttp it costs several times as much."""
        path = self.path if _PLAIN.fullmatch(self.path) else quote(self.path)
        return f"{path}?{_query(tuple(self.params.items()))}" if self.params else path

    @property
    def what(self) -> str:
        """How errors name it."""
        return f"{self.verb} {self.path}"


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange as it went: the HTTP status code (0: no answer) and its seconds."""

    verb: str
    target: Target
    code: int
    seconds: float

    @property
    def rights(self) -> tuple[str, ...]:
        """Verbs that RBAC had to grant: an apply that created its object needed `create` too."""
        return (self.verb, "create") if self.verb == "patch" and self.code == HTTPStatus.CREATED else (self.verb,)
