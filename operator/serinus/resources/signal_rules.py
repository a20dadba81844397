"""The recording rules of a runtime: one PrometheusRule for the whole cluster, in the operator's namespace.

It owns the expressions that make a raw series one of the vocabulary. It knows no service: who is recorded follows
from the labels that the ServiceMonitor puts on every series. A signal that a runtime lacks is a gap, never a rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.promql import Matcher, Op, check, selector
from serinus.core.runtime import Runtime, Signal, Source
from serinus.core.signals import (
    COMMON_LABELS,
    ERROR_RATIO,
    NOT_THE_SERVERS_FAULT,
    PREFIX_CACHE_HIT,
    QUANTILES,
    SPEC_DECODE_ACCEPTANCE,
    UP,
    VOCABULARY,
    WINDOW,
    Entry,
    Form,
)
from serinus.resources.context import Settings

_BY: Final = f"by ({', '.join(COMMON_LABELS)})"


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


def build(runtime: Runtime, settings: Settings) -> list[Manifest]:
    """Build the object with every rule of a runtime; it belongs to no service."""
    labels = {
        "app.kubernetes.io/name": naming.APP,
        "app.kubernetes.io/component": "signals",
        naming.LABEL_MANAGED_BY: naming.APP,
        naming.LABEL_RUNTIME: runtime.name,
    }
    name = naming.signal_rules(runtime.name)
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {
                "name": name,
                "namespace": settings.operator_namespace,
                "labels": {**settings.monitor_labels, **labels},
            },
            "spec": {"groups": [{"name": name, "rules": [rule.data for rule in rules(runtime)]}]},
        }
    ]


def rules(runtime: Runtime) -> tuple[Rule, ...]:
    """All rules of a runtime in the order in which they are evaluated: a rule reads only those before it."""
    found = [Rule(UP, f"avg {_BY} ({_raw(runtime, 'up')})")]
    for name, entry in VOCABULARY.items():
        if name in runtime.signals:
            found += _signal(runtime, runtime.signals[name], entry)
    found += _ratios(runtime)
    for rule in found:
        check(rule.expr)
    return tuple(found)


@lru_cache(maxsize=64)
def series(runtime: Runtime) -> frozenset[str]:
    """Every series that is recorded for a runtime."""
    return frozenset(rule.record for rule in rules(runtime))


def gaps(runtime: Runtime) -> tuple[str, ...]:
    """Signals of the vocabulary that a runtime does not have."""
    return tuple(name for name in VOCABULARY if name not in runtime.signals)


def _signal(runtime: Runtime, signal: Signal, entry: Entry) -> Iterator[Rule]:
    match entry.form:
        case Form.RATE if entry.class_label:
            yield from _by_class(runtime, signal, entry)
        case Form.RATE:
            yield Rule(entry.series, _rate(runtime, signal.source))
        case Form.LEVEL:
            yield Rule(entry.series, f"sum {_BY} ({_joined(runtime, signal.source)})")
        case Form.HIGHEST:
            yield Rule(entry.series, f"max {_BY} ({_joined(runtime, signal.source)})")
        case Form.DISTRIBUTION:
            yield from _distribution(runtime, signal.source, entry.series)
        case Form.MEAN:
            yield Rule(entry.series, _mean(runtime, signal.source))
        case Form.INFO:
            yield Rule(entry.series, _info(runtime, signal))
        case Form.PART:  # pragma: no branch - mypy proves that no other form is left
            return


def _own(runtime: Runtime) -> Matcher:
    return Matcher("runtime", runtime.name)


def _raw(runtime: Runtime, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
    """A series that a ServiceMonitor of ours has scraped."""
    return selector(metric, (_own(runtime), Matcher("llmservice", "", Op.NOT_EQUAL), *matchers))


def _recorded(runtime: Runtime, name: str, *matchers: Matcher) -> str:
    return selector(name, (_own(runtime), *matchers))


def _joined(runtime: Runtime, source: Source, *, suffix: str = "", window: str = "") -> str:
    """Old and new names joined before any aggregation: the other order drops the pods that have only old names."""
    parts = []
    for metric in source.metrics:
        part = _raw(runtime, f"{metric}{suffix}", source.matchers)
        parts.append(f"rate({part}[{window}])" if window else part)
    return " or ".join(parts)


def _rate(runtime: Runtime, source: Source, *, suffix: str = "", keep: str = "") -> str:
    by = f"by ({', '.join((*COMMON_LABELS, keep))})" if keep else _BY
    return f"sum {by} ({_joined(runtime, source, suffix=suffix, window=WINDOW)})"


def _by_class(runtime: Runtime, signal: Signal, entry: Entry) -> Iterator[Rule]:
    """One rule for each class. An error class that never happened is 0 while requests arrive, not absent."""
    for name, sources in signal.classes.items():
        counts = [_without(runtime, _rate(runtime, s), s.minus, entry) for s in sources]
        expr = counts[0] if len(counts) == 1 else _greatest(counts)
        zero = _requests(runtime)
        if entry is VOCABULARY["request_errors"] and zero:
            expr = f"{expr} or 0 * {zero}"
        yield Rule(entry.series, expr, ((entry.class_label, name),))


def _without(runtime: Runtime, count: str, minus: str, entry: Entry) -> str:
    if not minus:
        return count
    other = _recorded(runtime, entry.series, Matcher(entry.class_label, minus))
    return f"clamp_min({count} - ignoring ({entry.class_label}) {other}, 0)"


def _greatest(counts: list[str]) -> str:
    """The greater of several counts of the same events; a label keeps them apart until then."""
    apart = [f'label_replace({count}, "observer", "{i}", "", "")' for i, count in enumerate(counts)]
    return f"max {_BY} ({' or '.join(apart)})"


def _requests(runtime: Runtime) -> str:
    """Requests per second: those that arrived, or those that finished where arrivals are a gap, or nothing."""
    arrived = VOCABULARY["requests_arrived"].series
    if "requests_arrived" in runtime.signals:
        return _recorded(runtime, arrived)
    if "requests_finished" in runtime.signals:
        return f"sum {_BY} ({_recorded(runtime, VOCABULARY['requests_finished'].series)})"
    return ""


def _distribution(runtime: Runtime, source: Source, name: str) -> Iterator[Rule]:
    """Buckets first. `>= 0` drops the NaN of a service without requests, which would show as a gap or as nonsense."""
    buckets = f"{name}_bucket:rate{WINDOW}"
    yield Rule(buckets, _rate(runtime, source, suffix="_bucket", keep="le"))
    for quantile in QUANTILES:
        record = f"{name}:p{quantile.removeprefix('0.').ljust(2, '0')}_{WINDOW}"
        yield Rule(record, f"histogram_quantile({quantile}, {_recorded(runtime, buckets)}) >= 0")
    yield Rule(f"{name}:mean{WINDOW}", _mean(runtime, source))


def _mean(runtime: Runtime, source: Source) -> str:
    return f"{_rate(runtime, source, suffix='_sum')} / ({_rate(runtime, source, suffix='_count')} > 0)"


def _info(runtime: Runtime, signal: Signal) -> str:
    expr = _joined(runtime, signal.source)
    if signal.latest:
        expr = f"({expr}) == on (namespace, pod) group_left () max by (namespace, pod) ({expr})"
    for label, raw in signal.labels.items():
        if label != raw:
            expr = f'label_replace({expr}, "{label}", "$1", "{raw}", "(.*)")'
    return f"group by ({', '.join((*COMMON_LABELS, *signal.labels))}) ({expr})"


def _ratios(runtime: Runtime) -> Iterator[Rule]:
    """What is made of two signals; without both of them it is a gap."""
    requests = _requests(runtime)
    if "request_errors" in runtime.signals and requests:
        others = Matcher("error_class", "|".join(NOT_THE_SERVERS_FAULT), Op.NOT_REGEX)
        errors = f"sum {_BY} ({_recorded(runtime, VOCABULARY['request_errors'].series, others)})"
        yield Rule(ERROR_RATIO, f"clamp_max({errors} / ({requests} > 0), 1)")
    if {"cached_tokens", "prompt_tokens"} <= runtime.signals.keys():
        cached, prompt = (_recorded(runtime, VOCABULARY[n].series) for n in ("cached_tokens", "prompt_tokens"))
        yield Rule(PREFIX_CACHE_HIT, f"{cached} / ({prompt} > 0)")
    if {"spec_decode_accepted", "spec_decode_drafted"} <= runtime.signals.keys():
        names = ("spec_decode_accepted", "spec_decode_drafted")
        accepted, drafted = (_rate(runtime, runtime.signals[n].source) for n in names)
        yield Rule(SPEC_DECODE_ACCEPTANCE, f"{accepted} / ({drafted} > 0)")
