"""A parsed document whose every value knows its line. It knows no format and no meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_NODES: Final = 100_000
"""Values of one document, repeated ones counted each time: what an alias bomb runs into."""
MAX_DEPTH: Final = 64


class UnreadableDocument(Exception):
    """A text that is not a document of its format; names the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Node:
    """A value at a line (of its key, where it has one): a scalar, a tuple of nodes, or a mapping to nodes."""

    line: int
    value: Any

    @property
    def is_text(self) -> bool:
        """Whether this is a string."""
        return isinstance(self.value, str)

    @property
    def items(self) -> tuple["Node", ...]:
        """The nodes of a list; of anything else none."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def fields(self) -> Mapping[str, "Node"]:
        """The nodes of a mapping; of anything else none."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, key: str) -> "Node | None":
        """A node of a mapping, unless it is absent or null."""
        found = self.fields.get(key)
        return None if found is None or found.value is None else found

    def plain(self) -> Any:
        """The value without lines: scalars, lists and dicts."""
        if isinstance(self.value, tuple):
            return [n.plain() for n in self.value]
        if isinstance(self.value, dict):
            return {k: n.plain() for k, n in self.value.items()}
        return self.value

    def kind(self) -> str:
        """What it is, in words."""
        kinds = ((bool, "a boolean"), (str, "a string"), (tuple, "a list"), (dict, "a mapping"), (type(None), "null"))
        return next((word for kind, word in kinds if isinstance(self.value, kind)), "a number")

    def shown(self) -> str:
        """The value itself if it is a short scalar, else what it is."""
        if isinstance(self.value, tuple | dict):
            return self.kind()
        text = repr(self.value)
        return text if len(text) <= 60 else f"{text[:57]}…'"


def from_plain(value: Any, line: int = 0) -> Node:
    """A tree from plain values, all of them at one line; raises UnreadableDocument at 64 levels and 100,000 values."""
    return _Plain(line).build(value, 0)


class _Plain:
    def __init__(self, line: int) -> None:
        self.line = line
        self.left = MAX_NODES

    def build(self, value: Any, depth: int) -> Node:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            raise UnreadableDocument(self.line, f"allowed are {MAX_DEPTH} levels and {MAX_NODES} values")
        if isinstance(value, Mapping):
            return Node(self.line, {str(k): self.build(v, depth + 1) for k, v in value.items()})
        if isinstance(value, list | tuple):
            return Node(self.line, tuple(self.build(v, depth + 1) for v in value))
        return Node(self.line, value)
