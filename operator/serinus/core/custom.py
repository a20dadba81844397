"""From spec.signals to the signals of a service whose server is not in the catalogue. Everything in it is a name.

No text of a user becomes an expression: metrics, labels and their values go through `promql` as names and strings.
"""

from typing import Final

from serinus.core.datafile import choice, only, typed
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import Matcher, selector
from serinus.core.runtime import Runtime, Signal, Source
from serinus.core.signals import KINDS, UNITS, VOCABULARY, Kind, RuntimeKind, Unit

CUSTOM: Final = "custom"
"""The runtime whose signals a service names itself."""
_KINDS: Final = (Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM)
_CLASS: Final = {"requests_finished": "unknown", "request_errors": "server"}
_MAX: Final = 32


def custom_signals(spec: Fields, runtime: Runtime) -> dict[str, Signal]:
    """Read spec.signals; InvalidSpec for any with a runtime of the catalogue, and for none with a custom one."""
    found = spec.child("signals")
    if (runtime.name == CUSTOM) != bool(found.raw):
        allowed = "at least one signal" if runtime.name == CUSTOM else f"none: only runtime {CUSTOM} names its signals"
        raise InvalidSpec(found.path, f"found {len(found.raw)} with runtime {runtime.name}, allowed is {allowed}")
    if len(found.raw) > _MAX:
        raise InvalidSpec(found.path, f"found {len(found.raw)} signals, allowed are at most {_MAX}")
    only(found, *_names())
    return {name: _signal(found.child(name), name) for name in found.raw}


def _names() -> tuple[str, ...]:
    """Signals that one series of a server can be."""
    return tuple(
        name
        for name, entry in VOCABULARY.items()
        if RuntimeKind.ENGINE in entry.kinds and set(KINDS[entry.form]) & set(_KINDS)
    )


def _signal(fields: Fields, name: str) -> Signal:
    only(fields, "metric", "kind", "unit", "labels")
    entry = VOCABULARY[name]
    kind = Kind(choice(fields, "kind", tuple(kind for kind in KINDS[entry.form] if kind in _KINDS)))
    units = UNITS.get(entry.form, (Unit.COUNT,))
    unit = Unit(choice(fields, "unit", tuple(units))) if fields.has("unit") else units[0]
    metric = fields.text("metric")
    typed(fields.at("metric"), lambda: selector(metric))
    labels = fields.child("labels")
    matchers = tuple(
        typed(labels.at(label), lambda label=label: Matcher(label, labels.text(label)))  # type: ignore[misc]
        for label in labels.raw
    )
    source = Source(metrics=(metric,), matchers=matchers)
    return Signal(kind=kind, unit=unit, classes={_CLASS.get(name, ""): (source,)})
