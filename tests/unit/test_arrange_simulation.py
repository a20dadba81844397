"""Whole rollouts and aborts against a simulated cluster: what `traffic.goal` and `arrange` may never do, at a tick."""

import dataclasses
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.arrange import Arrangement, World, arrange, serves
from serinus.core.model import Mode, OnInconclusive, RolloutPolicy, Surge, TrafficStep, Verdict
from serinus.core.rollout import IN_TRAFFIC, Seen, Stage, State, step
from serinus.core.seen import Outcome
from serinus.core.traffic import Goal, goal
from tests.unit.replica_simulator import Cluster, Pod

S, A = "rs", "ra"


@dataclass(frozen=True)
class Fault:
    """Something that happens to a pod, or to the number of replicas, at a tick."""

    at: int
    kind: str  # crash, evict, delete, scale
    pick: int  # which pod, or how many replicas


@dataclass(frozen=True)
class Plot:
    """One rollout: what is asked for, and what happens to it."""

    replicas: int
    surge: Surge
    percents: tuple[int, ...] = (10, 50)
    drain: int = 2
    start: tuple[int, ...] = (2,)
    faults: tuple[Fault, ...] = ()
    abort_at: Stage | None = None
    first: bool = False
    stale: bool = False  # the operator acts on what it saw a tick ago

    @property
    def policy(self) -> RolloutPolicy:
        return RolloutPolicy(
            mode=Mode.ENFORCE,
            surge=self.surge,
            steps=tuple(TrafficStep(percent=p, bake=3) for p in self.percents),
            bake=3,
            ready_timeout=10_000,
            drain_timeout=self.drain,
            on_inconclusive=OnInconclusive.HOLD,
            history_limit=5,
            paused=False,
        )

    @property
    def bound(self) -> int:
        """Ticks within which everything ends: so many for each pod that is replaced in each stage."""
        pods = max(self.replicas, *(f.pick for f in self.faults if f.kind == "scale"), 1)
        one = max(self.start) + self.drain + 12
        return 40 + one * (pods + 2) * (len(self.percents) + 4)


@dataclass
class Theatre:
    """Plays a plot: the operator's step and arrangement on one side, the simulated cluster on the other."""

    plot: Plot
    cluster: Cluster
    state: State
    replicas: int
    target: str
    aborted: bool = False
    rejected: bool = False
    stages: list[Stage] = field(default_factory=list)
    known: frozenset[str] = frozenset()  # pods that the operator saw when it acted

    @classmethod
    def open(cls, plot: Plot) -> "Theatre":
        cluster = Cluster(drain_timeout=plot.drain, start=plot.start)
        theatre = cls(plot, cluster, State(stable="" if plot.first else S), plot.replicas, "" if plot.first else S)
        if not plot.first:
            for _ in range(plot.bound):
                if theatre.turn():
                    break
            else:
                pytest.fail("the stable revision never came up")
        theatre.target = A
        return theatre

    def goal(self, world: World) -> Goal:
        serving = world.serving(self.state.stable) if self.state.stable else 0
        return goal(self.state, self.plot.policy, replicas=self.replicas, stable_serving=serving)

    def decide(self, world: World) -> None:
        """One step of the rollout on what is seen."""
        canary = [p for p in world.pods if p.revision == self.state.revision and not p.deleting]
        settled = arrange(self.goal(world), world).settled
        abort = self.plot.abort_at is self.state.stage and not self.aborted
        found = world.sets.get(self.state.revision)
        seen = Seen(
            target=self.target,
            replicas=self.replicas,
            outcome=Outcome.REJECTED if self.rejected else None,
            recorded=self.rejected,
            ready=any(p.ready for p in canary),
            settled=settled,
            gone=not canary and not (found and found.replicas),
            verdict=Verdict.PASSED,
            decision="Abort" if abort else "",
            decision_uid="decision",
        )
        new = step(self.plot.policy, self.state, seen, self.cluster.now)
        self.aborted |= abort
        self.rejected |= new.stage is Stage.ABORTING and bool(new.reason)
        if new.stage is not self.state.stage:
            self.stages.append(new.stage)
        self.state = new

    def turn(self) -> bool:
        """Decide, act, check, let a second pass; True when everything is as wanted."""
        seen = self.cluster.world()
        self.known = frozenset(p.name for p in seen.pods)
        if self.target and self.target != self.state.stable:
            self.decide(seen)
        if self.plot.stale:
            self.cluster.tick()
            self.check_kills()
        wanted = self.goal(seen)
        arrangement = arrange(wanted, seen)
        before = self.cluster.world()
        self.cluster.apply(arrangement)
        check_writes(wanted, before, self.cluster.world(), arrangement, stale=self.plot.stale)
        self.cluster.tick()
        self.check_kills()
        self.check_users()
        return arrangement.settled

    def check_kills(self) -> None:
        """A ReplicaSet controller that we told to shrink ends no pod that users could still be on.

        But for a pod that the operator could not see yet: it was made and Ready within the second that it looked back.
        """
        for pod in self.cluster.killed:
            if pod.ready and pod.name in self.known:
                check_drained(pod, self.cluster)

    def check_users(self) -> None:
        """Nobody reaches a revision before it passed."""
        reached = {self.cluster.pods[n].revision for n in self.cluster.routed if n in self.cluster.pods}
        if self.state.revision and A not in self.stages_in_traffic():
            assert A not in reached, self.state

    def stages_in_traffic(self) -> set[str]:
        return {A} if set(self.stages) & IN_TRAFFIC else set()


