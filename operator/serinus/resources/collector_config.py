"""The configuration of a service's collector: receivers, processors, exporters, and the pipelines that join them.

Redaction comes before everything that leaves or is counted; span metrics come before sampling. It owns the order.
"""

from collections.abc import Mapping
from typing import Final

from serinus.core import genai
from serinus.core.model import Manifest, Service
from serinus.core.traces import Content, Signal, Traces
from serinus.resources import collector_statements as ottl
from serinus.resources.collector_exporters import OTLP_GRPC, Target, exporter, filled
from serinus.resources.collector_logs import content, records
from serinus.resources.collector_parts import Config, escaped

OTLP_HTTP: Final = 4318
METRICS_PORT: Final = 8889
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


def build_config(service: Service, traces: Traces, found: tuple[Target, ...], renamed: Mapping[str, str]) -> Manifest:
    """Build the whole configuration; `renamed`: component types of before -> those of the collector's version."""
    config = Config(renamed)
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
        config.join("logs/in", [otlp], [limiter, *records(config, service, traces, redaction)], logs)
    if logs and traces.content is Content.REDACT:
        out.append(content(config, service, limiter, logs))
    config.join("traces/kept", [kept], _sampling(config, traces), out)
    exporters = config.parts.pop("exporters")
    parts = escaped({k: v for k, v in config.parts.items() if v})
    # Headers hold references to the environment, and nothing else of an exporter has the sign in it.
    return {**parts, "exporters": exporters, "service": {"pipelines": config.pipelines}}


def _named(target: Target, service: Service) -> tuple[str, str, Manifest]:
    kind, made = exporter(target, service)
    return kind, target.name, made


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


def _whole(config: Config) -> str:
    """A backend that refuses a span without an id refuses the batch that it is in."""
    condition = 'span_id.string == "0000000000000000" or trace_id.string == "00000000000000000000000000000000"'
    return config.add("processors", "filter", "whole", {"error_mode": "ignore", "traces": {"span": [condition]}})


def _cleaned(config: Config, service: Service, traces: Traces, redaction: str) -> list[str]:
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


def _eventless(config: Config) -> str:
    condition = f"IsMatch(name, {ottl.quote(genai.CONTENT_EVENTS)})"
    return config.add("processors", "filter", "events", {"error_mode": "ignore", "traces": {"spanevent": [condition]}})


def _sampling(config: Config, traces: Traces) -> list[str]:
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
    config: Config, service: Service, traces: Traces, found: tuple[Target, ...], backends: Mapping[str, str]
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
