"""The syntax of Alloy's configuration: blocks, attributes, expressions, read into plain values.

It reads what `alloy fmt` reads of the part of the language that we write (no operators); `alloy_check.py` knows which
components there are. Alloy itself cannot be had for the tests, so this is what checks a text before it is applied.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_TOKEN: Final = re.compile(
    r'(?P<space>[ \t\r\n]+|//[^\n]*)|(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<number>-?[0-9]+(?:\.[0-9]+)?)'
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)|(?P<sign>[{}\[\]()=,])"
)


class InvalidAlloy(ValueError):
    """A text that is no configuration: the line, and what was found there."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that stands for a value of another component, or a call of a function."""

    name: str
    arguments: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `name "label" { attributes, blocks }`."""

    name: str
    label: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple["Block", ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def read(text: str) -> tuple[Block, ...]:
    """Read a configuration; raises InvalidAlloy with the line."""
    return _Reader(tuple(_tokens(text))).body(until="")[1]


def write_expression(value: Any) -> str:
    """Write a value as an expression: text, number, truth, list, object, reference."""
    match value:
        case Reference(name=name, arguments=None):
            return name
        case Reference(name=name, arguments=arguments):
            return f"{name}({', '.join(map(write_expression, arguments or ()))})"
        case Mapping():
            return "{" + ", ".join(f"{write_expression(k)} = {write_expression(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(map(write_expression, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _tokens(text: str) -> Iterator[_Token]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise InvalidAlloy(f"line {line}: found {text[at]!r}, which begins nothing")
        if match.lastgroup != "space":
            yield _Token(str(match.lastgroup), match[0], line)
        line += match[0].count("\n")
        at = match.end()
    yield _Token("end", "", line)


class _Reader:
    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self._tokens = tokens
        self._at = 0

    def body(self, until: str) -> tuple[dict[str, Any], tuple[Block, ...]]:
        """Attributes and blocks up to a closing sign."""
        attributes: dict[str, Any] = {}
        blocks: list[Block] = []
        while self._next.text != until or (not until and self._next.kind != "end"):
            name = self._take("name")
            if self._next.text == "=":
                self._sign("=")
                if name.text in attributes:
                    raise InvalidAlloy(f"line {name.line}: found {name.text} twice in one block")
                attributes[name.text] = self._value()
            else:
                blocks.append(self._block(name))
        self._at += 1
        return attributes, tuple(blocks)

    def _block(self, name: _Token) -> Block:
        label = str(json.loads(self._take("string").text)) if self._next.kind == "string" else ""
        self._sign("{")
        attributes, blocks = self.body(until="}")
        return Block(name.text, label, attributes, blocks)

    def _value(self) -> Any:
        token = self._next
        self._at += 1
        match token:
            case _Token(kind="string" | "number") | _Token(text="true" | "false"):
                return self._literal(token)
            case _Token(text="["):
                return self._list("]")
            case _Token(text="{"):
                return self._object()
            case _Token(kind="name"):
                if self._next.text != "(":
                    return Reference(token.text)
                self._sign("(")
                return Reference(token.text, tuple(self._list(")")))
            case _:
                raise InvalidAlloy(f"line {token.line}: found {token.text!r}, allowed is a value")

    def _literal(self, token: _Token) -> Any:
        try:
            return json.loads(token.text)
        except ValueError as e:
            raise InvalidAlloy(f"line {token.line}: found {token.text}, which is no text: {e}") from e

    def _list(self, until: str) -> list[Any]:
        found = []
        while self._next.text != until:
            found.append(self._value())
            if self._next.text != until:
                self._sign(",")
        self._sign(until)
        return found

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self._next.text != "}":
            key = self._next
            self._at += 1
            if key.kind not in ("string", "name"):
                raise InvalidAlloy(f"line {key.line}: found {key.text!r}, allowed is a key")
            self._sign("=")
            found[self._literal(key) if key.kind == "string" else key.text] = self._value()
            if self._next.text != "}":
                self._sign(",")
        self._sign("}")
        return found

    @property
    def _next(self) -> _Token:
        return self._tokens[min(self._at, len(self._tokens) - 1)]

    def _take(self, kind: str) -> _Token:
        token = self._next
        if token.kind != kind:
            raise InvalidAlloy(f"line {token.line}: found {token.text or 'the end'!r}, allowed is a {kind}")
        self._at += 1
        return token

    def _sign(self, sign: str) -> None:
        token = self._next
        if token.text != sign:
            raise InvalidAlloy(f"line {token.line}: found {token.text or 'the end'!r}, allowed is {sign!r}")
        self._at += 1
