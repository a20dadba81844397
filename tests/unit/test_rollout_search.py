"""Exhaustive search over `rollout.step`: every reachable state, every combination of facts, three modes.

A fact is chosen when `step` reads it, so one run stands for all combinations of the facts that it did not read.
"""

import dataclasses
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import pytest

from serinus.core.model import Mode, Verdict
from serinus.core.rollout import IN_TRAFFIC, NAME_CONFLICT, Seen, Stage, State, step
from serinus.core.seen import Outcome
from tests.unit.rollout_search import (
    CASES,
    CHOICES,
    FORWARD,
    NOW,
    PAUSED,
    A,
    Case,
    Facts,
    Move,
    World,
    aged,
    moves,
    normal,
    written,
)

Check = Callable[[Case, Move], bool]
"""Whether a move keeps a promise."""


def evidence(case: Case, move: Move) -> bool:
    """What may let a rollout go on: that the gates of the stage passed, or one of the named exceptions."""
    revert = move.old.record(move.target) is Outcome.PROVEN and bool(move.old.state.stable)
    if case.policy.mode is Mode.UNGATED or revert:
        return True
    judged = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.BROKEN)
    enough = judged if case.policy.mode is Mode.ADVISE else (Verdict.PASSED,)
    return move.read.get("verdict") in enough and move.read.get("superseded") is False


def users_reach_only_what_passed(case: Case, move: Move) -> bool:
    """Into traffic, on to the next step, and out of the last bake: only with evidence."""
    old, new = move.old.state, move.new
    if new.stage not in IN_TRAFFIC and new.stable == old.stable:
        return True
    match old.stage, new.stage:
        case (Stage.STARTING | Stage.PROBING, Stage.SHIFTING | Stage.PROMOTING):
            return evidence(case, move)
        case (Stage.BAKING, Stage.SHIFTING | Stage.PROMOTING) | (Stage.FINAL_BAKE, Stage.STABLE):
            return evidence(case, move)
        case (Stage.SHIFTING, Stage.BAKING) | (Stage.PROMOTING, Stage.FINAL_BAKE):
            return bool(move.read["settled"])
        case (Stage.PROMOTING, Stage.STABLE):
            return bool(move.read["settled"]) and not old.stable
        case _:
            return old.stage is new.stage


def what_becomes_stable_was_in_traffic(_case: Case, move: Move) -> bool:
    old, new = move.old.state, move.new
    return new.stable == old.stable or (
        (new.stage, new.stable) == (Stage.STABLE, old.revision)
        and old.stage in (Stage.PROMOTING, Stage.FINAL_BAKE)
        and old.revision != ""
    )


def aborting_never_goes_forward(_case: Case, move: Move) -> bool:
    old, new = move.old.state, move.new
    if old.stage is not Stage.ABORTING:
        return True
    if new.stage is Stage.STABLE:
        return new.stable == old.stable
    kept = ("revision", "stable", "reason", "run", "promoted", "since")
    return new.stage is Stage.ABORTING and all(getattr(old, k) == getattr(new, k) for k in kept)


def a_rollout_has_one_end(_case: Case, move: Move) -> bool:
    """Promoted, or rejected and on record, or ended without a rejection; and only a new beginning follows."""
    old, new = move.old.state, move.new
    if old.stage is Stage.STABLE:
        return new.stage in (Stage.STABLE, Stage.STARTING) and new.stable == old.stable
    if new.stage is not Stage.STABLE:
        return new.revision == old.revision and new.stable == old.stable
    promoted = new.stable == old.revision
    rejected = old.stage is Stage.ABORTING and bool(old.reason) and move.old.record(old.revision) is Outcome.REJECTED
    ended = old.stage is Stage.ABORTING and not old.reason
    return [promoted, rejected, ended].count(True) == 1 and new.revision == ""


def only_its_own_faults_reject_a_revision(_case: Case, move: Move) -> bool:
    if move.old.state.stage is Stage.ABORTING or move.new.stage is not Stage.ABORTING:
        return True
    read, asked = move.read, move.target in ("", move.old.state.revision) and not move.read.get("invalid")
    match move.new.reason:
        case "":
            return (
                bool(read.get("invalid"))
                or not asked
                or read.get("replicas") in (0, 1)
                or read.get("evidenced") is False
            )
        case "AbortedByDecision":
            return read["decision"] == "Abort" and move.target == move.old.state.revision
        case "QualityFailed":
            return read["verdict"] is Verdict.FAILED and read["superseded"] is False
        case "QualityInconclusive":
            return read["verdict"] is Verdict.INCONCLUSIVE and read["superseded"] is False
        case "CrashLoop":
            return bool(read["crashed"])
        case "NotReady":
            return bool(read["stuck"])
        case "RejectedBefore":
            decided = move.old.state.stage is Stage.STARTING and move.old.state.acted
            return not decided and move.old.record(move.old.state.revision) is Outcome.REJECTED
        case _:
            return False


