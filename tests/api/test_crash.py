"""The operator killed before and after its writes, again and again: the next one goes on, and does nothing twice."""

import itertools
from collections.abc import Callable

import pytest

from tests.support.apibed import ApiBed
from tests.support.faultproxy import FaultProxy
from tests.support.faults import Kill
from tests.support.operatorproc import Operator, namespaced
from tests.support.processes import POLL_SECONDS
from tests.support.stories import STORIES, Left, Story, left
from tests.support.team import Team, a_team
from tests.support.waits import Deadline

pytestmark = pytest.mark.api

KILLS = 12
SECONDS = 150.0


@pytest.fixture(scope="module")
def clean(controlled_bed: ApiBed) -> Callable[[Story], Left]:
    """What a run without a disturbance leaves behind; each story is told once."""
    told: dict[str, Left] = {}

    def run(story: Story) -> Left:
        if story.name not in told:
            namespace = controlled_bed.new_namespace()
            operator = namespaced(controlled_bed, namespace)
            with a_team(controlled_bed, operator, namespace=namespace) as team:
                operator.start()
                try:
                    told[story.name] = story.tell(team)
                finally:
                    operator.close()
        return told[story.name]

    return run


class Killer:
    """Kills the operator at every n-th write after each start, with another n each time, and starts it again."""

    def __init__(self, proxy: FaultProxy, operator: Operator, *, after: bool) -> None:
        self._proxy = proxy
        self._operator = operator
        self._after = after
        # Before its first write a process has done nothing: then only what comes after it can be killed.
        self._writes = itertools.cycle((1, 3, 2, 1, 4, 2, 5, 1, 3) if after else (2, 4, 3, 2, 5, 3, 6, 2, 4))
        self.kills = 0

    def start(self) -> None:
        """Start the operator, to be killed at one of its next writes."""
        self._proxy.clear()
        self._operator.start()
        if self.kills < KILLS:
            fault = Kill(self._operator.pid, after=self._after)
            self._proxy.add(fault, verb="write", nth=next(self._writes))

    def until(self, done: Callable[[], bool]) -> None:
        """Start it again after each kill, until something holds."""
        deadline = Deadline(SECONDS, lambda: f"the end, after {self.kills} kills; {self._operator.tail()}")
        while not done():
            if self._operator.ended:
                assert self._operator.exit_code == -9, self._operator.tail()
                self.kills += 1
                self.start()
            deadline.wait(POLL_SECONDS)


@pytest.mark.parametrize("after", [False, True], ids=["before-writes", "after-writes"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_killed_at_its_writes_the_operator_ends_where_it_would_have_ended(
    controlled_bed: ApiBed, clean: Callable[[Story], Left], story: Story, *, after: bool
) -> None:
    wanted = clean(story)
    namespace = controlled_bed.new_namespace()
    proxy = FaultProxy(controlled_bed)
    operator = namespaced(controlled_bed, namespace, url=proxy.url)
    try:
        with a_team(controlled_bed, operator, namespace=namespace) as team:
            killer = Killer(proxy, operator, after=after)
            killer.start()
            one = story.first(team)
            killer.until(lambda: team.is_at_rest(one))
            two = story.change(team)
            killer.until(lambda: _over(team, story, one, two))
            found = left(team)
    finally:
        operator.close()
        proxy.close()
    assert killer.kills == KILLS
    assert found == wanted


def _over(team: Team, story: Story, one: str, two: str) -> bool:
    if story.name == "promoted":
        return team.is_at_rest(two)
    return team.is_at_rest(one) and two in [r["revision"] for r in team.status().get("rejected") or []]
