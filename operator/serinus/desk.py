"""What the parts of one plan share: the service and its world, what a state means in it, why it may not start.

Pure. It decides on no transition and builds nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from serinus.core import facts, traffic
from serinus.core.alert import AlertGroup
from serinus.core.arrange import Arrangement, World, arrange
from serinus.core.beside import Watched
from serinus.core.child import Child, child_of
from serinus.core.decisions import Trust
from serinus.core.gates import GateView, gate_views
from serinus.core.model import Manifest, Mode, Service
from serinus.core.parse import parse
from serinus.core.revision import Revision, revision_of
from serinus.core.rollout import Hold, State
from serinus.core.runtime import Catalogue
from serinus.core.seen import Questions, Snapshot
from serinus.core.watch import Watch, watch
from serinus.resources import Builder
from serinus.resources.context import Context, Settings

T = TypeVar("T")


def built(builder: Builder, context: Context) -> list[Child]:
    """What a builder makes, made anew."""
    return [child_of(manifest) for manifest in builder.build(context)]


def said(function: Callable[[Context], T], context: Context) -> T:
    """What a pure function says of a context, found anew."""
    return function(context)


def read(body: Manifest, catalogue: Catalogue) -> tuple[Service, Revision | None]:
    """The service that a body asks for, and its revision if it has a workload; raises InvalidSpec."""
    service = parse(body, catalogue)
    return service, revision_of(body) if service.workload else None


class Say(Protocol):
    """As `said`, perhaps from memory."""

    def __call__(self, function: Callable[[Context], T], context: Context) -> T:
        """The answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan needs besides the world of one service."""

    catalogue: Catalogue
    settings: Settings
    alerts: tuple[AlertGroup, ...] = ()
    trust: Trust = field(default_factory=Trust)
    evidence_max_age: float = 90 * 86_400.0  # seconds that a finished run is kept which nothing refers to
    # The same, perhaps from memory:
    build: Callable[[Builder, Context], list[Child]] = built
    say: Say = said
    read: Callable[[Manifest, Catalogue], tuple[Service, Revision | None]] = read


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the parts of one plan share."""

    snapshot: Snapshot
    around: Surroundings
    service: Service
    target: Revision
    questions: Mapping[str, Questions]
    probes_problem: Hold | None
    now: float
    invalid: str = ""
    obstacle: Hold | None = None

    @property
    def replicas(self) -> int:
        """Pods that the spec asks for."""
        return self.service.workload.replicas if self.service.workload else 0

    def look(self, state: State) -> "Look":
        """What a state means in the world that was seen."""
        world = World(
            sets={s.revision: s for s in self.snapshot.sets},
            pods=self.snapshot.pods,
            routed=self.snapshot.routed,
            now=self.now,
            drain_timeout=self.service.rollout.drain_timeout,
        )
        serving = world.serving(state.stable) if state.stable else 0
        goal = traffic.goal(state, self.service.rollout, replicas=self.replicas, stable_serving=serving)
        views = gate_views(
            self.service,
            state,
            outcome=facts.outcome_of(self.snapshot.revisions, state.revision),
            runs=self.snapshot.runs,
            questions=self.questions,
        )
        watched = Watched(
            service=self.service,
            state=state,
            runs=self.snapshot.runs,
            questions=self.questions,
            serving=serving > 0,
            busy=any(v.wanted for v in views),
            now=self.now,
            ready=frozenset(p.revision for p in world.pods if p.ready and not (p.draining or p.deleting)),
        )
        return Look(goal=goal, arrangement=arrange(goal, world), views=views, watched=watched, watch=watch(watched))


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one state means now."""

    goal: traffic.Goal
    arrangement: Arrangement
    views: tuple[GateView, ...]  # of the rollout's gates: all that it decides on
    watched: Watched
    watch: Watch  # runs beside the rollout


def block(desk: Desk, state: State) -> Hold | None:
    """Why no new rollout may start, the most lasting reason first."""
    if desk.service.restraining:
        paths = ", ".join(desk.service.restraining)
        return Hold(
            reason="FieldNotSupported",
            message=f"this version cannot act on {paths}; remove it to go on without that restraint",
        )
    probes_problem = None if desk.service.rollout.mode is Mode.ADVISE else desk.probes_problem
    problem = spec_problem(desk, state) or probes_problem
    if problem is not None:
        return problem
    return Hold(reason="Paused", message="spec.rollout.paused is true") if desk.service.rollout.paused else None


def spec_problem(desk: Desk, state: State) -> Hold | None:
    """What the API server, or the running revision, has against the template."""
    if desk.snapshot.refused:
        return Hold(reason="AdmissionRefused", message=desk.snapshot.refused)
    workload = desk.service.workload
    if workload is None or not workload.port.isdecimal() or not state.stable:
        return None
    running = _running_port(desk, state.stable)
    if running in ("", workload.port):
        return None
    return Hold(
        reason="PortChanged",
        message=f"spec.workload.port: found {workload.port}, the running revision has {running}; "
        "allowed is the same number, or a port name, which may stand for another number in each revision",
    )


def _running_port(desk: Desk, stable: str) -> str:
    """Port of the stable revision as a number, if it was given as one; else empty: a name may mean any number."""
    data = next((r.data for r in desk.snapshot.revisions if r.name == stable), {})
    runtime = desk.around.catalogue.get(str(data.get("runtime", "")), desk.service.runtime)
    port = str(data.get("port") or runtime.port)
    return port if port.isdecimal() else ""
