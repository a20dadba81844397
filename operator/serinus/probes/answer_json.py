"""JSON in answers: the whole answer, as strict as JSON.parse, or the objects somewhere in it, read leniently."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from serinus.core.tree import UnreadableDocument

_MAX_OBJECT: Final = 100_000
_MAX_LENIENT_CHARACTERS: Final = 300_000
"""Of one answer that may be read leniently, all attempts together: a few hundred milliseconds."""


class NoJson(Exception):
    """The text is not JSON."""


def parse_json(text: str) -> Any:
    """Parse a whole text as JSON.parse does; raises NoJson. Whole numbers are integers, if they are exact."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError) as e:
        raise NoJson(str(e)) from e


def objects_in(text: str) -> Iterator[dict[str, Any]]:
    """Every `{…}` of a text that parses, from left to right; braces that are not closed at the end are closed.

    Reads as promptfoo 0.123 does: braces are counted without regard to quotes; comments, single quotes and trailing
    commas are fine; an object is at most 100,000 characters long.
    """
    ends, depths = _scan(text)
    budget = _MAX_LENIENT_CHARACTERS
    position = text.find("{")
    while position >= 0:
        limit = min(position + _MAX_OBJECT, len(text))
        end = ends.get(position, limit + 1)
        piece = text[position:end]
        if end > limit:
            missing = depths[limit] - depths[position]
            end, piece = limit, text[position:limit] + "}" * missing
        found, spent = _lenient(piece, budget)
        budget -= spent
        if found is not None:
            yield found
        position = text.find("{", end if found is not None else position + 1)


def _scan(text: str) -> tuple[dict[int, int], list[int]]:
    """Where each brace is closed (the position behind), and how many are open before each position."""
    ends: dict[int, int] = {}
    open_at: list[int] = []
    depths = [0] * (len(text) + 1)
    depth = 0
    for position, sign in enumerate(text):
        depths[position] = depth
        if sign == "{":
            open_at.append(position)
            depth += 1
        elif sign == "}":
            depth -= 1
            if open_at:
                ends[open_at.pop()] = position + 1
    depths[len(text)] = depth
    return ends, depths


def _lenient(piece: str, budget: int) -> tuple[dict[str, Any] | None, int]:
    """The object, if it parses, and how many characters were read leniently."""
    try:
        found = json.loads(piece, parse_constant=_refuse, parse_int=_integer)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        return found, 0
    if len(piece) > budget:
        return None, 0
    from serinus.core.yaml12 import read_yaml  # noqa: PLC0415 - few answers need it, and it takes long to import

    try:
        found = read_yaml(_slashes_to_hashes(piece), last_wins=True).plain()
    except UnreadableDocument:
        found = None
    return (found if isinstance(found, dict) else None), len(piece)


def _slashes_to_hashes(text: str) -> str:
    """Comments after `//` as YAML writes them, outside of quotes and of URLs."""
    return "\n".join(_line(line) for line in text.split("\n")) if "//" in text else text


def _line(line: str) -> str:
    quote = ""
    for position, sign in enumerate(line):
        before, behind = line[position - 1 : position], line[position + 1 : position + 2]
        if quote:
            closes = sign == quote and not _escaped(line, position)
            if closes and not (quote == "'" and _is_letter(behind)):
                quote = ""
        elif sign == '"' or (sign == "'" and not _is_letter(before)):
            quote = sign
        elif sign == "/" and behind == "/":
            word = line[: position + 2].rsplit(maxsplit=1)[-1]
            if "://" not in word:
                return line[:position] + "#" + line[position:].lstrip("/")
    return line


def _is_letter(sign: str) -> bool:
    return sign.isascii() and sign.isalpha()


def _escaped(line: str, position: int) -> bool:
    before = line[:position]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _integer(text: str) -> float:
    if text == "-0":
        return -0.0
    return int(text) if len(text) <= 15 else _finite(float(text))


def _finite(value: float) -> float:
    return value if math.isinf(value) or not value.is_integer() else int(value)


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def deep_equal(left: Any, right: Any) -> bool:
    """Equal as JSON: numbers by value (0 and -0 differ, as in JavaScript), the order of keys does not matter."""
    if isinstance(left, bool) or isinstance(right, bool) or left is None or right is None:
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return float(left) == float(right) and math.copysign(1, left) == math.copysign(1, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(deep_equal(v, right[k]) for k, v in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    return type(left) is type(right) and bool(left == right)
