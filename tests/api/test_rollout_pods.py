"""Rollouts whose pods have trouble: their own fault is rejected, everybody else's is held, and users notice neither."""

from typing import Any

import pytest

from tests.support import probeplay, promises
from tests.support.bedclient import ApiError
from tests.support.podlife import Evicted, by_annotation
from tests.support.processes import eventually
from tests.support.team import Team, held_of

pytestmark = pytest.mark.api

Manifest = dict[str, Any]


def test_a_canary_that_crashes_again_and_again_is_rejected(team: Team) -> None:
    one = team.begin()
    since = team.history.now()
    two = team.deploy("two", behaviour="crash-loop")
    status = team.until_rejected(two, stable=one)
    assert [r["reason"] for r in status["rejected"]] == ["CrashLoop"]
    assert (team.runs(two), team.least(since)) == ([], team.replicas)
    team.check()


def test_a_canary_that_is_never_ready_is_rejected_after_its_timeout(team: Team) -> None:
    one = team.begin()
    two = team.deploy("two", behaviour="never-ready", rollout={"readyTimeout": "2s"})
    status = team.until_rejected(two, stable=one)
    assert [r["reason"] for r in status["rejected"]] == ["NotReady"]
    assert team.runs(two) == []
    team.check()


@pytest.mark.parametrize(("behaviour", "reason"), [("image-pull", "ImagePull"), ("unschedulable", "Unschedulable")])
def test_a_canary_without_a_place_is_held_parked_and_tried_again(team: Team, behaviour: str, reason: str) -> None:
    one = team.begin()
    since = team.history.now()
    two = team.deploy("two", behaviour=behaviour)
    team.until_held(reason)
    team.turn_clock(120)
    team.until(lambda s: s["rollout"]["intent"].get("parked") and not team.pods(two), "the canary is taken away")
    team.script.serve(lambda pod: by_annotation(_plain(pod)))
    team.turn_clock(60)
    team.until_stable(two)
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Proven"}
    assert team.least(since) >= team.replicas
    team.check()


def _plain(pod: Manifest) -> Manifest:
    return {**pod, "metadata": {**pod["metadata"], "annotations": {}}}


def test_a_quota_that_is_exhausted_holds_and_its_end_lets_the_rollout_go_on(team: Team) -> None:
    one = team.begin()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "pods", "namespace": team.namespace},
        "spec": {"hard": {"pods": "3"}},
    }
    team.client.create(quota)
    eventually(lambda: _enforced(team), "the quota counts")
    since = team.history.now()
    two = team.deploy("two")
    team.until_held("QuotaExceeded")
    team.client.delete(quota)
    team.turn_clock(120)
    team.until(lambda s: s["rollout"]["intent"].get("parked") or held_of(s) == "", "parked, or placed meanwhile")
    team.turn_clock(60)
    team.until_stable(two)
    assert promises.outcomes(team.history.events()) == {one: "Proven", two: "Proven"}
    assert team.least(since) >= team.replicas
    team.check()


def _enforced(team: Team) -> bool:
    found = team.client.get("v1", "ResourceQuota", "pods", team.namespace)
    return bool((found.get("status") or {}).get("used", {}).get("pods") == "3")


def _policy(team: Team, resource: str, group: str, expression: str) -> list[Manifest]:
    name = f"refuse-{team.namespace}"
    rules = [{"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}]
    api = "admissionregistration.k8s.io/v1"
    match = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": team.namespace}}}
    return [
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "matchConstraints": {"resourceRules": rules},
                "validations": [{"expression": expression, "message": "this namespace takes no model two"}],
            },
        },
        {
            "apiVersion": api,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": match},
        },
    ]


