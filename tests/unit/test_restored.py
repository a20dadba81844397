"""What is lost, restored from a backup or left by an earlier service of the name: it promotes nothing."""

import copy
from collections.abc import Callable

import pytest

from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from serinus.core.seen import Outcome
from serinus.core.views import timestamp
from tests.support import objects
from tests.unit.fake_world import FakeWorld, bad, good
from tests.unit.rollouts import at, served, undecided

NEW = "registry.example/vllm:2"


def failing(purpose: str) -> Callable[[RunSpec], Report | str | None]:
    """Answers that are good but for the runs of one purpose."""
    return lambda spec: bad(spec) if spec.identity.purpose == purpose else good(spec)


def rolled_back(purpose: str, *, restored: str = "") -> tuple[FakeWorld, str]:
    """A revision that passed before traffic and was rejected later; then the answers are good.

    `restored`: the stage whose status comes back from a backup; empty: status is lost while it is rolled back.
    """
    found = served(gates={"quality": [objects.gate(when=["BeforeTraffic", purpose])]})
    stable, found.answer = found.stable, failing(purpose)
    found.change(NEW)
    if restored:
        backup = copy.deepcopy(at(found, restored).body["status"])
        at(found, "Aborting").rest()
        # A person may have decided something before: that begins nothing again but from the start.
        backup["rollout"]["intent"]["acted"] = "" if restored == "Starting" else "uid-of-a-decision"
        found.body["status"] = backup
    else:
        at(found, "Aborting").reconcile()
        del found.body["status"]
    found.answer = good
    return found, stable


def test_a_rejection_outlives_a_status_that_is_lost_while_users_go_back() -> None:
    found, stable = rolled_back("Bake")
    found.rest()

    assert (found.stable, found.status("phase"), found.users()) == (stable, "RolledBack", {stable})
    assert [r["reason"] for r in found.status("rejected")] == ["QualityFailed"]


@pytest.mark.parametrize("stage", ["Starting", "Probing", "Baking", "FinalBake"])
def test_a_status_from_before_its_rejection_does_not_bring_a_revision_back(stage: str) -> None:
    found, stable = rolled_back("Bake", restored=stage)
    runs = len(found.snapshot().runs)
    found.rest()

    assert (found.stable, found.status("phase"), found.users()) == (stable, "RolledBack", {stable})
    assert [r["reason"] for r in found.status("rejected")] == ["QualityFailed"]
    assert len(found.snapshot().runs) == runs, "nobody was asked again"


def test_a_retry_begins_a_rejected_revision_again_after_all_that() -> None:
    found, stable = rolled_back("Bake", restored="Baking")
    found.rest()
    found.decide("Retry", found.look().view.target)
    found.reconcile(killed_after=1)
    at(found, "FinalBake").rest()

    assert found.stable != stable
    assert found.objects["Decision", "decision-1"]["status"]["state"] == "Applied"
    assert found.status("rejected") == []


# Evidence of a part of the gates


def two_gates() -> tuple[FakeWorld, str]:
    """Advise: a revision that one gate passed, and of which the other could not tell."""
    gates = {"quality": [objects.gate(), objects.gate("other", probeSetRef={"name": "support"})]}
    found = served(gates=gates)
    stable = found.stable
    found.body["spec"]["rollout"]["mode"] = "Advise"
    found.answer = lambda spec: undecided(spec) if spec.identity.gate == "other" else good(spec)
    found.change(NEW)
    return found, stable


def test_enforce_takes_users_back_from_a_revision_that_one_of_its_gates_did_not_pass() -> None:
    found, stable = two_gates()
    at(found, "Baking").body["spec"]["rollout"]["mode"] = "Enforce"
    found.run_until(lambda w: w.status("rollout").get("held", {}).get("reason") == "Inconclusive")

    assert (found.stage, found.stable, found.users()) == ("Probing", stable, {stable})
    assert found.status("rejected") == []


def test_a_gate_that_is_added_or_taken_away_in_traffic_ends_no_rollout() -> None:
    for names in (["support"], ["support", "other", "third"]):
        found = served(gates={"quality": [objects.gate(), objects.gate("other", probeSetRef={"name": "support"})]})
        found.change(NEW)
        gates = [objects.gate(name, probeSetRef={"name": "support"}) for name in names]
        at(found, "Baking").body["spec"]["gates"]["quality"] = gates
        at(found, "FinalBake")
        assert "RolloutEnded" not in found.told


def test_what_advise_promoted_without_all_gates_is_asked_again_when_it_comes_back() -> None:
    found, first = two_gates()
    at(found, "FinalBake").rest()
    outcomes = {r.name: r.outcome for r in found.snapshot().revisions}

    assert outcomes == {first: Outcome.PROVEN, found.stable: Outcome.SERVED}


# A service of the same name


def made_again(**rollout: object) -> FakeWorld:
    """A service whose evidence outlived it, deleted and created again with the same template."""
    before = served(evidenceRetention="Keep")
    found = FakeWorld(copy.deepcopy(before.body), now=before.now + 60, probe_sets=before.probe_sets)
    found.objects = {key: made for key, made in before.objects.items() if key[0] == "ProbeRun"}
    found.body.pop("status")
    found.body["metadata"] |= {"uid": "uid-again", "creationTimestamp": timestamp(found.now)}
    found.body["spec"]["rollout"] |= rollout
    return found


def test_a_service_that_is_made_again_is_asked_again_in_runs_of_new_names() -> None:
    found = made_again()
    before = {r.name for r in found.snapshot().runs}
    found.answer = undecided
    found.run_until(lambda w: w.status("rollout", {}).get("held", {}).get("reason") == "Inconclusive")

    assert found.users() == set()
    assert {r.attempt for r in found.snapshot().runs if r.name not in before} == {1}


def test_the_evidence_of_an_earlier_service_proves_nothing_for_this_one() -> None:
    found = made_again(mode="Ungated").rest()

    assert [r.outcome for r in found.snapshot().revisions] == [Outcome.SERVED]
    assert [g["name"] for g in found.status("gates") if "run" in g] == []