def check_drained(pod: Pod, cluster: Cluster) -> None:
    assert pod.draining, f"{pod} was ended without a drain"
    assert pod.left_endpoints >= 0, f"{pod} was ended while users reached it"
    if pod.ready_since <= pod.drain_since:  # else its container ended after the drain began, and with it all requests
        assert cluster.now - pod.drain_since >= cluster.drain_timeout, f"{pod} was ended too early at {cluster.now}"


def check_writes(wanted: Goal, before: World, after: World, arrangement: Arrangement, *, stale: bool) -> None:
    """What one round of writes may do to the number of pods and to the users."""
    ending = sum(p.deleting and not p.ended for p in before.pods)
    was = sum(max(s.replicas, len(before.members(s.revision))) for s in before.sets.values()) + ending
    now = sum(s.replicas for s in arrangement.sets.values()) + ending
    grown = any(s.replicas > (before.sets[r].replicas if r in before.sets else 0) for r, s in arrangement.sets.items())
    if grown and not stale:
        assert max(now, was) <= max(wanted.ceiling, was), (wanted, before)
        assert was < wanted.ceiling, (wanted, before)
    barred = {s.revision for s in wanted.sides if s.bar}
    free = [sum(serves(p) for p in w.pods if p.revision not in barred) for w in (before, after)]
    if not stale:
        assert free[1] >= min(free[0], wanted.floor), (wanted, before, arrangement)


def play(plot: Plot) -> Theatre:
    """Play to the end: the rollout is over, and the cluster is at rest and stays so."""
    theatre = Theatre.open(plot)
    began = theatre.cluster.now
    faults = sorted(plot.faults, key=lambda f: f.at)
    deadline = began + plot.bound + (faults[-1].at if faults else 0)
    over = False
    while not over:
        assert theatre.cluster.now < deadline, f"not over: {theatre.state}\n{theatre.cluster}"
        while faults and began + faults[0].at <= theatre.cluster.now:
            strike(theatre, faults.pop(0))
        at_rest = theatre.turn()
        over = at_rest and not faults and theatre.state.stage is Stage.STABLE
    for _ in range(5):
        world = theatre.cluster.world()
        arrangement = arrange(theatre.goal(world), world)
        assert (arrangement.settled, arrangement.patches, arrangement.wake) == (True, (), None)
        theatre.cluster.tick()
    return theatre


def strike(theatre: Theatre, fault: Fault) -> None:
    cluster = theatre.cluster
    if fault.kind == "scale":
        theatre.replicas = fault.pick
        return
    pods = [p for p in cluster.pods.values() if p.active]
    if pods:
        pod = pods[fault.pick % len(pods)]
        {
            "crash": lambda: cluster.crash(pod, 3),
            "evict": lambda: cluster.evict(pod),
            "delete": lambda: cluster.delete(pod),
        }[fault.kind]()


def serving(theatre: Theatre, revision: str) -> int:
    return sum(theatre.cluster.pods[n].revision == revision for n in theatre.cluster.routed)


SURGES = (Surge(value=0), Surge(value=1), Surge(value=2), Surge(value=25, percent=True), Surge(value=100, percent=True))
ABORTS = (Stage.STARTING, Stage.PROBING, Stage.SHIFTING, Stage.BAKING, Stage.PROMOTING, Stage.FINAL_BAKE)


@pytest.mark.parametrize("surge", SURGES, ids=lambda s: f"{s.value}{'%' if s.percent else ''}")
@pytest.mark.parametrize("replicas", [1, 2, 3, 4, 10])
def test_a_rollout_goes_from_stable_to_stable(replicas: int, surge: Surge) -> None:
    if replicas == 1 and surge.value == 0:
        replicas = 2
    theatre = play(Plot(replicas, surge))

    assert theatre.state.stable == A
    assert (serving(theatre, A), serving(theatre, S)) == (replicas, 0)


