"""From where the series of a runtime are seen, and how they become those of a service: one class for each way.

It owns the labels: which raw series count, by what they are summed, and how an earlier rule's series is read again.
It knows no signal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from serinus.core.promql import Matcher, Op, selector
from serinus.core.runtime import Runtime, Source
from serinus.core.signals import COMMON_LABELS, SERVED, SOURCE

_TARGET_LABELS: Final = frozenset((*COMMON_LABELS, "pod", "container", "service", "endpoint", "job", "instance"))
"""Labels that a scrape puts on every series; where the server has one of the same name, its own becomes exported_…"""

_FOUND: Final = Matcher("llmservice", "", Op.NOT_EQUAL)
_PODS_OF_SERVICES: Final = (
    f"group by (namespace, pod, llmservice, model, runtime, revision) ({selector('up', (_FOUND,))})"
)
_WITHOUT_HONOR_LABELS: Final = ("namespace", "pod")


class Observer(Protocol):
    """A way to see."""

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Labels that the rule puts on what it records."""

    @property
    def by(self) -> tuple[str, ...]:
        """Labels that what is recorded has from its expression."""

    def raw(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """Select a raw series."""

    def raw_label(self, label: str) -> str:
        """Name that a label of the server has on a raw series."""

    def over(self, operation: str, expr: str, *keep: str) -> str:
        """Aggregate raw series to one for each service, revision and value of the labels `keep`."""

    def recorded(self, name: str, *matchers: Matcher) -> str:
        """Select what an earlier rule of this observer has recorded."""


@dataclass(frozen=True, slots=True)
class OwnPods:
    """The service's own pods, which our ServiceMonitor scrapes; of one service alone if `service` says which."""

    runtime: Runtime
    service: tuple[Matcher, ...] = ()
    by: tuple[str, ...] = COMMON_LABELS

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Who has observed it."""
        return ((SOURCE, self.runtime.source),)

    def raw(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """Select a series that a ServiceMonitor of ours has scraped."""
        own = (Matcher("runtime", self.runtime.name), *(self.service or (_FOUND,)))
        return selector(metric, (*own, *(Matcher(self.raw_label(m.label), m.value, m.op) for m in matchers)))

    def raw_label(self, label: str) -> str:
        """Name that a label of the server has after the scrape."""
        return f"exported_{label}" if label in _TARGET_LABELS else label

    def over(self, operation: str, expr: str, *keep: str) -> str:
        """Aggregate by the labels that the ServiceMonitor has put on every series."""
        return f"{operation} by ({_list(self.by, keep)}) ({expr})"

    def recorded(self, name: str, *matchers: Matcher) -> str:
        """Select by the runtime; what a second observer of the same runtime has recorded has no revision."""
        own = (Matcher("runtime", self.runtime.name), *self.service)
        apart = (Matcher("revision", "", Op.NOT_EQUAL),) if self.runtime.attaches else ()
        return selector(name, (*own, *apart, *matchers))


@dataclass(frozen=True, slots=True)
class ByModel:
    """A gateway or client that somebody else scrapes; a label says for which model a series is."""

    runtime: Runtime
    by: tuple[str, ...] = ("namespace", "llmservice", "model")

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """What it is and who has observed it."""
        return (("runtime", self.runtime.name), ("role", self.runtime.role), (SOURCE, self.runtime.source))

    def raw(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """Select a series of nobody's service: those of a service are its own already."""
        return selector(metric, (Matcher("llmservice", ""), *matchers))

    def raw_label(self, label: str) -> str:
        """Name as the server gives it."""
        return label

    def over(self, operation: str, expr: str, *keep: str) -> str:
        """Aggregate by model, and join the one service that serves it."""
        named = expr
        if self.runtime.model_label != "model":
            named = f'label_replace({expr}, "model", "$1", "{self.runtime.model_label}", "(.+)")'
        found = f"{operation} by ({_list(('model',), keep)}) ({named})"
        return f"({found} * on (model) group_left (namespace, llmservice) {SERVED})"

    def recorded(self, name: str, *matchers: Matcher) -> str:
        """Select by the runtime, without a revision."""
        return selector(name, (Matcher("runtime", self.runtime.name), Matcher("revision", ""), *matchers))


@dataclass(frozen=True, slots=True)
class ByPod:
    """A device's exporter that somebody else scrapes; its labels say which pod has the device."""

    runtime: Runtime
    by: tuple[str, ...] = ("namespace", "llmservice", "model", "runtime", "revision")

    @property
    def labels(self) -> tuple[tuple[str, str], ...]:
        """Who has observed it."""
        return ((SOURCE, self.runtime.source),)

    def raw(self, metric: str, matchers: tuple[Matcher, ...] = ()) -> str:
        """Select a series of any pod."""
        return selector(metric, matchers)

    def raw_label(self, label: str) -> str:
        """Name as the exporter gives it."""
        return label

    def over(self, operation: str, expr: str, *keep: str) -> str:
        """Join the pods of services; the exporter's pod is not meant where it says whose device it is."""
        for label in _WITHOUT_HONOR_LABELS:
            expr = f'label_replace({expr}, "{label}", "$1", "exported_{label}", "(.+)")'
        joined = f"{expr} * on (namespace, pod) group_left (llmservice, model, runtime, revision) {_PODS_OF_SERVICES}"
        return f"{operation} by ({_list(self.by, keep)}) ({joined})"

    def recorded(self, name: str, *matchers: Matcher) -> str:
        """Select by who has observed."""
        return selector(name, (Matcher(SOURCE, self.runtime.source), *matchers))


def joined(observer: Observer, source: Source, *, suffix: str = "", window: str = "") -> str:
    """Old and new names joined before any aggregation: the other order drops the pods that have only old names."""
    between = f" or ignoring ({', '.join(source.differ)}) " if source.differ else " or "
    return between.join(_parts(observer, source.metrics, source.matchers, suffix=suffix, window=window))


def _parts(
    observer: Observer, metrics: Iterable[str], matchers: tuple[Matcher, ...], *, suffix: str, window: str
) -> list[str]:
    selected = [observer.raw(f"{metric}{suffix}", matchers) for metric in metrics]
    return [f"rate({part}[{window}])" for part in selected] if window else selected


def _list(labels: tuple[str, ...], more: tuple[str, ...]) -> str:
    return ", ".join((*labels, *more))
