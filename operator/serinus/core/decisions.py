"""What people decided: which Decision is to be acted on, and what each of them is told. Acting is in `rollout.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from serinus.core.model import Manifest, Service
from serinus.core.rollout import State
from serinus.core.seen import DecisionSeen

ACTIONS = ("Retry", "Abort", "Override")
"""Actions of a Decision that this version acts on."""


CHECKED = frozenset({"Override"})
"""Actions of which the author must be known."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether admission checks who signs a Decision, and whether decisions count that nobody checked."""

    verified: bool = False
    unverified_allowed: bool = False

    def covers(self, action: str) -> bool:
        """Whether an action may be acted on; an Override puts a gate aside, so somebody must answer for it."""
        return action not in CHECKED or self.verified or self.unverified_allowed


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUpdate:
    """A new status of a Decision."""

    decision: DecisionSeen
    status: Manifest = field(hash=False)


def pending_decision(
    decisions: Sequence[DecisionSeen], service: Service, target: str, now: float, *, trust: Trust = Trust()
) -> DecisionSeen | None:
    """Find the oldest decision about the wanted revision of this very service that is neither done nor expired."""
    fitting = (
        d
        for d in decisions
        if d.pending
        and d.action in ACTIONS
        and trust.covers(d.action)
        and d.revision == target
        and d.service_uid in ("", service.uid)
        and (not d.expires or now < d.expires)
    )
    return min(fitting, key=lambda d: (d.created, d.name), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What an answer to a decision depends on."""

    target: str
    state: State
    now: float


def told(
    decisions: Sequence[DecisionSeen], service: Service, moment: Moment, trust: Trust = Trust()
) -> tuple[DecisionUpdate, ...]:
    """Say of every pending decision what became of it; one that still waits for its turn is told nothing."""
    updates = []
    for found in decisions:
        answer = _answer(found, service, moment, trust) if found.pending else None
        if answer:
            state, message = answer
            status = {"state": state, "message": message, "authorVerified": trust.verified}
            updates.append(DecisionUpdate(decision=found, status=status))
    return tuple(updates)


def _answer(found: DecisionSeen, service: Service, moment: Moment, trust: Trust) -> tuple[str, str] | None:
    if moment.state.acted == found.uid:
        return "Applied", f"stage is {moment.state.stage}"
    if moment.state.knows(found.uid):
        return "Refused", f"{found.action} has no effect now: stage is {moment.state.stage}"
    if found.expires and moment.now >= found.expires:
        return "Expired", "it expired before it could be acted on"
    if found.service_uid not in ("", service.uid):
        return "Refused", "llmServiceRef.uid: it was made for another object of this name"
    if found.action not in ACTIONS:
        return "Refused", f"action: found {found.action}, this version acts on {', '.join(ACTIONS)}"
    if found.revision != moment.target:
        return "Refused", f"revision: found {found.revision}, the spec asks for {moment.target}"
    if not trust.covers(found.action):
        return "Refused", (
            f"action: found {found.action}, whose author nobody has verified: install the admission policy "
            "(decisionPolicy.enabled), or allow it (operator.allowUnverifiedDecisions)"
        )
    return None
