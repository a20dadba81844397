"""Which run of each quality gate counts in a stage, what all of them together say, and what a new run is made of."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from serinus.core import naming
from serinus.core.model import (
    Budget,
    GatePolicy,
    Manifest,
    MetricWeight,
    Mode,
    Purpose,
    QualityGate,
    Service,
    Verdict,
)
from serinus.core.report import Identity, Report
from serinus.core.rollout import Stage, State
from serinus.core.runstatus import recorded_report
from serinus.core.seen import Outcome, Questions, RunSeen
from serinus.core.verdict import Judgement, judge

NO_STEP = -1
_AT_HAND = 64
"""Runs whose counts are at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateView:
    """One gate of the current stage: its newest run that counts, and what that says."""

    gate: QualityGate
    name: str  # of the run at the current attempt
    identity: Identity
    questions: Questions | None  # None: its ProbeSet cannot be asked
    run: RunSeen | None
    verdict: Verdict
    message: str = ""
    superseded: bool = False
    judgement: Judgement | None = None

    @property
    def wanted(self) -> bool:
        """Whether a run is to be made or to go on."""
        return self.verdict is Verdict.RUNNING and self.questions is not None


def purpose_of(stage: Stage) -> Purpose | None:
    """What the gates of a stage run for; None in a stage without gates."""
    return {
        Stage.PROBING: Purpose.BEFORE_TRAFFIC,
        Stage.BAKING: Purpose.EACH_STEP,
        Stage.FINAL_BAKE: Purpose.BAKE,
    }.get(stage)


def gate_views(
    service: Service,
    state: State,
    *,
    outcome: Outcome | None,
    runs: Sequence[RunSeen],
    questions: Mapping[str, Questions],
) -> tuple[GateView, ...]:
    """View every gate of the stage. None runs for a revert to a proven revision, nor in mode Ungated."""
    purpose = purpose_of(state.stage)
    if purpose is None or service.rollout.mode is Mode.UNGATED or (outcome is Outcome.PROVEN and state.stable):
        return ()
    return tuple(_view(service, state, gate, purpose, runs, questions) for gate in service.gates_at(purpose))


def _view(
    service: Service,
    state: State,
    gate: QualityGate,
    purpose: Purpose,
    runs: Sequence[RunSeen],
    questions: Mapping[str, Questions],
) -> GateView:
    asked = questions.get(gate.probe_set)
    identity = identity_of(service, state, gate, purpose, digest=asked.digest if asked else "")
    if asked is None:
        # Uncertainty never promotes: a ProbeSet that went away or became invalid breaks its gate, whatever ran before.
        return GateView(
            gate=gate,
            name=run_name(identity),
            identity=identity,
            questions=None,
            run=None,
            verdict=Verdict.BROKEN,
            message=f"ProbeSet {gate.probe_set} cannot be asked; see the condition ProbesReady",
        )
    mine = [r for r in runs if _belongs(r, identity, state)]
    newest = max(mine, key=lambda r: r.attempt, default=None)
    if newest is None or (newest.attempt < state.attempt and not _stands(newest, identity, state, gate.policy, asked)):
        return GateView(
            gate=gate, name=run_name(identity), identity=identity, questions=asked, run=None, verdict=Verdict.RUNNING
        )
    identity = dataclasses.replace(identity, attempt=newest.attempt)
    verdict, judgement = effective_verdict(newest, gate.policy, asked.probes)
    return GateView(
        gate=gate,
        name=newest.name,
        identity=identity,
        questions=asked,
        run=newest,
        verdict=verdict,
        message=str(newest.status.get("message", "")),
        superseded=newest.spec.get("parameters") != parameters(identity, gate.policy, asked),
        judgement=judgement,
    )


