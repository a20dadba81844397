"""Two operators: the leader is killed, stopped or told to go at any moment, and the other one continues its work.

A leader that wakes up after its Lease is over writes nothing any more: it ends.
"""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.support import probeplay
from tests.support.apibed import ApiBed
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Hook
from tests.support.operatorproc import QUICK_LEASE, Operator, namespaced
from tests.support.processes import eventually
from tests.support.team import Team, a_team

pytestmark = pytest.mark.api

TAKEOVER_SECONDS = 20.0


@dataclass
class Pair:
    """A leader and a standby, each behind a proxy of its own, and the team that they work for."""

    team: Team
    leader: Operator
    standby: Operator
    leaders_proxy: FaultProxy
    standbys_proxy: FaultProxy

    def taken_over(self) -> None:
        """Wait until the standby leads."""
        self.standby.wait_for("leading", seconds=TAKEOVER_SECONDS)


@pytest.fixture
def pair(controlled_bed: ApiBed) -> Iterator[Pair]:
    """Two operators, one of which leads."""
    bed = controlled_bed
    namespace = bed.new_namespace()
    proxies = [FaultProxy(bed), FaultProxy(bed)]
    leader, standby = (
        namespaced(bed, namespace, url=p.url, name=name, **QUICK_LEASE)
        for p, name in zip(proxies, ("one", "two"), strict=True)
    )
    try:
        with a_team(bed, leader, namespace=namespace) as team:
            leader.start()
            standby.start(leading=False)
            eventually(standby.healthy, "the standby is ready, without the Lease")
            yield Pair(team, leader, standby, *proxies)
    finally:
        leader.close()
        standby.close()
        for proxy in proxies:
            proxy.close()


def test_a_standby_writes_nothing_and_takes_over_from_a_leader_that_was_killed(pair: Pair) -> None:
    team = pair.team
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: team.runs(two) and team.runs(two)[-1].get("status"), "the run goes on")
    assert pair.standbys_proxy.writes() == []
    pair.leader.kill()
    team.operator = pair.standby
    pair.taken_over()
    team.script.use(probeplay.good)
    team.look_again()
    team.until_stable(two)
    assert len(team.runs(two)) == 1, "the run of the old leader counts for the new one"
    team.check()


def test_a_leader_that_is_told_to_go_hands_over_within_a_second(pair: Pair) -> None:
    one = pair.team.begin()
    assert pair.leader.stop() == 0
    pair.team.operator = pair.standby
    pair.standby.wait_for("leading", seconds=3.0)
    two = pair.team.deploy("two")
    pair.team.until_stable(two)
    assert one != two
    pair.team.check()


def _stop_at(pair: Pair, path: str, nth: int) -> Callable[[], bool]:
    """Stop the leader when one of its writes is done and not yet answered; whether it is stopped."""
    pid, stopped = pair.leader.pid, []

    def stop() -> None:
        os.killpg(pid, signal.SIGSTOP)
        stopped.append(True)

    pair.leaders_proxy.add(Hook(after=stop), verb="write", path=path, nth=nth)
    return lambda: bool(stopped)


@pytest.mark.parametrize("nth", [1, 2, 4, 6])
def test_a_leader_stopped_after_its_intent_ends_without_another_write(pair: Pair, nth: int) -> None:
    team = pair.team
    team.begin()
    stopped = _stop_at(pair, r"/llmservices/chat/status$", nth)
    two = team.deploy("two")
    eventually(stopped, "the leader is stopped between its intent and its next write", seconds=30.0)
    team.operator = pair.standby
    pair.taken_over()
    before = len(pair.leaders_proxy.writes(leases=True))
    pair.leader.resume()
    assert pair.leader.wait_ended(seconds=10.0) == 1
    late = [c for c in pair.leaders_proxy.writes(leases=True)[before:] if c.forwarded]
    assert late == [], "what was sent after the Lease was over"
    assert next(pair.leader.events("lease lost"), None), pair.leader.tail()
    team.until_stable(two)
    team.check()


def test_a_leader_stopped_for_less_than_its_lease_goes_on(pair: Pair) -> None:
    team = pair.team
    team.begin()
    pair.leader.pause()
    two = team.deploy("two")
    pair.leader.resume()
    team.until_stable(two)
    assert not pair.leader.ended
    assert pair.standbys_proxy.writes() == []
    team.check()
