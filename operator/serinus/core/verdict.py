"""What the counts of a run mean: Running, Passed, Failed, Inconclusive or Broken, with the sentence for people.

The probe Job uses it to know when to stop; the operator uses it on the reported counts and believes nothing else.
"""

from dataclasses import dataclass

from serinus.core import evidence
from serinus.core.model import GatePolicy, Verdict
from serinus.core.report import Critical, Report, Side

MAX_UNSCORED_RATIO = 0.05
MAX_UNSCORED_IN_WINDOW = 10
"""Unscored pairs in any 50 consecutive ones above which the check itself is broken: 20 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """E-values of a run; those of the pairs are 1 without a baseline."""

    rollback: float = 1.0
    promotion: float = 1.0
    floor_rollback: float = 1.0
    floor_promotion: float = 1.0
    worst_critical: float = 0.0  # largest e-value of a critical probe; 0 without one


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, why, and the numbers behind it; the sentence for people is `describe`, made only when it is shown."""

    verdict: Verdict
    reason: str  # CamelCase
    evidence: Evidence = Evidence()
    probes: int = 0  # distinct probes that must be seen


def judge(policy: GatePolicy, report: Report, *, probes: int) -> Judgement:
    """Judge the counts so far, `probes` being the number of distinct probes that must have been seen."""
    found = weigh(policy, report)
    verdict, reason = _decide(policy, report, found, probes)
    return Judgement(verdict=verdict, reason=reason, evidence=found, probes=probes)


def weigh(policy: GatePolicy, report: Report) -> Evidence:
    """The e-values of a report's counts."""
    paired = bool(report.identity.baseline)
    p, side = report.pairs, report.canary
    return Evidence(
        rollback=evidence.rollback(p.lost, p.tied, p.won, tolerance=policy.tolerance) if paired else 1.0,
        promotion=evidence.promotion(p.lost, p.tied, p.won, margin=policy.margin) if paired else 1.0,
        floor_rollback=evidence.floor_rollback(side.passed, side.failed, floor=policy.floor),
        floor_promotion=evidence.floor_promotion(side.passed, side.failed, floor=policy.floor, margin=policy.margin),
        worst_critical=max((evidence.critical(c.passed, c.failed) for c in report.critical), default=0.0),
    )


def _decide(policy: GatePolicy, report: Report, found: Evidence, probes: int) -> tuple[Verdict, str]:
    """The rules in the order of their weight: broken, cached, failed, passed, inconclusive, running.

    With more than 5 % of the pairs unscored neither Failed nor Passed is said: which pairs are missing may depend on
    what is wrong, so the others prove nothing.
    """
    if report.end == "Error":
        return Verdict.BROKEN, "RunnerError"
    if report.pairs.worst_window > MAX_UNSCORED_IN_WINDOW:
        return Verdict.BROKEN, "TooManyUnscored"
    if report.cached:
        return Verdict.INCONCLUSIVE, "AnswersCached"
    if not _too_many_unscored(report):
        failure = _failure(policy, report, found)
        if failure:
            return Verdict.FAILED, failure
        if _may_pass(policy, report, found, probes):
            return Verdict.PASSED, "Passed"
    if report.end == "Budget":
        return Verdict.INCONCLUSIVE, _why_undecided(report, found, probes)
    if report.end == "Decided":
        return Verdict.BROKEN, "CountsDisagree"
    if report.end:
        return Verdict.BROKEN, "Interrupted"
    return Verdict.RUNNING, "Running"


def _failure(policy: GatePolicy, report: Report, found: Evidence) -> str:
    """Why the revision failed; empty if it did not. Without a baseline the rollback evidence is 1."""
    if found.rollback >= 1 / policy.alpha:
        return "WorseThanStable"
    if found.floor_rollback >= 1 / evidence.FLOOR_ALPHA:
        return "BelowFloor"
    if report.critical and found.worst_critical >= len(report.critical) / policy.alpha:
        return "CriticalProbeFailed"
    return ""


def _may_pass(policy: GatePolicy, report: Report, found: Evidence, probes: int) -> bool:
    """Every test passed, every probe seen, no critical probe open."""
    paired = bool(report.identity.baseline)
    return (
        found.floor_promotion >= 1 / policy.beta
        and (not paired or found.promotion >= 1 / policy.beta)
        and probes > 0
        and report.probes_seen >= probes
        and found.worst_critical <= 1
    )


