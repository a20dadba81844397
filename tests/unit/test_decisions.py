"""Which Decision is acted on, what becomes of each, and that none of them is a way around the gate."""

import dataclasses
from typing import Any

import pytest

from serinus.core.decisions import ACTIONS, Moment, Trust, pending_decision, told
from serinus.core.model import Service
from serinus.core.parse import parse
from serinus.core.report import Report
from serinus.core.rollout import Stage, State
from serinus.core.runspec import RunSpec
from serinus.core.seen import DecisionSeen
from serinus.core.stage import IN_VAIN
from tests.support import objects
from tests.unit.fake_world import FakeWorld, bad, counted, good, surroundings
from tests.unit.rollouts import at, check, garbage, held, problems, served, silent

TARGET, OTHER = "r1111111111", "r2222222222"
NOW = 1000.0


def service() -> Service:
    body = objects.llmservice()
    body["metadata"]["uid"] = "mine"
    return parse(body, surroundings().catalogue)


def decision(name: str = "d", **fields: Any) -> DecisionSeen:
    one = DecisionSeen(
        name=name,
        uid=f"uid-{name}",
        resource_version="1",
        action="Retry",
        revision=TARGET,
        by="jane",
        created=1.0,
        expires=0.0,
        pending=True,
        service_uid="mine",
    )
    return dataclasses.replace(one, **fields)


def pending(*found: DecisionSeen) -> str:
    one = pending_decision(found, service(), TARGET, NOW)
    return one.name if one else ""


UNFIT: list[dict[str, Any]] = [
    {"pending": False},
    {"revision": OTHER},
    {"service_uid": "of another"},
    {"expires": NOW},
    {"action": "Approve"},
    {"action": "retry"},
    {"action": ""},
]


@pytest.mark.parametrize("fields", UNFIT, ids=str)
def test_a_decision_that_does_not_fit_is_not_acted_on(fields: dict[str, Any]) -> None:
    assert pending(decision(**fields)) == ""
    assert pending(decision(**fields), decision("fits", created=9.0)) == "fits"


def test_the_oldest_fitting_decision_comes_first() -> None:
    assert pending(decision("b", created=2.0), decision("a", created=3.0), decision("c", created=2.0)) == "b"
    assert pending(decision(service_uid="", expires=NOW + 1)) == "d"


NOBODY = Trust()


def answer(one: DecisionSeen, *, acted: str = "", trust: Trust = NOBODY) -> str:
    state = State(stage=Stage.STARTING, acted=acted)
    updates = told((one,), service(), Moment(target=TARGET, state=state, now=NOW), trust)
    for update in updates:
        assert problems("Decision", "status", update.status) == []
    return str(updates[0].status["state"]) if updates else ""


def test_every_decision_is_told_what_became_of_it() -> None:
    assert answer(decision(), acted="uid-d") == "Applied"
    assert answer(decision(expires=NOW)) == "Expired"
    assert answer(decision(service_uid="of another")) == "Refused"
    assert answer(decision(action="Approve")) == "Refused"
    assert answer(decision(revision=OTHER)) == "Refused"
    assert answer(decision()) == ""
    assert answer(decision(pending=False), acted="uid-d") == ""
    assert answer(decision(), acted=f"uid-d{IN_VAIN}") == "Refused"


@pytest.mark.parametrize(
    ("trust", "name"), [(Trust(), ""), (Trust(verified=True), "d"), (Trust(unverified_allowed=True), "d")]
)
def test_an_override_counts_only_if_somebody_answers_for_its_author(trust: Trust, name: str) -> None:
    one = decision(action="Override")
    found = pending_decision((one,), service(), TARGET, NOW, trust=trust)
    assert (found.name if found else "") == name
    assert answer(one, trust=trust) == ("" if name else "Refused")
    assert pending_decision((decision(action="Abort"),), service(), TARGET, NOW) is not None


@pytest.mark.parametrize("action", [*ACTIONS, "Approve", "Promote", "Freeze"])
@pytest.mark.parametrize("stage", ["Starting", "Probing"])
def test_no_decision_lets_users_reach_what_fails_the_gate(action: str, stage: str) -> None:
    found = served()
    stable, found.answer = found.stable, silent
    found.change("registry.example/vllm:2")
    at(found, stage)
    found.answer = bad
    found.decide(action, found.look().view.target)
    for _ in range(60):
        found.reconcile()
        assert found.users() == {stable}
        found.tick()
    check(found)
    assert found.objects["Decision", "decision-1"]["status"]["state"] in ("Applied", "Refused")


@pytest.mark.parametrize("write", [1, 2, 3, 4])
@pytest.mark.parametrize(("action", "state"), [("Abort", "Applied"), ("Retry", "Applied"), ("Override", "Refused")])
def test_an_operator_that_is_killed_tells_the_truth_of_a_decision(action: str, state: str, write: int) -> None:
    found = served()
    found.answer = garbage
    found.change("registry.example/vllm:2")
    held(found, "ProbeBroken")
    found.decide(action, found.look().view.target)
    found.reconcile(killed_after=write)
    found.reconcile()
    found.reconcile()

    assert found.objects["Decision", "decision-1"]["status"]["state"] == state
    check(found)


def test_abort_rolls_back_and_is_remembered() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "FinalBake")
    found.decide("Abort", found.look().view.target)
    found.rest()

    assert [r["reason"] for r in found.status("rejected")] == ["AbortedByDecision"]
    assert found.users() == {found.stable}


def test_retry_asks_again_after_the_probe_was_broken_too_often() -> None:
    found = served()
    found.answer = garbage
    found.change("registry.example/vllm:2")
    held(found, "ProbeBroken")
    found.answer = good
    found.decide("Retry", found.look().view.target)

    at(found, "FinalBake").rest()


def break_stable(found: FakeWorld) -> None:
    stable = found.stable
    found.ready = lambda pod: pod["metadata"]["labels"]["serinus.dev/revision"] != stable
    for pod in found.pods.values():
        if not found.ready(pod):
            pod["status"] = {"conditions": [{"type": "Ready", "status": "False"}]}


def awful(spec: RunSpec) -> Report | str | None:
    return counted(spec, passed=40, failed=60, lost=60)


@pytest.mark.parametrize("answer_of_canary", [good, awful])
def test_override_lets_the_floor_decide_while_stable_is_broken(answer_of_canary: object) -> None:
    found = served()
    stable = found.stable
    break_stable(found)
    found.answer = silent
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    fixed = found.look().view.target
    found.decide("Override", fixed)
    found.run_until(lambda w: any(r.revision == fixed and r.attempt == 1 for r in w.snapshot().runs))
    found.answer = answer_of_canary  # type: ignore[assignment]
    run = next(r for r in found.snapshot().runs if r.attempt == 1)

    assert run.baseline == ""
    if answer_of_canary is good:
        found.run_until(lambda w: w.users() == {fixed})
    else:
        found.run_until(lambda w: w.status("phase") == "RolledBack")
        assert found.stable == stable
        assert found.users() == set()


def test_override_does_nothing_while_stable_serves() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    found.decide("Override", found.look().view.target)
    for _ in range(5):
        found.reconcile()
        found.tick()

    assert {r.baseline for r in found.snapshot().runs if r.revision == found.look().view.target} == {found.stable}
