"""Leader election on the real API server, with the short times of tests (3/2/0.5 s), and the fence by clock alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from serinus.shell.api_errors import unanswered
from serinus.shell.election import Clocks, Elector
from serinus.shell.kinds import Object, Ref
from serinus.shell.kube import Api, NotLeader
from serinus.shell.settings import LeaseSettings
from serinus.shell.transport import Timeouts
from tests.engine.rig import CONFIG_MAPS, allow, connected
from tests.engine.waiting import eventually, running
from tests.support.apibed import ApiBed

pytestmark = pytest.mark.api
DURATION, RENEW, RETRY, WRITE = 3.0, 2.0, 0.5, 0.8


@dataclass
class Candidate:
    """One elector with its own client, and when it won, lost and stopped leading."""

    elector: Elector
    api: Api
    skew: list[float]
    won: list[float] = field(default_factory=list)
    lost: list[tuple[float, str]] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    async def lead(self) -> None:
        """What the leader does: be."""
        self.won.append(time.monotonic())
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append(time.monotonic())

    async def run(self) -> None:
        """Run until the lease is lost."""
        try:
            await self.elector.run(self.lead)
        except* NotLeader:
            pass


Make = Callable[[str], Awaitable[Candidate]]


@pytest.fixture
async def candidates(bed: ApiBed, namespace: str) -> AsyncIterator[Make]:
    allow(bed, namespace)
    async with AsyncExitStack() as stack:

        async def make(identity: str) -> Candidate:
            api = await stack.enter_async_context(connected(bed, timeouts=Timeouts(read=WRITE, write=WRITE)))
            lease = LeaseSettings("serinus", namespace, identity, DURATION, RENEW, RETRY, WRITE)
            skew = [0.0]
            lost: list[tuple[float, str]] = []
            clocks = Clocks(monotonic=lambda: time.monotonic() + skew[0])
            elector = Elector(api, lease, on_lost=lambda why: lost.append((time.monotonic(), why)), clocks=clocks)
            return Candidate(elector, api, skew, lost=lost)

        yield make


async def _nobody(*_args: object, **_options: object) -> object:
    raise unanswered("lease", "ConnectionRefused", "nobody there")


def sever(candidate: Candidate) -> None:
    """The candidate's server does not answer any more."""
    for verb in ("get", "create", "patch_merge"):
        setattr(candidate.api, verb, _nobody)


async def test_one_of_two_leads_and_hands_over_at_once_when_it_stops(candidates: Make) -> None:
    first, second = await candidates("first"), await candidates("second")
    async with AsyncExitStack() as first_life:
        await first_life.enter_async_context(running(first.run()))
        await eventually(lambda: first.won, "a leader")
        async with running(second.run()):
            asked = second.elector.contact_age()
            await eventually(lambda: second.elector.contact_age() < asked, "a standby that asks")
            first.elector.assert_leader()
            with pytest.raises(NotLeader):
                second.elector.assert_leader()
            stopped = time.monotonic()
            await first_life.aclose()
            await eventually(lambda: second.won, "the second one leads", seconds=DURATION)
            assert second.won[0] - stopped < DURATION - RENEW
            assert first.lost == []


async def test_leader_that_is_cut_off_ends_before_the_next_one_begins(candidates: Make) -> None:
    first, second = await candidates("first"), await candidates("second")
    async with running(first.run()):
        await eventually(lambda: first.won, "a leader")
        async with running(second.run()):
            sever(first)
            await eventually(lambda: first.lost, "the lease lost", seconds=RENEW + WRITE + 1)
            with pytest.raises(NotLeader):
                first.elector.assert_leader()
            assert second.won == []
            await eventually(lambda: second.won, "the second one leads", seconds=DURATION * 2)
            assert second.won[0] - first.lost[0][0] >= DURATION - RENEW - RETRY
            assert first.ended