def _too_many_unscored(report: Report) -> bool:
    asked = _asked(report) + report.pairs.unscored
    return asked > 0 and report.pairs.unscored / asked > MAX_UNSCORED_RATIO


def _asked(report: Report) -> int:
    return report.pairs.scored if report.identity.baseline else report.canary.scored


def _why_undecided(report: Report, found: Evidence, probes: int) -> str:
    if _asked(report) == 0:
        return "NoEvidence"
    if _too_many_unscored(report):
        return "TooManyUnscored"
    if report.probes_seen < probes:
        return "ProbesNotSeen"
    if found.worst_critical > 1:
        return "CriticalProbeOpen"
    return "BudgetSpent"


_REASONS = {
    "RunnerError": "the check itself failed",
    "TooManyUnscored": "too many pairs had no score, so the others prove nothing",
    "AnswersCached": "answers came from a cache, so repeats prove nothing",
    "WorseThanStable": "the canary is worse than stable",
    "BelowFloor": "the revision is below its floor",
    "CriticalProbeFailed": "a critical probe fails",
    "CriticalProbeOpen": "a critical probe is still open",
    "ProbesNotSeen": "not every probe was seen",
    "BudgetSpent": "the budget ended before the evidence decided",
    "NoEvidence": "no answer could be scored",
    "Interrupted": "the run was interrupted",
    "CountsDisagree": "the run said that it had decided, but its counts do not decide",
    "Passed": "surely not below the floor less the margin",
    "Running": "running",
}


def describe(policy: GatePolicy, report: Report, judgement: Judgement) -> str:
    """One paragraph for people: what was counted, the difference with its interval, evidence beside its limit."""
    found, paired = judgement.evidence, bool(report.identity.baseline)
    parts = [_why(policy, report, judgement)]
    if _asked(report):
        parts.append(_describe_pairs(policy, report, found) if paired else _describe_answers(report))
    if report.canary.scored and (not paired or judgement.reason == "BelowFloor" or _floor_open(policy, found)):
        parts.append(_describe_floor(policy, found))
    failing = [c for c in report.critical if evidence.critical(c.passed, c.failed) > 1]
    if failing:
        limit = len(report.critical) / policy.alpha
        parts.append(
            f"Critical (open above 1, limit {_number(limit, 2)}): {', '.join(_critical(c, limit) for c in failing)}"
        )
    if report.worst:
        worst = (f"{w.probe} ({_worst_counts(w.stable, w.canary)})" for w in report.worst)
        parts.append("Worst probes: " + ", ".join(worst))
    text = ". ".join(part.rstrip(".") for part in parts)
    return text[0].upper() + text[1:] + "."


def _why(policy: GatePolicy, report: Report, judgement: Judgement) -> str:
    """The reason with what belongs to it."""
    why, pairs = _REASONS[judgement.reason], report.pairs
    details = {
        "TooManyUnscored": f"{pairs.unscored} of {_asked(report) + pairs.unscored} "
        f"(allowed {100 * MAX_UNSCORED_RATIO:g} %), "
        f"{pairs.worst_window} in the worst 50 (allowed {MAX_UNSCORED_IN_WINDOW})",
        "AnswersCached": report.cached,
        "ProbesNotSeen": f"{report.probes_seen} of {judgement.probes}",
        "NoEvidence": f"{pairs.unscored} asked" if pairs.unscored else "",
    }
    if judgement.reason == "Passed" and report.identity.baseline:
        why = f"surely not worse than stable by {100 * policy.margin:g} points"
    detail = report.error or details.get(judgement.reason, "")
    return f"{why}: {detail}" if detail else why


def _describe_pairs(policy: GatePolicy, report: Report, found: Evidence) -> str:
    p = report.pairs
    low, high = evidence.interval(p.lost, p.tied, p.won, alpha=policy.alpha)
    return (
        f"{report.usage.calls} calls, {p.scored} pairs on {report.probes_seen} probes: "
        f"canary {_percent(report.canary)}, stable {_percent(report.stable)}, "
        f"difference {100 * (p.won - p.lost) / p.scored:+.1f} points, "
        f"{100 * (1 - 2 * policy.alpha):g} % interval [{100 * low:+.1f}, {100 * high:+.1f}]. "
        f"The canary lost {p.lost} pairs and won {p.won}; "
        f"evidence to roll back {_against(found.rollback, 1 / policy.alpha)}, "
        f"to promote {_against(found.promotion, 1 / policy.beta)}"
    )


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


def _worst_counts(stable: str, canary: str) -> str:
    return f"{stable} -> {canary}" if stable else canary


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
