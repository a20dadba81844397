"""Frozen types of a parsed LLMService and what it refers to. No behaviour beyond arithmetic on themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from serinus.core.logs import Profile
from serinus.core.policies import Policies
from serinus.core.routing import Receiver
from serinus.core.runtime import Runtime
from serinus.core.secret_key import SecretKey
from serinus.core.slo import Slo
from serinus.core.traces import Traces

Manifest = dict[str, Any]
"""A finished Kubernetes object."""


SERVICE_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer")
"""Types of the users' Service that this version can make; which of them an author may choose is a setting."""


class InvalidSpec(Exception):
    """A value in a spec that cannot be acted on; names the field's path, what was found and what is allowed."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class Mode(StrEnum):
    """How much a gate may stop."""

    ENFORCE = "Enforce"
    ADVISE = "Advise"
    UNGATED = "Ungated"


class Purpose(StrEnum):
    """Why a run of a gate is made; the first three are also the values of a gate's `when`."""

    BEFORE_TRAFFIC = "BeforeTraffic"
    EACH_STEP = "EachStep"
    BAKE = "Bake"
    CONTINUOUS = "Continuous"
    SELF_TEST = "SelfTest"
    MANUAL = "Manual"


OF_ROLLOUTS: Final = (Purpose.BEFORE_TRAFFIC, Purpose.EACH_STEP, Purpose.BAKE)
"""Purposes of the runs that rollouts are decided on: no other run is an attempt of one, or evidence for it."""


class Verdict(StrEnum):
    """What a gate says. Only PASSED promotes; RUNNING is no verdict yet."""

    RUNNING = "Running"
    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"
    BROKEN = "Broken"


class OnInconclusive(StrEnum):
    """What an inconclusive gate does."""

    HOLD = "Hold"
    ROLL_BACK = "RollBack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who is paged."""

    team: str
    runbook: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surge:
    """Replicas above `replicas` during a rollout: a number or a percentage."""

    value: int
    percent: bool = False

    def of(self, replicas: int) -> int:
        """Pods above `replicas`; a percentage rounds up, so that only a literal 0 replaces."""
        return -(-replicas * self.value // 100) if self.percent else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The pods that serve: `template` as the user wrote it; ports resolved against it (names, or numbers as text)."""

    replicas: int
    port: str
    metrics_port: str
    metrics_path: str
    template: Manifest = field(hash=False)
    restart_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficStep:
    """One step of a rollout: the share that users send to the canary, and how long it is watched (seconds)."""

    percent: int
    bake: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPolicy:
    """spec.rollout; times in seconds."""

    mode: Mode
    surge: Surge
    steps: tuple[TrafficStep, ...]
    bake: int
    ready_timeout: int
    drain_timeout: int
    on_inconclusive: OnInconclusive
    history_limit: int
    paused: bool

    def step_at(self, step: int) -> TrafficStep:
        """The step of this number from 0; a rollout that began with more steps is at the last one.

        If the steps were taken away meanwhile: the smallest share, watched for no time.
        """
        return self.steps[min(step, len(self.steps) - 1)] if self.steps else TrafficStep(percent=1, bake=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that one run may cost; whichever ends first. `duration` in seconds."""

    pairs: int
    tokens: int
    duration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricWeight:
    """A named metric of the probes that a gate joins, and its weight beside the others."""

    name: str
    weight: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What a run is judged by. Ratios in [0, 1]: 5 points are 0.05."""

    floor: float
    margin: float
    tolerance: float
    alpha: float  # chance of a false rollback
    beta: float  # chance of a false promotion
    budget: Budget
    graded: bool = False  # compare scores in [0, 1], not passes
    metrics: tuple[MetricWeight, ...] = ()  # empty: the test as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityGate:
    """One entry of spec.gates.quality."""

    name: str
    probe_set: str
    policy: GatePolicy
    when: tuple[Purpose, ...]
    every: int = 0  # seconds between two runs against the serving revision; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeJob:
    """Where probe Jobs run."""

    resources: Manifest = field(default_factory=dict, hash=False)
    node_selector: Mapping[str, str] = field(default_factory=dict, hash=False)
    tolerations: tuple[Manifest, ...] = field(default=(), hash=False)
    image_pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOptions:
    """The users' Service."""

    port: int
    type: str
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertOverride:
    """Changed parameters of one alert: threshold in its own unit, `for` as Prometheus writes it; None keeps."""

    threshold: str | None = None
    threshold_field: str = ""  # that it was given in: thresholdPercent, thresholdDuration, thresholdValue
    hold: str | None = None
    severity: str | None = None


class Dashboard(StrEnum):
    """Which dashboard a service has."""

    SHARED = "Shared"
    PER_SERVICE = "PerService"
    NONE = "None"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """The switches of spec.monitoring.outputs."""

    dashboard: Dashboard = Dashboard.SHARED
    promtail: bool = True
    loki_rules: bool = False
    network_policy: bool = False
    cilium: bool = False
    tetragon: bool = False
    receiver: Receiver | None = None  # who gets the alerts of the service
    traces: Traces | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """spec.monitoring and spec.alerts, as far as outputs come from them. `interval` as Prometheus writes it."""

    interval: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    overrides: Mapping[str, AlertOverride] = field(default_factory=dict, hash=False)
    disabled: frozenset[str] = frozenset()
    logs: Profile = field(default_factory=Profile)
    policies: Policies = field(default_factory=Policies)
    outputs: Outputs = field(default_factory=Outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One LLMService, parsed. `workload` is None for an overlay on somebody else's workload."""

    namespace: str
    name: str
    uid: str
    generation: int
    model: str
    runtime: Runtime
    owner: Owner
    workload: Workload | None
    service: ServiceOptions
    max_unavailable: int | str
    access: SecretKey | None
    rollout: RolloutPolicy
    gates: tuple[QualityGate, ...]
    probe_job: ProbeJob
    evidence_keep: bool
    monitoring: Monitoring
    slos: tuple[Slo, ...] = ()
    restraining: tuple[str, ...] = ()  # paths of set fields that restrain a rollout and that this version cannot act on
    ignored: tuple[str, ...] = ()  # paths of set fields that restrain nothing and are not acted on yet

    def gates_at(self, purpose: Purpose) -> tuple[QualityGate, ...]:
        """The quality gates that run for a purpose."""
        return tuple(g for g in self.gates if purpose in g.when)
