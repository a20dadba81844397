"""Old evidence goes, and nothing that is still referred to: made runs, years later, in the fake world."""

import dataclasses
from typing import Any

import pytest

from serinus.core.model import Purpose
from serinus.core.retention import MAX_AT_ONCE, old_runs
from serinus.core.seen import RunSeen
from serinus.core.views import timestamp
from tests.support import objects
from tests.unit.fake_world import FakeWorld, bad
from tests.unit.rollouts import at, served

DAY = 86_400.0


def old(found: FakeWorld, name: str, **spec: Any) -> str:
    """A run that ended long before any other, of a revision that nobody remembers."""
    made = objects.proberun(name, **{"revision": "rforgotten0", "baseline": None} | spec)
    found.objects["ProbeRun", name] = found.admitted(made, None)
    found.objects["ProbeRun", name]["metadata"]["creationTimestamp"] = timestamp(found.now - 300 * DAY)
    found.objects["ProbeRun", name]["status"] = {
        "phase": "Finished",
        "verdict": "Passed",
        "finishedAt": timestamp(found.now - 91 * DAY),
    }
    return name


def runs(found: FakeWorld) -> set[str]:
    return {name for kind, name in found.objects if kind == "ProbeRun"}


@pytest.mark.parametrize("retention", ["WithService", "Keep"])
def test_old_evidence_of_a_forgotten_revision_goes_and_no_other(retention: str) -> None:
    found = served(evidenceRetention=retention)
    kept = runs(found)
    gone = old(found, "old")
    young = old(found, "young")
    found.objects["ProbeRun", young]["status"]["finishedAt"] = timestamp(found.now - 89 * DAY)
    found.rest()

    assert gone not in runs(found)
    assert runs(found) == kept | {young}


def test_evidence_of_what_serves_stays_for_ever() -> None:
    found = served()
    kept = runs(found)
    found.now += 4000 * DAY
    found.rest()

    assert runs(found) == kept


def test_the_run_that_rejected_a_revision_stays_while_the_rejection_does() -> None:
    found = served()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Aborting").rest()
    [rejected] = found.status("rejected")
    found.now += 4000 * DAY
    found.rest()

    assert rejected["probeRun"] in runs(found)


def test_a_decision_that_waits_keeps_the_runs_that_it_names() -> None:
    found = served()
    seen, other = old(found, "seen"), old(found, "other")
    decision = objects.decision(
        "d", action="Retry", revision="rlater00000", evidence=[seen], llmServiceRef={"uid": None}
    )
    found.objects["Decision", "d"] = found.admitted(decision, None)
    found.look()
    planned = found.look()

    assert [r.name for r in planned.expired] == [other]
    found.objects["Decision", "d"]["status"] = {"state": "Refused"}
    assert {r.name for r in found.look().expired} == {seen, other}


def test_what_a_person_asked_for_is_never_pruned() -> None:
    found = served()
    manual = old(found, "manual", purpose="Manual")
    found.rest()

    assert manual in runs(found)


def test_a_run_that_has_not_ended_is_no_old_evidence() -> None:
    found = served()
    continuous = old(found, "continuous", purpose="Continuous")
    found.objects["ProbeRun", continuous]["status"] = {"phase": "Running"}

    assert found.look().expired == ()


def test_old_continuous_runs_of_what_serves_go_but_for_the_last() -> None:
    found = served()
    for n in (7, 8, 9):
        old(found, f"continuous-{n}", purpose="Continuous", revision=found.stable, attempt=n)

    assert [r.name for r in found.look().expired] == ["continuous-7", "continuous-8"]


def test_nothing_is_pruned_while_the_spec_is_invalid() -> None:
    found = served()
    gone = old(found, "old")
    found.body["spec"]["runtime"] = "abacus"
    found.rest()

    assert gone in runs(found)


def test_many_go_in_portions_the_oldest_first() -> None:
    found = served()
    for n in range(MAX_AT_ONCE + 5):
        name = old(found, f"old-{n:02}")
        found.objects["ProbeRun", name]["status"]["finishedAt"] = timestamp(found.now - (200 - n) * DAY)
    first = [r.name for r in found.look().expired]

    assert first == [f"old-{n:02}" for n in range(MAX_AT_ONCE)]
    found.rest()
    assert not any(name.startswith("old-") for name in runs(found))


def test_a_run_without_an_end_is_as_old_as_its_object() -> None:
    run: RunSeen = served().snapshot().runs[0]
    endless = dataclasses.replace(run, created=100.0, status={"phase": "Finished"})

    assert old_runs([endless], before=100.0) == ()
    assert old_runs([endless], before=101.0) == (endless,)
    assert old_runs([dataclasses.replace(endless, purpose=Purpose.MANUAL)], before=101.0) == ()
