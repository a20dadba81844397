"""What becomes of the traces of a service: where they go, how many are kept, what happens to prompts. Types alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serinus.core.secret_key import SecretKey


class Content(StrEnum):
    """What happens to prompts and answers."""

    DROP = "Drop"
    REDACT = "Redact"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceExport:
    """One place that gets traces: the name of an endpoint in the operator's settings, and the key for it."""

    endpoint: str
    secret: SecretKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """spec.monitoring.outputs.traces."""

    exports: tuple[TraceExport, ...]
    sample_percent: int = 100
    content: Content = Content.DROP
    instrumentation: bool = False  # an Instrumentation that pods may ask for


class Signal(StrEnum):
    """What a backend takes by OTLP."""

    TRACES = "traces"
    LOGS = "logs"


class Protocol(StrEnum):
    """How OTLP is sent."""

    HTTP = "http"
    GRPC = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What one kind of backend wants of OTLP (`data/trace-presets.yaml`). `$key`, `$project`: filled in later."""

    name: str
    title: str
    signals: tuple[Signal, ...]
    path: str = ""  # between the address and /v1/traces
    protocol: Protocol = Protocol.HTTP
    auth: Mapping[str, str] = field(default_factory=dict, hash=False)  # headers with `$key` in their value
    key_required: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    content: bool = False  # reads prompts from attributes of spans, which may be long
    legacy: bool = False  # reads gen_ai.system only
    set_span: Mapping[str, str] = field(default_factory=dict, hash=False)  # attribute -> text of ours
    copy_span: Mapping[str, str] = field(default_factory=dict, hash=False)  # attribute -> attribute that it repeats
    resource: Mapping[str, str] = field(default_factory=dict, hash=False)
    uuids: Mapping[str, str] = field(default_factory=dict, hash=False)  # attribute -> trace or span
    max_bytes: int = 3_500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceEndpoint:
    """One entry of the operator's setting traceEndpoints: a preset, the address, and the project in the backend."""

    preset: str
    url: str
    project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSettings:
    """What an installation knows of traces. `version`: of the collector, by which its components have their names."""

    endpoints: Mapping[str, TraceEndpoint] = field(default_factory=dict, hash=False)
    presets: Mapping[str, Preset] = field(default_factory=dict, hash=False)
    version: str = "0.155.0"
    image: str = "otel/opentelemetry-collector-contrib"