async def test_fence_falls_with_the_clock_alone_even_if_the_loop_does_not_run(candidates: Make) -> None:
    """A process that was stopped (SIGSTOP) for longer than the lease and goes on: its next write is refused."""
    first = await candidates("first")
    async with running(first.run()):
        await eventually(lambda: first.won, "a leader")
        first.elector.assert_leader()
        first.skew[0] = RENEW
        with pytest.raises(
            NotLeader, match=r"serinus: the last renewal by first was sent 2\.\d s ago, allowed are 2\.0 s"
        ):
            first.elector.assert_leader()
        await eventually(lambda: first.lost, "the lease lost")


async def test_lease_taken_by_another_is_lost_at_once(bed: ApiBed, namespace: str, candidates: Make) -> None:
    first = await candidates("first")
    async with running(first.run()):
        await eventually(lambda: first.won, "a leader")
        path = bed.client.path("coordination.k8s.io/v1", "Lease", namespace, "serinus")
        bed.client.patch(path, {"spec": {"holderIdentity": "thief"}})
        await eventually(lambda: first.lost, "the lease lost", seconds=RETRY * 3)
        assert "thief" in first.lost[0][1]


async def test_renewal_that_arrived_without_its_answer_is_no_loss(candidates: Make) -> None:
    first = await candidates("first")
    patch = first.api.patch_merge
    answers_lost: list[int] = []

    async def answer_lost(ref: Ref, body: Object, *, resource_version: str | None = None) -> Object:
        done = await patch(ref, body, resource_version=resource_version)
        if len(answers_lost) < 2:
            answers_lost.append(1)
            raise unanswered("lease", "Reset", "the answer was lost")
        return done

    async with running(first.run()):
        await eventually(lambda: first.won, "a leader")
        first.api.patch_merge = answer_lost  # type: ignore[method-assign]
        await eventually(lambda: len(answers_lost) == 2, "two answers lost")
        renewed = first.elector.lease_age()
        await eventually(lambda: first.elector.lease_age() < renewed, "a renewal")
        first.elector.assert_leader()
        assert first.lost == []


async def test_lease_that_was_released_or_is_expired_is_taken_and_counted(
    bed: ApiBed, namespace: str, candidates: Make
) -> None:
    for identity, transitions in (("first", 0), ("second", 1)):
        candidate = await candidates(identity)
        async with running(candidate.run()):
            await eventually(lambda candidate=candidate: candidate.won, "a leader")  # type: ignore[misc]
            spec = bed.client.get("coordination.k8s.io/v1", "Lease", "serinus", namespace)["spec"]
            assert (spec["holderIdentity"], spec["leaseTransitions"]) == (identity, transitions)
            assert spec["leaseDurationSeconds"] == DURATION
    assert bed.client.get("coordination.k8s.io/v1", "Lease", "serinus", namespace)["spec"]["holderIdentity"] == ""


async def test_process_that_comes_back_under_its_own_name_does_not_wait_for_itself(
    bed: ApiBed, namespace: str, candidates: Make
) -> None:
    first = await candidates("pod-0")
    async with running(first.run()):
        await eventually(lambda: first.won, "a leader")
        sever(first)
    again = await candidates("pod-0")
    async with running(again.run()):
        started = time.monotonic()
        await eventually(lambda: again.won, "it leads again")
        assert again.won[0] - started < 1.0


async def test_writes_of_the_engine_pass_only_while_the_lease_is_held(
    bed: ApiBed, namespace: str, candidates: Make
) -> None:
    first = await candidates("first")
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fenced", "namespace": namespace}}
    async with connected(bed, fence=first.elector.assert_leader) as api:
        with pytest.raises(NotLeader):
            await api.apply(manifest)
        async with running(first.run()):
            await eventually(lambda: first.won, "a leader")
            await api.apply(manifest)
        with pytest.raises(NotLeader):
            await api.delete(Ref(CONFIG_MAPS, namespace, "fenced"))
    assert bed.client.find("v1", "ConfigMap", "fenced", namespace) is not None
