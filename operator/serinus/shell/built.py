"""Outputs that are not built twice from the same parts: a rule or a file of a service costs milliseconds, a look less.

A builder is a pure function of a Context, so what it made stays right as long as the parts that it has read are the
same; which parts those are is noted while it builds. Nothing is decided here: losing it all costs time alone.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from types import FunctionType, MethodType
from typing import Any, Final, cast

from serinus.core.model import Manifest
from serinus.resources import Builder
from serinus.resources.context import Context
from serinus.shell import wire

_PARTS: Final = frozenset(f.name for f in fields(Context))
_SERVICES: Final = 5000
_LEVEL: Final = 1


class _Traced:
    """A Context that notes which of its parts are read, by its own methods too."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.read: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name in _PARTS:
            self.read.add(name)
            return getattr(self._context, name)
        found = getattr(Context, name)
        if isinstance(found, property):
            return cast("Callable[[Any], Any]", found.fget)(self)
        return MethodType(found, self) if isinstance(found, FunctionType) else found


@dataclass(slots=True)
class _Made:
    """What a builder made, packed, and the parts that it was made from."""

    parts: dict[str, Any]
    packed: bytes


@dataclass(slots=True)
class _Service:
    """What is known of one service: parts of the last Context, and what each builder made."""

    parts: dict[str, Any] = field(default_factory=dict)
    made: dict[Builder, _Made] = field(default_factory=dict)

    def part(self, context: Context, name: str) -> Any:
        """A part of a Context, as the object that stood for the same content before: later compares are by identity."""
        new, known = getattr(context, name), self.parts.get(name)
        if known is None or (new is not known and new != known):
            self.parts[name] = known = new
        return known


class Built:
    """Runs builders; `services`: of how many services what was made is kept, the latest ones."""

    def __init__(self, services: int = _SERVICES) -> None:
        self._most = services
        self._services: OrderedDict[tuple[str, str], _Service] = OrderedDict()

    def __call__(self, builder: Builder, context: Context) -> list[Manifest]:
        """What the builder makes of the context. Whatever it made before and nobody keeps may be changed."""
        if not builder.output:
            return builder.build(context)
        known = self._of(context)
        made = known.made.get(builder)
        if made is not None and all(known.part(context, name) is value for name, value in made.parts.items()):
            return cast("list[Manifest]", wire.decode(zlib.decompress(made.packed)))
        traced = _Traced(context)
        found = builder.build(cast("Context", traced))
        parts = {name: known.part(context, name) for name in traced.read}
        known.made[builder] = _Made(parts, zlib.compress(wire.encode(found), _LEVEL))
        return found

    def _of(self, context: Context) -> _Service:
        key = (context.service.namespace, context.service.name)
        known = self._services.setdefault(key, _Service())
        self._services.move_to_end(key)
        if len(self._services) > self._most:
            self._services.popitem(last=False)
        return known
