"""`plan` against a fake world: whole rollouts, nothing to do when nothing changed, status that fits its schema."""

import copy
import dataclasses
import itertools
import json
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core import status as statuses
from serinus.core import views
from serinus.core.model import InvalidSpec
from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from serinus.core.seen import ProbeSetSeen
from serinus.plan import Plan
from tests.golden.crd import strict
from tests.golden.render import ROOT
from tests.unit.fake_world import FAST, FakeWorld, bad, changed_questions, counted, good, world

CONDITIONS = {
    "CanaryVerified",
    "Frozen",
    "Held",
    "MonitoringReady",
    "PoliciesReady",
    "ProbesReady",
    "Ready",
    "Reconciling",
    "SpecValid",
    "Stalled",
}


@cache
def schema(kind: str) -> dict[str, Any]:
    crd = yaml.safe_load((ROOT / "crds" / f"serinus.dev_{kind.lower()}s.yaml").read_text())
    return strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])


def problems(kind: str, part: str, found: object) -> list[str]:
    """What a CRD has against the spec or the status of an object, with unknown fields refused."""
    errors = jsonschema.Draft202012Validator(schema(kind)["properties"][part]).iter_errors(found)
    return sorted(f"{e.json_path}: {e.message}" for e in errors)


def check(found: FakeWorld) -> None:
    """What holds at any moment: schemas, all conditions, and no user on a revision without evidence."""
    status = found.body.get("status")
    if status:
        assert problems("LLMService", "status", status) == []
        assert {c["type"] for c in status["conditions"]} == CONDITIONS
    for (kind, _), made in found.objects.items():
        if kind in ("ProbeRun", "Decision"):
            assert problems(kind, "spec", made["spec"]) == []
            assert problems(kind, "status", made.get("status") or {}) == []


def passed(found: FakeWorld) -> set[str]:
    """Revisions with a run before traffic that passed."""
    runs = [o for (kind, _), o in found.objects.items() if kind == "ProbeRun"]
    return {
        r["spec"]["revision"]
        for r in runs
        if (r["status"] or {}).get("verdict") == "Passed" and r["spec"]["purpose"] == "BeforeTraffic"
    }


def condition(found: FakeWorld, kind: str) -> tuple[str, str]:
    one = next(c for c in found.status("conditions") if c["type"] == kind)
    return one["status"], one["reason"]


def undecided(spec: RunSpec) -> Report | str | None:
    return dataclasses.replace(counted(spec, passed=9, failed=1, lost=1), end="Budget")


def garbage(_spec: RunSpec) -> Report | str | None:
    return "I am a teapot"


def silent(_spec: RunSpec) -> Report | str | None:
    return None


def served(**spec: Any) -> FakeWorld:
    """A service whose first revision is stable."""
    return world(**(FAST | spec)).rest()


def at(found: FakeWorld, stage: str) -> FakeWorld:
    return found.run_until(lambda w: w.stage == stage)


def held(found: FakeWorld, reason: str) -> FakeWorld:
    return found.run_until(lambda w: w.status("rollout", {}).get("held", {}).get("reason") == reason)


# Whole rollouts


def test_a_first_revision_serves_only_after_its_floor_passed() -> None:
    found = world(**FAST)
    while found.stage != "Stable" or not found.stable:
        found.reconcile()
        assert found.users() <= passed(found)
        check(found)
        found.tick()

    assert found.users() == {found.stable}
    assert found.told == ["RolloutStarted", "GatePassed", "TrafficShifted", "Promoted"]


def test_a_good_revision_replaces_the_stable_one_step_by_step() -> None:
    found = served()
    old, found.told = found.stable, []
    found.change("registry.example/vllm:2")
    stages = []
    while not stages or found.stage != "Stable":
        found.reconcile()
        check(found)
        assert found.users(), "nobody serves"
        assert found.users() <= passed(found)
        stages += [found.stage] if stages[-1:] != [found.stage] else []
        found.tick()

    assert stages == ["Starting", "Probing", "Shifting", "Baking", "Promoting", "FinalBake", "Stable"]
    assert found.stable != old
    assert found.told == ["RolloutStarted", "GatePassed", "TrafficShifted", "TrafficShifted", "Promoted"]
    assert found.rest().users() == {found.stable}


def test_a_bad_revision_is_rejected_and_stays_so() -> None:
    found = served()
    old, found.told = found.stable, []
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting").rest()

    assert (found.stable, found.status("phase")) == (old, "RolledBack")
    assert condition(found, "Stalled") == ("True", "RevisionRejected")
    assert [r["reason"] for r in found.status("rejected")] == ["QualityFailed"]
    assert found.told == ["RolloutStarted", "GateFailed", "RolledBack"]
    found.answer = good
    for _ in range(10):
        assert found.idle()
        found.tick(3600)

    found.decide("Retry", found.status("rejected")[0]["revision"])
    at(found, "Promoting").rest()
    assert found.stable != old
    assert found.status("rejected") == []