def stages_go_forward_in_order(_case: Case, move: Move) -> bool:
    old, new = move.old.state, move.new
    if {old.stage, new.stage} & {Stage.STABLE, Stage.ABORTING}:
        return True
    place, back = (FORWARD.index(old.stage), old.step), (FORWARD.index(new.stage), new.step)
    return back >= place or (old.stage is Stage.BAKING and new.stage is Stage.SHIFTING and new.step == old.step + 1)


def a_pause_stops_what_goes_forward(_case: Case, move: Move) -> bool:
    """What users reach may settle; nothing else goes on. A rollback is never stopped. What is unread may be a pause."""
    old, new = move.old.state, move.new
    free = move.read["obstacle"] is None and move.read.get("pause", PAUSED) is None
    if free or new.stage in (old.stage, Stage.ABORTING):
        return True
    return old.stage in (Stage.SHIFTING, Stage.PROMOTING, Stage.ABORTING, Stage.STABLE)


def a_blocked_rollout_does_not_start(_case: Case, move: Move) -> bool:
    started = (move.old.state.stage, move.new.stage) == (Stage.STABLE, Stage.STARTING)
    return not started or ("block" in move.read and move.read["block"] is None and move.read["obstacle"] is None)


def a_rejected_revision_stays_rejected(_case: Case, move: Move) -> bool:
    started = (move.old.state.stage, move.new.stage) == (Stage.STABLE, Stage.STARTING)
    rejected = started and move.old.record(move.new.revision) is Outcome.REJECTED
    by_override = move.read.get("decision") == "Override" and move.read.get("stable_ready") is False
    return not rejected or move.read["decision"] == "Retry" or by_override


def a_rejected_revision_is_neither_asked_nor_reached(_case: Case, move: Move) -> bool:
    """Not even if the status is one from before it was rejected; a person's decision begins it again from the start."""
    later = move.new.stage is not move.old.state.stage and move.new.stage in FORWARD[1:]
    return not later or move.old.record(move.new.revision) is not Outcome.REJECTED


def the_floor_alone_decides_only_while_stable_is_broken(_case: Case, move: Move) -> bool:
    began = move.new.floor_only and not move.old.state.floor_only
    return not began or (move.read["decision"] == "Override" and move.read["stable_ready"] is False)


def an_obstacle_is_shown_while_it_lasts(_case: Case, move: Move) -> bool:
    """Else status would say it and take it back in turn, one write each."""
    return move.read["obstacle"] is None or (move.new.held is not None and move.new.held.reason == NAME_CONFLICT)


CHECKS: tuple[Check, ...] = (
    users_reach_only_what_passed,
    what_becomes_stable_was_in_traffic,
    aborting_never_goes_forward,
    a_rollout_has_one_end,
    only_its_own_faults_reject_a_revision,
    stages_go_forward_in_order,
    a_pause_stops_what_goes_forward,
    a_blocked_rollout_does_not_start,
    a_rejected_revision_stays_rejected,
    a_rejected_revision_is_neither_asked_nor_reached,
    the_floor_alone_decides_only_while_stable_is_broken,
    an_obstacle_is_shown_while_it_lasts,
)


@dataclass(frozen=True)
class Search:
    """What was found: every world, how many moves, and the first moves that break each promise."""

    worlds: tuple[World, ...]
    moves: int
    combinations: int
    broken: dict[str, list[str]]
    entered: Counter[Stage]


@cache
def search(case: Case) -> Search:
    """Every world that can be reached, and every move out of it."""
    proven = frozenset({(case.stable, Outcome.PROVEN)} if case.stable else ())
    rejected = proven | {(A, Outcome.REJECTED)}
    restored = [World(State(stage=s, revision=A, stable=case.stable), rejected) for s in FORWARD]
    known = {World(State(stable=case.stable), proven), *restored}
    queue, count, combinations = deque(known), 0, 0
    broken: dict[str, list[str]] = {}
    entered: Counter[Stage] = Counter()
    while queue:
        world = queue.popleft()
        after = [written(world), aged(world)]
        for move in moves(case, world):
            count += 1
            combinations += move.combinations
            entered[move.new.stage] += move.new.stage is not world.state.stage
            for check in CHECKS:
                if len(broken.get(check.__name__, [])) < 2 and not check(case, move):
                    broken.setdefault(check.__name__, []).append(move.text)
            after.append(dataclasses.replace(world, state=normal(move.new)))
        fresh = {w for w in after if w not in known}
        known |= fresh
        queue.extend(fresh)
    return Search(tuple(known), count, combinations, broken, entered)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return cast("Case", request.param)


