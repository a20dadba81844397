"""Rollouts in a world that other people change: questions, ConfigMaps, children, status, and the service itself."""

from typing import Any

import pytest

from serinus.core.naming import LABEL_TRAFFIC
from tests.support import probeplay, promises
from tests.support.objects import API_VERSION, PROBES, probeset
from tests.support.processes import eventually
from tests.support.team import NAME, Team, stage_of

pytestmark = pytest.mark.api

Manifest = dict[str, Any]


def test_a_probe_set_that_is_deleted_in_the_middle_never_promotes(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: team.script.asked[-1].revision == two, "the run goes on")
    team.client.delete(probeset(namespace=team.namespace))
    team.until_retry_waits(0)
    team.script.use(probeplay.good)
    team.look_again()
    for retries, delay in enumerate((10, 60, 300)):
        team.until_retry_waits(retries)
        team.turn_clock(delay)
    status = team.until_held("ProbeBroken")
    assert status["stable"]["revision"] == one
    assert promises.outcomes(team.history.events())[two] == ""
    team.check()
    team.ask()
    team.decide("Retry", two)
    team.until_stable(two)
    team.check()


def test_questions_that_change_in_the_middle_are_asked_from_zero(team: Team) -> None:
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: team.script.asked[-1].revision == two, "the run goes on")
    old = team.script.asked[-1].digest
    team.script.use(lambda i: probeplay.bad(i) if i.digest == old else probeplay.good(i))
    team.ask(source={"inline": PROBES.replace("30 days", "14 days")})
    team.until_stable(two)
    runs = team.runs(two)
    assert [r["status"]["verdict"] for r in runs] == ["Broken", "Passed"]
    assert runs[0]["spec"]["probeSet"]["digest"] != runs[1]["spec"]["probeSet"]["digest"]
    team.check()


def test_a_config_map_that_is_missing_holds_the_rollout_until_it_is_there(team: Team) -> None:
    team.ask(source={"inline": None, "configMapRef": {"name": "questions"}})
    one = team.deploy("one")
    status = team.until_held("ProbesNotFound")
    assert "questions" in status["message"]
    metadata = {"name": "questions", "namespace": team.namespace}
    team.client.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"probes.yaml": PROBES}})
    team.until_stable(one)
    team.check()


def test_a_service_that_is_deleted_in_the_middle_takes_its_children_with_it(team: Team) -> None:
    team.begin()
    team.deploy("two", rollout={"steps": [{"trafficPercent": 50, "bake": "10m"}]})
    team.until_stage("Baking")
    team.client.delete(team.body())

    def nothing_left() -> bool:
        kinds = (("Pod", "v1"), ("ReplicaSet", "apps/v1"), ("Job", "batch/v1"), ("ControllerRevision", "apps/v1"))
        services = [s for s in team.objects("Service", "v1") if s["metadata"]["name"].startswith(NAME)]
        return not services and not any(team.objects(*kind) for kind in kinds) and not team.runs()

    eventually(nothing_left, "every child is collected", seconds=60)
    team.check()


@pytest.mark.parametrize("stage", ["Stable", "Probing", "Baking", "FinalBake"])
def test_a_status_that_is_lost_is_found_again_from_the_world(team: Team, stage: str) -> None:
    one = team.begin()
    if stage == "Probing":
        team.script.use(probeplay.never)
    if stage != "Stable":
        bakes = {"steps": [{"trafficPercent": 50, "bake": "10m" if stage == "Baking" else "1s"}], "bake": "10m"}
        two = team.deploy("two", rollout=bakes)
        team.until_stage(stage)
    since = team.history.now()
    team.client.patch(f"{team.client.path_of(team.body())}/status", [{"op": "remove", "path": "/status"}], form="json")
    team.until(lambda s: bool(s.get("conditions")), "a status")
    if stage == "Stable":
        team.until_stable(one)
    else:
        team.script.use(probeplay.good)
        team.look_again()
        team.deploy("two", rollout={"steps": [{"trafficPercent": 50, "bake": "1s"}], "bake": "1s"})
        team.until_stable(two)
    assert team.least(since) >= team.replicas
    team.check()


def _edit(team: Team, kind: str, version: str, name: str, patch: Manifest) -> None:
    body = team.client.get(version, kind, name, team.namespace)
    team.client.patch(team.client.path_of(body), patch, fieldManager="somebody")


