"""Everything that can go wrong with a probe Job and its report, each with its outcome. None of it may promote."""

import dataclasses
import json
from typing import Any

import pytest

from serinus.core import report as reports
from serinus.core.report import Pairs, Report, encode
from tests.unit.fake_world import FAST, FakeWorld, changed_questions, counted, good, world
from tests.unit.rollouts import at, check, held, served, silent
from tests.unit.run_faults import (
    Fault,
    asking,
    canary_drained,
    canary_evicted,
    canary_pods,
    deadline,
    deleted_by_hand,
    deleted_pod,
    ended,
    evicted,
    forged,
    good_report,
    job_with,
    jobs,
    made_again,
    made_before,
    no_pod,
    not_created,
    of_another,
    other_image,
    owned_by,
    pod_with,
    preempted,
    probe_with,
    said,
    stable_lost,
    template_with,
    two_pods,
    unscheduled,
    waiting,
)

IMPOSSIBLE_WON = said(lambda spec: dataclasses.replace(good_report(spec), pairs=Pairs(won=100)))
TOO_FEW = said(lambda spec: dataclasses.replace(counted(spec, passed=4, failed=0, lost=0), end="Decided"))
NOTHING = said(lambda spec: Report(identity=spec.identity, end="Decided"))
ERROR = said(lambda spec: Report(identity=spec.identity, end="Error", error="the ProbeSet's file is gone"))
INTERRUPTED = said(lambda spec: dataclasses.replace(counted(spec, passed=4, failed=0, lost=0), end="Interrupted"))
UNENDED = said(lambda spec: dataclasses.replace(good_report(spec), end=""))

