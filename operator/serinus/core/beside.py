"""What runs beside a rollout are made from: the world that they depend on, their identity, their view.

It decides on no run: `watch` does for continuous ones, `byhand` for those of people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serinus.core.gates import NO_STEP, GateView, run_name
from serinus.core.model import Purpose, QualityGate, Service, Verdict
from serinus.core.report import Identity
from serinus.core.rollout import State
from serinus.core.seen import Questions, RunSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What runs beside a rollout depend on."""

    service: Service
    state: State
    runs: Sequence[RunSeen]
    questions: Mapping[str, Questions]
    serving: bool  # a pod of the stable revision serves
    busy: bool  # a gate of the rollout is asking
    now: float
    ready: frozenset[str] = frozenset()  # revisions with a pod that can be asked


def identity(world: Watched, gate: QualityGate, purpose: Purpose, *, digest: str) -> Identity:
    """Identity of the first run of a gate that asks the serving revision alone."""
    return Identity(
        namespace=world.service.namespace,
        service=world.service.name,
        revision=world.state.stable,
        baseline="",
        gate=gate.name,
        purpose=str(purpose),
        step=NO_STEP,
        attempt=0,
        digest=digest,
    )


def view(gate: QualityGate, found: Identity, asked: Questions, run: RunSeen | None) -> GateView:
    """The view of a run that is to begin or to go on."""
    return GateView(
        gate=gate,
        name=run_name(found),
        identity=found,
        questions=asked,
        run=run,
        verdict=Verdict.RUNNING,
    )
