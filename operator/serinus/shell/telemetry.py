"""The operator's own metrics: of the engine, and of every service. It computes none of the values.

Series of a service are replaced as a whole, so that what is no longer true, and what belonged to a service that is
gone, disappears with the next scrape. Names of metrics and labels stand in one table.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from serinus.shell.transport import Call, Target

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SERVICE: Final = ("namespace", "llmservice")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of a service: its name without `serinus_`, its help, its labels after namespace and llmservice."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    counter: bool = False


FAMILIES: Final = (
    Family("service_info", "What is served: 1.", ("model", "runtime", "stable", "canary")),
    Family("service_owner", "Who is paged for a service, and the runbook of the team: 1.", ("team", "runbook")),
    Family("rollout_phase", "1 for the phase that the service is in, 0 for the others.", ("phase", "revision")),
    Family("rollout_stage", "1 for the stage that the rollout is in, 0 for the others.", ("stage", "revision")),
    Family("rollout_held", "1 with the reason why forward steps wait.", ("reason",)),
    Family("rollout_advice", "1 while mode Advise lets a revision go on that a gate would stop.", ("revision",)),
    Family("rollouts", "Rollouts that ended, by outcome.", ("outcome",), counter=True),
    Family("gate_pairs", "Pairs of answers of the newest run of a gate.", ("gate", "outcome")),
    Family("gate_evidence", "Evidence (e-value) of the newest run of a gate.", ("gate", "side")),
    Family("gate_verdict", "1 for the verdict of the newest run of a gate, 0 for the others.", ("gate", "verdict")),
    Family("probe_pass_ratio", "Share of probes that passed in the newest run, 0 to 1.", ("gate", "revision")),
    Family("probe_score", "Mean score of the answers in the newest run, 0 to 1.", ("gate", "revision")),
    Family(
        "probe_latency_seconds",
        "Time to the first token (ttft) and between two (itl) of streamed answers in the newest run, by the probe.",
        ("gate", "revision", "signal", "statistic"),
    ),
    Family("probe_answers", "Probe answers that were judged.", ("gate", "pass"), counter=True),
    Family("drift_cusum", "CUSUM statistic of continuous probing.", ("gate",)),
    Family("traffic_ratio", "Share of the traffic that a revision gets, 0 to 1.", ("revision",)),
    Family("output_state", "1 for the state of a generated object, 0 for the others.", ("kind", "state")),
    Family("slo_objective", "Objective of an SLO, 0 to 1.", ("slo",)),
)

Sample = tuple[str, ...]
"""Name of a family, then its label values in order."""


class ServiceMetrics(Collector):
    """Series of every service, by the table. Only a leader exports them: `export` says whether."""

    def __init__(self, export: Callable[[], bool] = lambda: True, families: tuple[Family, ...] = FAMILIES) -> None:
        self._export = export
        self._families = {family.name: family for family in families}
        self._values: dict[tuple[str, str], dict[Sample, float]] = {}
        self._counts: dict[tuple[str, str], dict[Sample, float]] = {}

    def replace(self, namespace: str, service: str, samples: Mapping[Sample, float]) -> None:
        """All gauges of a service. Raises ValueError for a family or a number of labels that is not in the table."""
        if self._values.get((namespace, service)) == samples:
            return
        for sample in samples:
            self._check(sample, counter=False)
        self._values[namespace, service] = dict(samples)

    def count(self, namespace: str, service: str, *sample: str, by: float = 1.0) -> None:
        """Add to a counter of a service: the family's name, then its label values."""
        self._check(sample, counter=True)
        counts = self._counts.setdefault((namespace, service), {})
        counts[sample] = counts.get(sample, 0.0) + by

    def remove(self, namespace: str, service: str) -> None:
        """Drop every series of a service."""
        self._values.pop((namespace, service), None)
        self._counts.pop((namespace, service), None)

    def describe(self) -> Iterator[Metric]:
        """The families without series."""
        for family in self._families.values():
            yield _metric(family)

    def collect(self) -> Iterator[Metric]:  # type: ignore[explicit-override]
        """Every series there is."""
        metrics = {name: _metric(family) for name, family in self._families.items()}
        if self._export():
            for source in (self._values, self._counts):
                for service, samples in list(source.items()):
                    for (name, *labels), value in list(samples.items()):
                        metrics[name].add_metric([*service, *labels], value)
        yield from metrics.values()

    def _check(self, sample: Sample, *, counter: bool) -> None:
        family = self._families.get(sample[0]) if sample else None
        if family is None or family.counter is not counter or len(sample) - 1 != len(family.labels):
            known = {name: found.labels for name, found in self._families.items() if found.counter is counter}
            raise ValueError(f"sample {sample!r}: allowed: one of {known}, with a value for each label")


