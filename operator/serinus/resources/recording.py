"""The expressions that make a raw series one of the vocabulary: one set of rules for each way of observing a runtime.

It knows no service and no object. A signal that a runtime lacks is a gap, never a rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from serinus.core.model import Manifest
from serinus.core.promql import Matcher, Op, check
from serinus.core.runtime import Runtime, Signal, Source
from serinus.core.signals import (
    DIVISOR,
    ERROR_RATIO,
    FACTOR,
    NOT_THE_SERVERS_FAULT,
    PREFIX_CACHE_HIT,
    QUANTILES,
    SPEC_DECODE_ACCEPTANCE,
    UP,
    VOCABULARY,
    WINDOW,
    Entry,
    Form,
    Kind,
    Unit,
)
from serinus.resources.observer import Observer, OwnPods, joined

_LEVELS: Final = {Form.LEVEL: "sum", Form.HIGHEST: "max", Form.LOWEST: "min", Form.AVERAGE: "avg"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One recording rule; `labels` are those that the expression does not give."""

    record: str
    expr: str
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def data(self) -> Manifest:
        """The rule as a PrometheusRule has it."""
        return {"record": self.record, "expr": self.expr} | ({"labels": dict(self.labels)} if self.labels else {})


def record(runtime: Runtime, observer: Observer) -> tuple[Rule, ...]:
    """All rules of a runtime in the order in which they are evaluated: a rule reads only those before it."""
    found = []
    if isinstance(observer, OwnPods) and runtime.metrics_path:
        found.append(Rule(UP, observer.over("avg", observer.raw("up"))))
    signals = {n: s for n, s in runtime.signals.items() if s.attached or isinstance(observer, OwnPods)}
    writer = _Writer(observer, signals)
    for name, entry in VOCABULARY.items():
        if name in signals:
            found += writer.signal(signals[name], entry)
    found += writer.ratios()
    for rule in found:
        check(rule.expr)
    return tuple(Rule(r.record, r.expr, (*r.labels, *observer.labels)) for r in found)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the rules of one observer."""

    observer: Observer
    signals: dict[str, Signal]

    def signal(self, signal: Signal, entry: Entry) -> Iterator[Rule]:
        match entry.form:
            case Form.RATE if entry.class_label:
                yield from self._by_class(signal, entry)
            case Form.RATE:
                yield Rule(entry.series, self._rate(signal.source))
            case Form.LEVEL | Form.HIGHEST | Form.LOWEST | Form.AVERAGE:
                yield Rule(entry.series, self._level(signal, _LEVELS[entry.form]))
            case Form.DISTRIBUTION:
                yield from self._distribution(signal, entry.series)
            case Form.MEAN:
                yield Rule(entry.series, self._mean(signal))
            case Form.INFO:
                yield Rule(entry.series, self._info(signal))
            case Form.PART:  # pragma: no branch - mypy proves that no other form is left
                return

    def _rate(self, source: Source, *, suffix: str = "", keep: tuple[str, ...] = ()) -> str:
        rated = self.observer.over("sum", joined(self.observer, source, suffix=suffix, window=WINDOW), *keep)
        return self._corrected(rated, source, "sum", window=WINDOW)

    def _level(self, signal: Signal, operation: str) -> str:
        now = self.observer.over(operation, joined(self.observer, signal.source))
        return _converted(self._corrected(now, signal.source, operation), signal.unit)

    def _corrected(self, total: str, source: Source, operation: str, *, window: str = "") -> str:
        """What other series count besides, or count twice; a version without them has nothing to correct."""
        for sign, metrics in (("+", source.plus), ("-", source.less)):
            if metrics:
                other = Source(metrics=metrics, matchers=source.matchers)
                amount = self.observer.over(operation, joined(self.observer, other, window=window))
                total = f"{total} {sign} ({amount} or 0 * {total})"
        return total

    def _by_class(self, signal: Signal, entry: Entry) -> Iterator[Rule]:
        """One rule for each class. An error class that never happened is 0 while requests arrive, not absent."""
        for name, sources in signal.classes.items():
            counts = [self._without(self._rate(s), s.minus, entry) for s in sources]
            expr = counts[0] if len(counts) == 1 else self._greatest(counts)
            zero = self._requests()
            if entry is VOCABULARY["request_errors"] and zero:
                expr = f"{expr} or 0 * {zero}"
            yield Rule(entry.series, expr, ((entry.class_label, name),))

    def _without(self, count: str, minus: str, entry: Entry) -> str:
        if not minus:
            return count
        other = self._again(entry.series, Matcher(entry.class_label, minus))
        return f"clamp_min({count} - {other}, 0)"

    def _greatest(self, counts: list[str]) -> str:
        """The greater of several counts of the same events; a label keeps them apart until then."""
        apart = [f'label_replace({count}, "observer", "{i}", "", "")' for i, count in enumerate(counts)]
        return f"max by ({', '.join(self.observer.by)}) ({' or '.join(apart)})"

    def _again(self, name: str, *matchers: Matcher) -> str:
        """What an earlier rule has recorded, with the labels that an expression gives and no others."""
        return f"sum by ({', '.join(self.observer.by)}) ({self.observer.recorded(name, *matchers)})"

    def _requests(self) -> str:
        """Requests per second: those that arrived, or those that finished where arrivals are a gap, or nothing."""
        for name in ("requests_arrived", "requests_finished"):
            if name in self.signals:
                return self._again(VOCABULARY[name].series)
        return ""

    def _distribution(self, signal: Signal, name: str) -> Iterator[Rule]:
        """Buckets first. `>= 0` drops the NaN of a service without requests, which would show as a gap or as nonsense.

        The edges of buckets are labels and cannot be divided: only a histogram in seconds is recorded with its
        buckets, one in another unit gives its quantiles at once.
        """
        if signal.kind is Kind.HISTOGRAM:
            by_edge = self._rate(signal.source, suffix="_bucket", keep=("le",))
            if signal.unit is Unit.SECONDS:
                buckets = f"{name}_bucket:rate{WINDOW}"
                yield Rule(buckets, by_edge)
                by_edge = self.observer.recorded(buckets)
            for quantile in QUANTILES:
                record = f"{name}:p{quantile.removeprefix('0.').ljust(2, '0')}_{WINDOW}"
                yield Rule(record, f"{_converted(f'histogram_quantile({quantile}, {by_edge})', signal.unit)} >= 0")
        yield Rule(f"{name}:mean{WINDOW}", self._mean(signal))

    def _mean(self, signal: Signal) -> str:
        if signal.count:
            spent, number = self._rate(signal.source), self._rate(signal.count)
        else:
            spent, number = (self._rate(signal.source, suffix=suffix) for suffix in ("_sum", "_count"))
        return _converted(f"{spent} / ({number} > 0)", signal.unit)

    def _info(self, signal: Signal) -> str:
        expr = joined(self.observer, signal.source)
        if signal.latest:
            expr = f"({expr}) == on (namespace, pod) group_left () max by (namespace, pod) ({expr})"
        for label, raw in signal.labels.items():
            if label != raw:
                expr = f'label_replace({expr}, "{label}", "$1", "{self.observer.raw_label(raw)}", "(.*)")'
        return self.observer.over("group", expr, *signal.labels)

    def ratios(self) -> Iterator[Rule]:
        """What is made of two signals; without both of them it is a gap."""
        requests = self._requests()
        if "request_errors" in self.signals and requests:
            others = Matcher("error_class", "|".join(NOT_THE_SERVERS_FAULT), Op.NOT_REGEX)
            errors = self._again(VOCABULARY["request_errors"].series, others)
            yield Rule(ERROR_RATIO, f"clamp_max({errors} / ({requests} > 0), 1)")
        if {"cached_tokens", "prompt_tokens"} <= self.signals.keys():
            cached, prompt = (self.observer.recorded(VOCABULARY[n].series) for n in ("cached_tokens", "prompt_tokens"))
            yield Rule(PREFIX_CACHE_HIT, f"{cached} / ({prompt} > 0)")
        if {"spec_decode_accepted", "spec_decode_drafted"} <= self.signals.keys():
            names = ("spec_decode_accepted", "spec_decode_drafted")
            accepted, drafted = (self._rate(self.signals[n].source) for n in names)
            yield Rule(SPEC_DECODE_ACCEPTANCE, f"{accepted} / ({drafted} > 0)")


def _converted(expr: str, unit: Unit) -> str:
    if unit in DIVISOR:
        return f"({expr}) / {DIVISOR[unit]}"
    return f"({expr}) * {FACTOR[unit]}" if unit in FACTOR else expr