def test_a_revert_to_a_proven_revision_needs_no_gate() -> None:
    found = served()
    first = found.body["spec"]["workload"]["template"]["spec"]["containers"][0]["image"]
    proven = found.stable
    found.change("registry.example/vllm:2")
    at(found, "FinalBake").rest()
    found.answer, runs = silent, sum(kind == "ProbeRun" for kind, _ in found.objects)
    found.change(first)
    at(found, "FinalBake").rest()

    assert found.stable == proven
    assert sum(kind == "ProbeRun" for kind, _ in found.objects) == runs


@pytest.mark.parametrize("stage", ["Starting", "Probing", "Shifting", "Baking", "Promoting", "FinalBake"])
def test_a_new_template_replaces_the_canary_without_a_rejection(stage: str) -> None:
    found = served()
    found.change("registry.example/vllm:2")
    at(found, stage)
    found.change("registry.example/vllm:3")
    at(found, "Aborting")
    at(found, "Starting")
    at(found, "FinalBake").rest()

    assert found.status("rejected") == []
    assert condition(found, "CanaryVerified") == ("True", "GatesPassed")
    image = found.status("stable")["images"]
    assert image == ["registry.example/vllm:3"]


# Nothing to do when nothing changed


def waiting_worlds() -> dict[str, Callable[[], FakeWorld]]:
    def changed(found: FakeWorld, **more: Any) -> FakeWorld:
        for name, value in more.items():
            setattr(found, name, value)
        found.change("registry.example/vllm:2")
        return found

    def unsupported() -> FakeWorld:
        found = changed(served())
        found.body["spec"]["rollout"]["approval"] = "BeforeTraffic"
        return held(found, "FieldNotSupported")

    def without_questions() -> FakeWorld:
        found = changed(served())
        found.probe_sets.clear()
        return held(found, "ProbeSetNotFound")

    def paused() -> FakeWorld:
        found = changed(served())
        found.body["spec"]["rollout"]["paused"] = True
        return held(found, "Paused")

    def scaled_to_zero() -> FakeWorld:
        found = changed(served())
        found.body["spec"]["workload"]["replicas"] = 0
        return held(found, "ScaledToZero")

    return {
        "stable": served,
        "asking": lambda: at(changed(served(), answer=silent), "Probing"),
        "inconclusive": lambda: held(changed(served(), answer=undecided), "Inconclusive"),
        "broken": lambda: held(changed(served(), answer=garbage), "ProbeBroken"),
        "unsupported": unsupported,
        "without questions": without_questions,
        "paused": paused,
        "scaled to zero": scaled_to_zero,
    }


WAITING = waiting_worlds()


@pytest.mark.parametrize("name", WAITING)
def test_nothing_is_written_when_nothing_changed(name: str) -> None:
    found = WAITING[name]()
    for _ in range(6):
        found.reconcile()
        found.tick(1)
    check(found)

    for _ in range(5):
        found.writes.clear()
        planned = found.reconcile()
        assert found.writes == []
        assert (planned.moved, planned.patches, planned.decisions, planned.stories) == (False, (), (), ())
        assert planned.requeue_after is None or planned.requeue_after >= 0.5
        found.now += 1


@pytest.mark.parametrize("name", WAITING)
def test_the_clock_alone_changes_nothing_in_status(name: str) -> None:
    found = WAITING[name]()
    found.run_until(lambda w: w.idle() or w.idle())
    planned, status = found.look(), found.body["status"]
    outputs = [statuses.Output(**o) for o in status["outputs"]]

    for seconds in (1, 60, 86_400):
        later = statuses.build(planned.view, outputs, status, views.timestamp(found.now + seconds))
        assert json.loads(json.dumps(later)) == status


def text(planned: Plan) -> str:
    return json.dumps([planned.manifests, [dataclasses.asdict(p) for p in planned.patches]])


@pytest.mark.parametrize("stage", ["Probing", "Baking", "Promoting", "FinalBake", "Aborting"])
def test_the_same_world_gives_the_same_bytes_in_whatever_order_it_was_seen(stage: str) -> None:
    found = served()
    found.change("registry.example/vllm:2")
    if stage == "Aborting":
        found.answer = bad
    at(found, stage)
    snapshot, shuffle = found.snapshot(), random.Random(7)
    first = text(found.look())

    assert text(found.look()) == first
    for _ in range(5):
        lists = {n: list(getattr(snapshot, n)) for n in ("sets", "pods", "revisions", "jobs", "runs", "decisions")}
        for values in lists.values():
            shuffle.shuffle(values)
        mixed = dataclasses.replace(snapshot, **{n: tuple(v) for n, v in lists.items()})
        found.snapshot = lambda mixed=mixed: mixed  # type: ignore[method-assign, misc]
        assert text(found.look()) == first


