"""Objects that the API server refuses: held at once in its words, told once, asked again, gone by itself."""

import dataclasses
from typing import Any

import pytest

from serinus.core.rollout import Hold
from serinus.core.views import refusal_reason
from serinus.shell.kinds import Kind, Ref
from serinus.shell.obstacles import unsettled, vital, with_obstacle
from serinus.shell.outcomes import Outcome, Result
from serinus.shell.world import JOB, PROBERUN, RULE, SERVICE
from tests.unit.fake_world import FakeWorld
from tests.unit.rollouts import at, check, condition, held, served

QUOTA = 'configmaps "chat-probes" is forbidden: exceeded quota: few, requested: count/configmaps=1'
HOOK = 'admission webhook "names.example" denied the request: no Service of that name'
NO_RIGHT = 'jobs.batch is forbidden: User "system:serviceaccount:serinus:serinus" cannot create resource "jobs"'


def refuse(found: FakeWorld, kind: str, words: str, *, new: bool = True) -> None:
    """The server refuses a kind; `new`: only objects that are not there yet."""

    def refused(manifest: dict[str, Any]) -> str:
        there = (kind, manifest["metadata"]["name"]) in found.objects
        return words if manifest["kind"] == kind and not (there and new) else ""

    found.refused = refused


@pytest.mark.parametrize(
    ("kind", "words", "reason"),
    [
        ("ConfigMap", QUOTA, "QuotaExceeded"),
        ("Service", HOOK, "AdmissionRefused"),
        ("ProbeRun", HOOK, "AdmissionRefused"),
        ("Job", NO_RIGHT, "NotPermitted"),
        ("ReplicaSet", QUOTA, "QuotaExceeded"),
    ],
)
def test_a_refused_object_is_said_at_once_and_goes_away_by_itself(kind: str, words: str, reason: str) -> None:
    found = served()
    found.told.clear()
    refuse(found, kind, words, new=kind != "Service")
    found.change("registry.example/vllm:2")
    begun = found.now
    held(found, reason)

    check(found)
    assert found.now - begun < 60
    assert condition(found, "Held") == ("True", reason)
    assert words in found.status("message")
    assert f"{kind} chat" in found.status("message")
    for _ in range(8):
        found.reconcile()
        found.tick()
        assert condition(found, "Held") == ("True", reason)
    assert found.told.count("Held") == 1

    found.refused = lambda _manifest: ""
    at(found, "FinalBake").rest()
    assert condition(found, "Held")[0] == "False"


@pytest.mark.parametrize("kind", ["ConfigMap", "Job"])
def test_a_quota_that_lasts_uses_up_no_attempts(kind: str) -> None:
    found = served()
    refuse(found, kind, QUOTA)
    found.change("registry.example/vllm:2")
    held(found, "QuotaExceeded")
    for _ in range(100):
        found.reconcile()
        found.tick(60.0)
    assert found.status("rollout")["held"]["reason"] == "QuotaExceeded"
    assert found.status("rollout")["brokenRetries"] == 0

    found.refused = lambda _manifest: ""
    at(found, "FinalBake").rest()


def test_a_refusal_never_stops_a_rollback() -> None:
    found = served()
    stable = found.stable
    found.change("registry.example/vllm:2")
    at(found, "Baking")
    refuse(found, "Service", HOOK, new=False)
    for name in ("chat", "chat-canary"):
        found.objects["Service", name]["spec"]["type"] = "NodePort"
    held(found, "AdmissionRefused")
    found.decide("Abort", found.look().view.target)
    found.run_until(lambda w: w.users() == {stable})


def outcome(kind: Kind, name: str, result: Result, message: str = HOOK) -> Outcome:
    return Outcome(Ref(kind, "default", name), result, message)


def test_outputs_that_are_refused_hold_nothing() -> None:
    planned = served().look()
    refused = outcome(RULE, "chat", Result.REFUSED)

    assert not vital(refused)
    assert with_obstacle(planned, [refused]) == (planned, False)


def test_all_that_is_refused_is_named_a_job_first() -> None:
    refused = [outcome(SERVICE, "chat", Result.REFUSED), outcome(JOB, "chat-run", Result.REFUSED, QUOTA)]
    planned, changed = with_obstacle(served().look(), refused)
    found = planned.view.state.held

    assert changed
    assert found == Hold(
        reason="QuotaExceeded", message=f"Job chat-run: {QUOTA}; Service chat: {HOOK}", object="Job chat-run"
    )


def test_a_taken_name_comes_before_a_refusal() -> None:
    found = [outcome(JOB, "chat-run", Result.REFUSED), outcome(SERVICE, "chat", Result.NAME_CONFLICT, "taken")]
    told, _ = with_obstacle(served().look(), found)

    assert told.view.state.held == Hold(reason="NameConflict", message="taken", object="Service chat")
    assert told.stories[-1].reason == "NameConflict"


def test_what_was_not_tried_again_is_still_refused() -> None:
    found = served()
    found.refused = lambda m: HOOK if m["kind"] == "Service" else ""
    found.objects["Service", "chat"]["spec"]["type"] = "NodePort"
    found.reconcile()
    planned = found.look()
    assert planned.obstacle is not None

    assert with_obstacle(planned, [outcome(JOB, "x", Result.UNAVAILABLE)]) == (planned, False)
    assert with_obstacle(planned, [])[0].view.state.held is None


def test_what_a_run_beside_the_rollout_cannot_have_is_no_obstacle_and_delays_nothing() -> None:
    planned = dataclasses.replace(served().look(), beside=frozenset({"chat-manual"}))
    asked = [outcome(kind, "chat-manual", Result.REFUSED) for kind in (JOB, PROBERUN)]
    needed = [outcome(JOB, "chat-gate", Result.REFUSED), outcome(SERVICE, "chat-manual", Result.REFUSED)]
    away = outcome(JOB, "chat-manual", Result.UNAVAILABLE)

    assert with_obstacle(planned, asked) == (planned, False)
    assert unsettled(planned, [*asked, *needed, away]) == [*needed, away]
    assert with_obstacle(planned, [*asked, needed[0]])[0].view.state.held is not None


def test_a_refusal_is_named_by_its_words() -> None:
    assert [refusal_reason(t) for t in (QUOTA, HOOK, NO_RIGHT)] == ["QuotaExceeded", "AdmissionRefused", "NotPermitted"]