def test_children_that_are_edited_by_hand_are_put_right(team: Team) -> None:
    one = team.begin()
    _edit(team, "Service", "v1", "chat", {"spec": {"selector": {LABEL_TRAFFIC: "idle"}}})
    _edit(team, "PodDisruptionBudget", "policy/v1", "chat", {"spec": {"maxUnavailable": 3}})

    def right() -> bool:
        service = team.client.get("v1", "Service", "chat", team.namespace)
        budget = team.client.get("policy/v1", "PodDisruptionBudget", "chat", team.namespace)
        return (service["spec"]["selector"][LABEL_TRAFFIC], budget["spec"]["maxUnavailable"]) == ("live", 1)

    eventually(right, "both are as they were", seconds=30)
    team.until_stable(one)


def test_children_that_are_deleted_by_hand_come_back(team: Team) -> None:
    one = team.begin()
    kinds = (("Service", "v1", "chat"), ("Service", "v1", "chat-stable"), ("PodDisruptionBudget", "policy/v1", "chat"))
    old = {key: team.client.get(key[1], key[0], key[2], team.namespace)["metadata"]["uid"] for key in kinds}
    for kind, version, name in kinds:
        team.client.delete(team.client.get(version, kind, name, team.namespace))

    def back() -> bool:
        found = {key: team.client.find(key[1], key[0], key[2], team.namespace) for key in kinds}
        return all(body and body["metadata"]["uid"] != old[key] for key, body in found.items())

    eventually(back, "all are back", seconds=30)
    team.until_stable(one)


def test_the_replica_set_of_stable_that_is_deleted_by_hand_comes_back_in_the_middle_of_a_rollout(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until_stage("Probing")
    (stable,) = [s for s in team.objects("ReplicaSet", "apps/v1") if promises.revision_of(s) == one]
    team.client.delete(stable)
    team.until(lambda s: s["readyReplicas"] == team.replicas and _made_again(team, stable), "stable serves again")
    assert stage_of(team.status()) == "Probing"
    team.script.use(probeplay.good)
    team.look_again()
    team.until(lambda s: s["rollout"]["intent"].get("retryAt") or stage_of(s) != "Probing", "the run ended")
    if team.status()["rollout"]["intent"].get("retryAt"):
        team.turn_clock(10)
    team.until_stable(two)
    team.check()


def _made_again(team: Team, old: Manifest) -> bool:
    names = {s["metadata"]["name"]: s["metadata"]["uid"] for s in team.objects("ReplicaSet", "apps/v1")}
    return bool(names.get(old["metadata"]["name"], old["metadata"]["uid"]) != old["metadata"]["uid"])


def test_a_label_that_lets_users_in_by_hand_is_taken_back(team: Team) -> None:
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until_stage("Probing")
    (pod,) = team.pods(two)
    team.client.patch(team.client.path_of(pod), {"metadata": {"labels": {LABEL_TRAFFIC: "live"}}})

    def idle() -> bool:
        return all(p["metadata"]["labels"][LABEL_TRAFFIC] == "idle" for p in team.pods(two))

    eventually(idle, "users are kept out again", seconds=20)


def test_a_job_that_is_deleted_by_hand_breaks_the_run_and_is_asked_again(team: Team) -> None:
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: [r for r in team.runs(two) if (r.get("status") or {}).get("jobUID")], "the run goes on")
    (job,) = [j for j in team.objects("Job", "batch/v1") if two in j["metadata"]["name"]]
    team.client.delete(job)
    team.until_retry_waits()
    team.script.use(probeplay.good)
    team.turn_clock(10)
    team.until_stable(two)
    assert [r["status"].get("reason") for r in team.runs(two)] == ["JobVanished", "Passed"]
    team.check()


def test_a_job_of_the_needed_name_that_somebody_made_before_proves_nothing(team: Team) -> None:
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two", rollout={"paused": True})
    team.until_held("Paused")
    name = f"{NAME}-{two}-support-before-traffic-0"
    container = {"name": "probe", "image": "registry.example/forged", "command": ["true"]}
    spec = {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}}
    metadata = {"name": name, "namespace": team.namespace, "labels": {"serinus.dev/service": NAME}}
    team.client.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
    team.deploy("two", rollout={"paused": False})
    team.until_retry_waits()
    assert [r["status"]["reason"] for r in team.runs(two)] == ["JobNameTaken"]
    team.check()


def test_a_run_that_somebody_marks_as_passed_lets_nobody_in(team: Team) -> None:
    one = team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: [r for r in team.runs(two) if (r.get("status") or {}).get("jobUID")], "the run goes on")
    (run,) = team.runs(two)
    forged = {**run["status"], "phase": "Finished", "verdict": "Passed", "message": "trust me"}
    team.client.replace({**run, "apiVersion": API_VERSION, "status": forged}, subresource="status")
    team.until_retry_waits()
    assert team.status()["stable"]["revision"] == one
    team.check()
