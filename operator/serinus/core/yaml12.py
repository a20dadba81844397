"""YAML 1.2 (core schema, as js-yaml reads it) into a tree with lines, safely. It must not construct objects.

Differences from js-yaml in promptfoo, on purpose: tags and duplicate keys are refused, dates stay strings.
"""

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from serinus.core.jstext import js_text
from serinus.core.tree import MAX_DEPTH, MAX_NODES, Node, UnreadableDocument

_NULLS: Final = {"", "~", "null", "Null", "NULL"}
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMERIC: Final = frozenset("+-.0123456789")
"""How every number begins."""
_NO_NUMBER: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_EXACT_DIGITS: Final = 15
_MERGE: Final = "<<"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, *, last_wins: bool = False) -> Node:
    """Read one document; raises UnreadableDocument with the line. An empty text reads as null.

    `last_wins` takes the last of duplicate keys, for texts that nobody can be asked to repair.
    """
    return _Reader(text, last_wins=last_wins).document()


class _Reader:
    """Builds nodes from parser events, so that depth, size and aliases are bounded while reading."""

    def __init__(self, text: str, *, last_wins: bool) -> None:
        self._text = text
        self._last_wins = last_wins
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._left = MAX_NODES
        self._line = 1

    def document(self) -> Node:
        try:
            return self._documents(yaml.parse(self._text, Loader=_LOADER))
        except yaml.YAMLError as e:
            mark = getattr(e, "problem_mark", None)
            line = mark.line + 1 if mark is not None else self._line
            raise UnreadableDocument(line, f"not YAML: {_reason(e)}") from e
        except UnicodeError as e:
            raise UnreadableDocument(self._line, f"not YAML: {e}") from e

    def _documents(self, events: Iterator[Any]) -> Node:
        found: Node | None = None
        for event in events:
            self._line = event.start_mark.line + 1
            if isinstance(event, yaml.NodeEvent):
                if found is not None:
                    raise UnreadableDocument(self._line, "found a second document (---), allowed is one")
                found = self._node(event, events, 0)
        return found or Node(1, None)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        line = self._line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        if event.tag is not None:
            raise UnreadableDocument(line, f"found the tag {event.tag!r}, allowed are none")
        if depth > MAX_DEPTH:
            raise UnreadableDocument(line, f"found more than {MAX_DEPTH} levels")
        before = self._left
        self._spend(1, line)
        if isinstance(event, yaml.ScalarEvent):
            node = Node(line, _scalar(event.value, line) if event.implicit[0] else event.value)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node(line, tuple(self._sequence(events, depth)))
        else:
            node = Node(line, self._mapping(events, depth))
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, before - self._left)
        return node

    def _alias(self, anchor: str | None, line: int) -> Node:
        if anchor is None or anchor not in self._anchors:
            raise UnreadableDocument(line, f"found the alias *{anchor} before the end of its anchor")
        node, size = self._anchors[anchor]
        self._spend(size, line)
        return Node(line, node.value)

    def _spend(self, size: int, line: int) -> None:
        self._left -= size
        if self._left < 0:
            raise UnreadableDocument(line, f"found more than {MAX_NODES} values, aliases counted each time")

    def _sequence(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            yield self._node(event, events, depth + 1)

    def _mapping(self, events: Iterator[Any], depth: int) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = event.start_mark.line + 1
            merge = isinstance(event, yaml.ScalarEvent) and event.value == _MERGE and event.implicit[0]
            key = self._node(event, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if merge:
                merged = _merge(value, line) | merged
                continue
            if isinstance(key.value, tuple | dict):
                raise UnreadableDocument(line, f"found {key.kind()} as a key, allowed are scalars")
            name = js_text(key.value)
            if name in own and not self._last_wins:
                raise UnreadableDocument(line, f"found the key {name!r} twice")
            own[name] = Node(line, value.value)
        return merged | own


def _merge(value: Node, line: int) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for source in value.items or (value,):
        if not isinstance(source.value, dict):
            raise UnreadableDocument(line, f"found {source.kind()} after <<, allowed are mappings")
        found = source.value | found
    return found


def _scalar(text: str, line: int) -> Any:
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text) and len(text) <= _EXACT_DIGITS and float(text) != 0:
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return _finite(_based(text), text, line)
    if _FLOAT.fullmatch(text):
        return _finite(float(text), text, line)
    if _NO_NUMBER.fullmatch(text):
        raise UnreadableDocument(line, f"found {text}, which JSON cannot hold; in quotes it is text")
    return text


def _based(text: str) -> float:
    try:
        return float(int(text[2:], 8 if text[1] == "o" else 16))
    except OverflowError:
        return math.inf


def _finite(value: float, text: str, line: int) -> float:
    if not math.isfinite(value):
        raise UnreadableDocument(line, f"found {text[:40]}, allowed are numbers up to 1.8e308")
    whole = value.is_integer() and abs(value) < 10**_EXACT_DIGITS and math.copysign(1, value) > 0
    return int(value) if whole else value


def _reason(error: yaml.YAMLError) -> str:
    parts = (getattr(error, "context", None), getattr(error, "problem", None), getattr(error, "reason", None))
    return ", ".join(str(p) for p in parts if p) or " ".join(str(error).split())[:200]
