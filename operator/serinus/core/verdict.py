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


def judge(policy: GatePolicy, report: Report, *, probes: int) -> Judgement:
    """Judge the counts so far, `probes` being the number of distinct probes that must have been seen."""
    found = weigh(policy, report)
    verdict, reason = _decide(policy, report, found, probes)
    return Judgement(verdict=verdict, reason=reason, evidence=found)


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
    """The rules in the order of their weight: broken, failed, inconclusive, passed, running."""
    paired = bool(report.identity.baseline)
    if report.end == "Error":
        return Verdict.BROKEN, "RunnerError"
    if report.pairs.worst_window > MAX_UNSCORED_IN_WINDOW:
        return Verdict.BROKEN, "TooManyUnscored"
    if report.cached:
        return Verdict.INCONCLUSIVE, "AnswersCached"
    if paired and found.rollback >= 1 / policy.alpha:
        return Verdict.FAILED, "WorseThanStable"
    if found.floor_rollback >= 1 / evidence.FLOOR_ALPHA:
        return Verdict.FAILED, "BelowFloor"
    if report.critical and found.worst_critical >= len(report.critical) / policy.alpha:
        return Verdict.FAILED, "CriticalProbeFailed"
    if _may_pass(policy, report, found, probes):
        return Verdict.PASSED, "Passed"
    if report.end in ("Budget", "Decided"):
        return Verdict.INCONCLUSIVE, _why_undecided(report, found, probes)
    if report.end:
        return Verdict.BROKEN, "Interrupted"
    return Verdict.RUNNING, "Running"


def _may_pass(policy: GatePolicy, report: Report, found: Evidence, probes: int) -> bool:
    """Every test passed, every probe seen, no critical probe open, few enough pairs lost to transport or judge."""
    paired = bool(report.identity.baseline)
    return (
        found.floor_promotion >= 1 / policy.beta
        and (not paired or found.promotion >= 1 / policy.beta)
        and probes > 0
        and report.probes_seen >= probes
        and found.worst_critical <= 1
        and not _too_many_unscored(report)
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
    "TooManyUnscored": "too many pairs had no score, so the check is not to be trusted",
    "AnswersCached": "answers came from a cache, so repeats prove nothing",
    "WorseThanStable": "the canary is worse than stable",
    "BelowFloor": "the revision is below its floor",
    "CriticalProbeFailed": "a critical probe fails",
    "CriticalProbeOpen": "a critical probe is still open",
    "ProbesNotSeen": "not every probe was seen",
    "BudgetSpent": "the budget ended before the evidence decided",
    "NoEvidence": "no answer could be scored",
    "Interrupted": "the run was interrupted",
    "Passed": "surely not worse than the margin",
    "Running": "running",
}


def describe(policy: GatePolicy, report: Report, judgement: Judgement) -> str:
    """One paragraph for people: what was counted, the difference with its interval, evidence beside its limit."""
    found, why = judgement.evidence, _REASONS[judgement.reason]
    parts = [f"{why}: {report.error}" if report.error else why]
    if report.identity.baseline and report.pairs.scored:
        parts.append(_describe_pairs(policy, report, found))
    elif report.canary.scored:
        parts.append(_describe_floor(policy, report, found))
    failing = [c for c in report.critical if evidence.critical(c.passed, c.failed) > 1]
    if failing:
        parts.append("Critical: " + ", ".join(_critical_text(c) for c in failing))
    if report.worst:
        worst = (f"{w.probe} ({_worst_counts(w.stable, w.canary)})" for w in report.worst)
        parts.append("Worst probes: " + ", ".join(worst))
    text = ". ".join(parts)
    return text[0].upper() + text[1:] + "."


def _describe_pairs(policy: GatePolicy, report: Report, found: Evidence) -> str:
    p = report.pairs
    low, high = evidence.interval(p.lost, p.tied, p.won, alpha=policy.alpha)
    difference = (p.won - p.lost) / p.scored
    level = round(100 * (1 - 2 * policy.alpha))
    return (
        f"{report.usage.calls} calls, {p.scored} pairs on {report.probes_seen} probes: "
        f"canary {_percent(report.canary)}, stable {_percent(report.stable)}, difference {100 * difference:+.1f} points, "
        f"{level} % interval [{100 * low:+.1f}, {100 * high:+.1f}]. The canary lost {p.lost} pairs and won {p.won}; "
        f"evidence to roll back {_short(found.rollback)} (limit {_short(1 / policy.alpha)}), "
        f"to promote {_short(found.promotion)} (limit {_short(1 / policy.beta)})"
    )


def _describe_floor(policy: GatePolicy, report: Report, found: Evidence) -> str:
    side = report.canary
    return (
        f"{report.usage.calls} calls on {report.probes_seen} probes: "
        f"{_percent(side)} passed, floor {100 * policy.floor:g} %; "
        f"evidence below the floor {_short(found.floor_rollback)} (limit {_short(1 / evidence.FLOOR_ALPHA)}), "
        f"above it {_short(found.floor_promotion)} (limit {_short(1 / policy.beta)})"
    )


def _critical_text(c: Critical) -> str:
    return f"{c.probe} failed {c.failed} of {c.passed + c.failed}"


def _worst_counts(stable: str, canary: str) -> str:
    return f"{stable} -> {canary}" if stable else canary


def _percent(side: Side) -> str:
    return f"{100 * side.passed / side.scored:.1f} %" if side.scored else "no answer"


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1e6 else "over a million"
