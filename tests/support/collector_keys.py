"""A checker of collectors' configurations that needs no collector: known components and keys, pipelines that fit.

It knows the components that are generated and no others, by the names of both ages; which keys each has was read off a
real one, which `make verify-consumers` asks.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from serinus.core.model import Manifest

_OTLP: Final = {"endpoint", "tls", "headers", "sending_queue", "retry_on_failure"}
_HTTP: Final = {"traces_endpoint", "logs_endpoint", "encoding", "compression"} | (_OTLP - {"endpoint"})
_FILE_LOG: Final = {"include", "start_at", "max_log_size"}
_SPANS: Final = {
    "namespace",
    "histogram",
    "dimensions",
    "exemplars",
    "aggregation_cardinality_limit",
    "metrics_expiration",
    "metrics_flush_interval",
}
KEYS: Final[dict[str, dict[str, set[str]]]] = {
    "receivers": {"otlp": {"protocols"}, "filelog": _FILE_LOG, "file_log": _FILE_LOG},
    "processors": {
        "memory_limiter": {"check_interval", "limit_percentage", "spike_limit_percentage"},
        "batch": {"send_batch_size", "send_batch_max_size", "timeout"},
        "filter": {"error_mode", "traces"},
        "redaction": {"allow_all_keys", "blocked_key_patterns", "summary"},
        "transform": {"error_mode", "trace_statements", "log_statements"},
        "tail_sampling": {"decision_wait", "policies"},
    },
    "exporters": {
        "otlp": _OTLP,
        "otlp_grpc": _OTLP,
        "otlphttp": _HTTP,
        "otlp_http": _HTTP,
        "prometheus": {"endpoint", "enable_open_metrics", "resource_to_telemetry_conversion"},
        "file": {"path", "rotation"},
    },
    "connectors": {"forward": set(), "spanmetrics": _SPANS, "span_metrics": _SPANS},
}
POLICIES: Final = {"status_code", "ottl_condition", "probabilistic"}
CONTEXTS: Final = {"resource", "scope", "span", "spanevent", "log"}
_VARIABLE: Final = re.compile(r"\$\{env:([A-Z0-9_]+)\}")


def problems(config: Manifest, variables: set[str]) -> list[str]:
    """One line for each thing that a collector would refuse, or that nothing uses; `variables`: of its pod."""
    found = [*_unknown(config), *_pipelines(config), *_policies(config), *_contexts(config)]
    found += [f"variable {name} is not set" for name in _VARIABLE.findall(str(config)) if name not in variables]
    return found


def _unknown(config: Manifest) -> Iterator[str]:
    for section, known in KEYS.items():
        for component, content in config.get(section, {}).items():
            kind = component.split("/")[0]
            if kind not in known:
                yield f"{section}.{component} is unknown"
            yield from (
                f"{section}.{component}.{key} is unknown" for key in content if key not in known.get(kind, {key})
            )
    yield from (f"{key} is unknown" for key in config if key not in {*KEYS, "service"})


def _pipelines(config: Manifest) -> Iterator[str]:
    """Every name is defined, every component is used, and connectors have both ends."""
    pipelines: dict[str, dict[str, list[str]]] = config["service"]["pipelines"]
    connectors = set(config.get("connectors", {}))
    used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in pipelines.values():
        for part, names in pipeline.items():
            used[part] |= set(names)
    for part, taken in used.items():
        defined = set(config.get(part, {}))
        ends = set() if part == "processors" else connectors
        yield from (f"{part}.{name} is used and not defined" for name in taken - defined - ends)
        yield from (f"{part}.{name} is defined and not used" for name in defined - taken)
        yield from (f"connectors.{name} has no end in {part}" for name in ends - taken)
    yield from (
        f"pipeline {name} has no {part}"
        for name, p in pipelines.items()
        for part in ("receivers", "exporters")
        if not p[part]
    )


def _policies(config: Manifest) -> Iterator[str]:
    for policy in config["processors"].get("tail_sampling", {}).get("policies", []):
        if policy["type"] not in POLICIES or set(policy) != {"name", "type", policy["type"]}:
            yield f"policy {policy['name']}: type {policy['type']} is unknown, or has no part of its name"


def _contexts(config: Manifest) -> Iterator[str]:
    for name, processor in config["processors"].items():
        blocks: list[dict[str, Any]] = processor.get("trace_statements", []) + processor.get("log_statements", [])
        for found in blocks:
            if found["context"] not in CONTEXTS or not found["statements"]:
                yield f"{name}: context {found['context']} is unknown or empty"
