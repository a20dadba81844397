"""A spec that becomes invalid: the canary loses its users and is not rejected, stable has them all, nothing is lost."""

from collections.abc import Callable
from typing import Any

import pytest

from serinus.core import views
from serinus.core.invalidstatus import invalid
from serinus.core.model import InvalidSpec
from serinus.core.rollout import Seen, Stage, State, step
from tests.unit import rollout_search
from tests.unit.fake_world import FAST, FakeWorld, good, world
from tests.unit.rollouts import CONDITIONS, at, check, condition, problems, served, silent

Spoil = Callable[[dict[str, Any]], None]


def unknown_runtime(spec: dict[str, Any]) -> None:
    spec["runtime"] = "abacus"


def reserved_label(spec: dict[str, Any]) -> None:
    spec["workload"]["template"]["metadata"]["labels"]["serinus.dev/traffic"] = "live"


def no_gate(spec: dict[str, Any]) -> None:
    spec["gates"] = {}


def descending_steps(spec: dict[str, Any]) -> None:
    spec["rollout"] = {"maxSurge": "many", "steps": [{"trafficPercent": 50}, {"trafficPercent": 10}]}


def both(spec: dict[str, Any]) -> None:
    spec["workloadRef"] = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}


SPOILS: dict[str, tuple[Spoil, str]] = {
    "runtime": (unknown_runtime, "spec.runtime"),
    "label": (reserved_label, "spec.workload.template.metadata.labels"),
    "gates": (no_gate, "spec.gates.quality"),
    "steps": (descending_steps, "spec.rollout.steps"),
    "both": (both, "spec"),
}


def spoiled(found: FakeWorld, spoil: Spoil) -> dict[str, Any]:
    """Change the spec to an invalid one; returns the valid one."""
    before = found.body["spec"]
    found.body["spec"] = {k: v if k != "workload" else _copied(v) for k, v in before.items()}
    spoil(found.body["spec"])
    found.body["metadata"]["generation"] += 1
    return dict(before)


def _copied(workload: dict[str, Any]) -> dict[str, Any]:
    template = workload["template"]
    labels = {"labels": dict(template["metadata"]["labels"])}
    return workload | {"template": template | {"metadata": labels}}


@pytest.mark.parametrize(("spoil", "path"), SPOILS.values(), ids=SPOILS)
def test_a_canary_with_users_loses_them_when_the_spec_becomes_invalid(spoil: Spoil, path: str) -> None:
    found = served()
    stable = found.stable
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    assert len(found.users()) == 2

    spoiled(found, spoil)
    found.run_until(lambda w: w.users() == {stable} and w.stage == "Stable").rest()

    check(found)
    assert condition(found, "SpecValid") == ("False", "InvalidSpec")
    assert condition(found, "Stalled") == ("True", "InvalidSpec")
    assert condition(found, "Ready")[0] == "True"
    assert found.status("phase") == "Invalid"
    assert found.status("message").startswith(f"{path}: ")
    assert found.status("rejected") == []
    assert found.status("readyReplicas") == 4
    assert "RolledBack" not in found.told
    assert "InvalidSpec" in found.told


def test_what_the_last_valid_spec_made_stays_while_the_spec_is_invalid() -> None:
    found = served()
    before = {key for key in found.objects if key[0] not in ("Job", "ProbeRun")}
    shown = {k: found.status(k) for k in ("plan", "outputs", "chances", "resolved", "gates", "verdict")}

    spoiled(found, unknown_runtime)
    for _ in range(5):
        found.reconcile()
        found.tick()

    assert before <= found.objects.keys()
    assert {k: found.status(k) for k in shown} == shown
    assert condition(found, "CanaryVerified") == ("True", "GatesPassed")


def test_a_spec_that_is_mended_goes_on_from_the_beginning() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    valid = spoiled(found, no_gate)
    found.rest()

    found.body["spec"] = valid
    found.body["metadata"]["generation"] += 1
    at(found, "Probing")
    at(found, "FinalBake").rest()
    assert found.status("stable")["images"] == ["registry.example/vllm:2"]
    assert condition(found, "SpecValid") == ("True", "Valid")


