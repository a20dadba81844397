"""What people see of the gates: verdict, numbers, evidence beside its limit, cost and chances. A view."""

from collections.abc import Sequence

from serinus.core.evidence import FLOOR_ALPHA
from serinus.core.gates import GateView
from serinus.core.model import Manifest, Mode, Purpose, Service, Verdict
from serinus.core.verdict import Judgement

_MAX_MESSAGE = 2000
_TYPICAL_PAIRS = 200
"""Pairs that a healthy canary needs in the mean at a margin of 5 points (docs/gate-error-rates.md)."""
_TYPICAL_MARGIN = 0.05
_SHOWN_MAX = 1e9


def gate_status(view: GateView) -> Manifest:
    """One entry of `status.gates`."""
    built: Manifest = {"name": view.gate.name, "verdict": str(view.verdict)}
    if view.run is not None:
        built["run"] = view.run.name
    if view.message:
        built["message"] = view.message[:_MAX_MESSAGE]
    if view.questions is not None:
        built["expectedCalls"] = expected_calls(view)
    if view.judgement is not None:
        built |= _numbers(view, view.judgement)
    return built


def _numbers(view: GateView, judgement: Judgement) -> Manifest:
    run, policy = view.run, view.gate.policy
    percent = (run.status.get("passPercent") or {}) if run else {}
    built: Manifest = {"reason": judgement.reason}
    if {"canary", "stable"} <= percent.keys():
        built["valuePoints"] = round(percent["canary"] - percent["stable"], 1)
        built["limitPoints"] = round(-100 * policy.margin, 1)
    passed = view.verdict is Verdict.PASSED
    evidence = judgement.evidence
    paired = view.identity.baseline
    value = (evidence.promotion if paired else evidence.floor_promotion) if passed else evidence.rollback
    limit = 1 / policy.beta if passed else 1 / policy.alpha
    return built | {"evidence": float(f"{min(value, _SHOWN_MAX):.3g}"), "evidenceLimit": float(f"{limit:.3g}")}


def expected_calls(view: GateView) -> int:
    """Calls that a healthy run needs about: at least one round, at most its budget; less for a wider margin."""
    if view.questions is None:
        return 0
    sides = 2 if view.identity.baseline else 1
    typical = round(_TYPICAL_PAIRS * _TYPICAL_MARGIN / view.gate.policy.margin)
    return sides * min(max(view.questions.weighted, typical), view.gate.policy.budget.pairs)


def chances(service: Service) -> Manifest:
    """Union bound over the planned gates and runs: alpha, the floor's 1 %, and alpha of critical probes."""
    if service.rollout.mode is Mode.UNGATED or not service.gates:
        return {}
    runs = {g.name: _planned_runs(service, g.when) for g in service.gates}
    rollback = sum((g.policy.alpha + FLOOR_ALPHA) * runs[g.name] for g in service.gates)
    promotion = max(g.policy.beta for g in service.gates)
    return {
        "falseRollbackPercent": round(100 * min(1.0, rollback), 2),
        "falsePromotionPercent": round(100 * min(1.0, promotion), 2),
    }


def _planned_runs(service: Service, when: Sequence[Purpose]) -> int:
    return sum(len(service.rollout.steps) if p is Purpose.EACH_STEP else 1 for p in when)
