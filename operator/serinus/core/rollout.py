"""The whole rollout as a table: State, Seen, step(policy, state, seen, now) -> State. Manifests follow from a State.

Everything that a transition depends on is in this file. The stages:

    Stable -> Starting -> Probing -> Shifting(step) -> Baking(step) -> … -> Promoting -> FinalBake -> Stable
    any of them -> Aborting -> Stable (with the revision rejected, or without a rejection)

`held` is a flag with a reason: it blocks forward steps only. Only a gate that Passed moves users to a revision.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from serinus.core.model import Mode, OnInconclusive, RolloutPolicy, Verdict
from serinus.core.seen import Outcome
from serinus.core.stage import IN_TRAFFIC, IN_VAIN, Hold, Seen, Stage, State

__all__ = ["IN_TRAFFIC", "Hold", "Seen", "Stage", "State", "step"]

MAX_RETRIES: Final = 3
"""Further attempts after a broken run before the rollout is held."""
RETRY_DELAYS: Final = (10, 60, 300)
"""Seconds before the next attempt after a broken run; the last one repeats."""
PARK_AFTER: Final = 120
"""Seconds that a canary may wait for a node, an image or quota before it is taken away again."""
PARK_DELAYS: Final = (60, 120, 300, 600)
"""Seconds before a canary that could not be placed is tried again; the last one repeats."""
MAX_TEXT: Final = 2000
"""Characters of a message that are remembered; a longer one would never equal what status gives back."""

NAME_CONFLICT: Final = "NameConflict"
"""Reason of a hold: an object of a name that the service needs is somebody else's."""


