"""What builders build from. Frozen; made once per plan, so that no builder looks anything up by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from serinus.core.alert import AlertGroup
from serinus.core.arrange import Arrangement
from serinus.core.gates import GateView
from serinus.core.inhibition import Inhibitions
from serinus.core.installation import DNS_TARGETS, Allowed, Network, Peer
from serinus.core.judge import Judged
from serinus.core.model import Manifest, Service, Workload
from serinus.core.prices import PriceBook
from serinus.core.rollout import State
from serinus.core.runtime import Runtime
from serinus.core.scrapers import Scraper
from serinus.core.seen import RevisionSeen
from serinus.core.traces import TraceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """Where agents read logs and send them. Without an address there are no files for the whole installation."""

    loki_url: str = ""  # where lines are pushed to: http://…/loki/api/v1/push
    loki_tenant: str = ""  # empty: none is sent
    alloy_per_node: bool = True  # Alloy runs on every node, and each reads the pods of its own
    push_port: int = 0  # where Alloy takes lines of other agents; 0: nowhere
    promtail_positions: str = "/run/promtail/positions.yaml"
    pod_logs: str = "/var/log/pods"
    max_partial_lines: int = 256  # parts of 16 KiB that the container runtime made of one line
    rule_labels: Mapping[str, str] = field(default_factory=lambda: {"loki_rule": "1"})
    rule_folder: str = ""  # annotation for the sidecar of Loki's chart; empty: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the operator that show in what it generates."""

    probe_image: str
    monitor_labels: Mapping[str, str] = field(default_factory=dict)
    logs: LogSettings = field(default_factory=LogSettings)
    traces: TraceSettings = field(default_factory=TraceSettings)
    inhibitions: Inhibitions = field(default_factory=Inhibitions)  # which alerts silence which
    runbook_base: str = ""
    dashboard_base: str = ""
    dashboard_labels: Mapping[str, str] = field(default_factory=lambda: {"grafana_dashboard": "1"})
    grafanas: Mapping[str, str] = field(default_factory=dict)  # labels of Grafana objects; empty: ConfigMaps are made
    operator_namespace: str = "serinus-system"
    cluster_wide: bool = True  # every namespace is served, so that the rules of a runtime are shared by all
    prices: PriceBook = field(default_factory=dict)
    observers: tuple[str, ...] = ()  # runtimes that see services of other runtimes
    endpoints: Mapping[str, str] = field(default_factory=dict)  # addresses of judges outside, by name
    endpoint_cidrs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # address blocks of some of them
    dns: tuple[Peer, ...] = DNS_TARGETS
    allowed: Allowed = field(default_factory=Allowed)
    network: Network = field(default_factory=Network)
    admission_policy: bool = False  # the chart's ValidatingAdmissionPolicy is installed
    user: str = ""  # the operator's own user name, as the API server sees it; empty: not known
    allow_python: bool = True  # whether probes may run Python of their authors
    endpoint_slices: bool = False  # the ServiceMonitor CRD has serviceDiscoveryRole: prometheus-operator >= 0.86


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One service in one state."""

    service: Service
    settings: Settings
    state: State = field(default_factory=State)
    arrangement: Arrangement = field(default_factory=lambda: Arrangement(sets={}, patches=(), settled=True, wake=None))
    revisions: tuple[RevisionSeen, ...] = ()  # kept ones, that of the spec included
    runtimes: Mapping[str, Runtime] = field(default_factory=dict, hash=False)
    gates: tuple[GateView, ...] = ()
    judged: tuple[Judged, ...] = ()  # what judges the answers of the gates
    alerts: tuple[AlertGroup, ...] = ()
    scrapers: tuple[Scraper, ...] = ()  # Prometheus objects, as far as they can be read
    evidenced: frozenset[str] = frozenset()  # revisions with a run before traffic that passed

    @property
    def workload(self) -> Workload:
        """The workload of a service that is not an overlay."""
        assert self.service.workload is not None
        return self.service.workload

    def has(self, revision: str) -> bool:
        """Whether a revision is known."""
        return any(r.name == revision for r in self.revisions)

    def data_of(self, revision: str) -> Manifest:
        """Content of a known revision."""
        return next((r.data for r in self.revisions if r.name == revision), {})

    def port_of(self, revision: str) -> int | str:
        """Serving port of a revision, asked with its own runtime; a number only if the user gave one."""
        data = self.data_of(revision)
        runtime = self.runtimes.get(str(data.get("runtime", "")), self.service.runtime)
        port = str(data.get("port") or (runtime.port if data else self.workload.port))
        return int(port) if port.isdecimal() else port
