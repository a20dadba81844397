"""The OpenTelemetryCollector of a service, and the Instrumentation that applications may ask for. Both are optional.

It owns the objects: pod, environment, volumes. What the collector does stands in `collector_config`.
"""

from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.traces import Content, Signal, Traces, TraceSettings
from serinus.resources import collector_exporters as exporters
from serinus.resources.collector_config import OTLP_HTTP, build_config
from serinus.resources.collector_logs import SPOOL
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels

API_VERSION: Final = "opentelemetry.io/v1beta1"
INSTRUMENTATION_API: Final = "opentelemetry.io/v1alpha1"
_RENAMED_IN: Final = (0, 156, 0)
_RENAMED: Final = {
    "exporters/otlp": "otlp_grpc",
    "exporters/otlphttp": "otlp_http",
    "receivers/filelog": "file_log",
    "connectors/spanmetrics": "span_metrics",
}
"""Types of components: an older collector knows the first name alone. The receiver `otlp` has kept its own."""
_ATTRIBUTES: Final = "512"
"""SDKs keep 128 attributes of a span and lose the oldest: definitions of tools push out the model and its tokens."""


def build(context: Context) -> list[Manifest]:
    """Build the collector; none if traces are off, or if no place can be reached that takes them."""
    service, traces = context.service, context.service.monitoring.outputs.traces
    if traces is None or problems(context):
        return []
    found = exporters.targets(traces, context.settings.traces)
    config = build_config(service, traces, found, renamed(context.settings.traces.version))
    spool = traces.content is Content.REDACT and any(t.takes(Signal.LOGS) for t in found)
    spec: Manifest = {
        "mode": "deployment",
        "replicas": 1,  # every span of a trace has to reach the one that decides on it
        "image": _image(context.settings.traces),
        "managementState": "managed",
        "upgradeStrategy": "none",  # names of components are those of the version that is written here
        "networkPolicy": {"enabled": False},  # opentelemetry-operator 0.158 makes one that refuses, unless told
        "observability": {"metrics": {"enableMetrics": True}},
        "config": config,
        **_POD,
    }
    if keys := [_variable(t) for t in found if t.secret]:
        spec["env"] = keys
    if spool:
        spec["volumes"] = [{"name": "content", "emptyDir": {"medium": "Memory", "sizeLimit": "128Mi"}}]
        spec["volumeMounts"] = [{"name": "content", "mountPath": SPOOL}]
    return [_object(context, API_VERSION, "OpenTelemetryCollector", spec)]


def build_instrumentation(context: Context) -> list[Manifest]:
    """Build the Instrumentation, if it is asked for: it does nothing to a pod that does not name it."""
    traces = context.service.monitoring.outputs.traces
    if traces is None or not traces.instrumentation or problems(context):
        return []
    service = context.service
    address = f"http://{naming.traces(service.name)}-collector.{service.namespace}:{OTLP_HTTP}"
    captured = "span_only" if traces.content is Content.REDACT else "no_content"
    variables = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": _ATTRIBUTES,
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": captured,
    }
    spec = {
        "exporter": {"endpoint": address},
        "propagators": ["tracecontext", "baggage"],
        "sampler": {"type": "parentbased_always_on"},
        "env": [{"name": k, "value": v} for k, v in variables.items()],
    }
    return [_object(context, INSTRUMENTATION_API, "Instrumentation", spec)]


def problems(context: Context) -> tuple[str, ...]:
    """One message for each part of spec.monitoring.outputs.traces that cannot be had; then there is no collector."""
    traces: Traces | None = context.service.monitoring.outputs.traces
    return exporters.problems(traces, context.settings.traces) if traces else ()


def renamed(version: str) -> dict[str, str]:
    """The component types that a collector of this version has under another name than before."""
    return _RENAMED if tuple(int(part) for part in version.split(".")) >= _RENAMED_IN else {}


_POD: Final[Manifest] = {
    "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10001,
    },
    "podSecurityContext": {
        "fsGroup": 10001,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}


def _image(settings: TraceSettings) -> str:
    return settings.image if "@" in settings.image else f"{settings.image}:{settings.version}"


def _variable(target: exporters.Target) -> Manifest:
    assert target.secret is not None
    reference = {"name": target.secret.name, "key": target.secret.key}
    return {"name": target.variable, "valueFrom": {"secretKeyRef": reference}}


def _object(context: Context, api_version: str, kind: str, spec: Manifest) -> Manifest:
    service = context.service
    metadata = {
        "name": naming.traces(service.name),
        "namespace": service.namespace,
        "labels": monitor_labels(context),
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}
