"""A ProbeRun's status: from a report to status, and back to counts that can be judged again. Decides nothing."""

from serinus.core import evidence as evidences
from serinus.core import report as reports
from serinus.core.model import GatePolicy, Manifest
from serinus.core.report import Critical, Identity, Pairs, Report, Side, Usage
from serinus.core.seen import RunSeen
from serinus.core.verdict import Evidence, Judgement, describe

_SHOWN_MAX = 1e9


def kept(run: RunSeen) -> Manifest:
    """Keep what was recorded when the run began."""
    return {k: run.status[k] for k in ("jobUID", "startedAt", "probedPods") if k in run.status}


def finished_status(run: RunSeen, report: Report, judgement: Judgement, policy: GatePolicy, at: str) -> Manifest:
    """The status of a run that reported: the counts as they came, the verdict as we compute it."""
    return {
        **kept(run),
        "phase": "Finished",
        "verdict": str(judgement.verdict),
        "reason": judgement.reason,
        "message": describe(policy, report, judgement)[:2000],
        "finishedAt": at,
        **_counts(report),
        "evidence": _evidence(judgement.evidence),
        **_interval(policy, report),
        "worst": [_worst(w) for w in report.worst],
        "digests": {
            "probeSet": report.identity.digest,
            "judge": report.judge_digest,
            "revision": report.identity.revision,
            "baseline": report.identity.baseline,
            "scoring": str(reports.SCORING),
        },
    }


def _counts(report: Report) -> Manifest:
    pairs, usage = report.pairs, report.usage
    return {
        "pairs": {
            "lost": pairs.lost,
            "tied": pairs.tied,
            "won": pairs.won,
            "unscored": pairs.unscored,
            "worstWindow": pairs.worst_window,
        },
        "answers": {side: {"passed": s.passed, "failed": s.failed} for side, s in _sides(report)},
        "passPercent": {side: round(100 * s.passed / s.scored, 1) for side, s in _sides(report) if s.scored},
        "critical": [{"probe": c.probe, "passed": c.passed, "failed": c.failed} for c in report.critical],
        "probesSeen": report.probes_seen,
        "cached": report.cached,
        "end": report.end,
        "usage": {
            "calls": usage.calls,
            "promptTokens": usage.prompt_tokens,
            "completionTokens": usage.completion_tokens,
            "judgeCalls": usage.judge_calls,
            "seconds": round(usage.seconds, 1),
        },
    }


def _evidence(found: Evidence) -> Manifest:
    return {
        "rollback": _number(found.rollback),
        "promotion": _number(found.promotion),
        "floorRollback": _number(found.floor_rollback),
        "floorPromotion": _number(found.floor_promotion),
        "critical": _number(found.worst_critical),
    }


def _worst(worst: reports.Worst) -> Manifest:
    fields = {"probe": worst.probe, "canary": worst.canary, "stable": worst.stable, "example": worst.example}
    return {k: v for k, v in fields.items() if v}


def recorded_report(run: RunSeen) -> Report | None:
    """The counts of a finished run as a report, to be judged again; None for a run that brought no report."""
    status = run.status
    if not run.finished or "answers" not in status:
        return None
    parameters = run.spec.get("parameters") or {}
    pairs, answers = status.get("pairs") or {}, status["answers"]
    return Report(
        identity=Identity(
            namespace="",
            service=(run.spec.get("llmServiceRef") or {}).get("name", ""),
            revision=run.revision,
            baseline=run.baseline,
            gate=run.gate,
            purpose=str(run.purpose),
            step=run.step,
            attempt=run.attempt,
            digest=str(parameters.get("digest", "")),
        ),
        pairs=Pairs(
            **{k: pairs.get(k, 0) for k in ("lost", "tied", "won", "unscored")},
            worst_window=pairs.get("worstWindow", 0),
        ),
        canary=Side(**(answers.get("canary") or {})),
        stable=Side(**(answers.get("stable") or {})),
        critical=tuple(Critical(**c) for c in status.get("critical") or []),
        probes_seen=status.get("probesSeen", 0),
        cached=status.get("cached", ""),
        end=status.get("end", ""),
        usage=Usage(calls=(status.get("usage") or {}).get("calls", 0)),
    )


def _sides(report: Report) -> list[tuple[str, Side]]:
    return [("canary", report.canary), *([("stable", report.stable)] if report.identity.baseline else [])]


def _interval(policy: GatePolicy, report: Report) -> Manifest:
    if not report.identity.baseline or not report.pairs.scored:
        return {}
    pairs = report.pairs
    ends = evidences.interval(pairs.lost, pairs.tied, pairs.won, alpha=policy.alpha)
    return {"intervalPoints": [round(100 * end, 1) for end in ends]}


def _number(value: float) -> float:
    """Three significant digits: status is for people, and is computed again from the counts wherever it decides."""
    return float(f"{min(value, _SHOWN_MAX):.3g}")
