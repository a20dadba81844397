"""When the clock alone can change something. Everything else wakes the operator by an event."""

from collections.abc import Sequence
from typing import Final

from serinus.core.arrange import Arrangement
from serinus.core.gates import GateView
from serinus.core.model import RolloutPolicy
from serinus.core.rollout import Stage, State
from serinus.core.seen import PodSeen

LOOK_AT_JOB: Final = 15.0
"""Seconds between looks at a Job that may never start: no event tells that time has passed."""
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


def _stage_ends(policy: RolloutPolicy, state: State) -> list[float]:
    ends = [state.retry_at] if state.retry_at else []
    match state.stage:
        case Stage.SHIFTING:
            ends.append(state.since + policy.ready_timeout)
        case Stage.BAKING if policy.steps:
            ends.append(state.since + policy.steps[min(state.step, len(policy.steps) - 1)].bake)
        case Stage.FINAL_BAKE:
            ends.append(state.since + policy.bake)
        case _:
            pass
    return [float(end) for end in ends]


def waits(
    policy: RolloutPolicy, state: State, pods: Sequence[PodSeen], gates: Sequence[GateView], now: float
) -> list[float]:
    """Times at which an unready pod becomes a failure, or a running Job is to be looked at."""
    if state.stage is Stage.STABLE:
        return []
    times = [p.unready_since + policy.ready_timeout for p in pods if p.revision == state.revision and p.unready_since]
    return times + ([now + LOOK_AT_JOB] if state.held or any(g.wanted for g in gates) else [])
