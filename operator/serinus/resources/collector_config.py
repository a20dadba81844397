"""The configuration of a service's collector: receivers, processors, exporters, and the pipelines that join them.

Redaction comes before everything that leaves or is counted; span metrics come before sampling. It owns the order.
"""

from collections.abc import Mapping
from typing import Any, Final

from serinus.core import genai
from serinus.core.model import Manifest, Service
from serinus.core.traces import Content, Signal, Traces
from serinus.resources import collector_statements as ottl
from serinus.resources.collector_exporters import OTLP_GRPC, Target, exporter, filled

OTLP_HTTP: Final = 4318
METRICS_PORT: Final = 8889
SPOOL: Final = "/var/lib/serinus-traces"
_SPOOL_FILE: Final = f"{SPOOL}/content.json"
_MAX_MESSAGE_MIB: Final = 16
_BUCKETS: Final = ("50ms", "100ms", "250ms", "500ms", "1s", "2s", "4s", "8s", "15s", "30s", "60s")
_DIMENSIONS: Final = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "error.type")
_FLAGS: Final = (
    'attributes["error.type"] != nil',
    'attributes["gen_ai.evaluation.score.label"] == "fail"',
    'attributes["serinus.flagged"] == true',
    'IsMatch(String(attributes["gen_ai.response.finish_reasons"]), "content_filter|error")',
)
"""Spans whose trace is kept whatever is sampled: failures by their own word, and answers that somebody flagged."""

_Part = dict[str, Any]


class _Config:
    """A configuration in the making, under today's names of components or those of before."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._renamed = renamed
        self.parts: dict[str, _Part] = {k: {} for k in ("receivers", "processors", "exporters", "connectors")}
        self.pipelines: _Part = {}

    def add(self, section: str, kind: str, name: str, content: _Part) -> str:
        """Add a component once; return its id."""
        kind = self._renamed.get(f"{section}/{kind}", kind)
        component = f"{kind}/{name}" if name else kind
        self.parts[section][component] = content
        return component

    def join(self, name: str, receivers: list[str], processors: list[str], exporters: list[str]) -> None:
        """Add a pipeline."""
        self.pipelines[name] = {"receivers": receivers, "processors": processors, "exporters": exporters}

    def transform(self, signal: str, name: str, *blocks: Manifest) -> str:
        """Add a transform processor. A statement that fails on one item is logged, and the item goes on."""
        return self.add("processors", "transform", name, {"error_mode": "ignore", f"{signal}_statements": list(blocks)})


def build_config(service: Service, traces: Traces, found: tuple[Target, ...], renamed: Mapping[str, str]) -> Manifest:
    """Build the whole configuration; `renamed`: component types of before -> those of the collector's version."""
    config = _Config(renamed)
    otlp = config.add("receivers", "otlp", "", _otlp())
    limiter = config.add("processors", "memory_limiter", "", _LIMITER)
    redaction = config.add("processors", "redaction", "", _redaction())
    counted = config.add("connectors", "spanmetrics", "", _span_metrics())
    kept = config.add("connectors", "forward", "kept", {})
    stages = [limiter, _whole(config), *_cleaned(config, service, traces, redaction), _eventless(config)]
    config.join("traces/in", [otlp], stages, [counted, kept])
    prometheus = config.add("exporters", "prometheus", "", _prometheus())
    config.join("metrics/spans", [counted], [], [prometheus])
    backends = {t.name: config.add("exporters", *_named(t, service)) for t in found}
    out = _out(config, service, traces, found, backends)
    logs = [backends[t.name] for t in found if t.takes(Signal.LOGS)]
    if logs:
        config.join("logs/in", [otlp], [limiter, *_records(config, service, traces, redaction)], logs)
    if logs and traces.content is Content.REDACT:
        out.append(_content(config, service, limiter, logs))
    config.join("traces/kept", [kept], _sampling(config, traces), out)
    exporters = config.parts.pop("exporters")
    parts = _escaped({k: v for k, v in config.parts.items() if v})
    # Headers hold references to the environment, and nothing else of an exporter has the sign in it.
    return {**parts, "exporters": exporters, "service": {"pipelines": config.pipelines}}


def _named(target: Target, service: Service) -> tuple[str, str, Manifest]:
    kind, content = exporter(target, service)
    return kind, target.name, content