def evidenced(runs: Sequence[RunSeen], revision: str, *, asked: Collection[str] | None = None) -> bool:
    """Whether a revision passed before traffic: some gate's newest run did, none failed, none of `asked` says less.

    `asked`: names of the gates that count; None: all that have a run. Judged from the counts and the parameters that
    the run recorded, so that a later change of the spec undoes nothing: a gate that came later has no run.
    """
    mine = [r for r in runs if r.revision == revision and r.purpose is Purpose.BEFORE_TRAFFIC and r.finished]
    mine = [r for r in mine if not r.former and r.status.get("reason") != "Superseded"]
    told = sorted(mine, key=lambda r: r.attempt)
    verdicts = {r.gate: _recorded_verdict(r) for r in {r.gate: r for r in told}.values()}
    counted = [v for gate, v in verdicts.items() if asked is None or gate in asked or v is Verdict.FAILED]
    return Verdict.PASSED in verdicts.values() and all(v is Verdict.PASSED for v in counted)


def _recorded_verdict(run: RunSeen) -> Verdict:
    policy, report = recorded_policy(run.spec.get("parameters") or {}), _report(run)
    if policy is None or report is None:
        return Verdict.BROKEN
    return effective_verdict(run, policy, report.probes_seen)[0]


def recorded_policy(parameters: Manifest) -> GatePolicy | None:
    """Read back what `parameters` wrote; None if it is not that."""
    try:
        return GatePolicy(
            floor=parameters["floorPercent"] / 100,
            margin=parameters["marginPoints"] / 100,
            tolerance=parameters["tolerancePoints"] / 100,
            alpha=parameters["falseRollbackPercent"] / 100,
            beta=parameters["falsePromotionPercent"] / 100,
            budget=Budget(pairs=parameters["pairs"], tokens=parameters["tokens"], duration=parameters["seconds"]),
            graded=parameters.get("compare", "Pass") == "Score",
            metrics=tuple(MetricWeight(name=m["name"], weight=m["weight"]) for m in parameters.get("metrics") or []),
        )
    except (KeyError, TypeError):
        return None


@lru_cache(_AT_HAND)
def _report(run: RunSeen) -> Report | None:
    """The recorded counts of a run: a plan asks for those of one run again and again."""
    return recorded_report(run)


def newest_views(service: Service, runs: Sequence[RunSeen]) -> tuple[GateView, ...]:
    """View the newest run of every gate as it was recorded: for people, between rollouts. Nothing decides on it."""
    found = []
    for gate in service.gates:
        mine = [r for r in runs if r.gate == gate.name and r.finished and r.status.get("reason") != "Superseded"]
        beside = (Purpose.SELF_TEST, Purpose.MANUAL, *((Purpose.CONTINUOUS,) if gate.when else ()))
        mine = [r for r in mine if r.purpose not in beside and not r.former]
        run = max(mine, key=lambda r: (r.created, r.attempt), default=None)
        if run is not None and run.status.get("verdict") in tuple(Verdict):
            found.append(_recorded_view(service, gate, run))
    return tuple(found)


def _recorded_view(service: Service, gate: QualityGate, run: RunSeen) -> GateView:
    identity = Identity(
        namespace=service.namespace,
        service=service.name,
        revision=run.revision,
        baseline=run.baseline,
        gate=gate.name,
        purpose=str(run.purpose),
        step=run.step,
        attempt=run.attempt,
        digest=str((run.spec.get("probeSet") or {}).get("digest", "")),
    )
    report = _report(run)
    return GateView(
        gate=gate,
        name=run.name,
        identity=identity,
        questions=None,
        run=run,
        verdict=Verdict(run.status["verdict"]),
        message=str(run.status.get("message", "")),
        judgement=judge(gate.policy, report, probes=report.probes_seen) if report else None,
    )


def _belongs(run: RunSeen, identity: Identity, state: State) -> bool:
    same = (str(run.purpose), run.gate, run.revision) == (identity.purpose, identity.gate, identity.revision)
    return same and not run.former and run.step == identity.step and state.first_attempt <= run.attempt <= state.attempt


def _stands(run: RunSeen, identity: Identity, state: State, policy: GatePolicy, asked: Questions) -> bool:
    """Whether an earlier attempt still counts, on the very questions and policy of now: it passed, or it goes on.

    One that goes on counts if another gate was broken since; if a person said Retry it begins anew.
    """
    same = run.spec.get("parameters") == parameters(identity, policy, asked)
    verdict = effective_verdict(run, policy, asked.probes)[0]
    return same and (verdict is Verdict.PASSED or (verdict is Verdict.RUNNING and state.retries > 0))


