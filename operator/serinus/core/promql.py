"""Typed PromQL: how a name, a number or a duration becomes part of a query, and how a finished query is checked.

It owns all quoting. It must not know any metric of ours, and takes no expression from a user.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

import promql_parser

_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION_PART: Final = re.compile(r"([0-9]+)(ms|h|m|s)")
_UNITS: Final = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MAX_DIGITS: Final = 40
PLAIN: Final = re.compile(r"[A-Za-z0-9._/:-]*")
"""Text that needs no quoting but the quotes: names are like this."""


class InvalidQuery(Exception):
    """A query, or a piece of one, that must not reach Prometheus; says what was found and what is allowed."""


class Op(StrEnum):
    """How a label is compared."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher; `value` is any text, and a pattern in RE2 syntax where `op` is a regex."""

    label: str
    value: str
    op: Op = Op.EQUAL

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.label):
            raise InvalidQuery(f"label: found {self.label!r}, allowed is {_LABEL.pattern}")

    @property
    def text(self) -> str:
        """The matcher as Prometheus reads it."""
        return f"{self.label}{self.op}{quote(self.value)}"


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time ≥ 0, in milliseconds."""

    milliseconds: int

    @property
    def seconds(self) -> Decimal:
        """The length in seconds, exactly."""
        return Decimal(self.milliseconds) / 1000

    @property
    def text(self) -> str:
        """The duration as Prometheus reads it, largest unit first: `1h30m`."""
        rest, parts = self.milliseconds, []
        for unit, size in _UNITS.items():
            count, rest = divmod(rest, size)
            parts += [f"{count}{unit}"] if count else []
        return "".join(parts) or "0s"


@dataclass(frozen=True, slots=True)
class Selected:
    """A selector found in a query: its metric and its matchers."""

    metric: str
    matchers: tuple[Matcher, ...]


def quote(text: str) -> str:
    """Write any text as a PromQL string; raises InvalidQuery for text that UTF-8 cannot carry."""
    if PLAIN.fullmatch(text):
        return f'"{text}"'
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise InvalidQuery(f"found {text!r}, allowed is text that can be written as UTF-8") from e
    return f'"{"".join(_escape(c) for c in text)}"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{ord(character):02x}" if ord(character) < 32 or ord(character) == 127 else character


def selector(metric: str, matchers: Iterable[Matcher] = ()) -> str:
    """Write an instant selector; raises InvalidQuery for a metric name outside the classic character set."""
    if not _METRIC.fullmatch(metric):
        raise InvalidQuery(f"metric: found {metric!r}, allowed is {_METRIC.pattern}")
    inside = ",".join(m.text for m in matchers)
    return f"{metric}{{{inside}}}" if inside else metric


def number(value: Decimal) -> str:
    """Write a finite number without an exponent; raises InvalidQuery for NaN, infinities and over 40 digits."""
    if not value.is_finite() or len(value.as_tuple().digits) + abs(value.adjusted()) > _MAX_DIGITS:
        raise InvalidQuery(f"number: found {value}, allowed is a finite number of at most {_MAX_DIGITS} digits")
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def parse_number(text: str) -> Decimal:
    """Read a plain decimal number such as `2`, `0.5`; raises InvalidQuery."""
    if not re.fullmatch(r"[0-9]{1,20}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,2})?", text):
        raise InvalidQuery(f"found {text!r}, allowed is a number such as 2 or 0.5")
    return Decimal(text)


def parse_duration(text: str) -> Duration:
    """Read a GEP-2257 duration (`5m`, `1h30m`, `2500ms`, its units in any order); raises InvalidQuery."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(a + b for a, b in parts) != text or len(text) > _MAX_DIGITS:
        raise InvalidQuery(f"found {text!r}, allowed is a duration such as 30s, 5m or 1h30m")
    return Duration(sum(int(count) * _UNITS[unit] for count, unit in parts))


def scope(namespace: str, service: str) -> tuple[Matcher, ...]:
    """The matchers that keep a query to one service; every query about a service carries them."""
    return Matcher("namespace", namespace), Matcher("llmservice", service)


def require_matchers(found: Iterable[Selected], matchers: Iterable[Matcher]) -> None:
    """Raise InvalidQuery when a selector lacks one of the matchers."""
    wanted = tuple(matchers)
    for selected in found:
        for matcher in wanted:
            if matcher not in selected.matchers:
                raise InvalidQuery(f"selector of {selected.metric or 'no metric'}: lacks {matcher.text}")


def check(query: str) -> tuple[Selected, ...]:
    """Parse a query and return its selectors in order; raises InvalidQuery with the parser's words."""
    try:
        parsed = promql_parser.parse(query)
    except ValueError as e:
        raise InvalidQuery(f"found {query!r}, which is not PromQL: {e}") from e
    found: list[Selected] = []

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(_selected(node))
        return True

    promql_parser.walk(parsed, visit)
    return tuple(found)


def _selected(node: promql_parser.VectorSelector) -> Selected:
    if node.matchers.or_matchers:
        raise InvalidQuery(f"selector of {node.name}: found `or` between matchers, which Prometheus does not know")
    matchers = tuple(Matcher(m.name, m.value, _op(m.op)) for m in node.matchers.matchers)
    metric = node.name or next((m.value for m in matchers if m.label == "__name__" and m.op is Op.EQUAL), "")
    return Selected(metric, matchers)


def _op(found: promql_parser.MatchOp) -> Op:
    return next(op for parsed, op in _OPS if parsed == found)


_OPS: Final = (
    (promql_parser.MatchOp.Equal, Op.EQUAL),
    (promql_parser.MatchOp.NotEqual, Op.NOT_EQUAL),
    (promql_parser.MatchOp.Re, Op.REGEX),
    (promql_parser.MatchOp.NotRe, Op.NOT_REGEX),
)
