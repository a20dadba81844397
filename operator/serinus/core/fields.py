"""Typed reading of a nested mapping with the path of each field in every error. Knows nothing of any one kind."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from serinus.core.model import InvalidSpec

E = TypeVar("E", bound=StrEnum)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")


class Fields:
    """One object of a spec. Every getter takes a default where the field may be absent; without one it is required."""

    def __init__(self, raw: object, path: str) -> None:
        if not isinstance(raw, Mapping):
            raise InvalidSpec(path, f"found {_kind(raw)}, allowed is an object")
        self.raw: Mapping[str, Any] = raw
        self.path = path

    def at(self, key: str) -> str:
        """Full path of a field."""
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        """Whether a field is set."""
        return self.raw.get(key) is not None

    def child(self, key: str) -> "Fields":
        """Read an object; an absent one reads as empty."""
        value = self.raw.get(key)
        return Fields({} if value is None else value, self.at(key))

    def text(self, key: str, default: str | None = None) -> str:
        """Read a string."""
        value = self._value(key, default)
        if not isinstance(value, str):
            raise InvalidSpec(self.at(key), f"found {_kind(value)}, allowed is a string")
        return value

    def port(self, key: str, default: str) -> str:
        """Read a port, a name or a number, as text."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise InvalidSpec(self.at(key), f"found {_kind(value)}, allowed is the name or the number of a port")
        return str(value)

    def integer(self, key: str, default: int | None = None, *, low: int = 0, high: int = 2**31 - 1) -> int:
        """Read an integer in [low, high]."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise InvalidSpec(self.at(key), f"found {value!r}, allowed is an integer from {low} to {high}")
        return value

    def ratio(self, key: str, default: float | None = None, *, low: float = 0, high: float = 100) -> float:
        """Read percent or points in [low, high], as a ratio."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise InvalidSpec(self.at(key), f"found {value!r}, allowed is a number from {low:g} to {high:g}")
        return value / 100

    def boolean(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise InvalidSpec(self.at(key), f"found {value!r}, allowed are true and false")
        return value

    def seconds(self, key: str, default: str) -> int:
        """Read a duration such as `1h30m`, in whole seconds, rounded up."""
        return parse_duration(self.text(key, default), self.at(key))

    def one_of(self, key: str, kind: type[E], default: E) -> E:
        """Read a member of an enumeration."""
        return as_member(self._value(key, default), kind, self.at(key))

    def strings(self, key: str) -> dict[str, str]:
        """Read a mapping of strings; an absent one reads as empty."""
        found = self.child(key)
        return {name: found.text(name) for name in found.raw}

    def items(self, key: str) -> list["Fields"]:
        """Read a list of objects; an absent one reads as empty."""
        return [Fields(item, f"{self.at(key)}[{i}]") for i, item in enumerate(self.values(key))]

    def values(self, key: str) -> Sequence[Any]:
        """Read a list; an absent one reads as empty."""
        value = self.raw.get(key)
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InvalidSpec(self.at(key), f"found {_kind(value)}, allowed is a list")
        return value

    def _value(self, key: str, default: object) -> Any:
        value = self.raw.get(key)
        if value is not None:
            return value
        if default is None:
            raise InvalidSpec(self.at(key), "is required")
        return default


def as_member(value: object, kind: type[E], path: str) -> E:
    """Read a value as a member of an enumeration; InvalidSpec lists the allowed ones."""
    try:
        return kind(value)  # type: ignore[arg-type]
    except ValueError as e:
        allowed = ", ".join(kind)
        raise InvalidSpec(path, f"found {value!r}, allowed are {allowed}") from e


def parse_duration(text: str, path: str) -> int:
    """Read a GEP-2257 duration (`1h30m`, `90s`, `500ms`) as whole seconds, rounded up."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise InvalidSpec(path, f"found {text!r}, allowed is a duration such as 30s, 5m or 1h30m")
    hours, minutes, seconds, millis = (int(g) if g else 0 for g in match.groups())
    return hours * 3600 + minutes * 60 + seconds + -(-millis // 1000)


def _kind(value: object) -> str:
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