@pytest.mark.parametrize("stage", ABORTS)
@pytest.mark.parametrize("surge", SURGES[:3], ids=lambda s: str(s.value))
@pytest.mark.parametrize("replicas", [2, 5])
def test_an_abort_brings_all_of_stable_back(stage: Stage, surge: Surge, replicas: int) -> None:
    theatre = play(Plot(replicas, surge, abort_at=stage))

    assert (theatre.state.stable, theatre.rejected) == (S, True)
    assert (serving(theatre, A), serving(theatre, S)) == (0, replicas)


@pytest.mark.parametrize("stage", [Stage.STARTING, Stage.PROBING, Stage.PROMOTING])
def test_a_first_revision_that_is_rejected_is_taken_away(stage: Stage) -> None:
    theatre = play(Plot(3, Surge(value=1), first=True, abort_at=stage))

    assert theatre.state.stable == ""
    assert serving(theatre, A) == 0


def test_a_first_revision_comes_up() -> None:
    assert serving(play(Plot(3, Surge(value=1), first=True)), A) == 3


@pytest.mark.parametrize("surge", SURGES[:2], ids=lambda s: str(s.value))
def test_scaled_to_one_in_the_middle_leaves_a_stable_pod(surge: Surge) -> None:
    for at in range(1, 40):
        theatre = Theatre.open(Plot(4, surge))
        for tick in range(120):
            if tick == at:
                theatre.replicas = 1
            theatre.turn()
            assert theatre.cluster.routed, (at, theatre.state)


@pytest.mark.parametrize("stage", [None, Stage.PROMOTING, Stage.FINAL_BAKE])
@pytest.mark.parametrize("start", [(1,), (1, 4), (2, 3, 5), (5, 2, 1), (1, 7, 3, 2)], ids=str)
def test_pods_that_drain_one_after_the_other_all_get_their_time(stage: Stage | None, start: tuple[int, ...]) -> None:
    for replicas in (3, 4, 6, 8):
        for surge in SURGES[2:]:
            play(Plot(replicas, surge, drain=6, start=start, abort_at=stage))


def test_an_evicted_pod_that_stays_as_an_object_takes_no_place() -> None:
    theatre = play(Plot(2, Surge(value=1), faults=(Fault(0, "evict", 0), Fault(0, "evict", 1))))

    assert serving(theatre, A) == 2


faults = st.builds(
    Fault,
    at=st.integers(0, 60),
    kind=st.sampled_from(["crash", "evict", "delete"]),
    pick=st.integers(0, 9),
)
scales = st.builds(Fault, at=st.integers(0, 60), kind=st.just("scale"), pick=st.integers(1, 8))
plots = st.builds(
    Plot,
    replicas=st.integers(2, 7),
    surge=st.sampled_from(SURGES),
    percents=st.sampled_from([(), (10,), (10, 50), (30, 60, 90)]),
    drain=st.integers(0, 4),
    start=st.lists(st.integers(1, 8), min_size=1, max_size=4).map(tuple),
    faults=st.lists(faults | scales, max_size=8).map(tuple),
    abort_at=st.sampled_from([None, *ABORTS]),
    first=st.booleans(),
    stale=st.booleans(),
)


@settings(max_examples=400, deadline=None)
@given(plots)
def test_no_fault_breaks_a_promise(plot: Plot) -> None:
    theatre = play(plot)

    assert serving(theatre, theatre.state.stable) == (theatre.replicas if theatre.state.stable else 0)


@settings(max_examples=150, deadline=None)
@given(plots)
def test_without_faults_there_are_never_more_pods_than_the_ceiling_nor_fewer_than_the_floor(plot: Plot) -> None:
    calm = dataclasses.replace(plot, faults=(), first=False, stale=False)
    theatre = Theatre.open(calm)
    for _ in range(calm.bound):
        theatre.turn()
        world = theatre.cluster.world()
        surge = calm.surge.of(calm.replicas)
        least = calm.replicas - (surge == 0)
        if theatre.aborted:  # a bad canary may lose its users at once if half of the pods are stable ones
            least = min(least, -(-calm.replicas // 2))
        assert len(world.pods) <= calm.replicas + surge
        assert world.serving() >= least
        if theatre.state.stage is Stage.STABLE and theatre.stages:
            return
    pytest.fail(f"not over: {theatre.state}")
