"""The operator's settings, parsed once from environment variables and flags. It reads no file and asks no API.

Every setting has one name: `leaseDuration` is the flag, `SERINUS_LEASE_DURATION` the variable. A flag wins.
"""

import re
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from serinus.core.installation import Allowed, Network, Peer
from serinus.core.model import SERVICE_TYPES
from serinus.core.prices import PriceBook
from serinus.core.traces import TraceSettings
from serinus.resources.context import LogSettings
from serinus.shell import setting_types as types
from serinus.shell.catalogue import trace_presets
from serinus.shell.setting_types import InvalidSetting

__all__ = ["ApiSettings", "InvalidSetting", "LeaseSettings", "Ports", "Settings", "load_settings", "variable_name"]

T = TypeVar("T")
PREFIX = "SERINUS_"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """The Lease and its times in seconds; renew deadline + write timeout < duration, which is whole."""

    name: str
    namespace: str
    identity: str
    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0
    write_timeout: float = 4.0


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Calls to the API server: a second on average, in a row, at once."""

    qps: float
    burst: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of the metrics, the health and the gate endpoints; 0 takes a free one."""

    metrics: int
    health: int
    gate: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an installation can choose. `namespaces` empty: the whole cluster. Times in seconds.

    `authors_verified`: an admission policy checks who signs a Decision. `ignored`: variables of our prefix that mean
    nothing, for a warning.
    """

    namespaces: tuple[str, ...]
    lease: LeaseSettings
    api: ApiSettings
    ports: Ports
    workers: int
    resync: float
    probe_image: str
    monitor_labels: Mapping[str, str]
    alert_rules_dir: Path
    dashboard_labels: Mapping[str, str]
    grafanas: Mapping[str, str]
    logs: LogSettings
    traces: TraceSettings
    allowed: Allowed
    dns_targets: tuple[Peer, ...]
    network: Network
    admission_policy: bool
    user: str
    authors_verified: bool
    allow_unverified_decisions: bool
    allow_python: bool
    evidence_max_age: float
    prometheus_url: str
    runbook_url: str
    dashboard_url: str
    endpoints: Mapping[str, str]
    endpoint_cidrs: Mapping[str, tuple[str, ...]]
    prices: PriceBook
    observers: tuple[str, ...]
    log_level: str
    ignored: tuple[str, ...]

    @property
    def namespace(self) -> str:
        """The operator's own namespace."""
        return self.lease.namespace

    @property
    def cluster_wide(self) -> bool:
        """Every namespace is served."""
        return not self.namespaces


def load_settings(environment: Mapping[str, str], flags: Mapping[str, str] | None = None) -> Settings:
    """Settings from variables and flags, where a flag wins. Raises InvalidSetting, for an unknown flag too."""
    source = _Source(environment, flags or {})
    lease = _lease(source)
    settings = Settings(
        namespaces=source.get("namespaces", "", types.names),
        lease=lease,
        api=_api(source),
        ports=Ports(
            metrics=source.get("metricsPort", "9090", types.whole(0, 65535)),
            health=source.get("healthPort", "8080", types.whole(0, 65535)),
            gate=source.get("gatePort", "8081", types.whole(0, 65535)),
        ),
        workers=source.get("workers", "16", types.whole(1, 256)),
        resync=source.get("resync", "10m", types.duration(1.0, _DAY)),
        probe_image=source.get("probeImage", "serinus:latest", types.text),
        monitor_labels=source.get("monitorLabels", "", types.pairs),
        alert_rules_dir=source.get("alertRulesDir", "alert-rules", Path),
        dashboard_labels=source.get("dashboardLabels", '{"grafana_dashboard": "1"}', types.pairs),
        grafanas=source.get("grafanas", "", types.pairs),
        logs=_logs(source),
        traces=_traces(source),
        allowed=Allowed(
            service_types=source.get("allowedServiceTypes", "ClusterIP", types.members(*SERVICE_TYPES)),
            service_annotations=source.get("allowedServiceAnnotations", "", types.prefixes),
        ),
        dns_targets=source.get("dnsTargets", "", types.dns_targets),
        network=_network(source),
        admission_policy=source.get("admissionPolicy", "false", types.flag),
        user=source.get("user", "", types.user_or_none),
        authors_verified=source.get("authorsVerified", "false", types.flag),
        allow_unverified_decisions=source.get("allowUnverifiedDecisions", "false", types.flag),
        allow_python=source.get("allowPython", "true", types.flag),
        evidence_max_age=source.get("evidenceMaxAge", "90d", types.duration(3600.0, 3650 * _DAY)),
        prometheus_url=source.get("prometheusUrl", "", types.url_or_none),
        runbook_url=source.get("runbookUrl", "https://serinus.dev/docs/runbooks", types.url_or_none),
        dashboard_url=source.get("dashboardUrl", "", types.url_or_none),
        endpoints=source.get("endpoints", "", types.urls),
        endpoint_cidrs=source.get("endpointCidrs", "", types.blocks),
        prices=source.get("prices", "", types.prices),
        observers=source.get("observers", "dcgm", types.names),
        log_level=source.get("logLevel", "info", types.one_of("debug", "info", "warning", "error")),
        ignored=source.unknown_variables(),
    )
    source.refuse_unknown_flags()
    return settings