# What is said


def test_long_messages_of_others_are_cut_and_come_to_rest() -> None:
    found = served()
    found.probe_sets["support"] = ProbeSetSeen(name="support", reason="ProbeSetInvalid", problem="x" * 9000)
    found.change("registry.example/vllm:2")
    held(found, "ProbeSetInvalid")
    found.run_until(lambda w: w.idle(), turns=3)

    check(found)
    assert not found.look().moved


def test_an_invalid_spec_is_said_and_everything_else_stays() -> None:
    found = served()
    found.body["spec"]["runtime"] = "unheard-of"
    with pytest.raises(InvalidSpec) as caught:
        found.look()
    status = statuses.invalid(
        found.body["status"], caught.value.path, caught.value.message, 2, views.timestamp(found.now)
    )

    assert problems("LLMService", "status", status) == []
    assert {c["type"] for c in status["conditions"]} == CONDITIONS
    assert status["phase"] == "Invalid"
    assert status["stable"] == found.status("stable")


@pytest.mark.parametrize("mode", ["Ungated", "Advise"])
def test_what_no_gate_may_stop_is_never_called_verified(mode: str) -> None:
    found = world(**FAST)
    found.body["spec"]["rollout"]["mode"] = mode
    found.answer = bad
    found.rest()

    assert found.users() == {found.stable}
    assert condition(found, "CanaryVerified") == ("Unknown", "NotEnforced")
    assert "GatePassed" not in found.told
    check(found)


def test_advise_counts_what_it_would_have_stopped() -> None:
    found = world(**FAST)
    found.body["spec"]["rollout"]["mode"] = "Advise"
    found.rest()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "FinalBake").rest()

    assert found.status("scorecard") == {"rollouts": 2, "wouldHaveRolledBack": 1}


# What was found by review, each with its test


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
    found.body["status"]["rollout"]["held"] = {"reason": "NameConflict", "message": "Service chat belongs to nobody"}
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


# Anything that may happen, in any order

ANSWERS = (good, bad, undecided, garbage, silent)
images = st.integers(1, 4).map(lambda n: ("image", n))
events = st.one_of(
    images,
    st.sampled_from(ANSWERS).map(lambda a: ("answer", a)),
    st.integers(1, 4).map(lambda n: ("kill", n)),
    st.integers(1, 5).map(lambda n: ("scale", n)),
    st.sampled_from(["Abort", "Retry", "Override"]).map(lambda a: ("decide", a)),
    st.sampled_from(["pause", "unpause", "no questions", "questions", "other questions", "lose status", "run"]).map(
        lambda e: (e, 0)
    ),
)


def happen(found: FakeWorld, event: tuple[str, Any], names: Any) -> None:
    kind, value = event
    spec = found.body["spec"]
    match kind:
        case "image":
            found.change(f"registry.example/vllm:{value}")
        case "answer":
            found.answer = value
        case "kill":
            found.reconcile(killed_after=value)
        case "scale":
            spec["workload"]["replicas"] = value
        case "decide":
            found.decide(value, found.look().view.target, next(names))
        case "pause" | "unpause":
            spec["rollout"]["paused"] = kind == "pause"
        case "no questions":
            found.probe_sets.clear()
        case "questions" | "other questions":
            found.probe_sets["support"] = changed_questions("30 days" if kind == "questions" else "40 days")
        case "lose status":
            found.body.pop("status", None)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(events, st.integers(0, 6)), max_size=14), st.sampled_from([0, 1, "50%"]))
def test_whatever_happens_users_have_a_revision_that_passed(script: list[tuple[Any, int]], surge: int | str) -> None:
    found = served(rollout=FAST["rollout"] | {"maxSurge": surge})
    names = (f"decision-{n}" for n in itertools.count(2))
    ever = passed(found)
    for event, turns in script:
        happen(found, event, names)
        for _ in range(turns):
            found.reconcile()
            found.tick()
            ever |= passed(found)
            assert found.users(), found.body["status"]
            assert found.users() <= ever
        check(found)

    spec = found.body["spec"]
    spec["rollout"]["paused"], spec["workload"]["replicas"], found.answer = False, 3, good
    found.probe_sets["support"] = changed_questions("30 days")
    found.change("registry.example/vllm:final")
    found.run_until(lambda w: w.status("stable", {}).get("images") == ["registry.example/vllm:final"])
    found.rest()
    assert found.users() == {found.stable}
    assert copy.deepcopy(found.body) == found.body
