"""What a recorded run says, when one is asked again, when the operator wakes, what holds a canary without a place."""

import copy
import dataclasses
import itertools
from typing import Any

import pytest

from serinus.core.arrange import Arrangement
from serinus.core.gates import effective_verdict, gate_views, together
from serinus.core.gatestatus import chances, expected_calls
from serinus.core.model import Purpose, RolloutPolicy, TrafficStep, Verdict
from serinus.core.parse import parse
from serinus.core.rollout import Hold, Stage, State
from serinus.core.seen import Questions
from serinus.core.stories import stories
from serinus.core.views import timestamp
from serinus.core.wake import wake_after
from tests.support import objects
from tests.unit.fake_world import FAST, FakeWorld, good, surroundings, world
from tests.unit.rollout_search import CASES
from tests.unit.rollouts import at, check, condition, held, problems, served

QUIET = Arrangement(sets={}, patches=(), settled=True, wake=None)


def questions() -> dict[str, Questions]:
    """The questions of the service's one ProbeSet, one of which is critical."""
    seen = world().probe_sets["support"].questions
    assert seen is not None
    assert seen.critical == 1
    return {"support": seen}


def passed_run() -> Any:
    found = served()
    return found, found.snapshot().runs[0]


FORGED: dict[str, dict[str, Any]] = {
    "a verdict without counts": {"answers": None},
    "another verdict than the counts": {"verdict": "Failed"},
    "counts that decide nothing": {"answers": {"canary": {"passed": 2, "failed": 0}}, "end": "Budget"},
    "counts of a run that was cut": {"answers": {"canary": {"passed": 2, "failed": 0}}, "end": "Interrupted"},
    "probes that were not seen": {"probesSeen": 1},
    "answers from a cache": {"cached": "the same id twice"},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_recorded_verdict_alone_moves_nothing(name: str) -> None:
    found, run = passed_run()
    policy = parse(found.body, surroundings().catalogue).gates[0].policy
    status = objects.merged(copy.deepcopy(run.status), FORGED[name])

    assert effective_verdict(run, policy, 2)[0] is Verdict.PASSED
    verdict, _ = effective_verdict(dataclasses.replace(run, status=status), policy, 2)
    assert verdict in (Verdict.INCONCLUSIVE, Verdict.BROKEN)


def test_a_run_that_is_not_finished_says_nothing_yet() -> None:
    found, run = passed_run()
    policy = parse(found.body, surroundings().catalogue).gates[0].policy

    assert effective_verdict(dataclasses.replace(run, status={"phase": "Running"}), policy, 2) == (
        Verdict.RUNNING,
        None,
    )


def test_no_gate_before_traffic_is_no_evidence() -> None:
    assert together((), purpose=Purpose.BEFORE_TRAFFIC)[0] is Verdict.INCONCLUSIVE
    assert together((), purpose=Purpose.EACH_STEP)[0] is Verdict.PASSED


ORDER = (Verdict.FAILED, Verdict.BROKEN, Verdict.RUNNING, Verdict.INCONCLUSIVE, Verdict.PASSED)


def test_the_worst_gate_speaks_for_all() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    [view] = found.look().view.gates
    for i, verdict in enumerate(ORDER):
        views = [dataclasses.replace(view, verdict=v) for v in reversed(ORDER[i:])]
        assert together(views, purpose=Purpose.BEFORE_TRAFFIC)[0] is verdict


def test_two_gates_keep_what_passed_while_the_other_is_asked_again() -> None:
    found = world(**FAST, gates={"quality": [objects.gate(), objects.gate("other", probeSetRef={"name": "support"})]})
    found.answer = lambda spec: "nonsense" if spec.identity.gate == "other" else good(spec)
    held(found, "ProbeBroken")
    runs = [(r.gate, r.status["verdict"]) for r in found.snapshot().runs]

    assert runs.count(("support", "Passed")) == 1
    assert runs.count(("other", "Broken")) == 4
    assert found.users() == set()


def test_a_gate_that_goes_on_asking_loses_nothing_while_another_is_broken() -> None:
    found = served(gates={"quality": [objects.gate(), objects.gate("other", probeSetRef={"name": "support"})]})
    stable = found.stable
    found.answer = lambda spec: "nonsense" if spec.identity.gate == "other" else None
    found.change("registry.example/vllm:2")
    held(found, "ProbeBroken")
    runs = {(r.gate, r.attempt): r.finished for r in found.snapshot().runs if r.revision != stable}

    assert [a for gate, a in runs if gate == "other"] == [0, 1, 2, 3]
    assert {key: done for key, done in runs.items() if key[0] == "support"} == {("support", 0): False}

    found.decide("Retry", found.look().view.target)
    found.answer = good
    at(found, "FinalBake").rest()
    again = [r.attempt for r in found.snapshot().runs if r.revision != stable and r.gate == "support"]
    assert sorted(again) == [0, 4], "a person who says Retry begins all of them anew"


def test_gates_at_steps_and_in_the_bake_are_asked_where_they_belong() -> None:
    when = ["BeforeTraffic", "EachStep", "Bake"]
    found = world(**FAST, gates={"quality": [objects.gate(when=when)]}).rest()
    found.change("registry.example/vllm:2")
    at(found, "FinalBake").rest()
    asked = [(str(r.purpose), r.step) for r in found.snapshot().runs if r.baseline]

    assert asked == [("Bake", -1), ("BeforeTraffic", -1), ("EachStep", 0)]
    assert {r.status["verdict"] for r in found.snapshot().runs} == {"Passed"}
    check(found)


def test_no_gate_is_asked_where_none_decides() -> None:
    service = parse(objects.llmservice(), surroundings().catalogue)
    for stage in set(Stage) - {Stage.PROBING, Stage.BAKING, Stage.FINAL_BAKE}:
        assert gate_views(service, State(stage=stage, revision="r"), outcome=None, runs=(), questions={}) == ()


def test_chances_are_the_union_bound_of_what_is_planned() -> None:
    when = ["BeforeTraffic", "EachStep", "Bake"]
    service = parse(objects.llmservice(gates={"quality": [objects.gate(when=when)]}), surroundings().catalogue)

    [asked] = questions().values()
    plain = {"support": dataclasses.replace(asked, critical=0)}
    assert chances(service, plain) == {"falseRollbackPercent": 24.0, "falsePromotionPercent": 10}
    assert chances(service, questions()) == {"falseRollbackPercent": 44.0, "falsePromotionPercent": 10}
    assert chances(service, {}) == chances(service, questions())
    ungated = parse(objects.llmservice(rollout={"mode": "Ungated"}), surroundings().catalogue)
    assert chances(ungated, questions()) == {}


def test_the_cost_is_shown_before_it_is_spent() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    [view] = found.look().view.gates

    assert view.questions is not None
    assert expected_calls(view.gate, view.questions, paired=True) == 412
    assert expected_calls(view.gate, view.questions, paired=False) == 206


# A canary without a place


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"conditions": [{"type": "PodScheduled", "status": "False", "message": "no node"}]}, "Unschedulable"),
        ({"containerStatuses": [{"name": "s", "state": {"waiting": {"reason": "ErrImagePull"}}}]}, "ImagePull"),
    ],
)
def test_a_canary_without_a_place_is_held_taken_away_and_tried_again(status: dict[str, Any], reason: str) -> None:
    found = served()
    stable = found.stable
    found.ready = lambda pod: pod["metadata"]["labels"]["serinus.dev/revision"] == stable
    found.change("registry.example/vllm:2")
    seen = []
    for _ in range(120):
        found.reconcile()
        for pod in found.pods.values():
            if not found.ready(pod):
                pod["status"] = status
        seen.append(bool(found.status("rollout").get("intent", {}).get("parked")))
        found.tick()
        for pod in found.pods.values():
            if not found.ready(pod):
                pod["status"] = status

    assert (found.stage, found.status("phase"), condition(found, "Held")) == ("Starting", "Held", ("True", reason))
    assert sum(a != b for a, b in itertools.pairwise(seen)) >= 3, "taken away, tried again, taken away"
    found.ready = lambda _pod: True
    at(found, "FinalBake").rest()
    assert found.status("rejected") == []


