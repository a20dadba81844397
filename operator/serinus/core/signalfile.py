"""From the data of one signal (`signals.<name>` of `runtimes/*.yaml`) to a Signal.

It owns which keys go with which kind of series. It knows neither a runtime nor an expression.
"""

from typing import Final

from serinus.core.datafile import choice, only, texts, typed
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec
from serinus.core.promql import Matcher, Op, selector
from serinus.core.runtime import Signal, Source
from serinus.core.signals import KINDS, UNITS, VOCABULARY, Entry, Form, Kind, Unit

_OPS: Final = {"not": Op.NOT_EQUAL, "regex": Op.REGEX, "notRegex": Op.NOT_REGEX}
_ONLY_WITH: Final = {
    "buckets": Kind.HISTOGRAM,
    "bucketsFlag": Kind.HISTOGRAM,
    "labels": Kind.INFO,
    "latest": Kind.INFO,
    "sum": Kind.MEAN,
    "count": Kind.MEAN,
}
_SOURCE: Final = ("metrics", "matchers", "differ", "plus", "less")
_KEYS: Final = ("kind", "unit", *_SOURCE, "classes", "attached", *_ONLY_WITH)


def read_signal(fields: Fields, name: str, guard: tuple[Matcher, ...]) -> Signal:
    """Read one signal of the vocabulary; `guard` goes with every series of it. Raises InvalidSpec."""
    only(fields, *_KEYS)
    entry = VOCABULARY[name]
    kind = Kind(choice(fields, "kind", tuple(KINDS[entry.form])))
    for key, wanted in _ONLY_WITH.items():
        if fields.has(key) and kind is not wanted:
            raise InvalidSpec(fields.at(key), f"found with kind {kind}, allowed is only with {wanted}")
    return Signal(
        kind=kind,
        classes=_classes(fields, entry, guard) if entry.classes else {"": (_plain(fields, kind, guard),)},
        unit=_unit(fields, entry.form),
        count=_named(fields, "count", guard) if kind is Kind.MEAN else None,
        buckets=_buckets(fields),
        buckets_flag=fields.text("bucketsFlag", ""),
        labels=fields.strings("labels"),
        latest=fields.boolean("latest", default=False),
        attached=fields.boolean("attached", default=True),
    )


def _unit(fields: Fields, form: Form) -> Unit:
    allowed = UNITS.get(form, (Unit.COUNT,))
    return Unit(choice(fields, "unit", tuple(allowed))) if fields.has("unit") else allowed[0]


def _named(fields: Fields, key: str, guard: tuple[Matcher, ...]) -> Source:
    """One of the two counters of a mean."""
    differ, matchers = texts(fields, "differ"), (*guard, *read_matchers(fields.child("matchers")))
    return Source(metrics=_metrics(fields, key), matchers=matchers, differ=differ)


def _plain(fields: Fields, kind: Kind, guard: tuple[Matcher, ...]) -> Source:
    if fields.has("classes"):
        raise InvalidSpec(fields.at("classes"), "found, allowed are metrics and matchers: this signal has no classes")
    if kind is not Kind.MEAN:
        return _source(fields, guard, ())
    for key in ("metrics", "plus", "less"):
        if fields.has(key):
            raise InvalidSpec(fields.at(key), "found with kind mean, allowed are sum and count")
    return _named(fields, "sum", guard)


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
            only(source, *_SOURCE, "minus")
        found[name] = tuple(_source(s, guard, tuple(found)) for s in sources)
    return found


def _source(fields: Fields, guard: tuple[Matcher, ...], earlier: tuple[str, ...]) -> Source:
    minus = fields.text("minus", "")
    if minus and minus not in earlier:
        allowed = f"is a class that stands before it: {', '.join(earlier) or 'none does'}"
        raise InvalidSpec(fields.at("minus"), f"found {minus!r}, allowed {allowed}")
    return Source(
        metrics=_metrics(fields, "metrics"),
        matchers=(*guard, *read_matchers(fields.child("matchers"))),
        differ=texts(fields, "differ"),
        plus=_metrics(fields, "plus") if fields.has("plus") else (),
        less=_metrics(fields, "less") if fields.has("less") else (),
        minus=minus,
    )


def _metrics(fields: Fields, key: str) -> tuple[str, ...]:
    metrics = texts(fields, key)
    if not metrics:
        raise InvalidSpec(fields.at(key), "is required, allowed is a list of metric names, the newest first")
    for i, metric in enumerate(metrics):
        typed(f"{fields.at(key)}[{i}]", lambda metric=metric: selector(metric))  # type: ignore[misc]
    return metrics


def read_matchers(fields: Fields) -> tuple[Matcher, ...]:
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
