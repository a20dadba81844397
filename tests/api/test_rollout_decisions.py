"""What people decide in the middle of a rollout: Abort in each stage, Override with stable broken, Retry."""

from typing import Any

import pytest

from tests.support import probeplay, promises
from tests.support.podlife import CrashLoop, NeverReady, by_annotation
from tests.support.probeplay import only_first
from tests.support.team import Team, stage_of

pytestmark = pytest.mark.api

Manifest = dict[str, Any]


def _stay_in(team: Team, stage: str, one: str) -> Manifest:
    """Arrange that a rollout stays in this stage; what its spec needs for that."""
    most = {"Starting": 0, "Shifting": 1, "Promoting": 2}
    if stage in most:
        team.script.serve(only_first(most[stage], except_for=one))
    if stage == "Probing":
        team.script.use(probeplay.never)
    bakes: Manifest = {"Baking": {"steps": [{"trafficPercent": 50, "bake": "10m"}]}, "FinalBake": {"bake": "10m"}}
    return {**bakes.get(stage, {})}


@pytest.mark.parametrize("stage", ["Starting", "Probing", "Shifting", "Baking", "Promoting", "FinalBake"])
def test_abort_rolls_back_in_every_stage(team: Team, stage: str) -> None:
    one = team.begin()
    rollout = _stay_in(team, stage, one)
    two = team.deploy("two", rollout=rollout)
    team.until_stage(stage)
    if stage in ("Shifting", "Promoting"):
        team.until(lambda _: any(not promises.is_ready(p) for p in team.pods(two)), "a pod that does not come up")
    since = team.history.now()
    abort = team.decide("Abort", two)
    status = team.until_rejected(two, stable=one)
    team.until_decided(abort)
    assert [r["reason"] for r in status["rejected"]] == ["AbortedByDecision"]
    assert team.least(since) >= (2 if stage in ("Shifting", "Baking") else team.replicas)
    team.check()


def test_an_override_lets_the_floor_decide_while_stable_is_broken(team: Team) -> None:
    one = team.begin()
    team.script.serve(lambda pod: NeverReady() if promises.revision_of(pod) == one else by_annotation(pod))
    for pod in team.pods():
        team.touch(pod)
    team.until(lambda s: s["readyReplicas"] == 0, "stable is broken")
    team.script.use(lambda i: probeplay.broken(i) if i.baseline else probeplay.good(i))
    two = team.deploy("two")
    team.until_retry_waits()
    override = team.decide("Override", two)
    team.until_stable(two)
    team.until_decided(override)
    assert [r["spec"].get("baseline", "") for r in team.runs(two)] == [one, ""]
    team.check()


def test_an_override_changes_nothing_while_stable_serves(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.inconclusive)
    two = team.deploy("two")
    team.until_held("Inconclusive")
    override = team.decide("Override", two)
    team.until_decided(override, "Refused")
    assert (stage_of(team.status()), team.status()["stable"]["revision"]) == ("Probing", one)
    assert len(team.runs(two)) == 1
    team.check()


def test_a_decision_about_another_revision_is_refused(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until_stage("Probing")
    refused = team.decide("Abort", one)
    team.until_decided(refused, "Refused")
    assert stage_of(team.status()) == "Probing"
    team.script.use(probeplay.good)
    taken = team.decide("Retry", two)
    team.until_decided(taken)
    team.until_stable(two)
    team.check()


def test_an_override_starts_even_a_rejected_revision_when_stable_is_broken(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.bad)
    two = team.deploy("two")
    team.until_rejected(two, stable=one)
    team.script.serve(lambda pod: CrashLoop() if promises.revision_of(pod) == one else by_annotation(pod))
    for pod in team.pods(one):
        team.touch(pod)
    team.until(lambda s: s["readyReplicas"] == 0, "stable is broken")
    team.script.use(probeplay.good)
    team.decide("Override", two)
    team.until_stable(two)
    assert [r["spec"].get("baseline", "") for r in team.runs(two)] == [one, ""]
    team.check()
