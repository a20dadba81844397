"""A verdict in words for people: what was counted, the difference with its interval, evidence beside its limit.

It judges nothing: it shows what `verdict.py` found.
"""

from serinus.core import evidence, judge_quality
from serinus.core.judge_quality import calibrated
from serinus.core.measure import Measure
from serinus.core.model import GatePolicy
from serinus.core.report import Critical, Report, Side, Worst
from serinus.core.verdict import (
    MAX_UNSCORED_IN_WINDOW,
    MAX_UNSCORED_RATIO,
    Evidence,
    Judgement,
    answers_that_count,
    weigh_metric,
)

_REASONS = {
    "RunnerError": "the check itself failed",
    "TooManyUnscored": "too many pairs had no score, so the others prove nothing",
    "JudgeUnfit": "the judges are wrong too often on the labelled answers to decide anything",
    "AnswersToJudge": "too many answers of the canary speak to the judge, and rules alone do not decide for them",
    "AnswersCached": "answers came from a cache, so repeats prove nothing",
    "WorseThanStable": "the canary is worse than stable",
    "BelowFloor": "the revision is below its floor",
    "CriticalProbeFailed": "a critical probe fails",
    "CriticalProbeOpen": "a critical probe is still open",
    "ProbesNotSeen": "not every probe was seen",
    "BudgetSpent": "the budget ended before the evidence decided",
    "NoEvidence": "no answer could be scored",
    "Interrupted": "the run was interrupted",
    "CountsDisagree": "what the run said and what it counted contradict each other",
    "Passed": "surely not below the floor less the margin",
    "Running": "running",
}


def describe(policy: GatePolicy, report: Report, judgement: Judgement) -> str:
    """One paragraph for people: what was counted, the difference with its interval, evidence beside its limit."""
    found, paired = judgement.evidence, bool(report.identity.baseline)
    parts = [_why(policy, report, judgement)]
    if answers_that_count(report):
        parts.append(_describe_pairs(policy, report, found) if paired else _describe_answers(report))
    if report.canary.scored and (not paired or judgement.reason == "BelowFloor" or _floor_open(policy, found)):
        parts.append(_describe_floor(policy, found))
    failing = [c for c in report.critical if evidence.critical(c.passed, c.failed) > 1]
    if failing:
        limit = len(report.critical) / policy.alpha
        parts.append(
            f"Critical (open above 1, limit {_number(limit, 2)}): {', '.join(_critical(c, limit) for c in failing)}"
        )
    parts += _describe_judges(policy, report)
    for title, broke in (("Probes that broke: ", True), ("Worst probes: ", False)):
        named = [_worst(w) for w in report.worst if w.broke is broke]
        if named:
            parts.append(title + ", ".join(named))
    text = ". ".join(part.rstrip(".") for part in parts)
    return text[0].upper() + text[1:] + "."


def _why(policy: GatePolicy, report: Report, judgement: Judgement) -> str:
    """The reason with what belongs to it."""
    why, pairs = _REASONS[judgement.reason], report.pairs
    details = {
        "TooManyUnscored": f"{pairs.unscored} of {answers_that_count(report) + pairs.unscored} "
        f"(allowed {100 * MAX_UNSCORED_RATIO:g} %), "
        f"{pairs.worst_window} in the worst 50 (allowed {MAX_UNSCORED_IN_WINDOW})",
        "AnswersCached": report.cached,
        "ProbesNotSeen": f"{report.probes_seen} of {judgement.probes}",
        "AnswersToJudge": f"{report.flagged} of {report.canary.scored} (allowed {100 * MAX_UNSCORED_RATIO:g} %)",
        "NoEvidence": f"{pairs.unscored} asked" if pairs.unscored else "",
    }
    if judgement.reason == "Passed" and report.identity.baseline:
        why = f"surely not worse than stable by {100 * policy.margin:g} points"
    detail = report.error or details.get(judgement.reason, "")
    return f"{why}: {detail}" if detail else why


