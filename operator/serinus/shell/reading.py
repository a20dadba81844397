"""How an informer reads one object: its metadata, and what a projection keeps of the rest. A bug there ends nothing.

It keeps no object: an object whose projection fails is `readable=False`, counted and named in the log.
"""

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from serinus.shell import logs
from serinus.shell.entry import Mark, entry_of
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.store import Seen

_log = logging.getLogger(__name__)
T = TypeVar("T")


class Reader(Generic[T]):
    """Reads objects of one kind; without a projection, metadata alone. `failures`: how often a projection failed."""

    def __init__(self, kind: Kind, mark: Mark, project: Callable[[Object], T] | None) -> None:
        self.failures = 0
        self._kind = kind
        self._mark = mark
        self._project = project

    @property
    def whole(self) -> bool:
        """Whole objects are needed, not only their metadata."""
        return self._project is not None

    def seen(self, body: Object) -> Seen[T]:
        """What is kept of an object; raises KeyError if it has no metadata."""
        entry = entry_of(body, self._mark)
        try:
            return Seen(entry, self._project(body) if self._project is not None else None)  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - one object that we cannot read must not hide all the others
            self.failures += 1
            what = Ref.of(self._kind, body).text
            logs.event(_log, "unreadable", level=logging.ERROR, object=what, error=f"{type(error).__name__}: {error}")
            return Seen(entry, None, readable=False)  # type: ignore[arg-type]