def _otlp() -> Manifest:
    grpc = {"endpoint": f"0.0.0.0:{OTLP_GRPC}", "max_recv_msg_size_mib": _MAX_MESSAGE_MIB}
    http = {"endpoint": f"0.0.0.0:{OTLP_HTTP}", "max_request_body_size": _MAX_MESSAGE_MIB * 1024 * 1024}
    return {"protocols": {"grpc": grpc, "http": http}}


_LIMITER: Final = {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20}


def _redaction() -> Manifest:
    """Values of keys that are secrets whatever they look like; patterns are statements, which keep what is around."""
    return {"allow_all_keys": True, "blocked_key_patterns": list(genai.SECRET_KEYS), "summary": "silent"}


def _span_metrics() -> Manifest:
    return {
        "namespace": "llm.spans",
        "histogram": {"unit": "s", "explicit": {"buckets": list(_BUCKETS)}},
        "dimensions": [{"name": name} for name in _DIMENSIONS],
        "exemplars": {"enabled": True},
        "aggregation_cardinality_limit": 2000,
        "metrics_expiration": "10m",
        "metrics_flush_interval": "15s",
    }


def _prometheus() -> Manifest:
    return {
        "endpoint": f"0.0.0.0:{METRICS_PORT}",
        "enable_open_metrics": True,
        "resource_to_telemetry_conversion": {"enabled": True},
    }


def _whole(config: _Config) -> str:
    """A backend that refuses a span without an id refuses the batch that it is in."""
    condition = 'span_id.string == "0000000000000000" or trace_id.string == "00000000000000000000000000000000"'
    return config.add("processors", "filter", "whole", {"error_mode": "ignore", "traces": {"span": [condition]}})


def _cleaned(config: _Config, service: Service, traces: Traces, redaction: str) -> list[str]:
    """Names, place, redaction, and content if it is to go."""
    spans = [*ottl.names("span"), *ottl.usual(service), *ottl.without("span", genai.VECTOR_KEYS)]
    if traces.content is Content.DROP:
        spans += ottl.without("span", genai.CONTENT_KEYS)
    blocks = [ottl.block("resource", ottl.place(service)), ottl.block("span", spans)]
    if traces.content is Content.REDACT:
        blocks.append(ottl.block("spanevent", ottl.event_names()))
    named = config.transform("trace", "names", *blocks)
    redacted = config.transform(
        "trace",
        "redact",
        ottl.block("resource", ottl.redacted("resource")),
        ottl.block("scope", ottl.redacted("scope")),
        ottl.block("span", ottl.redacted("span", "span.name", "span.status.message")),
        ottl.block("spanevent", ottl.redacted("spanevent")),
    )
    return [named, redaction, redacted]


def _eventless(config: _Config) -> str:
    condition = f"IsMatch(name, {ottl.quote(genai.CONTENT_EVENTS)})"
    return config.add("processors", "filter", "events", {"error_mode": "ignore", "traces": {"spanevent": [condition]}})


def _sampling(config: _Config, traces: Traces) -> list[str]:
    """Whole traces: those that failed or were flagged, and a part of the others."""
    if traces.sample_percent == 100:
        return []
    policies = [
        {"name": "failed", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "flagged", "type": "ottl_condition", "ottl_condition": {"error_mode": "ignore", "span": list(_FLAGS)}},
        {
            "name": "sampled",
            "type": "probabilistic",
            "probabilistic": {"sampling_percentage": traces.sample_percent},
        },
    ]
    return [config.add("processors", "tail_sampling", "", {"decision_wait": "20s", "policies": policies})]


def _out(
    config: _Config, service: Service, traces: Traces, found: tuple[Target, ...], backends: Mapping[str, str]
) -> list[str]:
    """A pipeline for each place that takes traces; returns what feeds them."""
    feeds = []
    for target in (t for t in found if t.takes(Signal.TRACES)):
        feed = config.add("connectors", "forward", target.name, {})
        blocks = _adapted(target, service, traces)
        stages = [config.transform("trace", target.name, *blocks)] if blocks else []
        config.join(f"traces/{target.name}", [feed], stages, [backends[target.name]])
        feeds.append(feed)
    return feeds


