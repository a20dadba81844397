"""`plan` against a fake world: whole rollouts, nothing to do when nothing changed, status that fits its schema."""

import dataclasses
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from serinus.core import status as statuses
from serinus.core import views
from serinus.core.gauges import samples
from serinus.core.seen import ProbeSetSeen
from serinus.plan import Plan
from tests.unit.fake_world import FAST, FakeWorld, bad, good, world
from tests.unit.rollouts import (
    at,
    check,
    condition,
    garbage,
    held,
    passed,
    served,
    silent,
    undecided,
)

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
    stages: list[str] = []
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
        mixed = snapshot
        for name in ("sets", "pods", "revisions", "jobs", "runs", "decisions"):
            values = list(getattr(snapshot, name))
            shuffle.shuffle(values)
            changed: dict[str, Any] = {name: tuple(values)}
            mixed = dataclasses.replace(mixed, **changed)
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


def test_what_came_ungated_is_not_called_verified_when_the_mode_becomes_enforce() -> None:
    found = world(**FAST)
    found.body["spec"]["rollout"]["mode"] = "Ungated"
    found.rest()
    found.body["spec"]["rollout"]["mode"] = "Enforce"
    found.rest()
    assert condition(found, "CanaryVerified") == ("Unknown", "NoVerdict")

    found.change("registry.example/vllm:2")
    at(found, "FinalBake").rest()
    assert condition(found, "CanaryVerified") == ("True", "GatesPassed")
    assert found.idle()


def test_advise_counts_what_it_would_have_stopped() -> None:
    found = world(**FAST)
    found.body["spec"]["rollout"]["mode"] = "Advise"
    found.rest()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "FinalBake").rest()

    assert found.status("scorecard") == {"rollouts": 2, "wouldHaveRolledBack": 1}


@pytest.mark.parametrize(
    ("answer", "reason"), [(bad, "GateFailed"), (undecided, "GateInconclusive"), (garbage, "ProbeBroken")]
)
def test_advise_tells_what_it_would_have_stopped_while_it_goes_on(answer: Any, reason: str) -> None:
    found = served()
    found.body["spec"]["rollout"]["mode"] = "Advise"
    found.answer = answer
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    [advice] = [v for k, v in samples(found.look().view, ()).items() if k[0] == "rollout_advice"]

    assert (advice, found.told.count(reason)) == (1.0, 1)
    at(found, "FinalBake").rest()
    assert not any(k[0] == "rollout_advice" for k in samples(found.look().view, ()))
