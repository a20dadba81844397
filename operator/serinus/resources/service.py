"""The Services of one LLMService: for users, for scraping, and for each side of a comparison."""

from collections.abc import Mapping

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.ports import container_port, declared_ports
from serinus.core.rollout import Stage
from serinus.resources.context import Context

METRICS_PORT = "metrics"
SERVING_PORT = "http"
_UNDRAINED = {naming.LABEL_DRAIN: "false"}


def build(context: Context) -> list[Manifest]:
    """Build `<name>`, `<name>-metrics` and, as soon as there is a revision, `<name>-stable` and `<name>-canary`."""
    state = context.state
    canary = state.revision if state.stage is not Stage.STABLE and context.has(state.revision) else state.stable
    built = [_users(context), *_metrics(context)]
    if state.stable:
        built.append(_side(context, naming.stable_service(context.service.name), state.stable))
    if canary:
        built.append(_side(context, naming.canary_service(context.service.name), canary))
    return built


def _users(context: Context) -> Manifest:
    """Select whatever is live: shares are by replicas."""
    service = context.service
    selector = {naming.LABEL_SERVICE: service.name, naming.LABEL_TRAFFIC: naming.TRAFFIC_LIVE, **_UNDRAINED}
    manifest = _service(context, service.name, selector, context.state.stable or context.state.revision)
    manifest["spec"]["type"] = service.service.type
    if service.service.annotations:
        manifest["metadata"]["annotations"] = dict(service.service.annotations)
    return manifest


def _side(context: Context, name: str, revision: str) -> Manifest:
    """Select one revision, live or idle: this is how probes reach it."""
    selector = {naming.LABEL_SERVICE: context.service.name, naming.LABEL_REVISION: revision, **_UNDRAINED}
    return _service(context, name, selector, revision)


def _service(context: Context, name: str, selector: Mapping[str, str], revision: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": context.service.namespace,
            "labels": naming.app_labels(context.service.name),
        },
        "spec": {
            "type": "ClusterIP",
            "selector": dict(selector),
            "ports": [
                {
                    "name": SERVING_PORT,
                    "port": context.service.service.port,
                    "protocol": "TCP",
                    "targetPort": context.port_of(revision),
                }
            ],
        },
    }


def _metrics(context: Context) -> list[Manifest]:
    """Select all pods, live or idle, ready or not: a canary is watched before users reach it."""
    service = context.service
    ports = [_metrics_port(context, name, port) for name, port in metrics_ports(context).items()]
    if not ports:
        return []
    manifest: Manifest = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": naming.metrics_service(service.name),
            "namespace": service.namespace,
            "labels": naming.app_labels(service.name) | {naming.LABEL_METRICS: "true"},
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {naming.LABEL_SERVICE: service.name},
            "ports": ports,
        },
    }
    return [manifest]


def metrics_ports(context: Context) -> dict[str, str]:
    """Container ports that are scraped, by the name that the Service gives them; none, if there are no metrics.

    A component is scraped where the template declares its port: elsewhere it runs in other pods.
    """
    service = context.service
    workload = service.workload
    found = {}
    if workload is None or workload.metrics_path:
        found[METRICS_PORT] = workload.metrics_port if workload else service.runtime.metrics_port
    declared = declared_ports(workload.template) if workload else []
    for component in service.runtime.components:
        if any(component.port in (name, str(number)) for name, number in declared):
            found[f"{METRICS_PORT}-{component.name}"] = component.port
    return found


def _metrics_port(context: Context, name: str, port: str) -> Manifest:
    number = container_port(context.workload.template, port, "spec.workload.metricsPort")
    target = int(port) if port.isdecimal() else port
    return {"name": name, "port": number, "protocol": "TCP", "targetPort": target}