def _adapted(target: Target, service: Service, traces: Traces) -> list[Manifest]:
    """What one backend wants of spans, from its preset."""
    preset = target.preset
    spans = [
        f"set({ottl.attribute('span', k)}, {ottl.quote(filled(v, target, service))})"
        for k, v in preset.set_span.items()
    ]
    for name, source in preset.copy_span.items():
        at = ottl.attribute("span", source)
        spans.append(f"set({ottl.attribute('span', name)}, {at}) where {at} != nil")
    if preset.legacy:
        at = ottl.attribute("span", "gen_ai.provider.name")
        spans.append(f"set({ottl.attribute('span', 'gen_ai.system')}, {at}) where {at} != nil")
    spans += [f"set({ottl.attribute('span', k)}, {_UUIDS[v]})" for k, v in preset.uuids.items()]
    if not preset.content and traces.content is not Content.DROP:
        spans += ottl.without("span", genai.CONTENT_KEYS)
    if not preset.content:
        spans += ottl.short("span")
    resource = [
        f"set({ottl.attribute('resource', k)}, {ottl.quote(filled(v, target, service))})"
        for k, v in preset.resource.items()
    ]
    found = [("resource", resource), ("span", spans), ("spanevent", [] if preset.content else ottl.short("spanevent"))]
    return [ottl.block(context, statements) for context, statements in found if statements]


def _pieces(of: str, *cuts: tuple[int, int]) -> str:
    return ", ".join(f"Substring({of}, {start}, {length})" for start, length in cuts)


_UUIDS: Final = {
    "trace": f'Concat([{_pieces("span.trace_id.string", (0, 8), (8, 4), (12, 4), (16, 4), (20, 12))}], "-")',
    "span": f'Concat(["00000000-0000-0000", {_pieces("span.span_id.string", (0, 4), (4, 12))}], "-")',
}
"""An id in the form of a UUID: the same for the same span, so that feedback finds it."""


def _records(config: _Config, service: Service, traces: Traces, redaction: str) -> list[str]:
    """Log records of applications: names, redaction, content as the body or gone."""
    first = ["set(log.body, String(log.body)) where log.body != nil and not IsString(log.body)", *ottl.names("log")]
    dropped = ottl.without("log", genai.CONTENT_KEYS, genai.VECTOR_KEYS)
    named = config.transform(
        "log",
        "log-names",
        ottl.block("resource", ottl.place(service)),
        ottl.block("log", [*first, *(ottl.event_body() if traces.content is Content.REDACT else dropped)]),
    )
    redacted = config.transform(
        "log",
        "log-redact",
        ottl.block("resource", ottl.redacted("resource")),
        ottl.block("log", ottl.redacted("log", "log.body")),
    )
    return [named, redaction, redacted]


def _content(config: _Config, service: Service, limiter: str, logs: list[str]) -> str:
    """Content of spans as log records, by way of a file in memory: no component makes records of spans.

    One span a line, so that a record is of one span; both ends are in the same pod.
    """
    feed = config.add("connectors", "forward", "content", {})
    packed = config.transform("trace", "content", ottl.block("span", ottl.packed()))
    empty = {"error_mode": "ignore", "traces": {"span": [f'attributes["{ottl.RECORD}"] == nil']}}
    some = config.add("processors", "filter", "content", empty)
    one = config.add("processors", "batch", "one", {"send_batch_size": 1, "send_batch_max_size": 1, "timeout": "1s"})
    rotation = {"max_megabytes": 32, "max_backups": 1}
    spool = config.add("exporters", "file", "content", {"path": _SPOOL_FILE, "rotation": rotation})
    config.join("traces/content", [feed], [packed, some, one], [spool])
    reader = {"include": [f"{SPOOL}/content*.json"], "start_at": "beginning", "max_log_size": "8MiB"}
    file_log = config.add("receivers", "filelog", "content", reader)
    record = config.transform(
        "log",
        "record",
        ottl.block("resource", [*ottl.place(service), _named_service(service)]),
        ottl.block("log", ottl.unpacked()),
    )
    config.join("logs/content", [file_log], [limiter, record], logs)
    return feed


def _named_service(service: Service) -> str:
    return f"set({ottl.attribute('resource', 'service.name')}, {ottl.quote(service.name)})"


def _escaped(value: Any) -> Any:
    """In a configuration `$` begins a reference to the environment; two of them are the character."""
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():
            return {k: _escaped(v) for k, v in value.items()}
        case list():
            return [_escaped(v) for v in value]
        case _:
            return value
