"""The next safe move of pods and labels towards a Goal, without a gateway. It needs no memory: call it again.

Never more pods than the ceiling, never fewer ready live ones than the floor, never a pod removed before it is drained.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from serinus.core.seen import PodSeen, SetSeen
from serinus.core.traffic import Goal, Side

_OVERDUE: Final = 60.0
"""Seconds after its grace at which a pod that is still ending no longer counts as one that holds a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPatch:
    """A change of one pod's labels, valid for the version that was read."""

    pod: str
    uid: str
    resource_version: str
    live: bool | None = None
    drain: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetWanted:
    """The replicas and the traffic label that a ReplicaSet gets now, on the way to its goal."""

    replicas: int
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The next move. `settled`: the world is as the goal says. `wake`: seconds until a drain ends, None without one."""

    sets: Mapping[str, SetWanted]
    patches: tuple[PodPatch, ...]
    settled: bool
    wake: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What `arrange` looks at."""

    sets: Mapping[str, SetSeen]
    pods: Sequence[PodSeen]
    routed: frozenset[str]
    now: float
    drain_timeout: float

    def members(self, revision: str) -> list[PodSeen]:
        """The pods of a revision that are not on their way out, in a fixed order."""
        return sorted((p for p in self.pods if p.revision == revision and not p.deleting), key=lambda p: p.name)

    def serving(self, revision: str | None = None) -> int:
        """Pods that users reach now: ready, live, not drained."""
        return sum(serves(p) for p in self.pods if revision is None or p.revision == revision)


def serves(pod: PodSeen) -> bool:
    """Whether users can be sent to a pod."""
    return pod.ready and pod.live and not pod.draining and not pod.deleting


def arrange(goal: Goal, world: World) -> Arrangement:
    """Make the next safe move from the world that was seen towards the goal."""
    revisions = sorted({*world.sets, *(s.revision for s in goal.sides)})
    live = {r: _template_live(goal, world, goal.side(r)) for r in revisions}
    up = _raise(goal, world)
    serving = world.serving()
    wanted: dict[str, SetWanted] = {}
    patches: list[PodPatch] = []
    wake: list[float] = []
    for revision in revisions:
        patches += _relabel(goal, world, revision, live=live[revision])
        fall = _lower(goal.side(revision), world, spare=serving - goal.floor)
        serving -= fall.served
        patches += fall.patches
        wake += fall.wake
        current = world.sets[revision].replicas if revision in world.sets else 0
        wanted[revision] = SetWanted(replicas=current + up.get(revision, 0) - fall.removed, live=live[revision])
    merged = _merge(patches)
    settled = not merged and all(_settled(goal.side(r), world, wanted[r]) for r in revisions)
    return Arrangement(sets=wanted, patches=merged, settled=settled, wake=min(wake, default=None))


def _template_live(goal: Goal, world: World, side: Side) -> bool:
    """Which traffic label new pods get. It is taken away when the others carry the traffic or the side is barred."""
    if side.live:
        return True
    seen = world.sets.get(side.revision)
    return seen is not None and seen.live and not (side.bar or _others_carry(goal, world, side.revision))


def _others_carry(goal: Goal, world: World, revision: str) -> bool:
    return world.serving() - world.serving(revision) >= goal.floor


def _relabel(goal: Goal, world: World, revision: str, *, live: bool) -> list[PodPatch]:
    """Pods follow their template once it was seen to have changed: a pod that is replaced is then right by itself."""
    seen = world.sets.get(revision)
    if seen is None or seen.live != live or not seen.observed:
        return []
    wrong = [p for p in world.members(revision) if p.live != live]
    if not live and not (goal.side(revision).bar or _others_carry(goal, world, revision)):
        return []
    return [PodPatch(pod=p.name, uid=p.uid, resource_version=p.resource_version, live=live) for p in wrong]


def _raise(goal: Goal, world: World) -> dict[str, int]:
    """New pods per revision, within the ceiling; pods that are still ending hold their GPU and count."""
    used = sum(p.deleting and not p.ended and not _overdue(p, world.now) for p in world.pods)
    for revision, seen in world.sets.items():
        used += max(seen.replicas, len(world.members(revision)))
    grants = {}
    for side in goal.sides:
        current = world.sets[side.revision].replicas if side.revision in world.sets else 0
        grant = max(0, min(side.replicas - current, goal.ceiling - used))
        if grant:
            grants[side.revision] = grant
            used += grant
    return grants


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fall:
    """A step down of one revision: pods that may go now, pods that begin to drain, and what that costs in capacity."""

    removed: int = 0
    served: int = 0
    patches: tuple[PodPatch, ...] = ()
    wake: tuple[float, ...] = ()


