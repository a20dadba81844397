"""From a query template of ours and typed values to a checked query. It must not know any metric or any service."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Final

from serinus.core.promql import PLAIN, Duration, InvalidQuery, Matcher, Op, check, number, require_matchers

_PLACEHOLDER: Final = re.compile(r"\$([a-zA-Z_][a-zA-Z0-9_]*)")

Value = tuple[Matcher, ...] | Decimal | Duration
"""What may take the place of a placeholder in an expression: each renders itself, none is free text."""


def placeholders(template: str) -> frozenset[str]:
    """Names of the `$placeholders` of a template."""
    return frozenset(_PLACEHOLDER.findall(template))


def substitute(template: str, values: Mapping[str, Value]) -> str:
    """Put typed values into a template of ours, and check the result.

    Matchers are written as the inside of `{}`, numbers and durations as themselves. Every selector of the result
    must carry the matchers that were put in. Raises InvalidQuery for an unknown placeholder too. Plain values, which
    names and positive numbers are, cannot change how a query is parsed: for them one check of the template is enough.
    """

    def write(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise InvalidQuery(f"placeholder: found ${match[1]}, allowed are {', '.join(f'${v}' for v in values)}")
        return _write(values[match[1]])

    query = _PLACEHOLDER.sub(write, template)
    if not all(_plain(value) for value in values.values()):
        _check_scoped(query, values.values())
    elif not _is_sound(template, tuple((name, _example(value)) for name, value in values.items())):
        _check_scoped(query, values.values())
        raise InvalidQuery(f"found {template!r}, allowed is a template that is a query with any values")
    return query


@lru_cache(maxsize=1024)
def _is_sound(template: str, examples: tuple[tuple[str, Value], ...]) -> bool:
    values = dict(examples)
    try:
        _check_scoped(_PLACEHOLDER.sub(lambda match: _write(values[match[1]]), template), values.values())
    except InvalidQuery:
        return False
    return True


def _check_scoped(query: str, values: Iterable[Value]) -> None:
    found = check(query)
    for matchers in (v for v in values if isinstance(v, tuple)):
        require_matchers(found, matchers)


def _plain(value: Value) -> bool:
    match value:
        case tuple():
            return all(m.op is Op.EQUAL and PLAIN.fullmatch(m.value) for m in value)
        case Decimal():
            return value >= 0
        case Duration():  # pragma: no branch - mypy proves that no other type is left
            return value.milliseconds > 0


def _example(value: Value) -> Value:
    """The same value for all plain values of a kind."""
    match value:
        case tuple():
            return tuple(Matcher(m.label, "example-of-a-name") for m in value)
        case Decimal():
            return Decimal(1)
        case Duration():  # pragma: no branch - mypy proves that no other type is left
            return Duration(1000)


def _write(value: Value) -> str:
    match value:
        case tuple():
            return ",".join(m.text for m in value)
        case Decimal():
            return number(value)
        case Duration():  # pragma: no branch - mypy proves that no other type is left
            return value.text
