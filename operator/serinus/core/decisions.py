"""What people decided: which Decision is to be acted on, and what each of them is told. Acting is in `rollout.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from serinus.core.model import Manifest, Service
from serinus.core.rollout import State
from serinus.core.seen import DecisionSeen

ACTIONS = ("Retry", "Abort", "Override")
"""Actions of a Decision that this version acts on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionUpdate:
    """A new status of a Decision."""

    decision: DecisionSeen
    status: Manifest = field(hash=False)


def pending_decision(
    decisions: Sequence[DecisionSeen], service: Service, target: str, now: float
) -> DecisionSeen | None:
    """Find the oldest decision about the wanted revision of this very service that is neither done nor expired."""
    fitting = (
        d
        for d in decisions
        if d.pending
        and d.action in ACTIONS
        and d.revision == target
        and d.service_uid in ("", service.uid)
        and (not d.expires or now < d.expires)
    )
    return min(fitting, key=lambda d: (d.created, d.name), default=None)


def told(
    decisions: Sequence[DecisionSeen], service: Service, target: str, new: State, now: float
) -> tuple[DecisionUpdate, ...]:
    """Say of every pending decision what became of it; one that still waits for its turn is told nothing."""
    updates = []
    for found in decisions:
        answer = _answer(found, service, target, new, now) if found.pending else None
        if answer:
            state, message = answer
            status = {"state": state, "message": message, "authorVerified": False}
            updates.append(DecisionUpdate(decision=found, status=status))
    return tuple(updates)


def _answer(found: DecisionSeen, service: Service, target: str, new: State, now: float) -> tuple[str, str] | None:
    if new.acted == found.uid:
        return "Applied", f"stage is {new.stage}"
    if found.expires and now >= found.expires:
        return "Expired", "it expired before it could be acted on"
    if found.service_uid not in ("", service.uid):
        return "Refused", "llmServiceRef.uid: it was made for another object of this name"
    if found.action not in ACTIONS:
        return "Refused", f"action: found {found.action}, this version acts on {', '.join(ACTIONS)}"
    if found.revision != target:
        return "Refused", f"revision: found {found.revision}, the spec asks for {target}"
    return None
