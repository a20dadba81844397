"""A simulator of what a cluster does with ReplicaSets, pods and EndpointSlices, one second a tick. It is no cluster.

It owns the behaviour of the others: the ReplicaSet controller, the kubelet, endpoints. It checks nothing.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from serinus.core.arrange import Arrangement, World
from serinus.core.seen import PodSeen, SetSeen


@dataclass
class Pod:
    """One pod: its labels, and what the kubelet does with it."""

    name: str
    revision: str
    live: bool
    ready_in: int  # ticks until it is Ready
    born: int
    ready_since: int = 0
    version: int = 0
    draining: bool = False
    drain_since: float = 0.0
    left_endpoints: int = -1  # tick since which no endpoint names it
    deleting: bool = False
    ends_in: int = 0  # ticks until a deleted pod is gone
    ended: bool = False  # evicted: it stays as an object, without a container

    @property
    def ready(self) -> bool:
        return self.ready_in <= 0 and not self.ended

    @property
    def active(self) -> bool:
        return not self.deleting and not self.ended


@dataclass
class ReplicaSet:
    """One ReplicaSet, whose controller sees a change one tick later."""

    revision: str
    replicas: int = 0
    live: bool = False
    observed: bool = True


@dataclass
class Cluster:
    """The whole of it. `start` gives the ticks that the next pods need to be Ready, round and round."""

    drain_timeout: int
    start: tuple[int, ...] = (2,)
    termination: int = 2
    now: int = 1000
    sets: dict[str, ReplicaSet] = field(default_factory=dict)
    pods: dict[str, Pod] = field(default_factory=dict)
    routed: frozenset[str] = frozenset()
    killed: list[Pod] = field(default_factory=list)  # by a ReplicaSet controller in this tick, as they were then
    _names: Iterator[int] = field(default_factory=count)

    def world(self) -> World:
        """What the operator sees of it now."""
        return World(
            sets={s.revision: _set_seen(s) for s in self.sets.values()},
            pods=tuple(_pod_seen(p) for p in self.pods.values()),
            routed=self.routed,
            now=float(self.now),
            drain_timeout=float(self.drain_timeout),
        )

    def apply(self, arrangement: Arrangement) -> None:
        """Take the operator's writes: ReplicaSets, and labels of pods that are still at the version that was read."""
        for revision, wanted in arrangement.sets.items():
            found = self.sets.setdefault(revision, ReplicaSet(revision))
            if (found.replicas, found.live) != (wanted.replicas, wanted.live):
                found.replicas, found.live, found.observed = wanted.replicas, wanted.live, False
        for patch in arrangement.patches:
            pod = self.pods.get(patch.pod)
            if pod is None or str(pod.version) != patch.resource_version:
                continue
            pod.version += 1
            if patch.live is not None:
                pod.live = patch.live
            if patch.drain is not None:
                pod.draining = patch.drain
                pod.drain_since = float(self.now) if patch.drain else 0.0

    def tick(self) -> None:
        """Let a second pass: endpoints follow what was, then controllers and kubelets act."""
        self.now += 1
        self.killed = []
        self._route()
        for replica_set in self.sets.values():
            replica_set.observed = True
            self._reconcile(replica_set)
        for pod in list(self.pods.values()):
            self._run(pod)

    def _route(self) -> None:
        self.routed = frozenset(
            p.name for p in self.pods.values() if p.ready and p.live and not p.draining and p.active
        )
        for pod in self.pods.values():
            if pod.name in self.routed:
                pod.left_endpoints = -1
            elif pod.left_endpoints < 0:
                pod.left_endpoints = self.now

    def _reconcile(self, replica_set: ReplicaSet) -> None:
        active = [p for p in self.pods.values() if p.revision == replica_set.revision and p.active]
        for _ in range(replica_set.replicas - len(active)):
            number = next(self._names)
            name = f"{replica_set.revision}-{number:03}"
            ready_in = self.start[number % len(self.start)]
            self.pods[name] = Pod(name, replica_set.revision, replica_set.live, ready_in, self.now)
        # Like the real one: not Ready first, then the cheapest to delete, then the youngest.
        ranked = sorted(active, key=lambda p: (p.ready, not p.draining, -p.born, p.name))
        for pod in ranked[: max(0, len(active) - replica_set.replicas)]:
            self.killed.append(dataclasses.replace(pod))
            self.delete(pod)

    def _run(self, pod: Pod) -> None:
        if pod.deleting:
            pod.ends_in -= 1
            if pod.ends_in <= 0:
                del self.pods[pod.name]
        elif pod.ready_in > 0:
            pod.ready_in -= 1
            if pod.ready_in == 0:
                pod.version, pod.ready_since = pod.version + 1, self.now

    def delete(self, pod: Pod) -> None:
        """Delete a pod as the API does: it ends after its grace."""
        pod.deleting, pod.ends_in = True, self.termination
        pod.version += 1

    def crash(self, pod: Pod, ticks: int) -> None:
        """Its container ends by itself and needs some ticks to be Ready again."""
        pod.ready_in = max(pod.ready_in, ticks)
        pod.version += 1

    def evict(self, pod: Pod) -> None:
        """The kubelet ends it for good; its object stays."""
        pod.ended = True
        pod.version += 1


def _set_seen(found: ReplicaSet) -> SetSeen:
    return SetSeen(
        name=found.revision,
        revision=found.revision,
        uid=found.revision,
        resource_version="1",
        replicas=found.replicas,
        live=found.live,
        observed=found.observed,
    )


def _pod_seen(pod: Pod) -> PodSeen:
    return PodSeen(
        name=pod.name,
        uid=pod.name,
        resource_version=str(pod.version),
        revision=pod.revision,
        live=pod.live,
        draining=pod.draining,
        drain_since=pod.drain_since,
        ready=pod.ready,
        deleting=pod.deleting or pod.ended,
        ended=pod.ended,
        address="",
        unready_since=0.0,
        created=float(pod.born),
        restarts=0,
        trouble="",
    )
