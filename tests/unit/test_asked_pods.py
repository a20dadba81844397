"""Services that lead to other pods than a run was made to ask: such a run is broken, and asked again."""

import dataclasses
from typing import Any

import pytest

from serinus.core.askedpods import strangers
from serinus.core.naming import LABEL_REVISION
from serinus.core.seen import Snapshot
from tests.unit.fake_world import FakeWorld, bad, good
from tests.unit.rollouts import at, served, silent


def asking(stage: str = "Probing") -> tuple[FakeWorld, str]:
    """A rollout with a run that goes on, and the name of the run."""
    found = served(gates={"quality": [{**_gate(), "when": ["BeforeTraffic", "EachStep", "Bake"]}]})
    found.change("registry.example/vllm:2")
    if stage != "Probing":
        at(found, stage)
    found.answer = silent
    found.run_until(lambda w: w.stage == stage and bool(running(w)))
    return found, running(found)[0]


def _gate() -> dict[str, Any]:
    return {"name": "support", "probeSetRef": {"name": "support"}, "floorPercent": 80}


def running(found: FakeWorld) -> list[str]:
    return [r.name for r in found.snapshot().runs if r.status.get("phase") == "Running"]


@pytest.mark.parametrize("answer", [good, bad], ids=["good", "bad"])
@pytest.mark.parametrize("stage", ["Probing", "Baking", "FinalBake"])
@pytest.mark.parametrize("service", ["chat-canary", "chat-stable"])
def test_a_selector_that_is_edited_breaks_the_run_which_is_asked_again(service: str, stage: str, answer: Any) -> None:
    found, name = asking(stage)
    selector = found.objects["Service", service]["spec"]["selector"]
    other = {"chat-canary": found.stable, "chat-stable": found.look().view.target}[service]
    found.answer = answer
    found.tick()
    selector[LABEL_REVISION] = other
    found.reconcile()

    status = found.objects["ProbeRun", name]["status"]
    assert (status["verdict"], status["reason"]) == ("Broken", "OtherPodsAsked")
    assert f"Service {service} selects {other}" in status["message"]
    assert found.stage == stage
    found.answer = good
    found.rest()
    assert found.status("stable")["images"] == ["registry.example/vllm:2"]
    assert found.status("rejected") == []


def test_a_selector_without_a_revision_breaks_the_run_too() -> None:
    found, name = asking()
    del found.objects["Service", "chat-stable"]["spec"]["selector"][LABEL_REVISION]
    found.reconcile()

    assert "selects no revision" in found.objects["ProbeRun", name]["status"]["message"]


def test_endpoints_with_a_pod_of_another_revision_break_the_run() -> None:
    found, name = asking()
    original = found.snapshot
    strange = next(p for p in found.pods if found.stable in p)

    def snapshot() -> Snapshot:
        seen = original()
        there = seen.reachable["chat-canary"] | {strange}
        return dataclasses.replace(seen, reachable={**seen.reachable, "chat-canary": there})

    found.snapshot = snapshot  # type: ignore[method-assign]
    found.reconcile()
    status = found.objects["ProbeRun", name]["status"]
    assert status["reason"] == "OtherPodsAsked"
    assert f"leads to the pod {strange}" in status["message"]

    found.run_until(lambda w: w.now > 200 + w.snapshot().runs[-1].created, turns=100)
    assert found.stage == "Probing"
    assert running(found) == [], "nobody is asked while others would answer"


def seen(**reachable: set[str]) -> Snapshot:
    ends = {name.replace("_", "-"): frozenset(pods) for name, pods in reachable.items()}
    return Snapshot(body={}, reachable=ends, pods=served().snapshot().pods)


def test_a_pod_that_was_not_seen_yet_is_known_by_its_replica_set() -> None:
    assert strangers(seen(chat_canary={"chat-ra-x7k2p"}), "chat", canary="ra") == ""
    assert "chat-rb-x7k2p" in strangers(seen(chat_canary={"chat-rb-x7k2p"}), "chat", canary="ra")


def test_without_a_baseline_stable_is_nobodys_concern() -> None:
    world = seen(chat_stable={"somebody"}, chat_canary=set())

    assert strangers(world, "chat", canary="ra") == ""
    assert "somebody" in strangers(world, "chat", canary="ra", baseline="rs")