BROKEN: dict[str, tuple[Fault, str]] = {
    "probe image cannot be pulled": (waiting("ImagePullBackOff"), "NotStarted"),
    "Secret missing": (waiting("CreateContainerConfigError"), "NotStarted"),
    "Job cannot be scheduled": (unscheduled, "NotStarted"),
    "quota leaves no pod": (no_pod, "NotStarted"),
    "Job evicted": (evicted, "PodDisrupted"),
    "Job preempted": (preempted, "PodDisrupted"),
    "pod deleted by hand": (deleted_pod, "PodDisrupted"),
    "Job deleted by hand": (deleted_by_hand, "JobVanished"),
    "Job deleted and made again": (made_again, "JobReplaced"),
    "Job pre-created by somebody": (made_before, "JobNameTaken"),
    "Job changed on its way to the API server": (other_image, "JobChanged"),
    "Job with arguments": (
        template_with(lambda pod: pod["containers"][0].update(args=["--yes"])),
        "JobChanged",
    ),
    "Job with variables of a ConfigMap": (
        template_with(lambda pod: pod["containers"][0].update(envFrom=[{"configMapRef": {"name": "x"}}])),
        "JobChanged",
    ),
    "Job that finds the canary elsewhere": (
        template_with(
            lambda pod: pod.update(hostAliases=[{"ip": "10.0.0.1", "hostnames": ["chat-canary.default.svc"]}])
        ),
        "JobChanged",
    ),
    "Job suspended": (job_with(suspend=True), "JobChanged"),
    "Job that makes no pod": (job_with(parallelism=0), "JobChanged"),
    "Job that makes two pods": (job_with(parallelism=2, completions=2), "JobChanged"),
    "Job refused": (not_created, "JobNotCreated"),
    "pod of another image": (probe_with(image="example/says-yes"), "PodForged"),
    "pod with another command": (probe_with(command=["true"]), "PodForged"),
    "pod with arguments": (probe_with(args=["--yes"]), "PodForged"),
    "pod without its questions": (probe_with(volumeMounts=[]), "PodForged"),
    "pod with other parameters": (probe_with(env=[]), "PodForged"),
    "pod with other volumes": (pod_with(lambda pod: pod["spec"].update(volumes=[])), "PodForged"),
    "pod without a spec": (pod_with(lambda pod: pod.pop("spec")), "PodForged"),
    "pod of nobody": (pod_with(lambda pod: pod["metadata"].pop("ownerReferences", None)), "NotStarted"),
    "pod that the Job owns and does not control": (owned_by(controller=False), "NotStarted"),
    "pod of a Job of another API": (owned_by(apiVersion="example.com/v1"), "NotStarted"),
    "pod of another Job": (owned_by(uid="somebody"), "NotStarted"),
    "Job with a second pod": (two_pods, "MorePods"),
    "Job OOM": (ended(137, reason="OOMKilled"), "OutOfMemory"),
    "runner crashes": (ended(1, "Traceback"), "RunnerFailed"),
    "runner hangs until the Job's deadline": (deadline, "JobFailed"),
    "empty report": (said(lambda _spec: ""), "ReportUnreadable"),
    "truncated report": (said(lambda spec: encode(good_report(spec))[:-40]), "ReportUnreadable"),
    "report in other words": (said(lambda _spec: '{"verdict": "Passed"}'), "ReportUnreadable"),
    "report of another revision": (of_another(revision="r0000000000"), "ReportOfAnother"),
    "report of another baseline": (of_another(baseline="r0000000000"), "ReportOfAnother"),
    "report of another step": (of_another(step=1), "ReportOfAnother"),
    "report of another attempt": (of_another(attempt=7), "ReportOfAnother"),
    "report of another digest": (of_another(digest="sha256:" + "0" * 64), "ReportOfAnother"),
    "report of another gate": (of_another(gate="other"), "ReportOfAnother"),
    "report of another service": (of_another(service="other"), "ReportOfAnother"),
    "report of another namespace": (of_another(namespace="other"), "ReportOfAnother"),
    "report of another purpose": (of_another(purpose="Bake"), "ReportOfAnother"),
    "report that claims what its counters do not say": (TOO_FEW, "CountsDisagree"),
    "report without counters": (NOTHING, "CountsDisagree"),
    "report of an error": (ERROR, "RunnerError"),
    "report of an interruption": (INTERRUPTED, "Interrupted"),
    "report without an end": (UNENDED, "ReportUnfinished"),
    "pairs won that no answers show": (IMPOSSIBLE_WON, "ReportUnreadable"),
    "negative counters": (forged('"failed":0', '"failed":-1'), "ReportUnreadable"),
    "NaN": (forged('"failed":0', '"failed":NaN'), "ReportUnreadable"),
    "infinity": (forged('"failed":0', '"failed":Infinity'), "ReportUnreadable"),
    "a counter as text": (forged('"failed":0', '"failed":"0"'), "ReportUnreadable"),
    "a counter twice": (forged('"failed":0', '"failed":0,"failed":0'), "ReportUnreadable"),
    "a huge counter": (forged('"failed":0', '"failed":1e99'), "ReportUnreadable"),
    "canary evicted while probed": (canary_evicted, "PodsDisrupted"),
    "canary drained while probed": (canary_drained, "PodsDisrupted"),
    "stable pod lost while probed": (stable_lost, "PodsDisrupted"),
}


def attempts(name: str) -> list[dict[str, Any]]:
    """Statuses of all attempts of a gate whose probes are broken in this way; no user reached the canary meanwhile."""
    strike, _ = BROKEN[name]
    found = served()
    stable, found.answer = found.stable, silent
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    for _ in range(900):
        for job in jobs(found):
            strike(found, job)
        found.reconcile()
        assert found.users() == {stable}
        assert found.stage == "Probing"
        if found.status("rollout").get("held", {}).get("reason") == "ProbeBroken":
            break
        found.tick()

    mine = found.status("rollout")["revision"]
    assert (found.status("phase"), found.status("verdict")) == ("Held", "Broken")
    check(found)
    return [dict(r.status) for r in found.snapshot().runs if r.revision == mine]


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_probe_is_retried_then_holds_the_rollout(name: str) -> None:
    assert [(r["verdict"], r["reason"]) for r in attempts(name)] == [("Broken", BROKEN[name][1])] * 4


def test_a_job_of_somebody_else_is_left_alone() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(lambda w: w.stage == "Probing" and bool(jobs(w)))
    [name] = jobs(found)
    made_before(found, name)
    planned = found.reconcile()

    assert [(r.run.name, r.status["reason"], r.unwanted) for r in planned.runs] == [(name, "JobNameTaken", False)]


