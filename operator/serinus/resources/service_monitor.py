"""The ServiceMonitor of a service: scrapes all its pods and says on every series whose they are.

A fixed form: of the spec only path, port, interval and labels go into it. `pod` stays on the raw series; the
recording rules drop it.
"""

from typing import Final

from serinus.core import naming
from serinus.core.model import InvalidSpec, Manifest
from serinus.core.promql import InvalidQuery, parse_duration
from serinus.resources.context import Context
from serinus.resources.service import METRICS_PORT, metrics_ports

_SAMPLE_LIMIT: Final = 20_000
_LABEL_LIMIT: Final = 100
_REVISION_META: Final = "__meta_kubernetes_pod_label_" + naming.LABEL_REVISION.replace(".", "_").replace("/", "_")


def build(context: Context) -> list[Manifest]:
    """Build the one ServiceMonitor; it selects the Service `<name>-metrics` and nothing else. None without metrics."""
    service = context.service
    ports = metrics_ports(context)
    if not ports:
        return []
    spec: Manifest = {
        "selector": {"matchLabels": {naming.LABEL_METRICS: "true", naming.LABEL_SERVICE: service.name}},
        "fallbackScrapeProtocol": "PrometheusText0.0.4",
        "sampleLimit": _SAMPLE_LIMIT,
        "labelLimit": _LABEL_LIMIT,
        "endpoints": [_endpoint(context, name) for name in ports],
    }
    # A server-side apply of a field that the installed CRD does not know is refused as a whole.
    if context.settings.endpoint_slices:
        spec["serviceDiscoveryRole"] = "EndpointSlice"
    metadata = {"name": service.name, "namespace": service.namespace, "labels": monitor_labels(context)}
    return [
        {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": metadata, "spec": spec},
    ]


def monitor_labels(context: Context) -> dict[str, str]:
    """Labels of a monitor or rule object: the setting's, then the spec's, then ours, which nothing replaces."""
    service = context.service
    return {**context.settings.monitor_labels, **service.monitoring.labels, **naming.app_labels(service.name)}


def _endpoint(context: Context, name: str) -> Manifest:
    """One scraped port: of the server itself, or of a component, which has a role of its own."""
    service, runtime = context.service, context.service.runtime
    path = service.workload.metrics_path if service.workload else runtime.metrics_path
    role = runtime.role
    for component in runtime.components:
        if name == f"{METRICS_PORT}-{component.name}":
            path, role = component.path, component.role
    return {
        "port": name,
        "path": path,
        "interval": _interval(service.monitoring.interval),
        "relabelings": _relabelings(context, role),
    }


def _relabelings(context: Context, role: str) -> list[Manifest]:
    service = context.service
    fixed = {"llmservice": service.name, "runtime": service.runtime.name, "model": service.model, "role": role}
    # In a replacement `$` begins a reference to a group; two of them are the character.
    relabelings: list[Manifest] = [
        {"targetLabel": label, "replacement": value.replace("$", "$$")} for label, value in fixed.items()
    ]
    return [*relabelings, {"sourceLabels": [_REVISION_META], "targetLabel": "revision"}]


def _interval(text: str) -> str:
    try:
        return parse_duration(text).text
    except InvalidQuery as e:
        raise InvalidSpec("spec.monitoring.interval", str(e)) from e