def test_every_move_keeps_every_promise(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    found = search(case)

    with capsys.disabled():
        print(f"\n  {case.name}: {len(found.worlds)} states, {found.moves} transitions", end="")
        print(f" for {found.combinations:.2e} combinations of state and facts")
    assert found.broken == {}


def test_the_search_gets_everywhere(case: Case) -> None:
    wanted = set(Stage)
    if case.policy.mode is Mode.UNGATED:
        wanted -= {Stage.PROBING}
    if not case.policy.steps or case.targets == (A,):
        wanted -= {Stage.SHIFTING, Stage.BAKING}
    if case.targets == (A,):
        wanted -= {Stage.FINAL_BAKE}

    assert set(search(case).entered) - {s for s, n in search(case).entered.items() if n == 0} == wanted


CALM: dict[str, Any] = {name: choices[0] for name, choices in CHOICES.items()}
HELPFUL = CALM | {"ready": True, "settled": True, "verdict": Verdict.PASSED}
"""Facts that let a rollout go on."""


def after(case: Case, world: World, **facts: Any) -> World:
    """One step on given facts, after which the records are written and time passes."""
    known = {name: value for name, value in (CALM | facts).items() if name in Seen.__dataclass_fields__}
    seen = Seen(
        **known,
        outcome=world.record(known["target"]),
        recorded=world.record(world.state.revision) is Outcome.REJECTED,
        next_attempt=1,
        decision_uid="decision",
    )
    return aged(written(dataclasses.replace(world, state=normal(step(case.policy, world.state, seen, NOW)))))


def test_no_state_is_a_dead_end(case: Case) -> None:
    for world in search(case).worlds:
        start, now = world.state, world
        for _ in range(4 * len(Stage)):
            if now.state.stage is Stage.STABLE:
                break
            gone = now.state.stage is Stage.ABORTING
            now = after(case, now, **HELPFUL | {"target": start.revision, "gone": gone, "ready": not gone})
        assert now.state.stage is Stage.STABLE, start


def test_rollback_is_possible_in_every_state_held_or_not(case: Case) -> None:
    held = 0
    for world in search(case).worlds:
        old = world.state
        if old.stage in (Stage.STABLE, Stage.ABORTING):
            continue
        held += old.held is not None
        asked = {"target": old.revision, "pause": PAUSED, "block": PAUSED}
        by_person = after(case, world, decision="Abort", **asked).state
        crashed = after(case, world, crashed="crashed", **asked).state
        changed = after(case, world, **asked | {"target": "rc"}).state

        assert (by_person.stage, by_person.reason) == (Stage.ABORTING, "AbortedByDecision"), old
        assert (changed.stage, changed.reason) == (Stage.ABORTING, ""), old
        reason = "RejectedBefore" if world.record(old.revision) is Outcome.REJECTED and not old.acted else "CrashLoop"
        assert old.parked or (crashed.stage, crashed.reason) == (Stage.ABORTING, reason), old
    assert held > 10


def test_the_same_facts_again_come_to_rest() -> None:
    """No two states follow each other for ever while nothing changes but the records that a state asks for."""
    case = CASES[0]
    kept = {Stage.STABLE, Stage.ABORTING, Stage.STARTING, Stage.PROBING, Stage.BAKING, Stage.FINAL_BAKE}
    starts = [w for w in search(case).worlds if w.state.stage in kept and w.state.retries in (0, 3) and written(w) == w]
    count = 0
    for start in starts[::7]:
        script: list[int] | None = []
        while script is not None:
            facts = Facts(case, start, script)
            world, steps = start, 0
            while steps < 30:
                facts.world = world
                new = step(case.policy, world.state, cast("Seen", facts), NOW)
                if new == world.state:
                    break
                world, steps = written(dataclasses.replace(world, state=new)), steps + 1
            assert steps < 30, f"{start}\n{facts.read}\n{world}"
            count += 1
            script = facts.next_script()
    assert count > 1000