@pytest.mark.parametrize(
    ("resource", "group", "path"),
    [("replicasets", "apps", "object.spec.template.spec"), ("pods", "", "object.spec")],
)
def test_an_admission_that_refuses_a_child_holds_and_rejects_nothing(
    team: Team, resource: str, group: str, path: str
) -> None:
    one = team.begin()
    policy = _policy(team, resource, group, f"!{path}.containers.exists(c, has(c.args) && '/models/two' in c.args)")
    for item in policy:
        team.client.create(item)
    try:
        eventually(lambda: _refused(team, resource), "the policy refuses", seconds=20)
        since = team.history.now()
        two = team.deploy("two")
        status = team.until_held("AdmissionRefused")
        assert "this namespace takes no model two" in status["message"]
        assert promises.outcomes(team.history.events())[two] == ""
        assert team.least(since) >= team.replicas
        assert status["stable"]["revision"] == one
    finally:
        for item in reversed(policy):
            team.client.delete(item)
    team.check()


def _refused(team: Team, resource: str) -> bool:
    """Whether a dry run of such an object is refused."""
    spec = {"containers": [{"name": "server", "image": "registry.example/x", "args": ["--model", "/models/two"]}]}
    labels = {"app": "probe-of-the-policy"}
    meta = {"name": "probe-of-the-policy", "namespace": team.namespace}
    pod: Manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
    template = {"metadata": {"labels": labels}, "spec": spec}
    sets = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": meta}
    body = pod if resource == "pods" else {**sets, "spec": {"selector": {"matchLabels": labels}, "template": template}}
    try:
        team.client.create(body, dry_run=True)
    except ApiError as e:
        return "takes no model two" in e.message
    return False


def test_a_service_of_the_needed_name_that_is_somebody_elses_is_never_taken_over(team: Team) -> None:
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "chat", "namespace": team.namespace},
        "spec": {"selector": {"app": "theirs"}, "ports": [{"port": 80}]},
    }
    made = team.client.create(theirs)
    team.ask()
    one = team.deploy("one")
    team.until_held("NameConflict")
    found = team.client.get("v1", "Service", "chat", team.namespace)
    assert found["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]
    team.client.delete(theirs)
    team.until_stable(one)
    team.check()


@pytest.mark.parametrize("how", ["evicted", "deleted"])
def test_a_pod_that_is_lost_while_it_is_probed_breaks_the_run_and_not_the_model(team: Team, how: str) -> None:
    team.begin()
    team.script.use(probeplay.never)
    two = team.deploy("two")
    team.until(lambda _: _running(team, two), "the run goes on")
    (pod,) = team.pods(two)
    if how == "evicted":
        name = pod["metadata"]["name"]
        team.script.serve(lambda p: Evicted() if p["metadata"]["name"] == name else by_annotation(p))
        team.touch(pod)
    else:
        team.client.delete(pod)
    team.until(lambda _: _replaced(team, two, pod), "another pod in its place")
    team.script.use(probeplay.good)
    team.look_again()
    team.until_retry_waits()
    team.turn_clock(10)
    team.until_stable(two)
    verdicts = [(r["status"]["verdict"], r["status"]["reason"]) for r in team.runs(two)]
    assert verdicts == [("Broken", "PodsDisrupted"), ("Passed", "Passed")]
    team.check()


def _running(team: Team, revision: str) -> bool:
    runs = team.runs(revision)
    return bool(runs) and (runs[-1].get("status") or {}).get("phase") == "Running"


def _replaced(team: Team, revision: str, old: Manifest) -> bool:
    pods = [p for p in team.pods(revision) if promises.is_ready(p)]
    return bool(pods) and all(p["metadata"]["uid"] != old["metadata"]["uid"] for p in pods)


def test_a_stable_pod_that_is_lost_while_promoting_is_replaced(team: Team) -> None:
    team.begin()
    two = team.deploy("two", rollout={"steps": [{"trafficPercent": 50, "bake": "10m"}]})
    team.until_stage("Baking")
    since = team.history.now()
    victim = next(p for p in team.pods() if promises.revision_of(p) != two)
    team.client.delete(victim)
    team.until(lambda _: victim["metadata"]["uid"] not in {p["metadata"]["uid"] for p in team.pods()}, "it is gone")
    team.turn_clock(600)
    team.until_stable(two)
    assert team.least(since) >= team.replicas - 1, "one pod was taken by somebody else"
    team.check()
