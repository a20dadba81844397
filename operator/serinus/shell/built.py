"""What is not found twice from the same parts: outputs, what is said of them, and how a spec reads.

A builder is a pure function of a Context, so what it made stays right as long as the parts that it has read are the
same; which parts those are is noted while it builds. A spec reads the same as long as its generation is the same.
Nothing is decided here: losing it all costs time alone.
"""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from types import FunctionType, MethodType
from typing import Any, Final, TypeVar, cast

from serinus import desk
from serinus.core.model import Manifest, Service
from serinus.core.revision import Revision
from serinus.core.runtime import Catalogue
from serinus.resources import Builder
from serinus.resources.context import Context
from serinus.shell import wire

_PARTS: Final = frozenset(f.name for f in fields(Context))
_SERVICES: Final = 5000
_LEVEL: Final = 1
T = TypeVar("T")


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
class _Said:
    """What a function said, and the parts that it was said of."""

    parts: dict[str, Any]
    value: Any


@dataclass(slots=True)
class _Read:
    """How a spec reads: of which object and generation, and out of which catalogue."""

    uid: str
    generation: int
    catalogue: Catalogue
    found: tuple[Service, Revision | None]


@dataclass(slots=True)
class _Service:
    """What is known of one service: parts of the last Context, what each builder made, what each function said."""

    parts: dict[str, Any] = field(default_factory=dict)
    made: dict[Builder, _Made] = field(default_factory=dict)
    said: dict[Callable[[Context], Any], _Said] = field(default_factory=dict)
    read: _Read | None = None

    def same(self, context: Context, parts: dict[str, Any]) -> bool:
        """Whether these parts of a Context are as they were."""
        return all(self.part(context, name) is value for name, value in parts.items())

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

    def build(self, builder: Builder, context: Context) -> list[Manifest]:
        """What the builder makes of the context. Whatever it made before and nobody keeps may be changed."""
        if not builder.output:
            return builder.build(context)
        known = self._of(context.service.namespace, context.service.name)
        made = known.made.get(builder)
        if made is not None and known.same(context, made.parts):
            return cast("list[Manifest]", wire.decode(zlib.decompress(made.packed)))
        traced = _Traced(context)
        found = builder.build(cast("Context", traced))
        parts = {name: known.part(context, name) for name in traced.read}
        known.made[builder] = _Made(parts, zlib.compress(wire.encode(found), _LEVEL))
        return found

    def say(self, function: Callable[[Context], T], context: Context) -> T:
        """What a pure function says of the context; nobody may change it."""
        known = self._of(context.service.namespace, context.service.name)
        said = known.said.get(function)
        if said is not None and known.same(context, said.parts):
            return cast("T", said.value)
        traced = _Traced(context)
        value = function(cast("Context", traced))
        known.said[function] = _Said({name: known.part(context, name) for name in traced.read}, value)
        return value

    def read(self, body: Manifest, catalogue: Catalogue) -> tuple[Service, Revision | None]:
        """How the body of an LLMService reads; raises InvalidSpec, of which nothing is kept."""
        metadata = body["metadata"]
        uid, generation = str(metadata.get("uid", "")), int(metadata.get("generation", 0))
        if not (uid and generation):
            return desk.read(body, catalogue)
        known = self._of(metadata.get("namespace", ""), metadata["name"])
        read = known.read
        if read is None or (read.uid, read.generation) != (uid, generation) or read.catalogue is not catalogue:
            known.read = read = _Read(uid, generation, catalogue, desk.read(body, catalogue))
        return read.found

    def _of(self, namespace: str, name: str) -> _Service:
        known = self._services.setdefault((namespace, name), _Service())
        self._services.move_to_end((namespace, name))
        if len(self._services) > self._most:
            self._services.popitem(last=False)
        return known
