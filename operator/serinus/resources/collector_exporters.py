"""Exporters of a collector: one for each place that gets traces, with what its preset wants.

It owns addresses, headers and queues. Keys come from the environment of the collector's pod, never from here.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from serinus.core.model import Manifest, Service
from serinus.core.secret_key import SecretKey
from serinus.core.traces import Content, Preset, Protocol, Signal, TraceEndpoint, Traces, TraceSettings

OTLP_GRPC: Final = 4317
PATH: Final = "spec.monitoring.outputs.traces"
_QUEUE_BYTES: Final = 64 * 1024 * 1024
_MIN_BATCH_BYTES: Final = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One place that gets traces or logs, with everything looked up. `variable`: holds its key; empty: it has none."""

    name: str
    endpoint: TraceEndpoint
    preset: Preset
    secret: SecretKey | None
    variable: str

    def takes(self, signal: Signal) -> bool:
        """Whether it takes a signal."""
        return signal in self.preset.signals


def targets(traces: Traces, settings: TraceSettings) -> tuple[Target, ...]:
    """The places that can be reached; what `problems` names is left out."""
    found = []
    for i, export in enumerate(traces.exports):
        endpoint = settings.endpoints.get(export.endpoint)
        if endpoint is None or (settings.presets[endpoint.preset].key_required and export.secret is None):
            continue
        found.append(
            Target(
                name=export.endpoint,
                endpoint=endpoint,
                preset=settings.presets[endpoint.preset],
                secret=export.secret,
                variable=f"SERINUS_KEY_{i}" if export.secret else "",
            )
        )
    return tuple(found)


def problems(traces: Traces, settings: TraceSettings) -> tuple[str, ...]:
    """One message for each exporter that cannot be made, and one for content that would go nowhere."""
    found = []
    for i, export in enumerate(traces.exports):
        at = f"{PATH}.exporters[{i}]"
        endpoint = settings.endpoints.get(export.endpoint)
        if endpoint is None:
            known = ", ".join(sorted(settings.endpoints)) or "none"
            found.append(f"{at}.endpointRef.name: found {export.endpoint!r}, allowed are {known} (traceEndpoints)")
        elif settings.presets[endpoint.preset].key_required and export.secret is None:
            title = settings.presets[endpoint.preset].title
            found.append(f"{at}.secretKeyRef: found none, allowed is the key that {title} wants")
    made = targets(traces, settings)
    if made and not any(t.takes(Signal.TRACES) for t in made):
        found.append(f"{PATH}.exporters: found places for logs alone, allowed are some with one that takes traces")
    if made and traces.content is Content.REDACT and not any(t.preset.content or t.takes(Signal.LOGS) for t in made):
        found.append(f"{PATH}.content: found Redact, allowed is Drop: no exporter takes logs or reads prompts of spans")
    return tuple(found)


def exporter(target: Target, service: Service) -> tuple[str, Manifest]:
    """The type of the exporter of a target, by its name of before, and its configuration."""
    preset, url = target.preset, target.endpoint.url.rstrip("/")
    common = {"headers": _headers(target, service), "sending_queue": _queue(preset), "retry_on_failure": _RETRY}
    if preset.protocol is Protocol.GRPC:
        parts = urlsplit(url)
        endpoint = f"{parts.hostname}:{parts.port or OTLP_GRPC}"
        return "otlp", {"endpoint": endpoint, "tls": {"insecure": parts.scheme == "http"}, **common}
    addresses = {f"{s}_endpoint": f"{url}{preset.path}/v1/{s}" for s in preset.signals}
    return "otlphttp", {**addresses, "encoding": "proto", "compression": "gzip", **common}


_RETRY: Final = {"enabled": True, "initial_interval": "5s", "max_interval": "30s", "max_elapsed_time": "10m"}


def filled(text: str, target: Target, service: Service) -> str:
    """A text of a preset with what stands for its placeholders."""
    values = {
        "$project": target.endpoint.project or service.name,
        "$service": service.name,
        "$namespace": service.namespace,
        "$team": service.owner.team,
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _headers(target: Target, service: Service) -> Manifest:
    fixed = {k: filled(v, target, service) for k, v in target.preset.headers.items()}
    if not target.variable:
        return fixed
    key = f"${{env:{target.variable}}}"
    return {**{k: v.replace("$key", key) for k, v in target.preset.auth.items()}, **fixed}


def _queue(preset: Preset) -> Manifest:
    """Batches by bytes: a batch over a backend's limit is lost as a whole, and ten prompts can be one."""
    batch = {"flush_timeout": "5s", "sizer": "bytes", "min_size": _MIN_BATCH_BYTES, "max_size": preset.max_bytes}
    return {"enabled": True, "sizer": "bytes", "queue_size": _QUEUE_BYTES, "batch": batch}
