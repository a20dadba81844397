"""The events of a transition: one short sentence for `kubectl describe`, for each thing that changed for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.core.gates import GateView, purpose_of, together
from serinus.core.model import Verdict
from serinus.core.rollout import IN_TRAFFIC, Hold, Stage, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One Kubernetes event. `key` tells repeated ones apart: same key, same event."""

    reason: str
    message: str
    warning: bool = False
    key: str = ""


def stories(old: State, new: State, gates: Sequence[GateView]) -> tuple[Story, ...]:
    """Tell what a transition means; nothing if the state stayed."""
    if new == old:
        return ()
    told = [_gate(old, new), _stage(old, new)] if new.stage != old.stage or new.step != old.step else []
    if new.advice and not old.advice:
        told.append(_advice(new, gates))
    if new.held is not None and new.held != old.held:
        told.append(held_story(new.revision, new.held))
    if new.retries > old.retries and gates:
        told.append(
            Story(reason="ProbeBroken", message=f"attempt {new.attempt} begins", warning=True, key=str(new.attempt))
        )
    return tuple(s for s in told if s is not None)


def held_story(revision: str, hold: Hold) -> Story:
    """Tell why a rollout waits; once for each revision and reason."""
    message = f"{hold.reason}: {hold.message}"
    reason = _HELD.get(hold.reason, "Held")
    return Story(reason=reason, message=message, warning=True, key=f"{revision}/{hold.reason}")


_HELD = {"ProbeBroken": "ProbeBroken", "Inconclusive": "GateInconclusive", "NameConflict": "NameConflict"}
"""Reasons of a hold that have an event of their own."""
_ADVISED = {Verdict.FAILED: "GateFailed", Verdict.BROKEN: "ProbeBroken"}
_JUDGED = {"QualityFailed": "GateFailed", "QualityInconclusive": "GateInconclusive"}


def _gate(old: State, new: State) -> Story | None:
    """What the gates said; in mode Advise a revision that went on in spite of them has not passed."""
    key = f"{old.revision}/{old.stage}/{old.step}/{old.attempt}"
    if new.stage is Stage.ABORTING and new.reason in _JUDGED:
        return Story(reason=_JUDGED[new.reason], message=f"{old.revision}: {new.detail}", warning=True, key=key)
    if old.stage is Stage.PROBING and new.stage in IN_TRAFFIC and not new.advice:
        return Story(reason="GatePassed", message=f"{old.revision} passed its gates before traffic", key=key)
    return None


def _advice(new: State, gates: Sequence[GateView]) -> Story:
    """What the gates would have stopped, where mode Advise lets nothing be stopped."""
    verdict, view = together(gates, purpose=purpose_of(new.stage))
    reason = _ADVISED.get(verdict, "GateInconclusive")
    why = view.message if view and view.message else str(verdict)
    message = f"{new.revision} goes on in mode Advise, Enforce would not let it: {why}"
    return Story(reason=reason, message=message, warning=True, key=f"{new.revision}/advice")


def _stage(old: State, new: State) -> Story | None:
    revision = new.revision or old.revision
    key = f"{revision}/{new.stage}/{new.step}/{old.attempt}"
    match new.stage:
        case Stage.STARTING:
            return Story(reason="RolloutStarted", message=f"{revision}: one pod, without traffic", key=key)
        case Stage.SHIFTING:
            return Story(reason="TrafficShifted", message=f"{revision}: step {new.step + 1}", key=key)
        case Stage.PROMOTING:
            return Story(reason="TrafficShifted", message=f"{revision}: replacing all pods", key=key)
        case Stage.STABLE if new.stable == old.revision:
            return Story(reason="Promoted", message=f"{new.stable} is the stable revision", key=key)
        case Stage.ABORTING if new.reason:
            return Story(reason="RolledBack", message=_rolled_back(revision, new), warning=True, key=key)
        case Stage.ABORTING:
            return Story(reason="RolloutEnded", message=f"{revision}: {new.detail}", key=key)
        case _:
            return None


def _rolled_back(revision: str, new: State) -> str:
    """The numbers of a verdict stand in the event of its gate: here is what it said, and who serves."""
    said = new.detail.partition(". ")[0].rstrip(".") if new.reason in _JUDGED else new.detail.rstrip(".")
    return f"{revision} ({new.reason}): {said}; {new.stable or 'nothing'} serves."
