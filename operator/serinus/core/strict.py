"""Reading JSON that somebody else wrote into frozen dataclasses: exact keys, exact types, bounded numbers.

It owns the strictness, not the meaning: whoever calls it says which numbers are possible together.
"""

import dataclasses
import json
import math
from typing import Any

_SHOWN = 60


def loads(text: str) -> Any:
    """Parse JSON; raises ValueError for a repeated key, NaN, an infinity, or nesting that Python cannot follow."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeats)
    except RecursionError as e:
        raise ValueError("it is nested too deeply") from e


def record(cls: type, where: str, raw: object, *, low: int = 0, high: int) -> dict[str, Any]:
    """The arguments of a dataclass of simple fields; each key once, none missing, numbers in [low, high].

    Fields of any other type must be there and are returned as they are. Raises ValueError with the field's path.
    """
    fields = dataclasses.fields(cls)
    values = keys(where, raw, {f.name for f in fields})
    for f in fields:
        value, path = values[f.name], f"{where}.{f.name}" if where else f.name
        if f.type is str:
            require(isinstance(value, str), path, value, "a text")
        elif f.type is bool:
            require(isinstance(value, bool), path, value, "true or false")
        elif f.type is int:
            require(type(value) is int and low <= value <= high, path, value, f"a whole number from {low} to {high}")
        elif f.type is float:
            require(_real(value) and low <= value <= high, path, value, f"a number from {low} to {high}")
    return values


def keys(where: str, raw: object, expected: set[str]) -> dict[str, Any]:
    """A JSON object that has exactly the expected keys."""
    if not isinstance(raw, dict):
        raise ValueError(f"{where or 'it'}: found {shown(raw)}, allowed is an object")  # noqa: TRY004 - what was read
    missing, unknown = sorted(expected - raw.keys()), sorted(raw.keys() - expected)
    if missing or unknown:
        raise ValueError(f"{where or 'it'}: missing keys {missing}, unknown keys {shown(unknown)}")
    return raw


def items(where: str, raw: object, *, most: int) -> list[Any]:
    """A JSON list of at most `most` items."""
    if not isinstance(raw, list):
        raise ValueError(f"{where}: found {shown(raw)}, allowed is a list")  # noqa: TRY004 - what was read is wrong
    require(len(raw) <= most, where, f"{len(raw)} items", f"at most {most}")
    return raw


def require(condition: object, path: str, value: object, allowed: str) -> None:
    """Raise ValueError with the path, what was found (cut) and what is allowed, unless the condition holds."""
    if not condition:
        raise ValueError(f"{path}: found {shown(value)}, allowed is {allowed}")


def shown(value: object) -> str:
    """A value for an error message, at most 60 characters of it."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _real(value: object) -> bool:
    return type(value) is int or (isinstance(value, float) and math.isfinite(value))


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [k for k, _ in pairs]
        raise ValueError(f"key {next(shown(k) for k in names if names.count(k) > 1)!r} stands there twice")
    return found
