"""JSON into a tree with lines, as strict as JSON.parse. It knows no meaning."""

import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined] # it is in __all__ of no version, and in all of them
from typing import Any, Final

from serinus.core.tree import MAX_DEPTH, MAX_NODES, Node, UnreadableDocument

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final = {"true": True, "false": False, "null": None}
_EXACT_DIGITS: Final = 15


def read_json(text: str) -> Node:
    """Read one JSON text; raises UnreadableDocument with the line."""
    return _Reader(text.removeprefix("\ufeff")).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self._left = MAX_NODES

    def document(self) -> Node:
        node = self._value(0)
        self._skip()
        if self._at < len(self._text):
            raise self._refuse("the end of the text")
        return node

    def _value(self, depth: int) -> Node:
        self._skip()
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise UnreadableDocument(self._here(), f"allowed are {MAX_DEPTH} levels and {MAX_NODES} values")
        line, start = self._here(), self._text[self._at : self._at + 1]
        if start == "{":
            return Node(line, self._object(depth))
        if start == "[":
            return Node(line, tuple(self._list(depth)))
        if start == '"':
            return Node(line, self._string())
        return Node(line, self._scalar())

    def _object(self, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        while self._more("}", first=not found):
            self._skip()
            line = self._here()
            key = self._string()
            if key in found:
                raise UnreadableDocument(line, f"found the key {key!r} twice")
            self._expect(":")
            found[key] = Node(line, self._value(depth + 1).value)
        return found

    def _list(self, depth: int) -> list[Node]:
        found: list[Node] = []
        while self._more("]", first=not found):
            found.append(self._value(depth + 1))
        return found

    def _more(self, end: str, *, first: bool) -> bool:
        """Step over the opening bracket or a comma; False, and behind the bracket, at the end."""
        if first:
            self._at += 1
        self._skip()
        if self._text.startswith(end, self._at):
            self._at += 1
            return False
        if not first:
            self._expect(",")
        return True

    def _string(self) -> str:
        if not self._text.startswith('"', self._at):
            raise self._refuse("a string")
        try:
            text, self._at = scanstring(self._text, self._at + 1)
        except JSONDecodeError as e:
            raise UnreadableDocument(e.lineno, f"not JSON: {e.msg}") from e
        return str(text)

    def _scalar(self) -> Any:
        for word, meaning in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return meaning
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            raise self._refuse("a value")
        self._at = match.end()
        text = match[0]
        if match[1] is None and match[2] is None and len(text) <= _EXACT_DIGITS and text != "-0":
            return int(text)
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise UnreadableDocument(self._here(), f"found {text[:40]}, allowed are numbers up to 1.8e308")
        return value

    def _expect(self, sign: str) -> None:
        self._skip()
        if not self._text.startswith(sign, self._at):
            raise self._refuse(repr(sign))
        self._at += 1

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _here(self) -> int:
        """The line of the next sign, counted from where it was last asked."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _refuse(self, wanted: str) -> UnreadableDocument:
        found = self._text[self._at : self._at + 20] or "the end of the text"
        return UnreadableDocument(self._here(), f"not JSON: found {found!r}, allowed is {wanted}")
