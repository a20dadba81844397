"""Builders of everything that is generated: pure functions from a Context to manifests, in one explicit table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.resources import (
    admission_policy,
    alertmanager_config,
    cilium_policy,
    collector,
    dashboard,
    kyverno_policy,
    log_pipeline,
    loki_rules,
    network_policy,
    probes,
    prometheus_rule,
    promtail,
    service,
    service_monitor,
    signal_rules,
    tracing_policy,
    workload,
)
from serinus.resources.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """One row: how a kind is built, the API that it needs, and what becomes of objects that are no longer wanted."""

    build: Callable[[Context], list[Manifest]]
    api_version: str
    kind: str
    prune: bool = True
    once: bool = False  # created, never changed: its content is evidence
    output: bool = False  # shown in status.outputs
    suffix: str = ""  # what names of this output end in, if other objects of the kind are no outputs
    note: str = ""  # what status says of it, though it was applied
    told: Callable[[Context], str] | None = None  # the same, where it depends on the service
    unless: str = ""  # an API that makes it needless where it is installed
    retreat: bool = False  # written even while the spec is invalid: what takes a canary back


BUILDERS: tuple[Builder, ...] = (
    Builder(build=kyverno_policy.build, api_version=kyverno_policy.API_VERSION, kind=kyverno_policy.KIND, output=True),
    Builder(
        build=admission_policy.build,
        api_version="v1",
        kind="ConfigMap",
        output=True,
        suffix=naming.POLICY_SUFFIX,
        note=admission_policy.NOTE,
        unless=kyverno_policy.API_VERSION,
    ),
    Builder(build=workload.build_revisions, api_version="apps/v1", kind="ControllerRevision", retreat=True),
    Builder(build=workload.build_replica_sets, api_version="apps/v1", kind="ReplicaSet", retreat=True),
    Builder(build=service.build, api_version="v1", kind="Service"),
    Builder(build=workload.build_disruption_budget, api_version="policy/v1", kind="PodDisruptionBudget"),
    Builder(build=probes.build_network_policy, api_version="networking.k8s.io/v1", kind="NetworkPolicy"),
    Builder(build=probes.build_questions, api_version="v1", kind="ConfigMap"),
    Builder(build=probes.build_runs, api_version="serinus.dev/v1alpha1", kind="ProbeRun", prune=False, once=True),
    Builder(build=probes.build_jobs, api_version="batch/v1", kind="Job", prune=False, once=True),
    Builder(build=service_monitor.build, api_version="monitoring.coreos.com/v1", kind="ServiceMonitor", output=True),
    Builder(build=signal_rules.build_own, api_version="monitoring.coreos.com/v1", kind="PrometheusRule", output=True),
    Builder(build=prometheus_rule.build, api_version="monitoring.coreos.com/v1", kind="PrometheusRule", output=True),
    Builder(build=log_pipeline.build, api_version=log_pipeline.API_VERSION, kind="PodLogs", output=True),
    Builder(
        build=promtail.build,
        api_version="v1",
        kind="ConfigMap",
        output=True,
        suffix=naming.PROMTAIL_SUFFIX,
        note=promtail.END_OF_LIFE,
    ),
    Builder(build=dashboard.build, api_version="v1", kind="ConfigMap", output=True, suffix=naming.DASHBOARD_SUFFIX),
    Builder(build=dashboard.build_custom, api_version=dashboard.GRAFANA_API, kind="GrafanaDashboard", output=True),
    Builder(
        build=network_policy.build,
        api_version="networking.k8s.io/v1",
        kind="NetworkPolicy",
        output=True,
        suffix=naming.NETWORK_SUFFIX,
        told=network_policy.note,
    ),
    Builder(
        build=cilium_policy.build,
        api_version=cilium_policy.API_VERSION,
        kind=cilium_policy.KIND,
        output=True,
        told=cilium_policy.note,
    ),
    Builder(
        build=tracing_policy.build,
        api_version=tracing_policy.API_VERSION,
        kind=tracing_policy.KIND,
        output=True,
        told=tracing_policy.note,
    ),
    Builder(
        build=alertmanager_config.build,
        api_version=alertmanager_config.API_VERSION,
        kind="AlertmanagerConfig",
        output=True,
    ),
    Builder(build=collector.build, api_version=collector.API_VERSION, kind="OpenTelemetryCollector", output=True),
    Builder(
        build=collector.build_instrumentation,
        api_version=collector.INSTRUMENTATION_API,
        kind="Instrumentation",
        output=True,
    ),
    Builder(build=loki_rules.build, api_version="v1", kind="ConfigMap", output=True, suffix=naming.LOKI_RULES_SUFFIX),
)
"""In the order of their writes: what others refer to comes first, and what judges others before them."""


_OUTPUTS: Final = {b.kind: tuple(o for o in BUILDERS if o.output and o.kind == b.kind) for b in BUILDERS if b.output}


def output_of(kind: str, name: str) -> Builder | None:
    """Which output an object is, by its kind and name; None for one that is no output."""
    return next((b for b in _OUTPUTS.get(kind, ()) if name.endswith(b.suffix)), None)
