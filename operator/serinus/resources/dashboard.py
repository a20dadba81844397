"""Dashboards as objects: a ConfigMap that Grafana's sidecar finds, or a GrafanaDashboard for grafana-operator.

One dashboard for all services and one of the fleet, in the operator's namespace; one of its own for a service that asks
for it. What is on a dashboard, the other files of this name know.
"""

import json
from collections.abc import Mapping
from typing import Final

from serinus.core import naming
from serinus.core.model import Dashboard, Manifest
from serinus.core.runtime import Runtime
from serinus.resources import dashboard_fleet
from serinus.resources.context import Context, Settings
from serinus.resources.dashboard_frame import (
    FLEET_UID,
    SERVICES_UID,
    Identity,
    fleet_variables,
    frame,
    service_variables,
)
from serinus.resources.dashboard_load import taken
from serinus.resources.dashboard_machinery import logs, operator
from serinus.resources.dashboard_quality import answers_and_gates, traffic_and_rollout
from serinus.resources.dashboard_serving import felt

GRAFANA_API: Final = "grafana.integreatly.org/v1beta1"
Runtimes = Mapping[str, Runtime]
_ANY: Final = Identity()


def services(runtimes: Runtimes, identity: Identity = _ANY) -> Manifest:
    """The dashboard of services, or of one service."""
    title = f"LLM service {identity.namespace}/{identity.service}" if identity.service else "LLM services"
    rows = (answers_and_gates(), traffic_and_rollout(), *felt(runtimes), *taken(), logs(), operator())
    return frame(identity.uid, title, rows, service_variables(identity), of_one=True)


def fleet() -> Manifest:
    """The dashboard of all services."""
    return frame(FLEET_UID, "LLM fleet", dashboard_fleet.rows(), fleet_variables(), of_one=False)


def build(context: Context) -> list[Manifest]:
    """Build the ConfigMap of a service that wants a dashboard of its own."""
    return [] if context.settings.grafanas else _own(context)


def build_custom(context: Context) -> list[Manifest]:
    """Build the GrafanaDashboard of such a service, where grafana-operator is the one to read it."""
    return _own(context) if context.settings.grafanas else []


def _own(context: Context) -> list[Manifest]:
    service = context.service
    if service.monitoring.outputs.dashboard is not Dashboard.PER_SERVICE:
        return []
    metadata = {
        "name": naming.dashboard(service.name),
        "namespace": service.namespace,
        "labels": naming.app_labels(service.name),
    }
    made = services(context.runtimes, Identity(service.namespace, service.name))
    # Grafana's sidecar writes all into one folder. A dot is in neither name, so two services are never one file.
    return [_object(metadata, f"serinus-{service.namespace}.{service.name}.json", made, context.settings)]


def build_shared(used: frozenset[Dashboard], runtimes: Runtimes, settings: Settings) -> list[Manifest]:
    """Build what belongs to no service; nothing if nobody wants a dashboard.

    That of services is there for one with its own too: rows of the fleet, and alerts that all share, lead to it.
    """
    if not used - {Dashboard.NONE}:
        return []
    made = {SERVICES_UID: services(runtimes), FLEET_UID: fleet()}
    namespace, labels = settings.operator_namespace, naming.shared_labels(naming.DASHBOARDS)
    return [
        _object({"name": uid, "namespace": namespace, "labels": labels}, f"{uid}.json", board, settings)
        for uid, board in made.items()
    ]


def text(board: Manifest) -> str:
    """Write a dashboard as it stands in an object: no byte more than needed, for an object holds 1 MiB."""
    return json.dumps(board, sort_keys=True, separators=(",", ":"))


def _object(metadata: Manifest, key: str, board: Manifest, settings: Settings) -> Manifest:
    if settings.grafanas:
        spec = {
            "instanceSelector": {"matchLabels": dict(settings.grafanas)},
            "allowCrossNamespaceImport": True,
            "folder": "Serinus",
            "json": text(board),
        }
        return {"apiVersion": GRAFANA_API, "kind": "GrafanaDashboard", "metadata": metadata, "spec": spec}
    # Ours come last: a setting must not take an object out of what is watched and pruned.
    labels = {**settings.dashboard_labels, **metadata["labels"]}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {**metadata, "labels": labels},
        "data": {key: text(board)},
    }