def variable_name(name: str) -> str:
    """`leaseDuration` as `SERINUS_LEASE_DURATION`."""
    return PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


class _Source:
    """Where the values come from; it remembers which names were asked for."""

    def __init__(self, environment: Mapping[str, str], flags: Mapping[str, str]) -> None:
        self._environment = environment
        self._flags = flags
        self._known: dict[str, None] = {}

    def get(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        self._known[name] = None
        found = self._flags.get(name, self._environment.get(variable_name(name), default))
        try:
            return parse(found)
        except ValueError as error:
            raise InvalidSetting(variable_name(name), found, str(error)) from error

    def unknown_variables(self) -> tuple[str, ...]:
        known = {variable_name(name) for name in self._known}
        return tuple(sorted(name for name in self._environment if name.startswith(PREFIX) and name not in known))

    def refuse_unknown_flags(self) -> None:
        for name, found in self._flags.items():
            if name not in self._known:
                raise InvalidSetting(name, found, f"one of the flags {', '.join(sorted(self._known))}")


def _api(source: _Source) -> ApiSettings:
    qps = source.get("apiRate", "100", types.number(0.1, 10_000))
    burst = source.get("apiBurst", str(max(1, int(2 * qps))), types.whole(1, 100_000))
    return ApiSettings(qps, burst, source.get("apiConcurrency", "32", types.whole(1, 1000)))


def _logs(source: _Source) -> LogSettings:
    return LogSettings(
        loki_url=source.get("lokiUrl", "", types.url_or_none),
        loki_tenant=source.get("lokiTenant", "", types.word_or_none),
        alloy_per_node=source.get("alloyPerNode", "true", types.flag),
        push_port=source.get("alloyPushPort", "0", types.whole(0, 65535)),
        promtail_positions=source.get("promtailPositions", "/run/promtail/positions.yaml", types.path),
        pod_logs=source.get("podLogs", "/var/log/pods", types.path),
        rule_labels=source.get("lokiRuleLabels", '{"loki_rule": "1"}', types.pairs),
        rule_folder=source.get("lokiRuleFolder", "", types.path_or_none),
    )


def _traces(source: _Source) -> TraceSettings:
    presets, usual = trace_presets(), TraceSettings()
    return TraceSettings(
        presets=presets,
        endpoints=source.get("traceEndpoints", "", types.trace_endpoints(presets)),
        version=source.get("collectorVersion", usual.version, types.version),
        image=source.get("collectorImage", usual.image, types.image),
    )


def _network(source: _Source) -> Network:
    usual = Network()
    return Network(
        clients=source.get("networkClients", "", types.peers),
        monitoring=source.get("networkMonitoring", "", types.peers),
        egress=source.get("networkEgress", "", types.peers),
        hosts=source.get("networkHosts", "", types.hosts),
        inside=source.get("networkInside", ",".join(usual.inside), types.networks),
        model_paths=source.get("modelPaths", ",".join(usual.model_paths), types.paths),
    )


def _lease(source: _Source) -> LeaseSettings:
    seconds = types.duration(0.05, 3600.0)
    lease = LeaseSettings(
        name=source.get("leaseName", "serinus", types.dns_label),
        namespace=source.get("namespace", "serinus", types.dns_label),
        identity=source.get("identity", f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}", types.text),
        duration=source.get("leaseDuration", "15s", seconds),
        renew_deadline=source.get("leaseRenewDeadline", "10s", seconds),
        retry=source.get("leaseRetryPeriod", "2s", seconds),
        write_timeout=source.get("writeTimeout", "4s", seconds),
    )
    if lease.duration != int(lease.duration):
        allowed = "whole seconds: the API takes no other"
        raise InvalidSetting(variable_name("leaseDuration"), f"{lease.duration:g}s", allowed)
    if lease.renew_deadline + lease.write_timeout >= lease.duration:
        found = f"{lease.renew_deadline:g}s, with a write timeout of {lease.write_timeout:g}s"
        allowed = f"renew deadline + write timeout below the lease's duration of {lease.duration:g}s"
        raise InvalidSetting(variable_name("leaseRenewDeadline"), found, allowed)
    if lease.retry * 2 > lease.renew_deadline:
        allowed = f"at most half of the renew deadline of {lease.renew_deadline:g}s"
        raise InvalidSetting(variable_name("leaseRetryPeriod"), f"{lease.retry:g}s", allowed)
    return lease