def _describe_pairs(policy: GatePolicy, report: Report, found: Evidence) -> str:
    p, (low, high) = report.pairs, interval(policy, report)
    text = (
        f"{report.usage.calls} calls, {p.scored} pairs on {report.probes_seen} probes: "
        f"canary {_percent(report.canary)}, stable {_percent(report.stable)}, "
        f"difference{' of scores' if _graded(policy, report) else ''} {100 * difference(policy, report):+.1f} points, "
        f"{100 * (1 - 2 * policy.alpha):g} % interval [{100 * low:+.1f}, {100 * high:+.1f}]. "
        f"The canary lost {p.lost} pairs and won {p.won}; "
        f"evidence to roll back {_against(found.rollback, 1 / policy.alpha)}, "
        f"to promote {_against(found.promotion, 1 / policy.beta)}"
    )
    faults = p.fault_tied + p.fault_won
    if faults:
        text += f". In {faults} further pairs stable answered with an error, which the canary did in {p.fault_tied}"
    if policy.metrics and len(report.measures) == len(policy.metrics):
        named = zip(policy.metrics, report.measures, strict=True)
        scaled = calibrated(policy, report.judge)
        text += ". Metrics: " + "; ".join(_describe_metric(scaled, w.name, m) for w, m in named)
    return text


def _describe_metric(policy: GatePolicy, name: str, measure: Measure) -> str:
    rollback, promotion = weigh_metric(policy, measure)
    return (
        f"{name} lost {measure.lost} and won {measure.won} of {measure.scored}, "
        f"evidence to roll back {_short(rollback, 1 / policy.alpha)}, to promote {_short(promotion, 1 / policy.beta)}"
    )


def interval(policy: GatePolicy, report: Report) -> tuple[float, float]:
    """The differences (ratios) that the scored pairs do not refute: of scores if the gate compares them, else passes.

    Of a gate with metrics it is that of the tests as a whole.
    """
    p, whole = report.pairs, _graded(policy, report)
    if whole is not None:
        return evidence.graded_interval(whole.scored, whole.total, whole.squares, alpha=policy.alpha)
    return evidence.interval(p.lost, p.tied, p.won, alpha=policy.alpha)


def difference(policy: GatePolicy, report: Report) -> float:
    """Canary less stable over the scored pairs, of which there must be some: of scores if the gate compares them."""
    p, whole = report.pairs, _graded(policy, report)
    return whole.total / whole.scored if whole is not None and whole.scored else (p.won - p.lost) / p.scored


def _graded(policy: GatePolicy, report: Report) -> Measure | None:
    """The scores of the tests as a whole."""
    return report.measures[0] if policy.graded and not policy.metrics and report.measures else None


def _describe_judges(policy: GatePolicy, report: Report) -> list[str]:
    """How good the judges are, and which answers they never saw."""
    found = []
    if report.judge.measured:
        text = f"Judges on labelled answers: {judge_quality.describe(report.judge)}"
        follows = judge_quality.what_follows(report.judge)
        scaled = 100 * calibrated(policy, report.judge).margin
        found.append(f"{text}; {follows or f'margin scaled to {scaled:.1f} points'}")
    elif report.judge_digest:
        found.append("The judges are not calibrated")
    if report.flagged:
        answers = "answer speaks" if report.flagged == 1 else "answers speak"
        found.append(f"{report.flagged} {answers} to the judge: scored by rules alone")
    return found


def _describe_answers(report: Report) -> str:
    return f"{report.usage.calls} calls on {report.probes_seen} probes: {_percent(report.canary)} passed"


def _describe_floor(policy: GatePolicy, found: Evidence) -> str:
    return (
        f"Floor {100 * policy.floor:g} %: evidence that it is missed "
        f"{_against(found.floor_rollback, 1 / evidence.FLOOR_ALPHA)}, "
        f"that it is met within {100 * policy.margin:g} points {_against(found.floor_promotion, 1 / policy.beta)}"
    )


def _floor_open(policy: GatePolicy, found: Evidence) -> bool:
    return found.floor_promotion < 1 / policy.beta


def _critical(c: Critical, limit: float) -> str:
    found = _short(evidence.critical(c.passed, c.failed), limit)
    return f"{c.probe} failed {c.failed} of {c.passed + c.failed}, evidence {found}"


def _worst(worst: Worst) -> str:
    counts = f"{worst.stable} -> {worst.canary}" if worst.stable else worst.canary
    return f"{worst.probe} ({counts})"


def _percent(side: Side) -> str:
    return f"{100 * side.passed / side.scored:.1f} %" if side.scored else "no answer"


def _against(value: float, limit: float) -> str:
    return f"{_short(value, limit)} (limit {_number(limit, 2)})"


def _short(value: float, limit: float) -> str:
    """About three digits; more where rounding would put the value on the other side of its limit."""
    if value < 0.001:
        return "under 0.001"
    if value >= 1e6:
        return "over a million"
    limit = round(limit, 6)  # as it is printed, not 1 / 0.03 in binary
    decimals = 3 if value < 1 else max(0, 3 - len(str(int(value))))
    while (round(value, decimals) >= limit) != (value >= limit):
        decimals += 1
    return _number(value, decimals)


def _number(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
