"""Runs that a person makes on a real API server: asked by the real operator, recorded, and heard of by no rollout."""

from typing import Any

import pytest

from tests.support import probeplay
from tests.support.objects import API_VERSION, proberun
from tests.support.processes import eventually
from tests.support.team import SECONDS, Team

pytestmark = pytest.mark.api


def ask(team: Team, revision: str, attempt: int = 0, **spec: Any) -> str:
    """A person asks for a run of the gate; its name."""
    status = team.client.get(API_VERSION, "ProbeSet", "support", team.namespace)["status"]
    name = f"chat-{revision}-support-manual-{attempt}"
    made = proberun(
        name,
        team.namespace,
        purpose="Manual",
        revision=revision,
        probeSet={"name": "support", "digest": status["digest"]},
        attempt=attempt,
        **{"baseline": None, "parameters": None, **spec},
    )
    made["spec"] = {k: v for k, v in made["spec"].items() if v is not None}
    team.client.create(made)
    return name


def ended(team: Team, name: str) -> dict[str, Any]:
    """The status of a run, when it is over."""

    def over() -> dict[str, Any] | None:
        status = team.client.get(API_VERSION, "ProbeRun", name, team.namespace).get("status") or {}
        return dict(status) if status.get("phase") == "Finished" else None

    return dict(eventually(over, f"{name} finished", seconds=SECONDS))


def test_a_person_asks_what_serves_and_hears_a_verdict_that_moves_nothing(team: Team) -> None:
    one = team.begin()
    before = team.body()["status"]
    passed = ended(team, ask(team, one))
    team.script.use(probeplay.bad)
    failed = ended(team, ask(team, one, attempt=1))

    assert (passed["verdict"], passed["reason"], passed["answers"]["canary"]["passed"]) == ("Passed", "Passed", 198)
    assert (failed["verdict"], failed["reason"]) == ("Failed", "BelowFloor")
    after = team.body()["status"]
    for key in ("phase", "verdict", "rollout", "stable", "message"):
        assert after[key] == before[key]
    assert [r["spec"]["attempt"] for r in team.runs() if r["spec"]["purpose"] == "BeforeTraffic"] == [0]
    team.check()


def test_a_run_that_cannot_be_made_says_what_is_allowed_and_gets_no_job(team: Team) -> None:
    one = team.begin()
    found = ended(team, ask(team, "r5f9c1a03be"))
    assert (found["verdict"], found["reason"]) == ("Broken", "NotServing")
    assert found["message"].endswith(f"found r5f9c1a03be and no baseline, allowed is {one} and no baseline")
    lenient = ended(team, ask(team, one, parameters={"floorPercent": 1}))
    assert lenient["reason"] == "ParametersDiffer"
    assert not [j for j in team.objects("Job", "batch/v1") if "manual" in j["metadata"]["name"]]


def test_a_run_of_a_person_waits_for_the_gate_and_its_verdict_is_none_of_it(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until_stage("Probing")
    name = ask(team, one)

    def waits() -> bool:
        status = team.client.get(API_VERSION, "ProbeRun", name, team.namespace).get("status") or {}
        return status.get("message") == "waits while a gate of the rollout asks"

    eventually(waits, "the run waits", seconds=SECONDS)
    team.script.use(probeplay.good)
    team.look_again()
    team.until_stable(two)
    # What it asked for serves no longer: it was made in time, or it says so.
    assert (ended(team, name)["verdict"], ended(team, name)["reason"]) in {
        ("Passed", "Passed"),
        ("Broken", "NotServing"),
    }
    team.check()
