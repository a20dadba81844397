"""What is not found twice from the same parts: children, what is said of them, and how a spec reads.

A builder is a pure function of a Context, so what it made stays right as long as the parts that it has read are the
same; which parts those are is noted while it builds. Only what a child is called is kept of it: a manifest is written
once, and is made again when somebody asks. A spec reads the same as long as its generation is the same. Nothing is
decided here: losing it all costs time alone.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final, TypeVar, cast

from serinus import desk
from serinus.core.child import Child, Head
from serinus.core.model import Manifest, Service
from serinus.core.revision import Revision
from serinus.core.runtime import Catalogue
from serinus.resources import Builder
from serinus.resources.context import Context

_PARTS: Final = tuple(f.name for f in fields(Context))
_SERVICES: Final = 5000
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

    def parts(self) -> "_Parts":
        """The parts that were read."""
        return tuple((name, getattr(self._context, name)) for name in self.read)


@dataclass(slots=True)
class _Manifests:
    """What a builder makes of a Context, made once and only if it is asked for."""

    builder: Builder
    context: Context
    found: list[Manifest] | None = None

    def nth(self, place: int) -> Manifest:
        """One of them."""
        if self.found is None:
            self.found = self.builder.build(self.context)
        return self.found[place]


_Parts = tuple[tuple[str, Any], ...]
"""Names and values of parts of a Context."""


@dataclass(slots=True)
class _Made:
    """What children a builder made, and the parts that it made them from."""

    parts: _Parts
    heads: tuple[Head, ...]


@dataclass(slots=True)
class _Said:
    """What a function said, and the parts that it was said of."""

    parts: _Parts
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
    """What is known of one service: its last Context, what each builder made of it, what each function said."""

    context: Context | None = None
    made: dict[Builder, _Made] = field(default_factory=dict)
    said: dict[Callable[[Context], Any], _Said] = field(default_factory=dict)
    read: _Read | None = None


class Built:
    """Runs builders; `services`: of how many services what was made is kept, the latest ones."""

    def __init__(self, services: int = _SERVICES) -> None:
        self._most = services
        self._services: OrderedDict[tuple[str, str], _Service] = OrderedDict()
        self._last: tuple[Context, _Service, Context] | None = None

    def build(self, builder: Builder, context: Context) -> list[Child]:
        """What the builder makes of the context, under the same heads as before if it is the same."""
        known, context = self._at(context)
        made = known.made.get(builder)
        if made is not None and _holds(made.parts, context):
            again = _Manifests(builder, context)
            return [Child(head, partial(again.nth, place)) for place, head in enumerate(made.heads)]
        traced = _Traced(context)
        found = builder.build(cast("Context", traced))
        heads = tuple(Head.of(manifest) for manifest in found)
        known.made[builder] = _Made(traced.parts(), heads)
        return [Child(head, partial(found.__getitem__, place)) for place, head in enumerate(heads)]

    def say(self, function: Callable[[Context], T], context: Context) -> T:
        """What a pure function says of the context; nobody may change it."""
        known, context = self._at(context)
        said = known.said.get(function)
        if said is not None and _holds(said.parts, context):
            return cast("T", said.value)
        traced = _Traced(context)
        value = function(cast("Context", traced))
        known.said[function] = _Said(traced.parts(), value)
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

    def _at(self, context: Context) -> tuple[_Service, Context]:
        """What is known of the service; and the Context, each part as the object that stood for the same before.

        Of one Context everything is asked in a row: it is compared with the one before once.
        """
        last = self._last
        if last is None or last[0] is not context:
            known = self._of(context.service.namespace, context.service.name)
            before = known.context
            known.context = context if before is None else replace(context, **_known(before, context))
            self._last = last = (context, known, known.context)
        return last[1], last[2]

    def _of(self, namespace: str, name: str) -> _Service:
        known = self._services.setdefault((namespace, name), _Service())
        self._services.move_to_end((namespace, name))
        if len(self._services) > self._most:
            self._services.popitem(last=False)
        return known


def _known(before: Context, now: Context) -> dict[str, Any]:
    """The parts of before that are the same now."""
    parts = ((name, getattr(before, name), getattr(now, name)) for name in _PARTS)
    return {name: old for name, old, new in parts if old is not new and old == new}


def _holds(parts: _Parts, context: Context) -> bool:
    return all(getattr(context, name) is value for name, value in parts)