def test_a_template_that_the_server_refuses_is_held_and_never_rejected() -> None:
    found = served()
    found.change("registry.example/vllm:2")
    original = found.snapshot
    found.snapshot = lambda: dataclasses.replace(original(), refused="spec.x: unknown")  # type: ignore[method-assign]
    held(found, "AdmissionRefused")
    assert condition(found, "SpecValid") == ("False", "AdmissionRefused")

    found.snapshot = original  # type: ignore[method-assign]
    at(found, "FinalBake").rest()


def test_quota_that_leaves_no_pod_is_not_the_fault_of_the_revision() -> None:
    found = served()
    stable = found.stable
    found.run_replica_set = lambda found: None  # type: ignore[method-assign]
    found.change("registry.example/vllm:2")
    for _ in range(10):
        found.reconcile()
        for (kind, _), made in found.objects.items():
            if kind == "ReplicaSet" and stable not in made["metadata"]["name"]:
                failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: gpus"}
                made["status"]["conditions"] = [failure]
        found.tick()

    assert condition(found, "Held") == ("True", "QuotaExceeded")


def crash(found: FakeWorld, restarts: int, started: str) -> None:
    mine = found.status("rollout").get("revision", "")
    for pod in found.pods.values():
        if pod["metadata"]["labels"]["serinus.dev/revision"] == mine:
            running = {"running": {"startedAt": started}}
            pod["status"] = {"containerStatuses": [{"name": "s", "restartCount": restarts, "state": running}]}


