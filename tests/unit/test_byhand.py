"""Runs that people make in the fake world: validated, asked, judged, recorded; and no rollout ever hears of them."""

import copy
import dataclasses
from typing import Any, cast

import pytest

from serinus.core.questions import read_probe_set
from serinus.core.report import Report
from serinus.core.runs import CREATION_PATIENCE
from serinus.core.runspec import RunSpec
from serinus.shell.telemetry import ServiceMetrics
from serinus.shell.voice import Voice
from tests.support import objects
from tests.unit.fake_world import FakeWorld, bad, counted, good
from tests.unit.rollouts import at, check, noted, problems, served
from tests.unit.test_watch import let_pass

QUOTA = 'jobs.batch "x" is forbidden: exceeded quota: few, requested: count/jobs.batch=1'
DIGEST = read_probe_set("support", objects.probeset()["spec"], {})[1].digest
NEW = "registry.example/vllm:2"


def ask(found: FakeWorld, revision: str = "", baseline: str = "", **changes: Any) -> str:
    """A person asks for a run of the gate; its name."""
    revision = revision or found.stable
    attempt = changes.get("attempt", 0)
    name = str(changes.pop("name", f"chat-{revision}-support-manual-{attempt}"))
    asked = found.probe_sets["support"].questions
    assert asked is not None
    spec: dict[str, Any] = {
        "purpose": "Manual",
        "revision": revision,
        "baseline": baseline or None,
        "probeSet": {"name": "support", "digest": asked.digest},
        "parameters": None,
    }
    made = objects.proberun(name, **(spec | {"attempt": 0} | changes))
    made["spec"] = {k: v for k, v in made["spec"].items() if v is not None}
    assert problems("ProbeRun", "spec", made["spec"]) == []
    found.objects["ProbeRun", name] = found.admitted(made, None)
    return name


def status(found: FakeWorld, name: str) -> dict[str, Any]:
    return dict(found.objects["ProbeRun", name]["status"] or {})


def rollout(found: FakeWorld) -> tuple[Any, ...]:
    gates = [(g["verdict"], g["run"], g["message"]) for g in found.status("gates")]
    return (*map(found.status, ("rollout", "verdict", "phase", "rejected")), gates, found.users())


def failing(spec: RunSpec) -> Report | str | None:
    """Answers of which a third is wrong when a person asks."""
    return bad(spec) if spec.identity.purpose == "Manual" else good(spec)


def busy(spec: RunSpec) -> Report | str | None:
    """The gate of the rollout goes on asking."""
    return None if spec.identity.purpose == "BeforeTraffic" else good(spec)


class Silent:
    """Tells nobody of events."""

    def record(self, happening: object) -> None:
        assert happening


# What is asked, and of whom


def test_serving_revision_is_asked_alone_by_its_own_service_and_the_verdict_is_recorded() -> None:
    found = served()
    asked = noted(found, good)
    before = rollout(found)
    name = ask(found)
    let_pass(found, 60)

    assert (status(found, name)["phase"], status(found, name)["verdict"]) == ("Finished", "Passed")
    assert status(found, name)["evidence"]["floorPromotion"] > 10
    mine = next(s for s in asked if s.identity.purpose == "Manual")
    assert ("chat-stable." in mine.canary_url, mine.stable_url) == (True, "")
    assert rollout(found) == before
    assert found.idle()
    check(found)


def test_canary_is_asked_against_what_serves_and_its_failure_stops_nothing() -> None:
    found = served()
    found.answer = failing
    found.change(NEW)
    at(found, "Baking")
    before, canary = found.stable, str(found.status("canary")["revision"])
    asked = noted(found, failing)
    found.body["spec"]["rollout"]["paused"] = True
    name = ask(found, canary, before)
    let_pass(found, 60)
    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Failed", "WorseThanStable")
    mine = next(s for s in asked if s.identity.purpose == "Manual")
    assert "chat-canary." in mine.canary_url
    assert "chat-stable." in mine.stable_url
    del found.body["spec"]["rollout"]["paused"]
    found.rest()

    assert found.stable == canary
    assert "RolledBack" not in found.told
    check(found)


def test_passed_run_of_a_person_is_no_evidence_for_a_gate() -> None:
    found = served()
    passed = next(o for (kind, _), o in found.objects.items() if kind == "ProbeRun")
    found.answer = busy
    found.change(NEW)
    at(found, "Probing")
    canary = str(found.status("canary")["revision"])
    name = ask(found, canary)
    found.objects["ProbeRun", name]["status"] = copy.deepcopy(passed["status"])
    assert passed["status"]["verdict"] == "Passed"
    let_pass(found, 60)

    assert found.stage == "Probing"
    assert found.users() == {found.stable}
    assert [g["verdict"] for g in found.status("gates")] == ["Running"]


def test_answers_to_a_person_count_toward_no_objective_and_no_series_of_a_gate() -> None:
    found, counted_answers = served(), ServiceMetrics()
    voice = Voice(events=cast("Any", Silent()), metrics=counted_answers)
    name = ask(found)
    for _ in range(12):
        voice.tell(found.body, found.reconcile(), ())
        found.tick()
    assert status(found, name)["answers"]["canary"] == {"passed": 100, "failed": 0}
    assert not [s for m in counted_answers.collect() if "probe_answers" in m.name for s in m.samples]
    assert name not in str([m.samples for m in counted_answers.collect()])