def test_a_job_that_admission_changed_says_where_and_what_was_found() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(lambda w: w.stage == "Probing" and bool(jobs(w)))
    [name] = jobs(found)
    other_image(found, name)
    [update] = found.reconcile().runs

    assert update.unwanted
    assert update.status["message"] == (
        f"the Job {name} differs from what Serinus makes at spec.template.spec.containers[0].image: found "
        "'example/says-yes', Serinus makes 'example/serinus:1'; a mutating webhook or somebody else changed it"
    )


def test_a_job_that_changes_after_it_was_recorded_in_what_admission_adds_goes_on() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(asking)
    [name] = jobs(found)
    found.objects["Job", name]["spec"]["template"]["spec"]["tolerations"] = [{"key": "added"}]
    found.answer = good
    at(found, "FinalBake")

    assert "ProbeBroken" not in found.told


def test_a_job_that_comes_when_its_run_was_given_up_asks_nobody() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(lambda w: w.stage == "Probing" and bool(jobs(w)))
    [name] = jobs(found)
    del found.objects["Job", name]
    found.now += 301
    found.reconcile()

    assert found.objects["ProbeRun", name]["status"]["reason"] == "JobNotCreated"
    assert ("Job", name) not in found.objects


def test_a_sidecar_that_keeps_the_job_open_does_not_keep_the_report() -> None:
    found = served()

    def with_sidecar(world_: FakeWorld) -> None:
        for pods in world_.job_pods.values():
            for pod in pods:
                pod["status"]["containerStatuses"].append({"name": "proxy", "state": {"running": {}}})
                pod["spec"]["containers"].insert(0, {"name": "proxy", "image": "example/proxy"})

    found.change("registry.example/vllm:2")
    for _ in range(100):
        found.reconcile()
        found.tick()
        with_sidecar(found)
        if found.stage == "FinalBake":
            return
    pytest.fail(found.stage)


def test_a_container_that_exited_by_itself_leaves_the_run_standing() -> None:
    found = served()
    found.answer = silent
    found.change("registry.example/vllm:2")
    found.run_until(asking)
    for pod in canary_pods(found):
        found.pods[pod]["status"]["containerStatuses"] = [{"name": "server", "restartCount": 2}]
    found.answer = good
    at(found, "FinalBake")

    assert "ProbeBroken" not in found.told


@pytest.mark.parametrize("event", ["deleted", "invalid", "changed"])
def test_a_probe_set_that_goes_away_or_changes_in_the_middle_starts_its_gate_from_zero(event: str) -> None:
    found = served()
    stable, found.answer = found.stable, silent
    found.change("registry.example/vllm:2")
    found.run_until(asking)
    before, found.answer = dict(found.probe_sets), good
    if event == "deleted":
        found.probe_sets.clear()
    elif event == "invalid":
        problem = dataclasses.replace(before["support"], questions=None, reason="ProbeSetInvalid", problem="line 3")
        found.probe_sets["support"] = problem
    else:
        found.probe_sets["support"] = changed_questions("40 days")
    found.reconcile()
    old = next(r for r in found.snapshot().runs if r.attempt == 0 and r.revision != stable)
    assert (old.status["verdict"], old.status["reason"]) == ("Broken", "Superseded")
    if event != "changed":
        for _ in range(5):
            assert found.users() == {stable}
            found.tick(1)
            found.reconcile()
        assert found.stage == "Probing"
        found.probe_sets.update(before)
    at(found, "FinalBake")

    run = next(r for r in found.snapshot().runs if r.attempt == 1 and r.revision != stable)
    questions = found.probe_sets["support"].questions
    assert run.status["verdict"] == "Passed"
    assert questions
    assert run.spec["probeSet"]["digest"] == questions.digest


def test_every_field_of_an_identity_tells_two_runs_apart() -> None:
    fields = {f.name for f in dataclasses.fields(reports.Identity)}
    named = {name.removeprefix("report of another ") for name in BROKEN if name.startswith("report of another ")}

    assert named == fields


def test_a_first_revision_is_broken_by_the_same_faults() -> None:
    found = world(**FAST)
    found.answer = lambda _spec: json.dumps({"verdict": "Passed"})
    held(found, "ProbeBroken")

    assert found.users() == set()
    check(found)
