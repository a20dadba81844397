"""Runs beside rollouts: continuous ones of the serving revision, and those that people made (`byhand`).

They decide nothing about a rollout: nothing here is read by `rollout.step` or by the facts that it decides on.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from serinus.core import beside, drift
from serinus.core.beside import Watched
from serinus.core.byhand import ByHand, by_hand
from serinus.core.gates import GateView, parameters
from serinus.core.model import OF_ROLLOUTS, GatePolicy, Manifest, Purpose, QualityGate, Verdict
from serinus.core.report import Identity
from serinus.core.rollout import Stage
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
    """The runs beside a rollout, when the next ones are due (seconds since the epoch), and what became of people's."""

    views: tuple[GateView, ...] = ()
    due: tuple[float, ...] = ()
    by_hand: ByHand = dataclasses.field(default_factory=ByHand)


def watch(world: Watched) -> Watch:
    """What is to run beside the rollout now."""
    made = by_hand(world)
    state = world.state
    if not state.stable or state.stage not in _SERVED_BY_STABLE or state.promoted:
        return Watch(views=made.views, by_hand=made)
    views, due = list(made.views), []
    for gate in (g for g in world.service.gates if g.every):
        view, at = _continuous(world, gate)
        views += [view] if view else []
        due += [at] if at else []
    return Watch(views=tuple(views), due=tuple(due), by_hand=made)


def _continuous(world: Watched, gate: QualityGate) -> tuple[GateView | None, float]:
    """The run that goes on or begins now, or when the next one is due; 0: only an event can tell."""
    asked = world.questions.get(gate.probe_set)
    if asked is None:
        return None, 0.0
    gate = dataclasses.replace(gate, policy=one_round(gate.policy, asked))
    mine = [r for r in world.runs if r.purpose is Purpose.CONTINUOUS and r.gate == gate.name]
    identity = beside.identity(world, gate, Purpose.CONTINUOUS, digest=asked.digest)
    for run in mine:
        if not run.finished and run.revision == world.state.stable:
            identity = dataclasses.replace(identity, attempt=run.attempt)
            if run.spec.get("parameters") == parameters(identity, gate.policy, asked):
                return beside.view(gate, identity, asked, run), 0.0
    due = max((r.created for r in mine), default=-float(gate.every)) + gate.every
    if world.now < due:
        return None, due
    if world.busy or not world.serving:
        return None, 0.0
    attempts = [r.attempt for r in mine if r.revision == world.state.stable]
    identity = dataclasses.replace(identity, attempt=1 + max(attempts, default=-1))
    return beside.view(gate, identity, asked, None), 0.0


def one_round(policy: GatePolicy, asked: Questions) -> GatePolicy:
    """A continuous run asks every probe once, weights apart."""
    budget = dataclasses.replace(policy.budget, pairs=min(policy.budget.pairs, asked.weighted))
    return dataclasses.replace(policy, budget=budget)


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
    """The drift that the newest finished continuous run of a gate recorded; None if none did.

    An identity without a digest stands for any questions.
    """
    mine = [
        r
        for r in runs
        if r.purpose is Purpose.CONTINUOUS
        and not r.former
        and (r.gate, r.revision) == (identity.gate, identity.revision)
        and identity.digest in ("", (r.spec.get("probeSet") or {}).get("digest"))
        and isinstance(r.status.get("cusum"), int | float)
    ]
    newest = max(mine, key=lambda r: r.attempt, default=None)
    return float(newest.status["cusum"]) if newest else None


def cusums(world: Watched) -> Iterator[tuple[str, float]]:
    """The drift of every gate that is asked continuously, as far as it is known.

    It stays when its questions are gone: that nobody asks any more is told by an alert on this very series.
    """
    for gate in (g for g in world.service.gates if g.every):
        asked = world.questions.get(gate.probe_set)
        digest = asked.digest if asked is not None else ""
        found = last_cusum(world.runs, beside.identity(world, gate, Purpose.CONTINUOUS, digest=digest))
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
    mine = [
        ((r.status.get("answers") or {}).get("canary") or {})
        for r in runs
        if r.purpose in OF_ROLLOUTS
        and not r.former
        and (r.gate, r.revision) == (run.gate, run.revision)
        and r.status.get("verdict") == Verdict.PASSED
        and (r.spec.get("probeSet") or {}).get("digest") == (run.spec.get("probeSet") or {}).get("digest")
    ]
    return sum(int(a.get("passed", 0)) for a in mine), sum(int(a.get("failed", 0)) for a in mine)
