"""What the counts of a run mean: Running, Passed, Failed, Inconclusive or Broken; `wording.py` says it for people.

The probe Job uses it to know when to stop; the operator uses it on the reported counts and believes nothing else.
"""

from dataclasses import dataclass
from functools import lru_cache

from serinus.core import evidence
from serinus.core.judge_quality import calibrated
from serinus.core.measure import Measure, contradiction, floor_contradiction
from serinus.core.model import GatePolicy, Verdict
from serinus.core.report import Report

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
    """A verdict, why, and the numbers behind it; the sentence for people is made only when it is shown."""

    verdict: Verdict
    reason: str  # CamelCase
    evidence: Evidence = Evidence()
    probes: int = 0  # distinct probes that must be seen


@lru_cache(maxsize=2048)
def judge(policy: GatePolicy, report: Report, *, probes: int) -> Judgement:
    """Judge the counts so far, `probes` being the number of distinct probes that must have been seen."""
    policy = calibrated(policy, report.judge)
    found = _weigh(policy, report)
    verdict, reason = _decide(policy, report, found, probes)
    return Judgement(verdict=verdict, reason=reason, evidence=found, probes=probes)


def weigh(policy: GatePolicy, report: Report) -> Evidence:
    """The e-values of a report's counts, the margin scaled by what its judges are worth."""
    return _weigh(calibrated(policy, report.judge), report)


def _weigh(policy: GatePolicy, report: Report) -> Evidence:
    """The e-values of a report's counts; all ones where the counts are not those that the policy asks for."""
    if not _fits(policy, report):
        return Evidence()
    paired = bool(report.identity.baseline)
    measures = _measures(policy, report) if paired else ()
    weights = [m.weight for m in policy.metrics] or [1]
    against, for_it = [_rollback(policy, m) for m in measures], [_promotion(policy, m) for m in measures]
    floor_rollback, floor_promotion = _floor(policy, report)
    return Evidence(
        rollback=evidence.together(against, weights) if paired else 1.0,
        promotion=min(for_it) if paired else 1.0,
        floor_rollback=floor_rollback,
        floor_promotion=floor_promotion,
        worst_critical=max((evidence.critical(c.passed, c.failed) for c in report.critical), default=0.0),
    )


def weigh_metric(policy: GatePolicy, measure: Measure) -> tuple[float, float]:
    """The e-values of one metric: to roll back and to promote."""
    return _rollback(policy, measure), _promotion(policy, measure)


def _measures(policy: GatePolicy, report: Report) -> tuple[Measure, ...]:
    """What is compared: the gate's metrics, the graded scores, or the tests as a whole."""
    if policy.graded or policy.metrics:
        return report.measures
    p = report.pairs
    whole = Measure(lost=p.lost, tied=p.tied, won=p.won, fault_tied=p.fault_tied, fault_won=p.fault_won)
    return (whole,)


def _rollback(policy: GatePolicy, m: Measure) -> float:
    """A pair in which only stable answered with an error is stable's 0 here: what both suffer is no loss."""
    if policy.graded:
        return evidence.of_sums(m.rollback)
    tied, won = m.tied + m.fault_tied, m.won + m.fault_won
    return evidence.rollback(m.lost, tied, won, tolerance=policy.tolerance)


def _promotion(policy: GatePolicy, m: Measure) -> float:
    """Pairs at fault are left out: nothing that breaks stable may promote a canary."""
    if policy.graded:
        return evidence.of_sums(m.promotion)
    return evidence.promotion(m.lost, m.tied, m.won, margin=policy.margin)


def _floor(policy: GatePolicy, report: Report) -> tuple[float, float]:
    """Evidence that the floor is missed, and that it is met within the margin."""
    side, sums = report.canary, report.floor
    if policy.graded:
        bets = len(evidence.BETS)
        return evidence.of_sums(sums[1 : 1 + bets]), evidence.of_sums(sums[1 + bets :])
    return (
        evidence.floor_rollback(side.passed, side.failed, floor=policy.floor),
        evidence.floor_promotion(side.passed, side.failed, floor=policy.floor, margin=policy.margin),
    )


def _fits(policy: GatePolicy, report: Report) -> bool:
    """Whether a report has the counts that a policy asks for, and none that contradict each other."""
    paired = bool(report.identity.baseline)
    wanted = (len(policy.metrics) or int(policy.graded)) if paired else 0
    return (
        len(report.measures) == wanted
        and not any(contradiction(m, policy) for m in report.measures)
        and not floor_contradiction(report.floor, report.canary.scored, policy)
    )


def _decide(policy: GatePolicy, report: Report, found: Evidence, probes: int) -> tuple[Verdict, str]:
    """The rules in the order of their weight: broken, cached, failed, passed, inconclusive, running.

    With more than 5 % of the pairs unscored neither Failed nor Passed is said: which pairs are missing may depend on
    what is wrong, so the others prove nothing.
    """
    if report.end == "Error":
        return Verdict.BROKEN, "RunnerError"
    if not _fits(policy, report):
        return Verdict.BROKEN, "CountsDisagree"
    if report.judge.unfit:
        return Verdict.INCONCLUSIVE, "JudgeUnfit"
    if report.pairs.worst_window > MAX_UNSCORED_IN_WINDOW:
        return Verdict.BROKEN, "TooManyUnscored"
    if report.cached:
        return Verdict.INCONCLUSIVE, "AnswersCached"
    if not too_many_unscored(report) and not too_many_flagged(report):
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


def too_many_unscored(report: Report) -> bool:
    """Whether more than 5 % of the pairs have no score."""
    asked = answers_that_count(report) + report.pairs.unscored
    return asked > 0 and report.pairs.unscored / asked > MAX_UNSCORED_RATIO


def too_many_flagged(report: Report) -> bool:
    """Whether more than 5 % of the canary's answers spoke to the judge: rules alone do not speak for so many."""
    return report.flagged > MAX_UNSCORED_RATIO * report.canary.scored


def answers_that_count(report: Report) -> int:
    """Pairs with a score on both sides, or without a baseline scored answers."""
    return report.pairs.scored if report.identity.baseline else report.canary.scored


def _why_undecided(report: Report, found: Evidence, probes: int) -> str:
    if answers_that_count(report) == 0:
        return "NoEvidence"
    if too_many_unscored(report):
        return "TooManyUnscored"
    if too_many_flagged(report):
        return "AnswersToJudge"
    if report.probes_seen < probes:
        return "ProbesNotSeen"
    if found.worst_critical > 1:
        return "CriticalProbeOpen"
    return "BudgetSpent"
