"""What people see of the gates: verdict, numbers, evidence beside its limit, cost and chances. A view."""

import math
from collections.abc import Mapping, Sequence

from serinus.core.evidence import FLOOR_ALPHA
from serinus.core.gates import GateView
from serinus.core.model import Manifest, Mode, Purpose, QualityGate, Service, Verdict
from serinus.core.runstatus import recorded_report
from serinus.core.seen import Questions, RunSeen
from serinus.core.verdict import Judgement
from serinus.core.wording import difference

_MAX_MESSAGE = 2000
_TYPICAL_PAIRS = 200
"""Pairs that a healthy canary needs in the mean at a margin of 5 points (docs/gate-error-rates.md)."""
_TYPICAL_MARGIN = 0.05
_SHOWN_MAX = 1e9
_LOOKS_FOR_CACHES = 6
"""Calls on each side before the first pair, which find a cache."""
_STABLE_SHARE = 4
"""What serves users has a quarter of the calls at once."""


def gate_status(view: GateView) -> Manifest:
    """One entry of `status.gates`."""
    built: Manifest = {"name": view.gate.name, "verdict": str(view.verdict)}
    if view.run is not None:
        built["run"] = view.run.name
    if view.message:
        built["message"] = view.message[:_MAX_MESSAGE]
    if view.judgement is not None:
        built |= _numbers(view, view.judgement)
    return built


def _numbers(view: GateView, judgement: Judgement) -> Manifest:
    policy, report = view.gate.policy, recorded_report(view.run) if view.run else None
    built: Manifest = {"reason": judgement.reason}
    if report is not None and report.pairs.scored:
        built["valuePoints"] = round(100 * difference(policy, report), 1)
        built["limitPoints"] = round(-100 * policy.margin, 1)
    passed = view.verdict is Verdict.PASSED
    evidence = judgement.evidence
    paired = view.identity.baseline
    value = (evidence.promotion if paired else evidence.floor_promotion) if passed else evidence.rollback
    limit = 1 / policy.beta if passed else 1 / policy.alpha
    return built | {"evidence": float(f"{min(value, _SHOWN_MAX):.3g}"), "evidenceLimit": float(f"{limit:.3g}")}


def expected_calls(gate: QualityGate, asked: Questions, *, paired: bool) -> int:
    """Calls that a healthy run needs about: at least one round, at most its budget; less for a wider margin."""
    sides = 2 if paired else 1
    typical = round(_TYPICAL_PAIRS * _TYPICAL_MARGIN / gate.policy.margin)
    return sides * (min(max(asked.weighted, typical), gate.policy.budget.pairs) + _LOOKS_FOR_CACHES)


def cost(gate: QualityGate, asked: Questions, runs: Sequence[RunSeen], *, paired: bool) -> Manifest:
    """What the next run of a gate is expected to cost: as its newest run did, a call; before that, at most.

    Never more than the budget, which ends a run whatever was expected.
    """
    calls, budget = expected_calls(gate, asked, paired=paired), gate.policy.budget
    spent = _newest_usage(gate, asked, runs)
    if spent is None:
        at_once = max(1, asked.concurrency // _STABLE_SHARE * 2 if paired else asked.concurrency)
        tokens, seconds = float(asked.tokens), asked.timeout / at_once
    else:
        made = float(spent["calls"])
        tokens = (float(spent.get("promptTokens", 0)) + float(spent.get("completionTokens", 0))) / made
        seconds = float(spent.get("seconds", 0)) / made
    return {
        "expectedCalls": calls,
        "expectedTokens": min(round(calls * tokens), budget.tokens),
        "expectedDuration": _duration(min(calls * seconds, float(budget.duration))),
    }


def _newest_usage(gate: QualityGate, asked: Questions, runs: Sequence[RunSeen]) -> Manifest | None:
    """Usage of the newest run of the same gate on the same questions that asked anything."""
    mine = [
        r
        for r in runs
        if r.gate == gate.name
        and r.finished
        and (r.spec.get("probeSet") or {}).get("digest") == asked.digest
        and (r.status.get("usage") or {}).get("calls")
    ]
    newest = max(mine, key=lambda r: (r.created, r.attempt), default=None)
    return newest.status["usage"] if newest else None


def _duration(seconds: float) -> str:
    """A duration of two digits: `45s`, `6m`, `2h10m`."""
    whole = max(1, math.ceil(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes = math.ceil(whole / 60)
    return f"{minutes}m" if minutes < 60 else f"{minutes // 60}h{minutes % 60}m".replace("h0m", "h")


def chances(service: Service, questions: Mapping[str, Questions]) -> Manifest:
    """Union bound over the planned gates and runs: alpha, the floor's 1 %, and alpha again where probes are critical.

    A probe set that cannot be read counts as one with critical probes.
    """
    if service.rollout.mode is Mode.UNGATED or not service.gates:
        return {}
    rollback = 0.0
    for gate in service.gates:
        asked = questions.get(gate.probe_set)
        critical = gate.policy.alpha if asked is None or asked.critical else 0.0
        rollback += (gate.policy.alpha + critical + FLOOR_ALPHA) * _planned_runs(service, gate.when)
    promotion = max(g.policy.beta for g in service.gates)
    return {
        "falseRollbackPercent": round(100 * min(1.0, rollback), 2),
        "falsePromotionPercent": round(100 * min(1.0, promotion), 2),
    }


def _planned_runs(service: Service, when: Sequence[Purpose]) -> int:
    return sum(len(service.rollout.steps) if p is Purpose.EACH_STEP else 1 for p in when)
