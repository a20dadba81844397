"""Cutting text to a number of bytes. It knows no field and no limit of its own."""

import json
from bisect import bisect_right
from itertools import accumulate


def cut(text: str, limit: int) -> str:
    """Take the middle out of a text that needs more than `limit` bytes (≥ 3) in JSON: names differ at either end."""
    if _width(text) <= limit:
        return text
    room = (limit - _width("…")) // 2
    return f"{_prefix(text, room)}…{_prefix(text[::-1], room)[::-1]}"


def _prefix(text: str, room: int) -> str:
    return text[: bisect_right(list(accumulate(map(_width, text))), room)]


def _width(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="replace")) - 2
