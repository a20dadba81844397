"""What is found while a source is read: problems, which stop it, and notes, which do not. It judges nothing itself."""

from typing import Final

from serinus.core.probe import MAX_PROBLEMS, Problem
from serinus.core.tree import Node

_MAX_MESSAGE: Final = 500


class Findings:
    """Collects problems and notes; after 50 of a kind only their number is kept."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._notes: list[Problem] = []
        self._more = 0

    def problem(self, where: "Place", message: str) -> None:
        """Add something that cannot be acted on."""
        if len(self._problems) < MAX_PROBLEMS:
            self._problems.append(where.say(message))
        else:
            self._more += 1

    def note(self, where: "Place", message: str) -> None:
        """Add something that is ignored, and that changes no score."""
        if len(self._notes) < MAX_PROBLEMS:
            self._notes.append(where.say(message))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, the last of them saying how many more there are."""
        if not self._more:
            return tuple(self._problems)
        return (*self._problems, Problem(line=0, field="", message=f"and {self._more} more problems"))

    @property
    def notes(self) -> tuple[Problem, ...]:
        """All notes."""
        return tuple(self._notes)


class Place:
    """A value with the path of its field and the file that it stands in."""

    __slots__ = ("_above", "_path", "file", "node")

    def __init__(self, node: Node, path: str, file: str = "", above: "Place | None" = None) -> None:
        self.node = node
        self.file = file
        self._path = path
        self._above = above  # of a field: where it stands, so that its path is put together only for those who ask

    @property
    def path(self) -> str:
        """The path of its field from the root of the source."""
        above = self._above.path if self._above is not None else ""
        return f"{above}.{self._path}" if above else self._path

    def at(self, key: str) -> "Place":
        """The field of a mapping; an absent one stands where the mapping stands, and is null."""
        node = self.node
        value = node.value
        found = value.get(key) if isinstance(value, dict) else None
        if found is None:
            found = node if value is None else Node(node.line, None)
        return Place(found, key, self.file, self)

    def each(self) -> "list[Place]":
        """The entries of a list."""
        return [Place(n, f"{self.path}[{i}]", self.file) for i, n in enumerate(self.node.items)]

    def present(self, key: str) -> bool:
        """Whether a field of a mapping is there and not null."""
        return self.node.get(key) is not None

    def say(self, message: str) -> Problem:
        """A problem at this place."""
        text = message if len(message) <= _MAX_MESSAGE else message[: _MAX_MESSAGE - 1] + "…"
        return Problem(line=self.node.line, field=self.path, message=text, file=self.file)