@pytest.mark.parametrize(("restarts", "reason"), [(5, "CrashLoop"), (4, "NotReady")])
@pytest.mark.parametrize("stage", ["Starting", "Probing", "Promoting", "FinalBake"])
def test_a_crash_loop_or_a_pod_that_is_never_ready_is_rejected(stage: str, restarts: int, reason: str) -> None:
    found = served()
    stable = found.stable
    found.ready = lambda pod: pod["metadata"]["labels"]["serinus.dev/revision"] == stable or stage != "Starting"
    found.change("registry.example/vllm:2")
    at(found, stage)
    found.ready = lambda pod: pod["metadata"]["labels"]["serinus.dev/revision"] == stable
    found.tick()
    crash(found, restarts, "2023-01-01T00:00:00Z")
    found.run_until(lambda w: w.status("phase") == "RolledBack")
    found.ready = lambda _pod: True
    found.rest()

    assert [r["reason"] for r in found.status("rejected")] == [reason]
    assert found.users() == {stable}


# Waking


def woken(state: State, now: float, *, waits: tuple[float, ...] = ()) -> float | None:
    policy: RolloutPolicy = dataclasses.replace(CASES[0].policy, steps=(TrafficStep(percent=10, bake=60),), bake=90)
    return wake_after(policy, state, QUIET, waits=waits, now=now)


def test_only_what_is_ahead_wakes() -> None:
    baking = State(stage=Stage.BAKING, revision="r", since=1000)

    assert woken(baking, 1000.0) == 60
    assert woken(baking, 1059.9) == 0.5
    assert woken(baking, 1060.0) is None
    assert woken(baking, 2000.0, waits=(1500.0,)) is None
    assert woken(dataclasses.replace(baking, retry_at=900), 1000.0) == 60
    assert woken(dataclasses.replace(baking, retry_at=1010), 1000.0) == 10
    assert woken(State(stage=Stage.FINAL_BAKE, revision="r", since=1000), 1000.0) == 90
    assert woken(State(stage=Stage.SHIFTING, revision="r", since=1000), 1000.0) == 1800
    assert woken(State(), 1000.0) is None


# Events


def reasons(old: State, new: State) -> list[str]:
    return [s.reason for s in stories(old, new, ())]


def test_every_transition_is_told_once() -> None:
    probing = State(stage=Stage.PROBING, revision="r", stable="s")
    shifting = dataclasses.replace(probing, stage=Stage.SHIFTING)
    aborting = dataclasses.replace(probing, stage=Stage.ABORTING, reason="QualityInconclusive")
    inconclusive = dataclasses.replace(probing, held=Hold(reason="Inconclusive", message="m"))

    assert reasons(probing, probing) == []
    assert reasons(probing, shifting) == ["GatePassed", "TrafficShifted"]
    advised = dataclasses.replace(probing, advice=True)
    assert reasons(probing, advised) == ["GateInconclusive"]
    assert reasons(advised, dataclasses.replace(shifting, advice=True)) == ["TrafficShifted"]
    assert reasons(shifting, dataclasses.replace(shifting, step=1)) == ["TrafficShifted"]
    assert reasons(probing, aborting) == ["GateInconclusive", "RolledBack"]
    assert reasons(probing, dataclasses.replace(aborting, reason="")) == ["RolloutEnded"]
    assert reasons(probing, inconclusive) == ["GateInconclusive"]
    assert reasons(inconclusive, inconclusive) == []
    assert reasons(dataclasses.replace(aborting), State(stable="s")) == []
    for reason, told in (("NameConflict", "NameConflict"), ("ProbeBroken", "ProbeBroken"), ("Paused", "Held")):
        assert reasons(probing, dataclasses.replace(probing, held=Hold(reason=reason, message=""))) == [told]