def test_a_run_that_goes_on_ends_with_the_spec_that_asked_for_it() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    runs = found.run_until(lambda w: any(k == "Job" and "before-traffic" in n for k, n in w.objects)).objects
    open_runs = [n for (k, n), o in runs.items() if k == "ProbeRun" and (o["status"] or {}).get("phase") != "Finished"]
    assert len(open_runs) == 1

    spoiled(found, no_gate)
    found.rest()
    ended = found.objects["ProbeRun", open_runs[0]]["status"]
    assert (ended["phase"], ended["reason"]) == ("Finished", "Superseded")
    assert ("Job", open_runs[0]) not in found.objects


@pytest.mark.parametrize("stage", ["Starting", "Probing", "Shifting", "Baking", "Promoting", "FinalBake", "Aborting"])
def test_an_invalid_spec_promotes_nothing_in_any_stage(stage: str) -> None:
    found = served()
    stable = found.stable
    found.change("registry.example/vllm:2")
    if stage == "Aborting":
        at(found, "Baking")
        found.decide("Abort", found.look().view.target)
    at(found, stage)

    spoiled(found, no_gate)
    found.run_until(lambda w: w.stage == "Stable")
    assert (found.stable, found.users()) == (stable, {stable})
    assert len(found.pods) == 4


def test_without_a_stable_revision_an_invalid_spec_changes_nothing() -> None:
    found = at(world(**FAST), "Probing")
    pods, spec = set(found.pods), found.body["spec"]
    spoiled(found, no_gate)
    with pytest.raises(InvalidSpec, match=r"spec\.gates\.quality") as caught:
        found.look()

    status = invalid(found.body["status"], str(caught.value), 2, views.timestamp(found.now))
    assert problems("LLMService", "status", status) == []
    assert {c["type"] for c in status["conditions"]} == CONDITIONS
    assert (status["phase"], status["rollout"]) == ("Invalid", found.status("rollout"))
    assert set(found.pods) == pods
    found.body["spec"] = spec
    found.rest()


@pytest.mark.parametrize("workload", [{}, {"replicas": "four"}])
def test_a_service_of_unknown_size_stays_as_it_is(workload: dict[str, Any]) -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    found.body["spec"]["workload"] = workload or None

    with pytest.raises(InvalidSpec, match=r"^spec"):
        found.look()


def test_a_service_whose_runtime_is_unknown_to_this_version_stays_as_it_is() -> None:
    found = served()
    for key, made in found.objects.items():
        if key[0] == "ControllerRevision":
            made["data"]["runtime"] = "of another version"
    spoiled(found, unknown_runtime)

    with pytest.raises(InvalidSpec, match=r"spec\.runtime"):
        found.look()


def test_a_decision_waits_while_the_spec_is_invalid() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    target = found.look().view.target
    valid = spoiled(found, no_gate)
    found.decide("Abort", target)
    found.rest()
    assert not found.objects["Decision", "decision-1"]["status"]

    found.body["spec"] = valid
    found.run_until(lambda w: bool(w.objects["Decision", "decision-1"]["status"]))


def test_scaling_goes_on_while_the_spec_is_invalid() -> None:
    found = served()
    spoiled(found, no_gate)
    found.body["spec"]["workload"]["replicas"] = 6
    found.run_until(lambda w: w.status("readyReplicas") == 6)


def test_a_loss_of_status_while_the_spec_is_invalid_is_survived() -> None:
    found = served()
    spoiled(found, no_gate)
    found.body.pop("status")
    found.answer = good
    found.rest()

    check(found)
    assert found.status("phase") == "Invalid"


def test_the_table_ends_a_rollout_without_a_rejection_when_the_spec_is_invalid() -> None:
    policy = rollout_search.CASES[0].policy
    for stage in rollout_search.FORWARD:
        state = State(stage=stage, revision="ra", stable="rs")
        new = step(policy, state, Seen(target="rs", invalid="spec.runtime: found 'x'"), 5)
        assert (new.stage, new.reason) == (Stage.ABORTING, "")
        assert "spec.runtime" in new.detail
