"""Owns the two whole stories that crashes and faults are played into, and what a run of one leaves behind.

A story is what people do; what is left behind is compared with that of an undisturbed run.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support import probeplay, promises
from tests.support.team import Team

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Left:
    """What a run left behind: the world in the end, and how many objects of each kind were made and removed."""

    world: Manifest
    made: Counter[str]


@dataclass(frozen=True)
class Story:
    """Two revisions; `change` deploys the second one, `done` says whether its rollout has ended."""

    name: str
    answer: probeplay.Answer

    def first(self, team: Team) -> str:
        """Deploy the first revision."""
        team.ask()
        return team.deploy("one")

    def change(self, team: Team) -> str:
        """Deploy the second one, whose quality this story is about."""
        team.script.use(self.answer)
        return team.deploy("two")

    def wait(self, team: Team, one: str, two: str, *, seconds: float = 90.0) -> None:
        """Wait until the second rollout has ended as it must."""
        if self.name == "promoted":
            team.until_stable(two, seconds=seconds)
        else:
            team.until_rejected(two, stable=one, seconds=seconds)

    def tell(self, team: Team, *, meanwhile: Callable[[], None] = lambda: None) -> Left:
        """Play it from the beginning to the end."""
        one = self.first(team)
        team.until_stable(one)
        meanwhile()
        two = self.change(team)
        self.wait(team, one, two)
        return left(team)


def left(team: Team) -> Left:
    """What is left behind now; nobody may have reached a revision that had not passed."""
    team.check()
    events = team.history.events()
    return Left(promises.end_state(events, team.script), promises.made(events))


STORIES = (Story("promoted", probeplay.good), Story("rolled-back", probeplay.bad))