def _overdue(pod: PodSeen, now: float) -> bool:
    """Whether a pod should long be gone: on a lost node it may stay for ever, and must not hold back a rollback."""
    return bool(pod.leaves_by) and now > pod.leaves_by + _OVERDUE


def _lower(side: Side, world: World, *, spare: int) -> _Fall:
    """Remove what is drained, else begin to drain: a ReplicaSet cannot be told which of two drained pods goes first.

    So pods go together once the drain of all of them is over, and none begins in the round in which others go. A pod
    that is not made yet may be Ready before its ReplicaSet chooses, so it counts as one that goes.
    """
    seen = world.sets.get(side.revision)
    if seen is None:
        return _Fall()
    members = world.members(side.revision)
    surplus = max(0, seen.replicas - side.replicas)
    unmade = min(surplus, max(0, seen.replicas - len(members)))
    victims = sorted(members, key=_cheapest_first)[: surplus - unmade]
    draining = [_drain_left(p, world) for p in victims if p.draining]
    wake = [left for left in draining if left > 0]
    removed = 0 if wake else unmade + len(draining)
    served, patches = 0, []
    for pod in [] if removed else [p for p in victims if not p.draining]:
        if not serves(pod) or side.bar or spare - served > 0:
            served += serves(pod)
            patches.append(_drain_patch(pod, drain=True))
    # The annotation may have been taken away: a drain whose beginning nobody knows has just begun.
    patches += [_drain_patch(p, drain=True) for p in victims if p.draining and not p.drain_since and not removed]
    kept = {p.name for p in victims}
    patches += [_drain_patch(p, drain=False) for p in members if p.draining and p.name not in kept]
    return _Fall(removed=removed, served=served, patches=tuple(patches), wake=tuple(wake))


def _cheapest_first(pod: PodSeen) -> tuple[bool, bool, bool, str]:
    """Drained pods go first, then those that serve nobody."""
    return (not pod.draining, pod.ready, pod.live, pod.name)


def _drain_left(pod: PodSeen, world: World) -> float:
    """Seconds until a drained pod may go: at once if it is not ready, else `drainTimeout`, out of the endpoints.

    A pod that is not ready is drained too: it may be Ready by the time at which its ReplicaSet chooses.
    """
    if pod.name in world.routed:
        return world.drain_timeout or 1.0
    since = pod.drain_since or world.now
    return max(0.0, since + world.drain_timeout - world.now) if pod.ready else 0.0


def _drain_patch(pod: PodSeen, *, drain: bool) -> PodPatch:
    return PodPatch(pod=pod.name, uid=pod.uid, resource_version=pod.resource_version, drain=drain)


def _merge(patches: Sequence[PodPatch]) -> tuple[PodPatch, ...]:
    """One patch per pod: a second one would carry a version that the first has outdated."""
    merged: dict[str, PodPatch] = {}
    for p in patches:
        old = merged.get(p.pod)
        if old is None:
            merged[p.pod] = p
        else:
            merged[p.pod] = PodPatch(
                pod=p.pod,
                uid=p.uid,
                resource_version=p.resource_version,
                live=old.live if p.live is None else p.live,
                drain=old.drain if p.drain is None else p.drain,
            )
    return tuple(merged.values())


def _settled(side: Side, world: World, wanted: SetWanted) -> bool:
    """Whether a revision is as wanted: pods there and labelled; if users may reach it, ready and in the endpoints."""
    seen = world.sets.get(side.revision)
    if seen is None:
        return side.replicas == 0
    members = world.members(side.revision)
    return (
        wanted == SetWanted(replicas=side.replicas, live=side.live)
        and (seen.replicas, seen.live, seen.observed) == (side.replicas, side.live, True)
        and len(members) == side.replicas
        and all((p.ready or not side.live) and p.live == side.live and not p.draining for p in members)
        and all((p.name in world.routed) == side.live for p in members)
    )