def test_a_rollback_is_told_in_a_sentence_and_its_numbers_once() -> None:
    probing = State(stage=Stage.PROBING, revision="r", stable="s")
    aborting = dataclasses.replace(probing, stage=Stage.ABORTING, detail="The canary is worse than stable. 35 calls.")

    def told(reason: str, stable: str = "s") -> list[str]:
        return [s.message for s in stories(probing, dataclasses.replace(aborting, reason=reason, stable=stable), ())]

    assert told("QualityFailed") == [
        "r: The canary is worse than stable. 35 calls.",
        "r (QualityFailed): The canary is worse than stable; s serves.",
    ]
    assert told("NotReady", "") == ["r (NotReady): The canary is worse than stable. 35 calls; nothing serves."]


# Objects that no other test builds


def test_a_job_has_the_token_and_the_place_that_the_spec_names() -> None:
    place: dict[str, Any] = {
        "nodeSelector": {"pool": "cpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "pull"}],
    }
    found = world(
        **FAST,
        access={"secretKeyRef": {"name": "chat-key", "key": "token"}},
        probeJob=place,
        evidenceRetention="Keep",
    )
    at(found, "Probing")
    job = next(o for (kind, _), o in found.objects.items() if kind == "Job")
    run = next(o for (kind, _), o in found.objects.items() if kind == "ProbeRun")
    spec = job["spec"]["template"]["spec"]

    assert {k: spec[k] for k in place} == place
    assert spec["volumes"][-1]["secret"] == {"secretName": "chat-key", "items": [{"key": "token", "path": "token"}]}
    assert spec["automountServiceAccountToken"] is False
    assert run["metadata"]["ownerReferences"] == []
    assert problems("ProbeRun", "spec", run["spec"]) == []


def test_a_numeric_port_that_changes_is_held() -> None:
    found = served(workload={"port": 8000})
    template = found.body["spec"]["workload"]["template"]
    template["spec"]["containers"][0]["ports"] = [{"name": "http", "containerPort": 9000}]
    found.body["spec"]["workload"]["port"] = 9000
    held(found, "PortChanged")

    assert found.users() == {found.stable}
    assert condition(found, "SpecValid") == ("False", "PortChanged")


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"waiting": {"reason": "ContainerCreating"}}, "container server: ContainerCreating"),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "container server: CrashLoopBackOff"),
    ],
)
def test_what_a_canary_waits_for_is_said_after_a_while_and_decides_nothing(state: dict[str, Any], told: str) -> None:
    found = served()
    found.ready = lambda pod: found.stable in pod["metadata"]["name"]
    found.change("registry.example/vllm:2")
    at(found, "Starting")
    found.tick()
    for name, pod in found.pods.items():
        if found.stable not in name:
            pod["metadata"]["creationTimestamp"] = timestamp(found.now)
            pod["status"] = {"containerStatuses": [{"name": "server", "state": state}]}

    assert found.reconcile().requeue_after == 10
    assert "waits" not in found.status("message")
    found.now += 10
    assert found.reconcile().requeue_after is None
    assert (found.stage, found.status("phase")) == ("Starting", "Progressing")
    assert found.status("message").endswith(f"waits: {told}")
    check(found)


def test_an_override_in_another_unit_is_said_and_the_alert_keeps_its_defaults() -> None:
    found = served(alerts={"overrides": [{"alert": "LLMErrorRatioHigh", "thresholdDuration": "2s"}]})
    condition_now = next(c for c in found.status("conditions") if c["type"] == "MonitoringReady")

    assert (condition_now["status"], condition_now["reason"]) == ("False", "NotAsSpecified")
    assert (
        "[alert=LLMErrorRatioHigh].thresholdDuration: found '2s', allowed is thresholdPercent"
        in (condition_now["message"])
    )
