"""What both kinds of catalogue files share: the error that names the file, and readers that refuse the unknown.

It must not know what a runtime or an alert is.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import InvalidQuery

T = TypeVar("T")


class InvalidCatalogue(Exception):
    """A catalogue file that cannot be used; names the file, the path in it, what was found and what is allowed."""


def reading(file: str, parse: Callable[[], T]) -> T:
    """Run a parser; raises InvalidCatalogue with the file's name for what the parser refuses."""
    try:
        return parse()
    except InvalidSpec as e:
        raise InvalidCatalogue(f"{file}: {e}" if e.path else f"{file}: {e.message}") from e


def only(fields: Fields, *allowed: str) -> None:
    """Refuse a key that is not allowed."""
    for key in fields.raw:
        if key not in allowed:
            raise InvalidSpec(fields.at(str(key)), f"is unknown, allowed are {', '.join(allowed)}")


def matching(fields: Fields, key: str, pattern: re.Pattern[str]) -> str:
    """Read a string that matches a pattern as a whole."""
    text = fields.text(key)
    if not pattern.fullmatch(text):
        raise InvalidSpec(fields.at(key), f"found {text!r}, allowed is {pattern.pattern}")
    return text


def choice(fields: Fields, key: str, allowed: tuple[str, ...]) -> str:
    """Read a required string that is one of a few."""
    text = fields.text(key)
    if text not in allowed:
        raise InvalidSpec(fields.at(key), f"found {text!r}, allowed are {', '.join(allowed)}")
    return text


def texts(fields: Fields, key: str) -> tuple[str, ...]:
    """Read a list of strings; an absent one reads as empty."""
    values = fields.values(key)
    for i, value in enumerate(values):
        if not isinstance(value, str):
            raise InvalidSpec(f"{fields.at(key)}[{i}]", f"found {value!r}, allowed is a string")
    return tuple(values)


def typed(path: str, make: Callable[[], T]) -> T:
    """Make a piece of a query; its refusal becomes one that names the path."""
    try:
        return make()
    except InvalidQuery as e:
        raise InvalidSpec(path, str(e)) from e
