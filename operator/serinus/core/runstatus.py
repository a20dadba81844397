"""A ProbeRun's status: from a report to status, and back to counts that can be judged again. Decides nothing."""

from serinus.core import judge_quality, timing
from serinus.core import measure as measures
from serinus.core import report as reports
from serinus.core.judge_quality import Quality
from serinus.core.model import GatePolicy, Manifest
from serinus.core.probe import SCORING
from serinus.core.report import Critical, Identity, Pairs, Report, Side, Usage
from serinus.core.seen import RunSeen
from serinus.core.verdict import Evidence, Judgement
from serinus.core.wording import describe, interval

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
        **_judges(report),
        **_timing(report),
        "worst": [_worst(w) for w in report.worst],
        "digests": {
            "probeSet": report.identity.digest,
            "judge": report.judge_digest,
            "revision": report.identity.revision,
            "baseline": report.identity.baseline,
            "scoring": str(SCORING),
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
            "faultTied": pairs.fault_tied,
            "faultWon": pairs.fault_won,
        },
        "measures": [{"sums": measures.flat(m)} for m in report.measures],
        "floorSums": list(report.floor),
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
            "judgeTokens": usage.judge_tokens,
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
    return {k: v for k, v in fields.items() if v} | ({"broke": True} if worst.broke else {})


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
            fault_tied=pairs.get("faultTied", 0),
            fault_won=pairs.get("faultWon", 0),
        ),
        canary=Side(**(answers.get("canary") or {})),
        stable=Side(**(answers.get("stable") or {})),
        critical=tuple(Critical(**c) for c in status.get("critical") or []),
        probes_seen=status.get("probesSeen", 0),
        cached=status.get("cached", ""),
        end=status.get("end", ""),
        measures=_measures(status),
        floor=tuple(float(v) for v in status.get("floorSums") or []),
        judge=_judge_counts(status),
        flagged=int((status.get("judge") or {}).get("flagged", 0)),
        usage=Usage(calls=(status.get("usage") or {}).get("calls", 0)),
    )


def _measures(status: Manifest) -> tuple[measures.Measure, ...]:
    """The recorded sums; what cannot be read is as if nothing had been counted."""
    try:
        return tuple(
            measures.unflat("measures", _whole(m.get("sums")), most=reports.MAX_COUNT)
            for m in status.get("measures") or []
        )
    except ValueError:
        return ()


def _whole(sums: object) -> object:
    """Counts may come back from the API server as 3.0."""
    return [int(v) if i < 5 and v == int(v) else v for i, v in enumerate(sums)] if isinstance(sums, list) else sums


def _sides(report: Report) -> list[tuple[str, Side]]:
    return [("canary", report.canary), *([("stable", report.stable)] if report.identity.baseline else [])]


def _judges(report: Report) -> Manifest:
    """What is known of the judges, with the counts that it can be judged again from."""
    q = report.judge
    counts = {
        "goodPassed": q.good_passed,
        "goodFailed": q.good_failed,
        "badPassed": q.bad_passed,
        "badFailed": q.bad_failed,
    }
    found = {**(counts if q.measured else {}), **judge_quality.status(q)}
    found |= {"flagged": report.flagged} if report.flagged else {}
    return {"judge": found} if found else {}


def _timing(report: Report) -> Manifest:
    """How soon streamed answers came: for people and series, never for a verdict."""
    sides = zip(("canary", "stable"), report.timing, strict=True)
    found = {side: timing.shown(times) for side, times in sides if times.first}
    return {"timing": found} if found else {}


def _judge_counts(status: Manifest) -> Quality:
    found = status.get("judge") or {}
    names = {
        "good_passed": "goodPassed",
        "good_failed": "goodFailed",
        "bad_passed": "badPassed",
        "bad_failed": "badFailed",
    }
    return Quality(**{name: int(found.get(key, 0)) for name, key in names.items()})


def _interval(policy: GatePolicy, report: Report) -> Manifest:
    if not report.identity.baseline or not report.pairs.scored:
        return {}
    ends = interval(policy, report)
    return {"intervalPoints": [round(100 * end, 1) for end in ends]}


def _number(value: float) -> float:
    """Three significant digits: status is for people, and is computed again from the counts wherever it decides."""
    return float(f"{min(value, _SHOWN_MAX):.3g}")
