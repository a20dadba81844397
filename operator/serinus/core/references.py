"""`$ref: '#/…'` within one document, replaced by what it points to. It leads to no other document."""

from typing import Final

from serinus.core.tree import MAX_DEPTH, MAX_NODES, Node, UnreadableDocument

_KEY: Final = "$ref"


def dereferenced(root: Node) -> Node:
    """The document without references; schemas under a `value` keep theirs. Raises UnreadableDocument with the line."""
    return _Reader(root).read(root, 0)


class _Reader:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._left = MAX_NODES

    def read(self, node: Node, depth: int) -> Node:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise UnreadableDocument(node.line, f"found references without end, allowed are {MAX_DEPTH} levels")
        target = node.fields.get(_KEY)
        if target is not None and isinstance(target.value, str) and target.value.startswith("#/"):
            return self.read(Node(node.line, self._at(target)), depth + 1)
        if isinstance(node.value, tuple):
            return Node(node.line, tuple(self.read(n, depth + 1) for n in node.value))
        if isinstance(node.value, dict):
            kept = {k: n if k == "value" else self.read(n, depth + 1) for k, n in node.value.items()}
            return Node(node.line, kept)
        return node

    def _at(self, target: Node) -> object:
        found: Node | None = self._root
        for step in target.value[2:].split("/"):
            found = found.fields.get(step.replace("~1", "/").replace("~0", "~")) if found else None
        if found is None:
            raise UnreadableDocument(target.line, f"{_KEY}: found {target.value[:100]!r}, which is not in the document")
        return found.value
