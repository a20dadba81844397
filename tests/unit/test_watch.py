"""Continuous runs and self-tests in the fake world: what they record, and that no rollout ever hears of them."""

import dataclasses
import random
from typing import Any

import pytest

from serinus.core import drift
from serinus.core.gauges import samples
from serinus.core.model import Purpose
from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from serinus.core.views import timestamp
from serinus.core.watch import KEPT_RUNS
from tests.support import objects
from tests.support.gate_study.bounds import at_most, mean_at_most
from tests.unit.fake_world import FakeWorld, counted, good
from tests.unit.rollouts import at, check, condition, noted, problems, served

EVERY = 600
GATES = {"gates": {"quality": [objects.gate(every="10m")]}}


def watched(**spec: Any) -> FakeWorld:
    return served(**(GATES | spec))


def runs(found: FakeWorld, purpose: Purpose = Purpose.CONTINUOUS) -> list[Any]:
    mine = [r for r in found.snapshot().runs if r.purpose is purpose]
    return sorted(mine, key=lambda r: r.attempt)


def let_pass(found: FakeWorld, seconds: float) -> None:
    """Let time pass in steps of five seconds, as the engine would look."""
    for _ in range(int(seconds / 5)):
        found.reconcile()
        found.tick()
    found.reconcile()


def worse(spec: RunSpec) -> Report | str | None:
    """Answers of which a fifth fails when the serving revision alone is asked."""
    if spec.identity.purpose != "Continuous":
        return good(spec)
    return dataclasses.replace(counted(spec, passed=80, failed=20, lost=0), end="Budget")


def cusum(found: FakeWorld) -> float:
    return float(found.status("gates")[0]["cusum"])


def test_serving_revision_is_asked_again_and_again_by_its_own_service() -> None:
    found = watched()
    asked = noted(found, good)
    let_pass(found, 2.5 * EVERY)
    made = runs(found)

    assert [r.attempt for r in made] == list(range(len(made)))
    assert 3 <= len(made) <= 4
    assert {r.status["verdict"] for r in made} == {"Passed"}
    assert {(r.revision, r.baseline) for r in made} == {(found.stable, "")}
    spec = next(s for s in asked if s.identity.purpose == "Continuous")
    assert "chat-stable." in spec.canary_url
    assert spec.policy.budget.pairs == 2  # one round
    assert cusum(found) == 0
    check(found)


def test_answers_that_get_worse_move_the_drift_and_nothing_else() -> None:
    found = watched()
    before = found.status("rollout"), found.status("phase"), found.status("verdict"), found.users()
    found.answer = worse
    let_pass(found, EVERY)

    assert (found.status("rollout"), found.status("phase"), found.status("verdict"), found.users()) == before
    made = runs(found)
    assert [r.status["cusum"] for r in made] == [0, drift.advance(0, 80, 20, good=0.99, margin=0.05)]
    assert cusum(found) == made[-1].status["cusum"] > drift.LIMIT
    assert samples(found.look().view, ())["drift_cusum", "support"] == cusum(found)
    check(found)


def test_drift_starts_at_zero_for_another_revision_and_goes_on_for_the_same_one() -> None:
    found = watched()
    found.answer = worse
    let_pass(found, EVERY)
    assert cusum(found) > 0
    found.change("registry.example/vllm:2")
    found.answer = good
    at(found, "Starting")
    found.run_until(lambda w: w.stage == "Stable" and w.stable != runs(w)[0].revision)
    let_pass(found, 2 * EVERY)
    assert {r.status["cusum"] for r in runs(found) if r.revision == found.stable} == {0}


def test_broken_continuous_run_counts_no_answer_and_holds_nothing() -> None:
    found = watched()
    let_pass(found, 100)
    found.answer = worse
    let_pass(found, EVERY)
    high = cusum(found)
    found.answer = lambda spec: "nonsense" if spec.identity.purpose == "Continuous" else good(spec)
    let_pass(found, EVERY)

    assert runs(found)[-1].status["verdict"] == "Broken"
    assert runs(found)[-1].status["cusum"] == cusum(found) == high
    assert found.status("phase") == "Stable"
    check(found)


