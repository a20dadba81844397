"""Rollouts of other shapes: no surge, percentages, scaling, and a spec that changes its mind on the way."""

import pytest

from tests.support import probeplay, promises
from tests.support.podlife import by_annotation
from tests.support.probeplay import only_first
from tests.support.team import Team, held_of, stage_of, with_gate

pytestmark = pytest.mark.api

LONG_BAKE = {"steps": [{"trafficPercent": 50, "bake": "10m"}]}


def test_without_surge_one_replica_is_given_up_and_no_pod_is_added(team: Team) -> None:
    team.begin(rollout={"maxSurge": 0})
    since = team.history.now()
    two = team.deploy("two")
    team.until_stable(two)
    assert team.least(since) >= team.replicas - 1
    assert promises.most_pods(team.history.events(), team.script) == team.replicas
    team.check()


def test_without_surge_a_bad_change_gives_the_replica_back(team: Team) -> None:
    one = team.begin(rollout={"maxSurge": 0})
    since = team.history.now()
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    team.until_rejected(two, stable=one)
    assert team.least(since) >= team.replicas - 1
    assert promises.most_pods(team.history.events(), team.script) == team.replicas
    team.check()


def test_a_percentage_of_surge_is_the_cap_of_pods_in_flight(team: Team) -> None:
    team.replicas = 4
    team.begin(rollout={"maxSurge": "50%"})
    since = team.history.now()
    two = team.deploy("two")
    status = team.until_stable(two)
    assert status["plan"]["peakReplicas"] == 6
    assert team.least(since) >= 4
    assert promises.most_pods(team.history.events(), team.script) <= 6
    team.check()


def test_scaling_is_applied_in_the_middle_of_a_rollout(team: Team) -> None:
    team.begin()
    two = team.deploy("two", rollout=LONG_BAKE)
    team.until_stage("Baking")
    since = team.history.now()
    team.scale(5)
    team.until(lambda s: s["readyReplicas"] == 6, "five replicas and the surge serve")
    team.scale(4)
    team.until(lambda s: s["readyReplicas"] == 5, "four replicas and the surge serve")
    assert stage_of(team.status()) == "Baking"
    assert team.least(since) >= 3
    team.turn_clock(600)
    team.until_stable(two)
    team.check()


def test_scaled_to_zero_a_new_template_waits_and_is_judged_when_it_comes_back(team: Team) -> None:
    one = team.begin()
    two = team.deploy("two", rollout=LONG_BAKE)
    team.until_stage("Baking")
    team.scale(0)
    status = team.until_held("ScaledToZero")
    assert status["stable"]["revision"] == one
    team.until(lambda _: not team.pods(), "no pod is left")
    assert promises.outcomes(team.history.events())[two] == "", "a rollout that was scaled away is not rejected"
    team.scale(3)
    team.until_stage("Baking")
    team.turn_clock(600)
    team.until_stable(two)
    assert [r["status"]["verdict"] for r in team.runs(two)] == ["Passed", "Passed"]
    team.check()


def test_another_template_replaces_the_canary_without_a_rejection(team: Team) -> None:
    team.begin()
    since = team.history.now()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: team.script.asked[-1].revision == two, "the second revision is asked")
    team.script.use(probeplay.good)
    three = team.deploy("three")
    team.until_stable(three)
    assert promises.outcomes(team.history.events())[two] == ""
    assert [r["status"]["reason"] for r in team.runs(two)] == ["Superseded"]
    assert team.least(since) >= team.replicas
    team.check()


@pytest.mark.parametrize("stage", ["Probing", "Baking", "FinalBake"])
def test_back_to_the_stable_template_the_rollout_ends_at_once(team: Team, stage: str) -> None:
    one = team.begin()
    rollout = {"steps": [{"trafficPercent": 50, "bake": "10m" if stage == "Baking" else "1s"}], "bake": "10m"}
    if stage == "Probing":
        team.script.use(probeplay.never)
    two = team.deploy("two", rollout=rollout)
    team.until_stage(stage)
    since = team.history.now()
    assert team.deploy("one") == one
    team.until_stable(one)
    assert promises.outcomes(team.history.events())[two] == ""
    assert team.least(since) >= 2
    team.check()


def test_a_revert_to_a_proven_revision_asks_nothing(team: Team) -> None:
    one = team.begin()
    two = team.deploy("two")
    team.until_stable(two)
    runs = len(team.runs())
    team.script.use(probeplay.bad)
    since = team.history.now()
    assert team.deploy("one") == one
    team.until_stable(one)
    assert len(team.runs()) == runs
    assert team.least(since) >= team.replicas
    team.check()


def test_a_new_template_while_the_old_one_is_taken_away_waits_for_its_turn(team: Team) -> None:
    one = team.begin(gates=with_gate(when=["BeforeTraffic", "Bake"]))
    team.script.use(lambda i: probeplay.bad(i) if i.purpose == "Bake" else probeplay.good(i))
    two = team.deploy("two")
    team.until_stage("Aborting")
    team.script.use(probeplay.good)
    three = team.deploy("three")
    team.until_stable(three)
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Rejected", three: "Proven"}
    team.check()


def test_one_replica_without_surge_waits_and_keeps_serving(team: Team) -> None:
    team.replicas = 2
    one = team.begin(rollout={"maxSurge": 0})
    team.scale(1)
    team.until_stable(one)
    since = team.history.now()
    two = team.deploy("two")
    team.until_held("ReplicasTooFew")
    assert team.least(since) == 1
    team.scale(2)
    team.until_stable(two)
    assert team.least(since) >= 1
    team.check()


def test_a_paused_rollout_does_not_start_and_goes_on_when_it_is_resumed(team: Team) -> None:
    team.begin()
    two = team.deploy("two", rollout={"paused": True})
    team.until_held("Paused")
    assert team.pods(two) == []
    team.deploy("two", rollout={"paused": False})
    team.until_stable(two)
    team.check()


def test_pods_that_come_late_keep_the_old_ones_serving(team: Team) -> None:
    one = team.begin()

    since = team.history.now()
    team.script.serve(only_first(1, except_for=one))
    two = team.deploy("two")
    team.until_stage("Shifting")
    team.until(lambda _: len(team.pods(two)) == 2, "a second canary pod, which is not Ready")
    assert held_of(team.status()) == ""
    team.script.serve(by_annotation)
    for pod in team.pods(two):
        team.touch(pod)
    team.until_stable(two)
    assert team.least(since) >= team.replicas
    team.check()
