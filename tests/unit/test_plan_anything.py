"""Anything that may happen to a rollout, in any order: users have a revision that passed, and calm brings rest."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.fake_world import FAST, FakeWorld, bad, changed_questions, good
from tests.unit.rollouts import check, garbage, passed, served, silent, undecided

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
        case _:
            assert kind == "run"


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
