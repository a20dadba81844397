"""Rollouts that once went wrong, or would have: each a small story in the fake world."""

import dataclasses
from typing import Any

import pytest

from tests.unit.fake_world import FAST, bad, changed_questions, good, world
from tests.unit.rollouts import at, condition, garbage, held, served, silent


def test_advise_goes_on_without_its_questions() -> None:
    found = world(**FAST)
    found.body["spec"]["rollout"]["mode"] = "Advise"
    found.probe_sets.clear()

    assert found.rest().users() == {found.stable}
    assert condition(found, "ProbesReady")[0] == "False"


def test_ungated_in_the_middle_of_probing_goes_on() -> None:
    found = served(rollout=FAST["rollout"] | {"onInconclusive": "RollBack"})
    found.answer = garbage
    found.change("registry.example/vllm:2")
    held(found, "ProbeBroken")
    found.body["spec"]["rollout"]["mode"] = "Ungated"
    at(found, "Promoting").rest()

    assert found.status("stable")["images"] == ["registry.example/vllm:2"]


def test_questions_that_change_after_a_pass_are_asked_before_any_user_comes() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Starting")
    found.run_until(lambda w: w.stage == "Probing")
    found.body["spec"]["rollout"]["paused"] = True
    held(found, "Paused")
    found.probe_sets["support"] = changed_questions("40 days")
    found.answer = silent
    found.run_until(lambda w: any("before-traffic-1" in n for _, n in w.objects))
    found.body["spec"]["rollout"]["paused"] = False
    for _ in range(20):
        found.reconcile()
        found.tick()
    assert found.stage == "Probing"

    found.answer = good
    at(found, "FinalBake").rest()


def test_scaled_to_one_while_nothing_is_spare_keeps_the_stable_pod() -> None:
    found = served(rollout=FAST["rollout"] | {"maxSurge": 0})
    found.change("registry.example/vllm:2")
    found.answer = silent
    at(found, "Probing")
    found.body["spec"]["workload"]["replicas"] = 1
    for _ in range(40):
        found.reconcile()
        assert found.users() == {found.stable}
        found.tick()
    held(found, "ReplicasTooFew")


def test_a_name_conflict_is_written_once_and_stays_until_it_is_gone() -> None:
    found = served()
    found.body["status"]["rollout"]["held"] = {
        "reason": "NameConflict",
        "message": "Service chat belongs to nobody",
        "object": "Service chat",
    }
    states = []
    for _ in range(4):
        planned = found.look()
        states.append(planned.view.state.held)
        found.write_status(planned, [])

    assert len({str(s) for s in states}) == 1
    assert states[0] is not None


def test_an_abort_of_a_revision_that_is_not_rolling_rejects_no_other() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    found.change("registry.example/vllm:3")
    target = found.look().view.target
    found.decide("Abort", target)
    found.rest()

    assert all(r["revision"] == target for r in found.status("rejected"))


def test_a_retry_that_comes_while_the_revision_is_taken_away_is_not_lost() -> None:
    found = served()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting")
    found.answer = good
    found.decide("Retry", found.look().view.target)
    at(found, "FinalBake").rest()

    assert found.objects["Decision", "decision-1"]["status"]["state"] == "Applied"


def test_a_retry_that_is_blocked_waits_and_says_why() -> None:
    found = served()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting").rest()
    found.answer = good
    found.body["spec"]["rollout"]["paused"] = True
    found.decide("Retry", found.look().view.target)
    held(found, "Paused")
    assert not found.objects["Decision", "decision-1"]["status"]
    assert found.run_until(lambda w: w.idle(), turns=3)

    found.body["spec"]["rollout"]["paused"] = False
    at(found, "FinalBake")


def test_a_resource_quantity_that_the_server_rewrites_is_still_our_job() -> None:
    found = world(**FAST, probeJob={"resources": {"requests": {"cpu": 0.5, "memory": "1024Mi"}}})
    original = found.admitted

    def canonical(manifest: dict[str, Any], old: dict[str, Any] | None) -> dict[str, Any]:
        made = original(manifest, old)
        if made["kind"] == "Job":
            container = made["spec"]["template"]["spec"]["containers"][0]
            container["resources"] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
        return made

    found.admitted = canonical  # type: ignore[method-assign]

    assert found.rest().users() == {found.stable}


def test_an_evicted_pod_that_stays_as_an_object_stops_no_rollout() -> None:
    found = served()
    first = next(iter(found.pods.values()))
    first["status"] = {"phase": "Failed", "reason": "Evicted"}
    found.change("registry.example/vllm:2")

    at(found, "FinalBake").rest()


def test_an_operator_of_another_version_does_not_void_a_run_that_goes_on() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(
        lambda w: any(
            (o.get("status") or {}).get("jobUID") and o["status"]["phase"] == "Running" for o in w.objects.values()
        )
    )
    newer = dataclasses.replace(found.around.settings, probe_image="example/serinus:2")
    found.around = dataclasses.replace(found.around, settings=newer)
    found.answer = good
    at(found, "FinalBake").rest()

    assert "ProbeBroken" not in found.told


@pytest.mark.parametrize("stage", ["Starting", "Probing", "Baking", "FinalBake"])
def test_a_clock_that_was_a_day_ahead_makes_no_rollout_wait_for_a_day(stage: str) -> None:
    found = served()
    found.now += 86_400
    found.answer = garbage if stage == "Probing" else good
    found.change("registry.example/vllm:2")
    at(found, stage)
    if stage == "Probing":
        found.run_until(lambda w: bool(w.status("rollout")["intent"].get("retryAt")))
    found.now -= 86_400
    found.answer = good
    found.run_until(lambda w: w.stage == "Stable", turns=150)

    assert found.status("stable")["images"] == ["registry.example/vllm:2"]


@pytest.mark.parametrize(("stage", "patience"), [("Shifting", 60), ("Promoting", 4 * 65)])
def test_a_shift_that_does_not_come_to_its_end_is_held_so_that_somebody_is_paged(stage: str, patience: int) -> None:
    found = served(rollout=FAST["rollout"] | {"readyTimeout": "60s"})
    found.change("registry.example/vllm:2")
    at(found, stage)
    endpoints = found.endpoints
    found.endpoints = lambda service: frozenset[str]()  # type: ignore[method-assign]
    found.tick(patience - 10)
    found.reconcile()
    assert (found.stage, found.status("phase")) == (stage, "Progressing")
    found.tick(10)
    held(found, "NotSettled")
    assert (found.stage, found.status("phase")) == (stage, "Held")

    found.endpoints = endpoints  # type: ignore[method-assign]
    at(found, "FinalBake").rest()


@pytest.mark.parametrize("stage", ["Probing", "Baking"])
def test_a_rollout_ends_when_nothing_is_left_to_serve_with_and_begins_again_when_something_is(stage: str) -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, stage).body["spec"]["workload"]["replicas"] = 0
    held(found, "ScaledToZero")
    assert (found.stage, found.status("rejected")) == ("Stable", [])

    found.body["spec"]["workload"]["replicas"] = 1
    found.told.clear()
    at(found, "FinalBake")
    assert "RolloutEnded" not in found.told
