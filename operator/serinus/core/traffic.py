"""Replicas and traffic of each revision in each stage, without a gateway; the way there is in `arrange.py`."""

from dataclasses import dataclass

from serinus.core.model import RolloutPolicy
from serinus.core.rollout import Stage, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one revision shall have. `bar`: users must not reach it, whatever capacity says."""

    revision: str
    replicas: int
    live: bool
    bar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What all revisions shall have; a revision that is not named shall have nothing."""

    sides: tuple[Side, ...]
    ceiling: int
    floor: int

    def side(self, revision: str) -> Side:
        """The side of a revision."""
        return next((s for s in self.sides if s.revision == revision), Side(revision=revision, replicas=0, live=False))


def split(replicas: int, surge: int, percent: int) -> tuple[int, int]:
    """Canary and stable pods of a step: the largest share that is not above `percent`, and at least one canary pod."""
    best = (1, min(replicas, replicas + surge - 1))
    for canary in range(2, replicas + 1):
        stable = min(replicas, replicas + surge - canary)
        if stable < 1 or 100 * canary > percent * (canary + stable):
            break
        best = (canary, stable)
    return best


def goal(state: State, policy: RolloutPolicy, *, replicas: int, stable_serving: int) -> Goal:
    """What a state wants of each revision. `stable_serving`: pods of the stable revision that users reach now."""
    surge = policy.surge.of(replicas)
    sides = _sides(state, policy, replicas=replicas, stable_serving=stable_serving)
    # With surge 0 one replica is given up while a rollout runs, and only then.
    rolling = state.stage is not Stage.STABLE and bool(state.stable)
    floor = max(0, replicas - 1) if rolling and surge == 0 else replicas
    return Goal(sides=tuple(s for s in sides if s.revision), ceiling=replicas + surge, floor=floor)


def _sides(state: State, policy: RolloutPolicy, *, replicas: int, stable_serving: int) -> tuple[Side, Side]:
    """Stable first: when both could grow, the one that serves comes first."""
    surge = policy.surge.of(replicas)
    alone = Side(revision=state.stable, replicas=replicas, live=True)
    canary = Side(revision=state.revision, replicas=0, live=False)
    match state.stage:
        case Stage.STABLE:
            return alone, Side(revision="", replicas=0, live=False)
        case Stage.STARTING | Stage.PROBING:
            beside = replicas if surge or state.parked else max(min(1, replicas), replicas - 1)
            waiting = Side(revision=state.revision, replicas=0 if state.parked else 1, live=False, bar=True)
            return Side(revision=state.stable, replicas=beside, live=True), waiting
        case Stage.SHIFTING | Stage.BAKING:
            some, rest = split(replicas, surge, policy.step_at(state.step).percent)
            return (
                Side(revision=state.stable, replicas=rest, live=True),
                Side(revision=state.revision, replicas=some, live=True),
            )
        case Stage.PROMOTING | Stage.FINAL_BAKE:
            warm = Side(revision=state.stable, replicas=1 if surge else 0, live=False)
            return warm, Side(revision=state.revision, replicas=replicas, live=True)
        case Stage.ABORTING:  # pragma: no branch - mypy proves that no other stage is left
            # A bad canary loses its users at once if at least half of the pods are stable ones: a short overload is
            # better than wrong answers, an outage is not. From Promoting on, traffic leaves pod by pod. Without stable
            # there is nothing to wait for.
            at_once = not state.stable or (not state.promoted and 2 * stable_serving >= replicas)
            return alone, Side(revision=canary.revision, replicas=0, live=False, bar=at_once)


def peak(policy: RolloutPolicy, replicas: int) -> int:
    """Pods in all that a rollout needs at most."""
    return replicas + policy.surge.of(replicas)


def shares(policy: RolloutPolicy, replicas: int) -> tuple[tuple[int, int], ...]:
    """Canary and stable pods of each step."""
    return tuple(split(replicas, policy.surge.of(replicas), s.percent) for s in policy.steps)