def step(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    """Return the next state: the same one if nothing is to be done, else exactly one transition further."""
    state = _in_time(state, now)
    new = _decide(policy, state, seen, now) if seen.decision and not state.knows(seen.decision_uid) else None
    if new and new.acted == seen.decision_uid and dataclasses.replace(new, acted=state.acted, held=state.held) == state:
        new = dataclasses.replace(new, acted=f"{seen.decision_uid}{IN_VAIN}")
    new = new or _interrupt(policy, state, seen, now) or _TABLE[state.stage](policy, state, seen, now)
    # An obstacle is found by writing: it is shown in every stage until writes meet none.
    return _hold(new, seen.obstacle) if seen.obstacle else new


def _in_time(state: State, now: int) -> State:
    """A clock that was ahead and was put right: what began in the future has just begun, and no wait is made longer."""
    latest = now + max(*RETRY_DELAYS, *PARK_DELAYS)
    if state.stage is Stage.STABLE or (state.since <= now and state.retry_at <= latest):
        return state
    return dataclasses.replace(state, since=min(state.since, now), retry_at=min(state.retry_at, latest))


def _decide(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State | None:
    """Act on a person's decision about the revision that the spec wants.

    One that changes nothing is only noted; None leaves it for later, when that revision's turn has come.
    """
    noted = dataclasses.replace(state, acted=seen.decision_uid)
    if state.stage is Stage.STABLE:
        return _decide_at_rest(policy, state, seen, now)
    if state.stage is Stage.ABORTING:
        return noted if seen.decision == "Abort" else None
    if seen.target != state.revision:
        return None
    match seen.decision:
        case "Abort":
            return _abort(noted, now, reason="AbortedByDecision", detail="A person decided to roll back.")
        case "Retry":
            return _again(noted, seen, now, retries=0)
        case "Override" if not seen.stable_ready and state.stage in (Stage.STARTING, Stage.PROBING):
            return dataclasses.replace(_again(noted, seen, now, retries=0), floor_only=True)
        case _:
            return noted


def _decide_at_rest(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    """Start the wanted revision, even a rejected one; what blocks any start blocks this one, and the decision waits."""
    noted = dataclasses.replace(state, acted=seen.decision_uid)
    override = seen.decision == "Override" and not seen.stable_ready
    if seen.target == state.stable or not (override or seen.decision == "Retry"):
        return noted
    block = _start_block(policy, state, seen)
    return _hold(state, block) if block else dataclasses.replace(_begin(noted, seen, now), floor_only=override)


def _interrupt(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State | None:
    """What ends a rollout in any stage without a rejection: another template, or nothing left to serve with."""
    if state.stage in (Stage.STABLE, Stage.ABORTING):
        return None
    if seen.invalid:
        # The gates that were to judge it are not known any more, and what nobody judges must not have users.
        return _abort(state, now, reason="", detail=f"The spec cannot be acted on: {seen.invalid}")
    if seen.target == state.stable:
        return _abort(state, now, reason="", detail="The template is that of the stable revision again.")
    if seen.target != state.revision:
        return _abort(state, now, reason="", detail=f"The template changed to {seen.target}.")
    if seen.replicas == 0:
        return _abort(state, now, reason="", detail="The service was scaled to 0.")
    if seen.recorded and not (state.stage is Stage.STARTING and state.acted):
        # Only a person's decision starts a rejected revision again; a status from before it was rejected does not.
        detail = "The record of the revision says that it was rejected; the status is older."
        return _abort(state, now, reason="RejectedBefore", detail=detail)
    if (
        state.stage in IN_TRAFFIC
        and policy.mode is Mode.ENFORCE
        and not (seen.evidenced or _exempt(policy, state, seen))
    ):
        # The mode was changed meanwhile, or the record was: what users reach must have passed.
        return _abort(state, now, reason="", detail="No run before traffic has passed, which mode Enforce asks for.")
    if _too_few(policy, state, seen) and state.stage not in (Stage.PROMOTING, Stage.FINAL_BAKE):
        # The one replica is the stable one: giving it up for a canary would leave users with nothing.
        return _abort(state, now, reason="", detail="The service was scaled to 1, and maxSurge 0 needs 2 replicas.")
    return None


def _stable(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    if seen.target == state.stable or seen.outcome is Outcome.REJECTED:
        return _unheld(state)
    block = _start_block(policy, state, seen)
    return _hold(state, block) if block else _begin(state, seen, now)


def _start_block(policy: RolloutPolicy, state: State, seen: Seen) -> Hold | None:
    if seen.obstacle:
        return seen.obstacle
    if seen.replicas == 0:
        return Hold(reason="ScaledToZero", message="the new revision waits until spec.workload.replicas is above 0")
    if _too_few(policy, state, seen):
        return Hold(
            reason="ReplicasTooFew",
            message="spec.rollout.maxSurge is 0, which needs spec.workload.replicas of 2 or more: found 1",
        )
    return seen.block


def _too_few(policy: RolloutPolicy, state: State, seen: Seen) -> bool:
    return bool(state.stable) and seen.replicas == 1 and policy.surge.of(seen.replicas) == 0


def _exempt(policy: RolloutPolicy, state: State, seen: Seen) -> bool:
    """Whether no gate is asked: by choice, or for a revert to a revision that was stable before."""
    return policy.mode is Mode.UNGATED or (seen.outcome is Outcome.PROVEN and bool(state.stable))


def _starting(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    if state.parked:
        waiting = now < state.retry_at
        return state if waiting else dataclasses.replace(state, parked=False, since=now, retry_at=0)
    failed = _own_fault(state, seen, now)
    if failed is not None:
        return failed
    if not seen.ready:
        return _park_if_no_place(state, seen, now)
    if pause := seen.obstacle or seen.pause:
        return _hold(state, pause)
    if seen.recorded:
        return _unheld(state)  # the record must forget the rejection first, as a person decided
    if _exempt(policy, state, seen):
        return _first_traffic(policy, state, seen, now)
    return _enter(state, Stage.PROBING, seen, now)


def _park_if_no_place(state: State, seen: Seen, now: int) -> State:
    if seen.trouble is None:
        return _unheld(state)
    held = _hold(state, seen.trouble)
    if now - state.since < PARK_AFTER:
        return held
    delay = PARK_DELAYS[min(state.retries, len(PARK_DELAYS) - 1)]
    return dataclasses.replace(held, parked=True, retries=state.retries + 1, retry_at=now + delay)


def _probing(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    stopped = _own_fault(state, seen, now) or _judged(policy, state, seen, now)
    if stopped is not None:
        return stopped
    if policy.mode is Mode.ENFORCE and not (seen.evidenced or _exempt(policy, state, seen)):
        return _hold(state, Hold(reason="NoEvidence", message="no ProbeRun on record says that this revision passed"))
    pause = seen.obstacle or seen.pause
    return _hold(state, pause) if pause else _first_traffic(policy, state, seen, now)


def _shifting(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    failed = _own_fault(state, seen, now)
    if failed is not None:
        return failed
    if seen.settled:
        return _enter(state, Stage.BAKING, seen, now, step=state.step)
    if seen.trouble:
        return _hold(state, seen.trouble)
    if now - state.since < policy.ready_timeout:
        return _unheld(state)
    return _hold(state, _unsettled(policy.ready_timeout))


def _unsettled(seconds: int) -> Hold:
    return Hold(reason="NotSettled", message=f"pods, labels and endpoints were not as wanted within {seconds} s")


def _baking(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    stopped = _own_fault(state, seen, now) or _judged(policy, state, seen, now)
    if stopped is not None:
        return stopped
    if pause := seen.obstacle or seen.pause:
        return _hold(state, pause)
    if now - state.since < policy.step_at(state.step).bake:
        return _unheld(state)
    if state.step + 1 < len(policy.steps):
        return _enter(state, Stage.SHIFTING, seen, now, step=state.step + 1)
    return _enter(state, Stage.PROMOTING, seen, now)


def _promoting(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    failed = _own_fault(state, seen, now)
    if failed is not None:
        return failed
    if not seen.settled:
        patience = max(1, seen.replicas) * (policy.ready_timeout + policy.drain_timeout)
        slow = _unsettled(patience) if now - state.since >= patience else None
        hold = seen.trouble or slow
        return _hold(state, hold) if hold else _unheld(state)
    return _enter(state, Stage.FINAL_BAKE, seen, now) if state.stable else _done(state, now)


def _final_bake(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    stopped = _own_fault(state, seen, now) or _judged(policy, state, seen, now)
    if stopped is not None:
        return stopped
    if pause := seen.obstacle or seen.pause:
        return _hold(state, pause)
    return _unheld(state) if now - state.since < policy.bake else _done(state, now)


def _aborting(_policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    if not seen.gone or (state.reason and not seen.recorded):
        return _unheld(state)
    return State(stable=state.stable, since=now, acted=state.acted)


_TABLE: Final[Mapping[Stage, Callable[[RolloutPolicy, State, Seen, int], State]]] = {
    Stage.STABLE: _stable,
    Stage.STARTING: _starting,
    Stage.PROBING: _probing,
    Stage.SHIFTING: _shifting,
    Stage.BAKING: _baking,
    Stage.PROMOTING: _promoting,
    Stage.FINAL_BAKE: _final_bake,
    Stage.ABORTING: _aborting,
}


def _judged(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State | None:
    """What the gates of this stage say; None only when they let the rollout go on."""
    if _exempt(policy, state, seen):
        return None
    if seen.superseded:
        return _again(state, seen, now, retries=state.retries) if seen.ready else _asking(state)
    if policy.mode is Mode.ADVISE and seen.verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.BROKEN):
        return None if state.advice else dataclasses.replace(state, advice=True)
    match seen.verdict:
        case Verdict.PASSED:
            return None
        case Verdict.FAILED:
            return _abort(state, now, reason="QualityFailed", detail=seen.verdict_message, run=seen.verdict_run)
        case Verdict.INCONCLUSIVE if policy.on_inconclusive is OnInconclusive.ROLL_BACK:
            return _abort(state, now, reason="QualityInconclusive", detail=seen.verdict_message, run=seen.verdict_run)
        case Verdict.INCONCLUSIVE:
            return _hold(state, Hold(reason="Inconclusive", message=seen.verdict_message))
        case Verdict.BROKEN:
            return _broken(state, seen, now)
        case Verdict.RUNNING:
            return _asking(state)


def _asking(state: State) -> State:
    return dataclasses.replace(_unheld(state), retry_at=0)


def _broken(state: State, seen: Seen, now: int) -> State:
    """A broken probe is not a bad model: ask again, later and later, then wait for a person."""
    if seen.obstacle:
        return _hold(state, seen.obstacle)  # it may well be why: to ask again would only use up the attempts
    if state.retries >= MAX_RETRIES:
        return _hold(state, Hold(reason="ProbeBroken", message=seen.verdict_message))
    if state.retry_at == 0:
        delay = RETRY_DELAYS[min(state.retries, len(RETRY_DELAYS) - 1)]
        return dataclasses.replace(_unheld(state), retry_at=now + delay)
    if now < state.retry_at or not seen.ready:
        return _unheld(state)
    return _again(state, seen, now, retries=state.retries + 1)


def _own_fault(state: State, seen: Seen, now: int) -> State | None:
    if seen.crashed:
        return _abort(state, now, reason="CrashLoop", detail=seen.crashed)
    if seen.stuck:
        return _abort(state, now, reason="NotReady", detail=seen.stuck)
    return None


def _begin(state: State, seen: Seen, now: int) -> State:
    return State(stage=Stage.STARTING, revision=seen.target, stable=state.stable, since=now, acted=state.acted)


def _enter(state: State, stage: Stage, seen: Seen, now: int, *, step: int = 0) -> State:
    return State(
        stage=stage,
        revision=state.revision,
        stable=state.stable,
        step=step,
        attempt=seen.next_attempt,
        first_attempt=seen.next_attempt,
        since=now,
        floor_only=state.floor_only,
        acted=state.acted,
        advice=state.advice,
    )


def _first_traffic(policy: RolloutPolicy, state: State, seen: Seen, now: int) -> State:
    """Let users in. Without a stable revision that serves, or for a revert, there is no share to shift."""
    direct = not state.stable or not policy.steps or seen.outcome is Outcome.PROVEN or state.floor_only
    return _enter(state, Stage.PROMOTING if direct else Stage.SHIFTING, seen, now)


def _again(state: State, seen: Seen, now: int, *, retries: int) -> State:
    """Begin a new attempt of this stage's gates; gates that passed in it keep their result."""
    parked = state.parked and state.stage is Stage.STARTING
    return dataclasses.replace(
        _unheld(state),
        attempt=seen.next_attempt,
        retries=retries,
        retry_at=0,
        parked=False,
        since=now if parked else state.since,
    )


def _abort(state: State, now: int, *, reason: str, detail: str, run: str = "") -> State:
    return State(
        stage=Stage.ABORTING,
        revision=state.revision,
        stable=state.stable,
        since=now,
        promoted=state.stage in (Stage.PROMOTING, Stage.FINAL_BAKE),
        reason=reason,
        detail=detail,
        run=run,
        acted=state.acted,
    )


def _done(state: State, now: int) -> State:
    return State(stable=state.revision, since=now, acted=state.acted)


def _hold(state: State, hold: Hold) -> State:
    hold = dataclasses.replace(hold, message=hold.message[:MAX_TEXT])
    return state if state.held == hold else dataclasses.replace(state, held=hold)


def _unheld(state: State) -> State:
    return state if state.held is None else dataclasses.replace(state, held=None)
