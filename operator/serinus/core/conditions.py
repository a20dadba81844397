"""The conditions of an LLMService in kstatus' words, and how old and new ones are joined. It decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.core.model import Manifest
from serinus.core.rollout import Hold

_MAX_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition without its times."""

    type: str
    status: str
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a spec is not done: a reason in CamelCase; a sentence with the field, what was found, what is allowed."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFacts:
    """What conditions are made from."""

    stable: str
    ready: bool
    progressing: bool
    phase: str
    message: str
    held: Hold | None
    in_traffic: bool
    stage: str
    spec_problem: Hold | None
    probes_problem: Hold | None
    monitoring: tuple[Problem, ...]  # what is wrong with it
    policies: Condition
    monitoring_note: str = ""  # what is not generated, though nothing is wrong
    served: bool = False  # what is stable became so without having passed, in another mode
    enforced: bool = True  # gates decide; else nothing that users reach is verified


def conditions(facts: ConditionFacts) -> list[Condition]:
    """Every condition, in every state: `kubectl wait` needs them all to be there."""
    return [
        _canary_verified(facts),
        Condition("Frozen", "False", "NotFrozen"),
        _held(facts),
        _monitoring(facts),
        facts.policies,
        _problem("ProbesReady", facts.probes_problem, "ProbesValid"),
        _ready(facts),
        _reconciling(facts),
        _problem("SpecValid", facts.spec_problem, "Valid"),
        _stalled(facts),
    ]


def _canary_verified(facts: ConditionFacts) -> Condition:
    if not facts.enforced:
        return Condition("CanaryVerified", "Unknown", "NotEnforced", "spec.rollout.mode lets no gate stop a rollout")
    if facts.in_traffic or (facts.stage == "Stable" and facts.phase == "Stable" and not facts.served):
        return Condition("CanaryVerified", "True", "GatesPassed")
    if facts.phase == "RolledBack":
        return Condition("CanaryVerified", "False", "RevisionRejected", facts.message)
    return Condition("CanaryVerified", "Unknown", "NoVerdict", "no gate before traffic has passed yet")


def _held(facts: ConditionFacts) -> Condition:
    if facts.held is None:
        return Condition("Held", "False", "NotHeld")
    return Condition("Held", "True", facts.held.reason, facts.held.message)


def _monitoring(facts: ConditionFacts) -> Condition:
    if facts.monitoring:
        messages = "; ".join(problem.message for problem in facts.monitoring)
        return Condition("MonitoringReady", "False", facts.monitoring[0].reason, messages)
    return Condition("MonitoringReady", "True", "Generated", facts.monitoring_note)


def _problem(kind: str, problem: Hold | None, good: str) -> Condition:
    return Condition(kind, "False", problem.reason, problem.message) if problem else Condition(kind, "True", good)


def _ready(facts: ConditionFacts) -> Condition:
    if facts.ready:
        return Condition("Ready", "True", "StableServes", f"{facts.stable} serves")
    if not facts.stable:
        return Condition("Ready", "False", "NoStableRevision", "no revision has passed its gates yet")
    return Condition("Ready", "False", "StableNotReady", f"no pod of {facts.stable} is ready")


def _reconciling(facts: ConditionFacts) -> Condition:
    if facts.progressing and facts.held is None:
        return Condition("Reconciling", "True", "Progressing", facts.message)
    return Condition("Reconciling", "False", "Done")


def _stalled(facts: ConditionFacts) -> Condition:
    """So that Flux, Argo CD and Helm do not say "done" of a spec that is not what serves."""
    if facts.phase == "RolledBack":
        return Condition("Stalled", "True", "RevisionRejected", facts.message)
    if facts.held is not None:
        return Condition("Stalled", "True", "Held", facts.message)
    if facts.spec_problem is not None:
        return Condition("Stalled", "True", facts.spec_problem.reason, facts.spec_problem.message)
    return Condition("Stalled", "False", "NotStalled")


def merge(fresh: Sequence[Condition], previous: Sequence[Manifest], generation: int, at: str) -> list[Manifest]:
    """Give each condition its times: lastTransitionTime moves only when the status does."""
    old = {c.get("type"): c for c in previous}
    merged = []
    for condition in fresh:
        before = old.get(condition.type, {})
        same = before.get("status") == condition.status and before.get("lastTransitionTime")
        merged.append(
            {
                "type": condition.type,
                "status": condition.status,
                "reason": condition.reason,
                "message": condition.message[:_MAX_MESSAGE],
                "observedGeneration": generation,
                "lastTransitionTime": before["lastTransitionTime"] if same else at,
            }
        )
    return merged
