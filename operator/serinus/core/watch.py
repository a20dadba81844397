"""Runs beside rollouts: continuous ones of the serving revision, and self-tests that a person asked for.

They decide nothing about a rollout: nothing here is read by `rollout.step` or by the facts that it decides on.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from serinus.core import drift
from serinus.core.gates import NO_STEP, GateView, parameters, run_name
from serinus.core.model import GatePolicy, Manifest, Purpose, QualityGate, Service, Verdict
from serinus.core.report import Identity
from serinus.core.rollout import Stage, State
from serinus.core.seen import Questions, RunSeen

KEPT_RUNS: Final = 10
"""Finished continuous runs of a gate that are kept."""
_SERVED_BY_STABLE: Final = frozenset(
    {Stage.STABLE, Stage.STARTING, Stage.PROBING, Stage.SHIFTING, Stage.BAKING, Stage.ABORTING}
)
_COUNTED: Final = frozenset({"Passed", "BelowFloor", "BudgetSpent", "CriticalProbeFailed", "CriticalProbeOpen"})
"""Reasons of verdicts whose answers count for the drift; the others say that something was wrong with the check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """The runs beside a rollout, when the next ones are due (seconds since the epoch), and those refused, with why."""

    views: tuple[GateView, ...] = ()
    due: tuple[float, ...] = ()
    refused: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)


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


def watch(world: Watched) -> Watch:
    """What is to run beside the rollout now."""
    tests, refused = _self_tests(world)
    state = world.state
    if not state.stable or state.stage not in _SERVED_BY_STABLE or state.promoted:
        return Watch(views=tests, refused=refused)
    views, due = list(tests), []
    for gate in (g for g in world.service.gates if g.every):
        view, at = _continuous(world, gate)
        views += [view] if view else []
        due += [at] if at else []
    return Watch(views=tuple(views), due=tuple(due), refused=refused)


def _continuous(world: Watched, gate: QualityGate) -> tuple[GateView | None, float]:
    """The run that goes on or begins now, or when the next one is due; 0: only an event can tell."""
    asked = world.questions.get(gate.probe_set)
    if asked is None:
        return None, 0.0
    gate = dataclasses.replace(gate, policy=one_round(gate.policy, asked))
    mine = [r for r in world.runs if r.purpose is Purpose.CONTINUOUS and r.gate == gate.name]
    identity = _identity(world, gate, Purpose.CONTINUOUS, digest=asked.digest)
    for run in mine:
        if not run.finished and run.revision == world.state.stable:
            identity = dataclasses.replace(identity, attempt=run.attempt)
            if run.spec.get("parameters") == parameters(identity, gate.policy, asked):
                return _view(gate, identity, asked, run), 0.0
    due = max((r.created for r in mine), default=-float(gate.every)) + gate.every
    if world.now < due:
        return None, due
    if world.busy or not world.serving:
        return None, 0.0
    attempts = [r.attempt for r in mine if r.revision == world.state.stable]
    identity = dataclasses.replace(identity, attempt=1 + max(attempts, default=-1))
    return _view(gate, identity, asked, None), 0.0


def one_round(policy: GatePolicy, asked: Questions) -> GatePolicy:
    """A continuous run asks every probe once, weights apart."""
    budget = dataclasses.replace(policy.budget, pairs=min(policy.budget.pairs, asked.weighted))
    return dataclasses.replace(policy, budget=budget)


def _self_tests(world: Watched) -> tuple[tuple[GateView, ...], dict[str, tuple[str, str]]]:
    views, refused = [], {}
    for run in world.runs:
        if run.purpose is not Purpose.SELF_TEST or run.finished:
            continue
        found = _self_test(world, run)
        if isinstance(found, GateView):
            views.append(found)
        else:
            refused[run.name] = found
    return tuple(views), refused


