"""What was observed of one service's world, reduced to what decisions need. Types and arithmetic only; no decision.

Times are seconds since the epoch, in UTC, as floats; 0 means "never".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serinus.core.judge import Judged
from serinus.core.model import Manifest, Purpose
from serinus.core.scrapers import Scraper

CRASHES_THAT_COUNT = 5
"""Restarts of one container after which a revision is its own fault, not the node's."""


class Outcome(StrEnum):
    """The record on a revision: it was stable once, or it was rolled back."""

    PROVEN = "Proven"  # it passed its gates, and was stable
    SERVED = "Served"  # it was stable without having passed: in mode Advise or Ungated
    REJECTED = "Rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSeen:
    """One serving pod."""

    name: str
    uid: str
    resource_version: str = field(compare=False)
    revision: str
    live: bool  # label traffic
    draining: bool  # label drain
    drain_since: float
    ready: bool
    deleting: bool
    address: str
    unready_since: float  # since when it runs without being Ready; 0: it is Ready, or never ran (no node, no image)
    created: float
    restarts: int  # of its most restarted container
    trouble: str  # why it cannot start, if that is not the revision's fault: Unschedulable, ImagePull; else empty
    leaves_by: float = 0.0  # when it must be gone: its deletion time with its grace; 0: it is not being deleted
    detail: str = ""
    waiting: str = ""  # what its first container that does not run waits for: for people alone
    ended: bool = (
        False  # evicted or done: the object stays, its containers and their GPU are gone; `deleting` is set too
    )

    @property
    def crashing(self) -> bool:
        """Whether its container ended by itself again and again."""
        return self.restarts >= CRASHES_THAT_COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSeen:
    """The ReplicaSet of one revision."""

    name: str
    revision: str
    uid: str
    resource_version: str = field(compare=False)
    replicas: int
    live: bool  # traffic label of its pod template
    observed: bool  # its controller has seen this generation
    failure: str = ""  # why it cannot create pods: QuotaExceeded, AdmissionRefused; else empty
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionSeen:
    """One ControllerRevision: the record of what a revision was and what became of it."""

    name: str
    sha256: str
    number: int
    outcome: Outcome | None
    data: Manifest = field(hash=False)
    reason: str = ""  # why it was rejected
    run: str = ""  # the ProbeRun that decided
    at: str = ""
    detail: str = ""  # the text that reason, run and at were read from


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPodSeen:
    """The pod of a probe Job."""

    name: str
    uid: str
    created: float
    exit_code: int | None  # of the container `probe`; None: not terminated
    message: str  # its termination message
    waiting: str  # why it has not started: a kubelet or scheduler reason; else empty
    disrupted: str  # evicted, preempted or lost with its node: the reason; else empty
    oom_killed: bool = False
    controller: str = ""  # UID of the Job that controls it; empty: no Job does
    spec: Manifest = field(default_factory=dict, hash=False)  # what decides which code answers


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSeen:
    """A probe Job and its pods."""

    name: str
    uid: str
    owner_uids: tuple[str, ...]
    created: float
    failed: str  # reason of the condition Failed; else empty
    pod_spec: Manifest = field(hash=False)
    pods: tuple[JobPodSeen, ...] = ()
    suspended: bool = False
    parallelism: int = 1
    completions: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A ProbeRun."""

    name: str
    uid: str
    resource_version: str
    gate: str
    purpose: Purpose
    step: int  # -1: the purpose has no steps
    revision: str
    baseline: str
    attempt: int
    created: float
    spec: Manifest = field(hash=False)
    status: Manifest = field(hash=False)
    former: bool = False  # of an earlier service of the same name: its name is taken, and it proves nothing

    @property
    def finished(self) -> bool:
        """Whether its result is recorded."""
        return self.status.get("phase") == "Finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSeen:
    """A Decision, with what admission could verify of its author."""

    name: str
    uid: str
    resource_version: str
    action: str
    revision: str
    by: str
    created: float
    expires: float
    pending: bool  # no state recorded yet
    service_uid: str
    reason: str = ""
    evidence: tuple[str, ...] = ()  # the ProbeRuns that it was made on


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """A ProbeSet that can be asked: its digest, its probes (and with their weights), and its canonical text."""

    digest: str
    probes: int
    weighted: int
    text: str = field(hash=False)
    judged: Judged | None = None  # what else the Job asks, and what that costs
    critical: int = 0
    metrics: tuple[str, ...] = ()  # names that assertions measure
    tokens: int = 0  # the most that a call takes, question and answer, in the mean of the probes
    timeout: int = 60  # of a call, in seconds
    concurrency: int = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSetSeen:
    """A ProbeSet, resolved once per version; without questions, `reason` and `problem` say why it cannot be asked."""

    name: str
    questions: Questions | None = None
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything that a plan is made from."""

    body: Manifest = field(hash=False)
    sets: tuple[SetSeen, ...] = ()
    pods: tuple[PodSeen, ...] = ()
    routed: frozenset[str] = frozenset()  # pods that are ready endpoints of the users' Service
    reachable: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)  # Service -> ready pods
    selected: Mapping[str, str] = field(default_factory=dict, hash=False)  # Service -> revision that it selects
    revisions: tuple[RevisionSeen, ...] = ()
    jobs: tuple[JobSeen, ...] = ()
    runs: tuple[RunSeen, ...] = ()
    decisions: tuple[DecisionSeen, ...] = ()
    probe_sets: Mapping[str, ProbeSetSeen] = field(default_factory=dict, hash=False)
    scrapers: tuple[Scraper, ...] = ()  # Prometheus objects, as far as they can be read
    stable_selector: str = ""  # revision that the Service `<name>-stable` selects: the record if status is lost
    refused: str = ""  # why the API server refuses the target's ReplicaSet; else empty