def _metric(family: Family) -> GaugeMetricFamily | CounterMetricFamily:
    labels = (*_SERVICE, *family.labels)
    kind = CounterMetricFamily if family.counter else GaugeMetricFamily
    return kind(f"serinus_{family.name}", family.help, labels=labels)


class Telemetry:
    """The engine's metrics in `registry`, and `services` in a registry of their own, which a thread writes out."""

    def __init__(self, *, is_leader: Callable[[], bool] = lambda: True) -> None:
        self.registry = CollectorRegistry()
        self.services = ServiceMetrics(is_leader)
        self._service_registry = CollectorRegistry()
        self._of_call: dict[tuple[Target, str, int], tuple[Counter, Histogram | None]] = {}
        self._service_registry.register(self.services)
        registry = self.registry
        self._calls = Counter(
            "serinus_api_calls",
            "Calls to the API server; code 0: no answer.",
            ("verb", "resource", "code"),
            registry=registry,
        )
        self._call_seconds = Histogram(
            "serinus_api_call_seconds",
            "Seconds of a call to the API server.",
            ("verb",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._runs = Histogram(
            "serinus_reconcile_seconds", "Seconds of one reconcile.", ("outcome",), buckets=_SECONDS, registry=registry
        )
        self._dropped = Counter("serinus_events_dropped", "Kubernetes Events that were not posted.", registry=registry)
        self._ages = Gauge(
            "serinus_watch_age_seconds",
            "Seconds since the last event or bookmark of a watch.",
            ("resource",),
            registry=registry,
        )

        self._unreadable = Gauge(
            "serinus_watch_unreadable",
            "Times that an object of a watch could not be read, since the start.",
            ("resource",),
            registry=registry,
        )

    async def expose(self) -> bytes:
        """Everything in the text format. Thousands of series are written out in a thread, not in the loop."""
        engine = generate_latest(self.registry)
        return engine + await asyncio.to_thread(generate_latest, self._service_registry)

    def call(self, call: Call) -> None:
        """Count one call to the API server (an observer of the transport)."""
        key = (call.target, call.verb, call.code)
        if key not in self._of_call:
            self._of_call[key] = self._series(call)
        count, seconds = self._of_call[key]
        count.inc()
        if seconds is not None:
            seconds.observe(call.seconds)

    def _series(self, call: Call) -> tuple[Counter, Histogram | None]:
        """Where a call of this kind is counted: found once, for every call makes some."""
        target = call.target
        resource = target.resource if not target.subresource else f"{target.resource}/{target.subresource}"
        count = self._calls.labels(
            call.verb, f"{resource}.{target.group}" if target.group else resource, str(call.code)
        )
        return count, self._call_seconds.labels(call.verb) if call.verb != "watch" else None

    def run(self, seconds: float, outcome: str) -> None:
        """Note one reconcile (`on_run` of the queue)."""
        self._runs.labels(outcome).observe(seconds)

    def event_dropped(self) -> None:
        """Count an Event that was not posted."""
        self._dropped.inc()

    def watch_age(self, resource: str, age: Callable[[], float]) -> None:
        """Export the age of a watch, asked for at each scrape."""
        self._ages.labels(resource).set_function(age)

    def unreadable(self, resource: str, count: Callable[[], float]) -> None:
        """Export how often objects of a watch could not be read, asked for at each scrape."""
        self._unreadable.labels(resource).set_function(count)

    def gauge(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Export one number that is asked for at each scrape: `serinus_<name>`."""
        Gauge(f"serinus_{name}", help_text, registry=self.registry).set_function(value)