def _self_test(world: Watched, run: RunSeen) -> GateView | tuple[str, str]:
    """The view of a run that a person made, or why it cannot be: only the service's own spec is believed."""
    gate = next((g for g in world.service.gates if g.name == run.gate), None)
    if gate is None:
        names = ", ".join(g.name for g in world.service.gates) or "none"
        return "GateNotFound", f"spec.gate: found {run.gate!r}, allowed are {names}"
    stable = world.state.stable
    if not stable or (run.revision, run.baseline) != (stable, stable):
        found = f"found {run.revision} and {run.baseline}"
        return "NotServing", f"spec.revision and spec.baseline: {found}, allowed is the serving revision {stable}"
    asked = world.questions.get(gate.probe_set)
    digest = (run.spec.get("probeSet") or {}).get("digest")
    if asked is None or digest != asked.digest:
        allowed = asked.digest if asked else "that of a ProbeSet that can be asked"
        return "DigestDiffers", f"spec.probeSet.digest: found {digest}, allowed is {allowed}"
    identity = _identity(world, gate, Purpose.SELF_TEST, digest=asked.digest)
    identity = dataclasses.replace(identity, baseline=stable, attempt=run.attempt)
    if run.name != run_name(identity):
        return "NameDiffers", f"metadata.name: found {run.name}, allowed is {run_name(identity)}"
    return _view(gate, identity, asked, run)


def _identity(world: Watched, gate: QualityGate, purpose: Purpose, *, digest: str) -> Identity:
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


def _view(gate: QualityGate, identity: Identity, asked: Questions, run: RunSeen | None) -> GateView:
    return GateView(
        gate=gate,
        name=run_name(identity),
        identity=identity,
        questions=asked,
        run=run,
        verdict=Verdict.RUNNING,
    )


def cusum_after(run: RunSeen, status: Manifest, runs: Sequence[RunSeen], view: GateView) -> float:
    """The drift after a continuous run that has just finished with this status.

    It goes on from the newest finished run of the same gate, revision and questions; anything else begins at zero.
    """
    before = last_cusum(runs, view.identity) or 0.0
    if status.get("reason") not in _COUNTED:
        return before
    counted = (status.get("answers") or {}).get("canary") or {}
    policy = view.gate.policy
    good = drift.good_rate(*_shown(runs, run), floor=policy.floor)
    passed, failed = int(counted.get("passed", 0)), int(counted.get("failed", 0))
    return round(drift.advance(before, passed, failed, good=good, margin=policy.margin), 4)


def last_cusum(runs: Sequence[RunSeen], identity: Identity) -> float | None:
    """The drift that the newest finished continuous run of a gate recorded; None if none did."""
    mine = [
        r
        for r in runs
        if r.purpose is Purpose.CONTINUOUS
        and (r.gate, r.revision) == (identity.gate, identity.revision)
        and (r.spec.get("probeSet") or {}).get("digest") == identity.digest
        and isinstance(r.status.get("cusum"), int | float)
    ]
    newest = max(mine, key=lambda r: r.attempt, default=None)
    return float(newest.status["cusum"]) if newest else None


def cusums(world: Watched) -> Iterator[tuple[str, float]]:
    """The drift of every gate that is asked continuously, as far as it is known."""
    for gate in world.service.gates:
        asked = world.questions.get(gate.probe_set)
        if gate.every and asked is not None:
            found = last_cusum(world.runs, _identity(world, gate, Purpose.CONTINUOUS, digest=asked.digest))
            if found is not None:
                yield gate.name, found


def forgotten(runs: Sequence[RunSeen]) -> tuple[RunSeen, ...]:
    """Finished continuous runs beyond the newest ones of their gate."""
    mine = [r for r in runs if r.purpose is Purpose.CONTINUOUS and r.finished]
    mine.sort(key=lambda r: (r.created, r.attempt, r.name), reverse=True)
    kept: dict[str, int] = {}
    old = []
    for run in mine:
        kept[run.gate] = kept.get(run.gate, 0) + 1
        old += [run] if kept[run.gate] > KEPT_RUNS else []
    return tuple(old)


def _shown(runs: Sequence[RunSeen], run: RunSeen) -> tuple[int, int]:
    """Passed and failed answers of a revision in the gates that it passed, on the same questions."""
    rollout = (Purpose.BEFORE_TRAFFIC, Purpose.EACH_STEP, Purpose.BAKE)
    mine = [
        ((r.status.get("answers") or {}).get("canary") or {})
        for r in runs
        if r.purpose in rollout
        and (r.gate, r.revision) == (run.gate, run.revision)
        and r.status.get("verdict") == Verdict.PASSED
        and (r.spec.get("probeSet") or {}).get("digest") == (run.spec.get("probeSet") or {}).get("digest")
    ]
    return sum(int(a.get("passed", 0)) for a in mine), sum(int(a.get("failed", 0)) for a in mine)