def effective_verdict(run: RunSeen, policy: GatePolicy, probes: int) -> tuple[Verdict, Judgement | None]:
    """What a run says: judged again from its recorded counts, so that a recorded verdict alone moves nothing."""
    if not run.finished:
        return Verdict.RUNNING, None
    report = _report(run)
    recorded = run.status.get("verdict", "")
    if report is None or recorded == Verdict.BROKEN or not _same_questions(run):
        return Verdict.BROKEN, None
    judgement = judge(policy, report, probes=probes)
    if judgement.verdict is Verdict.RUNNING or recorded != judgement.verdict:
        return Verdict.INCONCLUSIVE, judgement
    return judgement.verdict, judgement


def _same_questions(run: RunSeen) -> bool:
    """Whether the questions that were answered are those that the run was made for."""
    asked = (run.spec.get("probeSet") or {}).get("digest", "")
    return bool((run.status.get("digests") or {}).get("probeSet", "") == asked)


def identity_of(service: Service, state: State, gate: QualityGate, purpose: Purpose, *, digest: str) -> Identity:
    """Identity of the run that a gate needs now. Without a stable pod to compare with, the floor decides alone."""
    compared = state.stable and not state.floor_only and not _no_stable_pods(service, state)
    return Identity(
        namespace=service.namespace,
        service=service.name,
        revision=state.revision,
        baseline=state.stable if compared else "",
        gate=gate.name,
        purpose=str(purpose),
        step=state.step if purpose is Purpose.EACH_STEP else NO_STEP,
        attempt=state.attempt,
        digest=digest,
    )


def _no_stable_pods(service: Service, state: State) -> bool:
    """With maxSurge 0 no stable pod stays through the final bake."""
    replicas = service.workload.replicas if service.workload else 0
    return state.stage is Stage.FINAL_BAKE and service.rollout.surge.of(replicas) == 0


def run_name(identity: Identity) -> str:
    """Name of the ProbeRun, and of its Job."""
    return naming.probe_run(
        identity.service,
        identity.revision,
        gate=identity.gate,
        purpose=identity.purpose,
        step=None if identity.step == NO_STEP else identity.step,
        attempt=identity.attempt,
    )


def parameters(identity: Identity, policy: GatePolicy, questions: Questions) -> Manifest:
    """Everything besides the answers that a verdict depends on; a run with other parameters does not count."""
    return {
        "digest": questions.digest,
        "baseline": identity.baseline,
        "floorPercent": _percent(policy.floor),
        "marginPoints": _percent(policy.margin),
        "tolerancePoints": _percent(policy.tolerance),
        "falseRollbackPercent": _percent(policy.alpha),
        "falsePromotionPercent": _percent(policy.beta),
        "pairs": policy.budget.pairs,
        "tokens": policy.budget.tokens,
        "seconds": policy.budget.duration,
        "compare": "Score" if policy.graded else "Pass",
        "metrics": [{"name": m.name, "weight": m.weight} for m in policy.metrics],
    }


def together(views: Sequence[GateView], *, purpose: Purpose | None) -> tuple[Verdict, GateView | None]:
    """Join the gates of a stage: the first of Failed, Broken, Running, Inconclusive that any has, else Passed.

    Before traffic an empty set is Inconclusive: no evidence, no promotion.
    """
    for verdict in (Verdict.FAILED, Verdict.BROKEN, Verdict.RUNNING, Verdict.INCONCLUSIVE):
        found = next((v for v in views if v.verdict is verdict), None)
        if found is not None:
            return verdict, found
    if not views and purpose is Purpose.BEFORE_TRAFFIC:
        return Verdict.INCONCLUSIVE, None
    return Verdict.PASSED, views[0] if views else None


def _percent(ratio: float) -> float | int:
    value = round(100 * ratio, 6)
    return int(value) if value == int(value) else value