def test_drift_goes_on_being_told_when_its_questions_are_gone_so_that_the_silence_pages() -> None:
    found = watched()
    found.answer = worse
    let_pass(found, EVERY)
    high = cusum(found)
    assert high > 0
    found.probe_sets.clear()
    let_pass(found, EVERY)

    assert samples(found.look().view, ())["drift_cusum", "support"] == high
    assert condition(found, "ProbesReady") == ("False", "ProbeSetNotFound")


def test_runs_that_an_earlier_service_kept_count_for_no_drift() -> None:
    found = watched(evidenceRetention="Keep")
    found.answer = worse
    let_pass(found, EVERY)
    high, before = cusum(found), len(runs(found))
    found.now += 60
    found.body["metadata"]["creationTimestamp"] = timestamp(found.now)
    assert not any(k[0] == "drift_cusum" for k in samples(found.look().view, ()))
    let_pass(found, EVERY)

    assert [r.attempt for r in runs(found)] == list(range(len(runs(found))))
    assert [r.status["cusum"] < high for r in runs(found)[before:] if r.finished][:1] == [True]


@pytest.mark.parametrize("write", [1, 2, 3, 4])
def test_operator_that_is_killed_after_any_write_counts_each_run_once(write: int) -> None:
    clean, killed = watched(), watched()
    for found in (clean, killed):
        found.answer = lambda spec: (
            dataclasses.replace(counted(spec, passed=94, failed=6, lost=0), end="Budget")
            if spec.identity.purpose == "Continuous"
            else good(spec)
        )
    for _ in range(300):
        killed.reconcile(killed_after=write)
        clean.reconcile()
        killed.reconcile()
        for found in (clean, killed):
            found.tick()
    assert cusum(killed) == cusum(clean) > 0


def test_run_waits_while_a_gate_of_a_rollout_asks_and_the_rollout_takes_no_notice() -> None:
    found = watched()
    let_pass(found, 100)
    found.change("registry.example/vllm:2")
    found.answer = lambda spec: None if spec.identity.purpose == "BeforeTraffic" else worse(spec)
    at(found, "Probing")
    let_pass(found, 2 * EVERY)
    assert len(runs(found)) == 1
    found.answer = worse
    found.rest()
    assert "RolledBack" not in found.told[found.told.index("RolloutStarted") :]
    assert found.status("phase") == "Stable"


def test_only_the_newest_continuous_runs_are_kept() -> None:
    found = watched(gates={"quality": [objects.gate(every="1m")]})
    let_pass(found, 60 * (KEPT_RUNS + 4))
    kept = runs(found)
    assert len(kept) in (KEPT_RUNS, KEPT_RUNS + 1)
    assert kept[-1].attempt > KEPT_RUNS


def test_nothing_is_written_between_two_runs() -> None:
    found = watched()
    let_pass(found, 100)
    assert found.idle()
    plan = found.look()
    assert plan.requeue_after is not None
    assert 0 < plan.requeue_after <= EVERY


def test_gate_without_a_stage_is_asked_and_shown() -> None:
    found = watched(
        gates={
            "quality": [objects.gate(), objects.gate("watch", probeSetRef={"name": "support"}, when=[], every="10m")]
        }
    )
    let_pass(found, 100)
    entry = next(g for g in found.status("gates") if g["name"] == "watch")
    assert (entry["verdict"], entry["cusum"]) == ("Passed", 0)
    check(found)


# The cost, before it is spent


def test_cost_of_every_gate_is_shown_before_its_first_run_and_goes_by_its_last_one_after() -> None:
    found = served()
    entry = found.status("gates")[0]
    assert entry["expectedCalls"] == 412
    assert entry["expectedDuration"]
    assert entry["expectedTokens"] == 0  # the fake runner says that it spent none
    for run in found.objects.values():
        if run["kind"] == "ProbeRun":
            run["status"]["usage"] |= {"calls": 100, "promptTokens": 4000, "completionTokens": 1000, "seconds": 50.0}
    found.reconcile()
    entry = found.status("gates")[0]
    assert (entry["expectedCalls"], entry["expectedTokens"], entry["expectedDuration"]) == (412, 412 * 50, "4m")


# Self-tests