def test_attempts_of_a_person_are_none_of_the_rollout() -> None:
    found = served()
    name = ask(found, attempt=999_999_999)
    let_pass(found, 60)
    assert status(found, name)["verdict"] == "Passed"
    first = found.stable
    found.change(NEW)
    at(found, "Stable")
    found.run_until(lambda w: w.stable != first)
    found.change("registry.example/vllm:1")
    found.rest()
    ours = [r for r in found.snapshot().runs if r.purpose != "Manual"]
    assert max(r.attempt for r in ours) < 5


# What waits


def test_run_waits_while_a_gate_of_a_rollout_asks_and_begins_when_it_has_decided() -> None:
    found = served()
    found.answer = busy
    found.change(NEW)
    at(found, "Probing")
    name = ask(found)
    let_pass(found, CREATION_PATIENCE + 100)
    assert status(found, name) == {
        "phase": "Pending",
        "reason": "Waiting",
        "message": "waits while a gate of the rollout asks",
    }
    assert ("Job", name) not in found.objects
    check(found)
    assert found.idle()
    found.answer = good
    found.run_until(lambda w: status(w, name)["phase"] == "Finished")
    assert status(found, name)["verdict"] == "Passed"
    assert "message" in status(found, name)


def test_runs_of_people_are_made_one_after_the_other() -> None:
    found = served()
    found.answer = lambda spec: None if spec.identity.attempt == 0 else good(spec)
    first, second = ask(found), ask(found, attempt=1)
    let_pass(found, 60)
    assert status(found, first)["phase"] == "Running"
    assert status(found, second)["message"] == f"waits for ProbeRun {first}"
    found.answer = good
    let_pass(found, 60)
    assert {status(found, n)["verdict"] for n in (first, second)} == {"Passed"}


def test_run_waits_for_a_pod_that_is_ready() -> None:
    found = served()
    for pod in found.pods.values():
        pod["status"] = {}
    found.ready = lambda _pod: False
    name = ask(found)
    let_pass(found, 30)
    assert status(found, name)["message"] == f"waits for a Ready pod of {found.stable}"
    found.ready = lambda _pod: True
    let_pass(found, 60)
    assert status(found, name)["verdict"] == "Passed"


def test_run_that_was_made_long_before_the_operator_came_is_still_made() -> None:
    found = served()
    name = ask(found)
    found.now += 10 * CREATION_PATIENCE
    let_pass(found, 60)
    assert status(found, name)["verdict"] == "Passed"


# What cannot be made


@pytest.mark.parametrize(
    ("changes", "reason", "said"),
    [
        ({"gate": "other"}, "GateNotFound", "spec.gate: found 'other', allowed are support"),
        ({"revision": objects.REVISION}, "NotServing", f"found {objects.REVISION} and no baseline, allowed is"),
        ({"baseline": objects.REVISION}, "NotServing", f"and {objects.REVISION}, allowed is"),
        ({"probeSet": {"name": "support", "digest": objects.DIGEST}}, "DigestDiffers", "spec.probeSet.digest: found"),
        (
            {"probeSet": {"name": "other", "digest": DIGEST}},
            "DigestDiffers",
            "spec.probeSet.name: found other, allowed is support",
        ),
        ({"name": "chat-mine"}, "NameDiffers", "metadata.name: found chat-mine, allowed is chat-r"),
        (
            {"parameters": {"floorPercent": 10}},
            "ParametersDiffer",
            "spec.parameters.floorPercent: found 10, allowed is 80, as the gate says",
        ),
        (
            {"parameters": {"trust": "me"}},
            "ParametersDiffer",
            "spec.parameters.trust: found 'me', allowed is nothing: no gate has it",
        ),
    ],
)
def test_run_that_cannot_be_made_says_why_and_asks_nobody(changes: dict[str, Any], reason: str, said: str) -> None:
    found = served()
    before = rollout(found)
    name = ask(found, **changes)
    let_pass(found, 30)

    assert ("Job", name) not in found.objects
    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Broken", reason)
    assert said in status(found, name)["message"]
    assert rollout(found) == before
    check(found)


def test_run_of_a_canary_that_is_taken_away_ends_with_it() -> None:
    found = served()
    found.change(NEW)
    at(found, "Baking")
    canary = str(found.status("canary")["revision"])
    found.answer = lambda spec: None if spec.identity.purpose == "Manual" else good(spec)
    name = ask(found, canary)
    found.run_until(lambda w: status(w, name).get("phase") == "Running")
    found.decide("Abort", canary)
    found.rest()

    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Broken", "NotServing")
    assert ("Job", name) not in found.objects


def test_run_of_a_service_whose_spec_is_invalid_says_so() -> None:
    found = served()
    found.answer = lambda spec: None
    name = ask(found)
    let_pass(found, 20)
    found.body["spec"]["gates"]["quality"][0]["marginPoints"] = -1
    found.body["metadata"]["generation"] += 1
    let_pass(found, 20)
    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Broken", "InvalidSpec")


def test_job_of_a_person_that_is_refused_holds_no_rollout() -> None:
    found = served()
    found.refused = lambda m: QUOTA if m["kind"] == "Job" and "-manual-" in m["metadata"]["name"] else ""
    name = ask(found)
    found.told.clear()
    let_pass(found, 30)
    assert found.status("phase") == "Stable"
    assert found.told == []
    let_pass(found, CREATION_PATIENCE)
    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Broken", "JobNotCreated")


def test_what_a_runner_claims_to_a_person_is_recomputed() -> None:
    found = served()
    found.answer = lambda spec: dataclasses.replace(counted(spec, passed=30, failed=70, lost=0), end="Decided")
    name = ask(found)
    let_pass(found, 60)
    assert (status(found, name)["verdict"], status(found, name)["reason"]) == ("Failed", "BelowFloor")
