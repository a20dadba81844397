"""From the data of `runtimes/*.yaml` to a Runtime, and all that was read as one Library.

It reads no file; the shell hands it the data. Nothing in the data is ignored: what is not known is refused.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from serinus.core.alert import AlertGroup
from serinus.core.datafile import InvalidCatalogue, choice, matching, only, reading, texts, typed
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import Matcher, Op, selector
from serinus.core.runtime import Catalogue, LogFormat, Runtime, Signal, Source
from serinus.core.signals import KINDS, VOCABULARY, Entry, Kind

T = TypeVar("T")
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_OPS: Final = {"not": Op.NOT_EQUAL, "regex": Op.REGEX, "notRegex": Op.NOT_REGEX}
_APIS: Final = ("chat", "completions")
_ONLY_WITH: Final = {
    "buckets": Kind.HISTOGRAM,
    "bucketsFlag": Kind.HISTOGRAM,
    "labels": Kind.INFO,
    "latest": Kind.INFO,
}
_ROLES: Final = ("server", "router", "prefill", "decode")


@dataclass(frozen=True, slots=True)
class Library:
    """Everything that was read: the runtimes by name, the alert groups in the order of their names."""

    runtimes: Catalogue
    alerts: tuple[AlertGroup, ...]


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
    only(fields, "name", "title", "port", "metrics", "health", "api", "role", "logs", "matchers", "requires", "signals")
    port, metrics, signals = fields.child("port"), fields.child("metrics"), fields.child("signals")
    only(port, "name", "number")
    only(metrics, "port", "path")
    only(signals, *VOCABULARY)
    guard = _matchers(fields.child("matchers"))
    return Runtime(
        name=matching(fields, "name", _NAME),
        title=fields.text("title"),
        port=port.text("name"),
        port_number=port.integer("number", low=1, high=65535),
        metrics_port=metrics.text("port", port.text("name")),
        metrics_path=metrics.text("path"),
        health_path=fields.text("health"),
        api=choice(fields, "api", _APIS),
        role=choice(fields, "role", _ROLES),
        log_format=LogFormat(choice(fields, "logs", tuple(LogFormat))),
        requires_flags=texts(fields, "requires"),
        signals={name: _signal(signals.child(name), VOCABULARY[name], guard) for name in signals.raw},
    )


def _signal(fields: Fields, entry: Entry, guard: tuple[Matcher, ...]) -> Signal:
    only(fields, "kind", "metrics", "matchers", "classes", "buckets", "bucketsFlag", "labels", "latest")
    kind = Kind(choice(fields, "kind", (KINDS[entry.form],)))
    for key, wanted in _ONLY_WITH.items():
        if fields.has(key) and kind is not wanted:
            raise InvalidSpec(fields.at(key), f"found with kind {kind}, allowed is only with {wanted}")
    return Signal(
        kind=kind,
        classes=_classes(fields, entry, guard) if entry.classes else {"": (_plain(fields, guard),)},
        buckets=_buckets(fields),
        buckets_flag=fields.text("bucketsFlag", ""),
        labels=fields.strings("labels"),
        latest=fields.boolean("latest", default=False),
    )


def _plain(fields: Fields, guard: tuple[Matcher, ...]) -> Source:
    if fields.has("classes"):
        raise InvalidSpec(fields.at("classes"), "found, allowed are metrics and matchers: this signal has no classes")
    return _source(fields, guard, ())


def _classes(fields: Fields, entry: Entry, guard: tuple[Matcher, ...]) -> dict[str, tuple[Source, ...]]:
    if fields.has("metrics") or fields.has("matchers"):
        raise InvalidSpec(fields.path, f"found metrics or matchers, allowed is classes, by {entry.class_label}")
    classes = fields.child("classes")
    only(classes, *entry.classes)
    if not classes.raw:
        raise InvalidSpec(classes.path, f"is required, allowed are {', '.join(entry.classes)}")
    found: dict[str, tuple[Source, ...]] = {}
    for name in classes.raw:
        sources = classes.items(name)
        if not sources:
            raise InvalidSpec(classes.at(name), "found an empty list, allowed is at least one source")
        for source in sources:
            only(source, "metrics", "matchers", "minus")
        found[name] = tuple(_source(s, guard, tuple(found)) for s in sources)
    return found


def _source(fields: Fields, guard: tuple[Matcher, ...], earlier: tuple[str, ...]) -> Source:
    metrics = texts(fields, "metrics")
    if not metrics:
        raise InvalidSpec(fields.at("metrics"), "is required, allowed is a list of metric names, the newest first")
    for i, metric in enumerate(metrics):
        typed(f"{fields.at('metrics')}[{i}]", lambda metric=metric: selector(metric))  # type: ignore[misc]
    minus = fields.text("minus", "")
    if minus and minus not in earlier:
        allowed = f"is a class that stands before it: {', '.join(earlier) or 'none does'}"
        raise InvalidSpec(fields.at("minus"), f"found {minus!r}, allowed {allowed}")
    return Source(metrics=metrics, matchers=(*guard, *_matchers(fields.child("matchers"))), minus=minus)


def _matchers(fields: Fields) -> tuple[Matcher, ...]:
    """`{status: 5xx}` is equality; `{handler: {regex: …, not: …}}` makes one matcher of each key."""
    found: list[Matcher] = []
    for label, value in fields.raw.items():
        if isinstance(value, str):
            found.append(_matcher(fields, label, value, Op.EQUAL))
            continue
        conditions = fields.child(label)
        only(conditions, *_OPS)
        found += [_matcher(fields, label, conditions.text(key), _OPS[key]) for key in conditions.raw]
    return tuple(found)


def _matcher(fields: Fields, label: str, value: str, op: Op) -> Matcher:
    return typed(fields.at(label), lambda: Matcher(label, value, op))


def _buckets(fields: Fields) -> tuple[float, ...]:
    edges = []
    for i, value in enumerate(fields.values("buckets")):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidSpec(f"{fields.at('buckets')}[{i}]", f"found {value!r}, allowed is a number")
        edges.append(float(value))
    if edges != sorted(set(edges)):
        raise InvalidSpec(fields.at("buckets"), "found edges that do not ascend, allowed are ascending ones")
    return tuple(edges)
