"""From the data of `runtimes/*.yaml` to a Runtime, and all that was read as one Library.

It reads no file; the shell hands it the data. Nothing in the data is ignored: what is not known is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from serinus.core.alert import AlertGroup
from serinus.core.datafile import InvalidCatalogue, choice, matching, only, reading, texts
from serinus.core.fields import Fields
from serinus.core.inhibition import Inhibitions
from serinus.core.model import InvalidSpec
from serinus.core.probe import Api
from serinus.core.runtime import Catalogue, Component, LogFormat, Requirement, Runtime
from serinus.core.signalfile import read_matchers as _matchers
from serinus.core.signalfile import read_signal
from serinus.core.signals import VOCABULARY, RuntimeKind

T = TypeVar("T")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_APIS: Final = tuple(Api)
_ROLES: Final = ("server", "router", "prefill", "decode")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_KEYS: Final = (
    "name",
    "title",
    "kind",
    "source",
    "port",
    "metrics",
    "health",
    "api",
    "role",
    "logs",
    "matchers",
    "modelLabel",
    "requires",
    "components",
    "signals",
)


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that was read: the runtimes by name, the alert groups in the order of their names."""

    runtimes: Catalogue
    alerts: tuple[AlertGroup, ...]
    inhibitions: Inhibitions = field(default_factory=Inhibitions)


def parse_runtime(data: object, file: str) -> Runtime:
    """Parse a runtime's data; raises InvalidCatalogue."""
    return reading(file, lambda: _runtime(Fields(data, "")))


def join(runtimes: Mapping[str, Runtime], groups: Mapping[str, AlertGroup]) -> Library:
    """Join what was read from files, by file name; raises InvalidCatalogue for a name that two files give."""
    _once("runtime", runtimes, lambda runtime: (runtime.name,))
    _once("group", groups, lambda group: (group.name,))
    _once("alert", groups, lambda group: tuple(a.name for a in group.alerts))
    by_name = {r.name: r for r in sorted(runtimes.values(), key=lambda r: r.name)}
    return Library(by_name, tuple(sorted(groups.values(), key=lambda g: g.name)))


def _once(what: str, found: Mapping[str, T], names: Callable[[T], tuple[str, ...]]) -> None:
    owner: dict[str, str] = {}
    for file in sorted(found):
        for name in names(found[file]):
            if name in owner:
                raise InvalidCatalogue(f"{file}: {what} {name!r} is in {owner[name]} too, allowed is one of each name")
            owner[name] = file


def _runtime(fields: Fields) -> Runtime:
    only(fields, *_KEYS)
    kind = RuntimeKind(choice(fields, "kind", tuple(RuntimeKind))) if fields.has("kind") else RuntimeKind.ENGINE
    serves = kind is RuntimeKind.ENGINE or fields.has("port")
    port, metrics, signals = fields.child("port"), fields.child("metrics"), fields.child("signals")
    only(port, "name", "number")
    only(metrics, "port", "number", "path")
    only(signals, *(name for name, entry in VOCABULARY.items() if kind in entry.kinds))
    if signals.raw and not fields.has("metrics"):
        raise InvalidSpec(fields.at("metrics"), "is required where there are signals, allowed are port, number, path")
    guard = _matchers(fields.child("matchers"))
    port_name = port.text("name") if serves else ""
    return Runtime(
        name=matching(fields, "name", _NAME),
        title=fields.text("title"),
        kind=kind,
        source=matching(fields, "source", _NAME) if fields.has("source") else str(kind),
        port=port_name,
        port_number=port.integer("number", low=1, high=65535) if serves else 0,
        metrics_port=metrics.text("port", port_name),
        metrics_number=metrics.integer("number", 0, high=65535),
        metrics_path=metrics.text("path") if fields.has("metrics") else "",
        health_path=fields.text("health") if serves else "",
        api=choice(fields, "api", _APIS) if serves else "",
        role=choice(fields, "role", _ROLES) if kind is not RuntimeKind.DEVICE else "",
        log_format=LogFormat(choice(fields, "logs", tuple(LogFormat))) if serves else LogFormat.TEXT,
        requires=_requirements(fields, signals.raw),
        components=tuple(_component(c, signals.raw) for c in fields.items("components")),
        model_label=_model_label(fields, kind),
        signals={name: read_signal(signals.child(name), name, guard) for name in signals.raw},
    )


def _model_label(fields: Fields, kind: RuntimeKind) -> str:
    if not fields.has("modelLabel"):
        return ""
    if kind not in (RuntimeKind.GATEWAY, RuntimeKind.CLIENT):
        raise InvalidSpec(fields.at("modelLabel"), f"found with kind {kind}, allowed is only with gateway and client")
    return matching(fields, "modelLabel", _LABEL)


def _component(fields: Fields, signals: Mapping[str, object]) -> Component:
    only(fields, "name", "role", "port", "path", "requires")
    port = fields.child("port")
    only(port, "name", "number")
    return Component(
        name=matching(fields, "name", _NAME),
        role=choice(fields, "role", _ROLES),
        port=port.text("name"),
        port_number=port.integer("number", low=1, high=65535),
        path=fields.text("path"),
        requires=_requirements(fields, signals),
    )


def _requirements(fields: Fields, signals: Mapping[str, object]) -> tuple[Requirement, ...]:
    found = []
    for item in fields.items("requires"):
        only(item, "flag", "env", "files", "signals", "forbidden")
        wanted = texts(item, "signals")
        for i, name in enumerate(wanted):
            if name not in signals:
                allowed = f"is a signal of this file: {', '.join(signals)}"
                raise InvalidSpec(f"{item.at('signals')}[{i}]", f"found {name!r}, allowed {allowed}")
        found.append(
            Requirement(
                flag=item.text("flag"),
                env=item.text("env", ""),
                files=texts(item, "files"),
                signals=wanted,
                forbidden=item.boolean("forbidden", default=False),
            )
        )
    return tuple(found)
