"""Rollouts on a real cluster under users' traffic, one after the other: what `make demo` promises, and what kills."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import clusters, stack
from tests.cluster.kubectl import kubectl, wait_for
from tests.e2e.demo import cluster, manifests, settings, story
from tests.e2e.demo.settings import Change

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]
GOOD, WORSE, GARBAGE = settings.CHANGES[1:]


@pytest.fixture(autouse=True)
def no_user_notices(first_revision: story.Row) -> Iterator[None]:
    """Whatever a test does: no request of a user fails meanwhile."""
    before = cluster.users_summary()
    yield
    wait_for(lambda: cluster.users_summary()["total"] > before["total"], 30, "a user's request")
    after = cluster.users_summary()
    assert after["failed"] == before["failed"], after["failures"][-3:]
    assert after["not_sent"] == before["not_sent"]


def serving() -> str:
    return str(cluster.status()["stable"]["revision"])


def test_the_first_revision_serves_only_after_its_floor_was_reached(first_revision: story.Row) -> None:
    assert (first_revision.verdict, first_revision.phase, first_revision.problems) == ("Passed", "promoted", [])


def test_a_good_change_is_promoted_and_no_user_notices() -> None:
    row = story.make(GOOD)
    assert (row.verdict, row.phase, row.problems) == ("Passed", "promoted", [])
    assert cluster.users_summary()["revisions"][row.revision]["total"] > 0


def test_garbage_is_rolled_back_before_a_user_sees_it_and_the_page_arrives_at_its_owner() -> None:
    stable = serving()
    row = story.make(GARBAGE)
    assert (row.verdict, row.phase, row.problems) == ("Failed", "rolled back", [])
    assert serving() == stable
    page = story.page_of(row.revision)
    assert "LLMRolloutRolledBack" in page.text
    assert page.route == "team-a/chat/owner"
    assert row.revision not in cluster.users_summary()["revisions"]


def test_fifteen_points_less_are_found_and_rolled_back() -> None:
    row = story.make(WORSE)
    assert (row.verdict, row.phase, row.problems) == ("Failed", "rolled back", [])


def test_a_rejected_revision_is_not_tried_again_when_the_same_spec_is_applied_again() -> None:
    stable, runs = serving(), len(cluster.get("proberuns")["items"])
    cluster.apply(manifests.llm_service(clusters.image("serinus-modelserver"), WORSE.arguments))
    wait_for(lambda: cluster.status()["phase"] == "RolledBack", 60, "the rejection to be remembered")
    assert serving() == stable
    assert len(cluster.get("proberuns")["items"]) == runs


def test_killing_the_operator_mid_rollout_changes_nothing_for_the_rollout() -> None:
    killed: list[str] = []

    def kill(stage: str) -> None:
        """Kill the pod that leads, without a goodbye."""
        if len(killed) < 3 and stage not in killed and stage in ("Probing", "Shifting", "Promoting"):
            holder = kubectl("-n", settings.SYSTEM, "get", "lease", "serinus", "-o", "jsonpath={.spec.holderIdentity}")
            kubectl("-n", settings.SYSTEM, "delete", "pod", holder.split("_")[0], "--grace-period=0", "--force")
            killed.append(stage)

    change = Change("good change under kills", ("--mode=good", "--max-queued=255"), "Passed", True, 120)
    row = story.make(change, on_stage=kill)
    assert len(killed) >= 2
    assert (row.verdict, row.phase, row.problems) == ("Passed", "promoted", [])


def test_a_serving_pod_that_dies_during_promotion_is_replaced_and_no_verdict() -> None:
    deleted: list[str] = []

    def delete_one(stage: str) -> None:
        if stage == "Promoting" and not deleted:
            revision = cluster.status()["rollout"]["revision"]
            pods = cluster.get("pods", selector=f"serinus.dev/revision={revision}")["items"]
            deleted.append(pods[0]["metadata"]["name"])
            kubectl("-n", settings.NAMESPACE, "delete", "pod", deleted[0], "--wait=false")

    change = Change("good change, a pod lost", ("--mode=good", "--max-queued=254"), "Passed", True, 120)
    row = story.make(change, on_stage=delete_one)
    assert deleted
    assert (row.verdict, row.phase, row.problems) == ("Passed", "promoted", [])


def test_people_are_told_the_whole_story_by_kubectl() -> None:
    row = story.make(Change("garbage again", ("--mode=garbage", "--max-queued=253"), "Failed", False, 90))
    wide = kubectl("-n", settings.NAMESPACE, "get", "llm", "-o", "wide")
    assert row.revision in wide
    assert "RolledBack" in wide
    described = kubectl("-n", settings.NAMESPACE, "describe", "llm", settings.SERVICE)
    assert "RolledBack" in described
    assert "evidence to roll back" in described
    runs = kubectl("-n", settings.NAMESPACE, "get", "proberuns")
    assert "Failed" in runs
    assert "Passed" in runs


def test_the_monitoring_that_was_generated_is_taken_by_the_real_consumers() -> None:
    def targets_up() -> bool:
        up = stack.query('llm:up{namespace="team-a",llmservice="chat"}')
        return bool(up) and all(float(sample["value"][1]) == 1 for sample in up)

    wait_for(targets_up, 120, "the signals of the service")
    outputs: list[dict[str, Any]] = cluster.status()["outputs"]
    not_installed = {"NamespacedValidatingPolicy", "PodLogs"}  # neither Kyverno nor Alloy is in this cluster
    assert {o["kind"] for o in outputs if o["state"] != "Applied"} == not_installed
    assert {o["reason"] for o in outputs if o["kind"] in not_installed} == {"ApiNotInstalled"}
    failures = stack.query("prometheus_rule_evaluation_failures_total > 0")
    assert failures == []
    assert stack.query('serinus_service_info{namespace="team-a",llmservice="chat"}')


def test_nothing_is_written_while_nothing_changes() -> None:
    def versions() -> dict[str, str]:
        kinds = "llm,pset,prun,rs,svc,cm,job,pdb,networkpolicy,controllerrevision"
        kinds += ",servicemonitor,prometheusrule,alertmanagerconfig"
        listed = json.loads(kubectl("-n", settings.NAMESPACE, "get", kinds, "-o", "json"))
        return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in listed["items"]}

    def at_rest() -> bool:
        """The rollout has ended, and the controllers of Kubernetes have written all that they say of its pods."""
        pods, sets = (cluster.get(kind)["items"] for kind in ("pods", "replicasets"))
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        settled = all(found["spec"]["replicas"] == found["status"]["replicas"] for found in sets)
        return cluster.status()["rollout"]["stage"] == "Stable" and settled and not leaving

    wait_for(at_rest, 120, "the rollout to end and its pods to be gone")
    before = versions()
    kubectl("-n", settings.SYSTEM, "rollout", "restart", "deployment/serinus")
    kubectl("-n", settings.SYSTEM, "rollout", "status", "deployment/serinus", "--timeout=120s")
    assert versions() == before
