"""Whole rollouts by the real operator on a real API server; pods and probe reports are played, everything else is not.

In each test nobody reaches a revision that has not passed, at any instant, and capacity is never below what is promised.
"""

import pytest

from tests.support import probeplay, promises
from tests.support.team import Team

pytestmark = pytest.mark.api


def test_the_first_revision_is_judged_before_any_user_reaches_it(team: Team) -> None:
    name = team.begin()
    assert [r["spec"].get("baseline") for r in team.runs(name)] == [None]
    assert promises.outcomes(team.history.events()) == {name: "Proven"}
    team.check()


def test_a_good_change_is_promoted_without_losing_a_replica(team: Team) -> None:
    one = team.begin()
    since = team.history.now()
    two = team.deploy("two")
    status = team.until_stable(two)
    assert status["phase"] == "Stable"
    assert team.least(since) >= team.replicas
    assert promises.most_pods(team.history.events(), team.script) <= team.replicas + 1
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Proven"}
    team.check()


def test_a_bad_change_is_rolled_back_and_remembered(team: Team) -> None:
    one = team.begin()
    since = team.history.now()
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    status = team.until_rejected(two, stable=one)
    assert status["phase"] == "RolledBack"
    assert team.least(since) >= team.replicas
    team.check()
