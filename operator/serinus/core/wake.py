"""When the clock alone can change something. Everything else wakes the operator by an event."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from serinus.core.arrange import Arrangement
from serinus.core.gates import GateView
from serinus.core.model import RolloutPolicy
from serinus.core.rollout import Stage, State
from serinus.core.seen import PodSeen

LOOK_AT_JOB: Final = 15.0
"""Seconds between looks at a Job that may never start: no event tells that time has passed."""
TOLD_AFTER: Final = 10.0
"""Seconds of a pod's life after which it is said what it waits for: every pod waits for its network for a moment."""
_SOONEST: Final = 0.5


def wake_after(
    policy: RolloutPolicy, state: State, arrangement: Arrangement, *, waits: Sequence[float], now: float
) -> float | None:
    """Seconds until the next look, None if only events matter; `waits` are further times (since the epoch)."""
    times = [*waits, *_stage_ends(policy, state)]
    if arrangement.wake is not None:
        times.append(now + arrangement.wake)
    ahead = [t - now for t in times if t > now]  # what is past was looked at, and waits for an event
    return max(_SOONEST, min(ahead)) if ahead else None


def until(policy: RolloutPolicy, state: State) -> int:
    """When the wait of a state ends, in seconds since the epoch: the next attempt, else the end of a bake; 0: none."""
    if state.retry_at:
        return state.retry_at
    match state.stage:
        case Stage.BAKING:
            return state.since + policy.step_at(state.step).bake
        case Stage.FINAL_BAKE:
            return state.since + policy.bake
        case _:
            return 0


def _stage_ends(policy: RolloutPolicy, state: State) -> list[float]:
    # A bake goes on while the next attempt is waited for.
    ends = {until(policy, state), until(policy, dataclasses.replace(state, retry_at=0))}
    if state.stage is Stage.SHIFTING:
        ends.add(state.since + policy.ready_timeout)
    return [float(end) for end in sorted(ends - {0})]


def waits(
    policy: RolloutPolicy, state: State, pods: Sequence[PodSeen], gates: Sequence[GateView], now: float
) -> list[float]:
    """Times at which a pod that waits is told of, an unready one becomes a failure, a running Job is looked at."""
    if state.stage is Stage.STABLE:
        return []
    mine = [p for p in pods if p.revision == state.revision]
    times = [p.unready_since + policy.ready_timeout for p in mine if p.unready_since]
    times += [p.created + TOLD_AFTER for p in mine if p.waiting and not p.ready]
    return times + ([now + LOOK_AT_JOB] if state.held or any(g.wanted for g in gates) else [])
