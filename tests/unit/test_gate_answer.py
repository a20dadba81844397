"""The gate endpoint's answer: whatever is not surely Passed is not Passed."""

from typing import Any

import pytest

from serinus.core.answer import gate_answer
from serinus.core.rollout import Stage

OLD, NEW = "r0000000001", "r0000000002"


def status(stage: str, held: str = "", rejected: bool = False) -> dict[str, Any]:
    """A status with OLD serving and NEW in a stage."""
    rollout: dict[str, Any] = {"stage": stage, "intent": {"stable": OLD}}
    if stage != "Stable":
        rollout["revision"] = NEW
    if held:
        rollout["held"] = {"reason": held, "message": "…"}
    return {
        "rollout": rollout,
        "stable": {"revision": OLD},
        "rejected": [{"revision": NEW}] if rejected else [],
        "message": "a sentence",
    }


def aborting(reason: str) -> dict[str, Any]:
    """A status with NEW being taken away for a reason."""
    found = status("Aborting")
    found["rollout"]["intent"]["reason"] = reason
    return found


@pytest.mark.parametrize(
    ("found", "revision", "verdict"),
    [
        (status("Starting"), NEW, "Running"),
        (status("Probing"), NEW, "Running"),
        (status("Probing"), "", "Running"),
        (status("Probing", held="ProbeBroken"), NEW, "Broken"),
        (status("Probing", held="Inconclusive"), NEW, "Inconclusive"),
        (status("Probing"), OLD, "Passed"),
        (status("Shifting"), NEW, "Passed"),
        (status("FinalBake"), NEW, "Passed"),
        (status("Aborting"), NEW, "Inconclusive"),
        (aborting("QualityFailed"), NEW, "Failed"),
        (aborting("CrashLoop"), NEW, "Inconclusive"),
        (status("Stable", rejected=True), NEW, "Failed"),
        (status("Stable"), "", "Passed"),
        (status("Stable"), "r00000000ff", "Inconclusive"),
        ({}, "", "Running"),
        ({}, NEW, "Inconclusive"),
        ({"rollout": {"stage": "SomethingNew", "revision": NEW}}, NEW, "Running"),
    ],
)
def test_verdict_of_a_revision_follows_from_status(found: dict[str, Any], revision: str, verdict: str) -> None:
    assert gate_answer({"status": found}, revision)["verdict"] == verdict


@pytest.mark.parametrize("stage", list(Stage))
def test_only_a_revision_that_users_may_reach_has_passed(stage: Stage) -> None:
    reached = stage in (Stage.SHIFTING, Stage.BAKING, Stage.PROMOTING, Stage.FINAL_BAKE)
    assert (gate_answer({"status": status(str(stage))}, NEW)["verdict"] == "Passed") is reached


@pytest.mark.parametrize(("verdict", "answer"), [("Failed", "Failed"), ("Passed", "Passed"), ("", "Inconclusive")])
@pytest.mark.parametrize("mode", ["Advise", "Ungated"])
def test_where_no_gate_stops_traffic_the_gates_say_the_verdict(mode: str, verdict: str, answer: str) -> None:
    found = {**status("Baking"), "verdict": verdict, "gates": [{"name": "support"}]}
    body = {"spec": {"rollout": {"mode": mode}}, "status": found}
    assert gate_answer(body, NEW)["verdict"] == answer


@pytest.mark.parametrize(
    ("mode", "run", "verdict", "answer"),
    [
        ("Enforce", f"chat-{NEW}-support-before-traffic-0", "Failed", "Passed"),
        ("Advise", f"chat-{OLD}-support-before-traffic-0", "Passed", "Passed"),
        ("Advise", f"chat-{OLD}-support-before-traffic-0", "Failed", "Failed"),
        ("Advise", f"chat-{NEW}-support-before-traffic-0", "Passed", "Inconclusive"),
        ("Ungated", "", "Passed", "Inconclusive"),
    ],
)
def test_what_serves_has_passed_only_where_gates_decide_or_its_own_runs_say_so(
    mode: str, run: str, verdict: str, answer: str
) -> None:
    found = {**status("Stable"), "verdict": verdict, "gates": [{"name": "support", "run": run}]}
    body = {"spec": {"rollout": {"mode": mode}}, "status": found}
    assert gate_answer(body, OLD)["verdict"] == answer


def test_a_spec_that_was_not_looked_at_yet_has_no_verdict_of_the_revision_before() -> None:
    body = {"metadata": {"generation": 8}, "status": {**status("Stable"), "observedGeneration": 7}}
    assert gate_answer(body, "") == {"revision": "", "verdict": "Running", "message": "a sentence"}
    assert gate_answer(body, OLD)["verdict"] == "Passed"
    body["status"]["observedGeneration"] = 8
    assert gate_answer(body, "") == {"revision": OLD, "verdict": "Passed", "message": "a sentence"}