def self_test(found: FakeWorld, **changes: Any) -> str:
    """A person asks for a self-test; the name of the run."""
    name = str(changes.pop("name", f"chat-{found.stable}-support-self-test-0"))
    asked = found.probe_sets["support"].questions
    assert asked is not None
    spec: dict[str, Any] = {"purpose": "SelfTest", "revision": found.stable, "baseline": found.stable}
    spec |= {"probeSet": {"name": "support", "digest": asked.digest}, "attempt": 0} | changes
    made = objects.proberun(name, **spec)
    assert problems("ProbeRun", "spec", made["spec"]) == []
    found.objects["ProbeRun", name] = found.admitted(made, None)
    return name


def test_self_test_compares_the_serving_revision_with_itself_and_moves_nothing() -> None:
    found = served()
    before = found.status("rollout"), found.status("verdict"), found.users()
    asked = noted(found, good)
    name = self_test(found)
    let_pass(found, 60)
    asked = [s for s in asked if s.identity.purpose == "SelfTest"]

    status = found.objects["ProbeRun", name]["status"]
    assert (status["phase"], status["verdict"]) == ("Finished", "Passed")
    assert asked[0].canary_url == asked[0].stable_url
    assert (found.status("rollout"), found.status("verdict"), found.users()) == before
    check(found)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gate": "other"}, "GateNotFound"),
        ({"revision": objects.REVISION, "baseline": objects.REVISION}, "NotServing"),
        ({"probeSet": {"name": "support", "digest": objects.DIGEST}}, "DigestDiffers"),
        ({"name": "chat-mine"}, "NameDiffers"),
        ({"attempt": 3}, "NameDiffers"),
    ],
)
def test_self_test_that_cannot_be_made_says_why_and_asks_nobody(changes: dict[str, Any], reason: str) -> None:
    found = served()
    name = self_test(found, **changes)
    let_pass(found, 30)
    assert ("Job", name) not in found.objects
    status = found.objects["ProbeRun", name]["status"]
    assert (status["verdict"], status["reason"]) == ("Broken", reason)
    assert "allowed" in status["message"]


# The arithmetic


def test_cusum_is_the_sum_of_log_likelihood_ratios_and_never_negative() -> None:
    up = drift.advance(0.0, 0, 1, good=0.95, margin=0.05)
    assert up == pytest.approx(0.6931, abs=1e-4)
    assert up - drift.advance(up, 1, 0, good=0.95, margin=0.05) == pytest.approx(0.0541, abs=1e-4)
    assert drift.advance(0.0, 100, 0, good=0.95, margin=0.05) == 0
    assert drift.advance(0.0, 0, 100, good=0.95, margin=0.05) == drift.MOST


def test_revision_is_held_to_what_it_showed_less_one_standard_error() -> None:
    assert drift.good_rate(0, 0, floor=0.8) == 0.95
    assert drift.good_rate(0, 0, floor=0.97) == 0.97
    assert drift.good_rate(95, 5, floor=0.8) == pytest.approx(0.95 - 0.0218, abs=1e-4)
    assert drift.good_rate(1000, 0, floor=0.8) == 0.99
    assert drift.good_rate(1, 99, floor=0.8) == 0.8


def runs_until_alarm(rng: random.Random, rate: float, good: float, most: int) -> int:
    """Runs of 100 answers until the limit is reached; `most` if it is not."""
    value = 0.0
    for made in range(1, most + 1):
        passed = sum(rng.random() < rate for _ in range(100))
        value = drift.advance(value, passed, 100 - passed, good=good, margin=0.05)
        if value >= drift.LIMIT:
            return made
    return most


def test_false_alarms_are_as_rare_and_drops_are_seen_as_soon_as_the_page_says() -> None:
    rng = random.Random(3)
    steady = [runs_until_alarm(rng, 0.95, 0.95, 100) for _ in range(120)]  # 10,000 answers each
    assert at_most(sum(n < 100 for n in steady), 120, 1 / 60)
    assert mean_at_most([100.0 * runs_until_alarm(rng, 0.90, 0.95, 100) for _ in range(120)], 460)
    assert mean_at_most([100.0 * runs_until_alarm(rng, 0.85, 0.95, 100) for _ in range(120)], 220)
    too_strict = [runs_until_alarm(rng, 0.95, 0.98, 100) for _ in range(120)]
    assert not at_most(sum(n < 100 for n in too_strict), 120, 1 / 60)
