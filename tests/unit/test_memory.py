"""The state of a rollout in status: comes back as it was; lost, damaged or forged, it promotes nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import memory
from serinus.core.rollout import IN_TRAFFIC, MAX_TEXT, Hold, Stage, State
from serinus.core.seen import Outcome, RevisionSeen
from tests.unit.fake_world import START, FakeWorld, bad, good
from tests.unit.rollouts import at, passed, served

S, A = "r1111111111", "r2222222222"


def revision(name: str, number: int, outcome: Outcome | None = None) -> RevisionSeen:
    return RevisionSeen(name=name, sha256="", number=number, outcome=outcome, data={})


KNOWN = (revision(S, 1, Outcome.PROVEN), revision(A, 2))
texts = st.text(max_size=30)
times = st.integers(0, 10**10)
holds = st.none() | st.builds(Hold, reason=st.sampled_from(["Paused", "Inconclusive"]), message=texts)
states = st.builds(
    State,
    stage=st.sampled_from(Stage),
    revision=st.sampled_from(["", A]),
    stable=st.sampled_from(["", S]),
    step=st.integers(0, 20),
    attempt=st.integers(0, 10**9),
    first_attempt=st.integers(0, 10**9),
    retries=st.integers(0, 9),
    since=times,
    retry_at=times,
    parked=st.booleans(),
    promoted=st.booleans(),
    floor_only=st.booleans(),
    advice=st.booleans(),
    reason=texts,
    detail=texts,
    run=texts,
    acted=texts,
    held=holds,
)


@given(states)
def test_a_state_comes_back_as_it_was_written(state: State) -> None:
    assert memory.load({"rollout": memory.dump(state)}, KNOWN, stable_selector="") == state


@given(states)
def test_the_revisions_that_status_speaks_of_are_named(state: State) -> None:
    assert memory.named({"rollout": memory.dump(state)}) == {state.revision, state.stable} - {""}


def test_a_long_detail_is_cut() -> None:
    state = State(stage=Stage.ABORTING, revision=A, stable=S, detail="x" * 9000)

    assert len(memory.dump(state)["intent"]["detail"]) == MAX_TEXT


LOST: list[Any] = [None, {}, [], "Probing", {"stage": "Winning"}, {"stage": ["Stable"]}, {"stage": None, "revision": A}]


@pytest.mark.parametrize("raw", LOST)
@pytest.mark.parametrize("selector", ["", S, A, "r9999999999"])
def test_a_lost_state_is_that_of_the_proven_revision(raw: Any, selector: str) -> None:
    assert memory.load({"rollout": raw}, KNOWN, stable_selector=selector) == State(stable=S)


def test_the_service_of_the_stable_revision_is_the_record_among_proven_ones() -> None:
    known = (revision(S, 1, Outcome.PROVEN), revision(A, 2, Outcome.PROVEN))

    assert memory.load({}, known, stable_selector=S).stable == S
    assert memory.load({}, known, stable_selector="").stable == A
    assert memory.load({}, (revision(A, 2),), stable_selector=A).stable == ""
    assert memory.load({}, (), stable_selector=S) == State()


def test_a_lost_state_takes_users_back_pod_by_pod_from_what_serves_besides_stable() -> None:
    found = memory.load({}, KNOWN, stable_selector=S, live={S, A, "r9999999999"})

    assert (found.stage, found.revision, found.stable, found.promoted, found.reason) == (Stage.ABORTING, A, S, True, "")
    assert memory.load({}, KNOWN, stable_selector=S, live={S}) == State(stable=S)
    assert memory.load({}, (revision(A, 2),), stable_selector="", live={A}) == State()


def test_a_state_that_names_an_unknown_revision_is_lost() -> None:
    forged = memory.dump(State(stage=Stage.FINAL_BAKE, revision="r9999999999", stable=S))

    assert memory.load({"rollout": forged}, KNOWN, stable_selector="") == State(stable=S)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.sampled_from([S, A, "Probing"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=5,
)
FIELDS = ("revision", "step", "attempt", "brokenRetries", "since", "intent", "held")
INTENT = ("stable", "firstAttempt", "retryAt", "reason", "detail", "run", "acted", "parked", "promoted", "floorOnly")


@given(
    st.sampled_from(Stage),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.none() | st.dictionaries(st.sampled_from(INTENT), JSON),
)
def test_a_damaged_state_reads_as_some_state(stage: Stage, raw: dict[str, Any], intent: dict[str, Any] | None) -> None:
    damaged = {"stage": str(stage), **raw, **({} if intent is None else {"intent": intent})}
    state = memory.load({"rollout": damaged}, KNOWN, stable_selector=S)

    assert {state.revision, state.stable} <= {"", S, A}
    assert state == memory.load({"rollout": memory.dump(state)}, KNOWN, stable_selector=S)
    assert memory.named({"rollout": damaged}) >= {state.revision} - {""}


STAGES = ["Starting", "Probing", "Shifting", "Baking", "Promoting", "FinalBake", "Aborting"]


@pytest.mark.parametrize("stage", STAGES)
def test_a_lost_status_in_any_stage_ends_with_the_same_revision(stage: str) -> None:
    found = served()
    stable = found.stable
    found.change("registry.example/vllm:2")
    found.answer = bad if stage == "Aborting" else good
    at(found, stage)
    found.body.pop("status")
    for _ in range(200):
        found.reconcile()
        assert found.users(), "nobody serves"
        assert found.users() <= passed(found)
        found.tick()

    wanted = ["registry.example/vllm:2"] if stage != "Aborting" else None
    assert found.stage == "Stable"
    assert (found.stable == stable) == (stage == "Aborting")
    assert wanted is None or found.status("stable")["images"] == wanted


def forge(found: FakeWorld, stage: Stage, revision_name: str) -> None:
    state = State(stage=stage, revision=revision_name, stable=found.stable, since=int(START))
    found.body["status"]["rollout"] = memory.dump(state)


@pytest.mark.parametrize("stage", sorted(set(Stage) - IN_TRAFFIC))
def test_a_status_from_a_backup_does_not_promote_what_was_not_asked(stage: Stage) -> None:
    found = served()
    found.answer = bad
    found.change("registry.example/vllm:2")
    at(found, "Probing")
    forge(found, stage, "" if stage is Stage.STABLE else found.look().view.target)
    for _ in range(60):
        found.reconcile()
        assert found.users() <= passed(found)
        found.tick()
    assert found.status("phase") == "RolledBack" or stage is Stage.ABORTING
