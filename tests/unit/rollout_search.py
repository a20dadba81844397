"""Every transition of `rollout.step` out of a state, on every combination of facts. It judges none of them.

A fact is chosen when `step` reads it, so one run stands for all combinations of the facts that it did not read.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from serinus.core.model import Mode, OnInconclusive, RolloutPolicy, Surge, TrafficStep, Verdict
from serinus.core.rollout import NAME_CONFLICT, Hold, Seen, Stage, State, step
from serinus.core.seen import Outcome

NOW = 1_000_000
AGED, PAST, FUTURE = 0, NOW - 1, NOW + 1
S, A, B = "rs", "ra", "rb"
PAUSED = Hold(reason="Paused", message="")
CONFLICT = Hold(reason=NAME_CONFLICT, message="")
UNSUPPORTED = Hold(reason="FieldNotSupported", message="")
NO_PLACE = Hold(reason="Unschedulable", message="")
FORWARD = (Stage.STARTING, Stage.PROBING, Stage.SHIFTING, Stage.BAKING, Stage.PROMOTING, Stage.FINAL_BAKE)
Records = frozenset[tuple[str, Outcome]]


@dataclass(frozen=True)
class World:
    """A state of the rollout, and what the ControllerRevisions say."""

    state: State
    records: Records = frozenset()

    def record(self, revision: str) -> Outcome | None:
        return dict(self.records).get(revision)


@dataclass(frozen=True)
class Case:
    """A policy, what is stable when the search begins, and which revisions the spec may ask for."""

    policy: RolloutPolicy
    stable: str
    targets: tuple[str, ...]

    @property
    def name(self) -> str:
        steps = ",".join(str(s.percent) for s in self.policy.steps)
        return f"{self.policy.mode}-{self.policy.on_inconclusive}-steps[{steps}]-{'stable' if self.stable else 'first'}"


def policy(mode: Mode, steps: tuple[int, ...], inconclusive: OnInconclusive, surge: int) -> RolloutPolicy:
    return RolloutPolicy(
        mode=mode,
        surge=Surge(value=surge),
        steps=tuple(TrafficStep(percent=p, bake=5) for p in steps),
        bake=5,
        ready_timeout=1800,
        drain_timeout=30,
        on_inconclusive=inconclusive,
        history_limit=5,
        paused=False,
    )


HOLD, ROLL_BACK = OnInconclusive.HOLD, OnInconclusive.ROLL_BACK
CASES = [
    Case(policy(Mode.ENFORCE, (10, 50), HOLD, 0), S, (S, A)),
    Case(policy(Mode.ENFORCE, (10,), HOLD, 1), "", (A, B)),
    Case(policy(Mode.ENFORCE, (), ROLL_BACK, 1), S, (S, A)),
    Case(policy(Mode.ADVISE, (10,), HOLD, 1), S, (S, A)),
    Case(policy(Mode.ADVISE, (), ROLL_BACK, 1), "", (A,)),
    Case(policy(Mode.UNGATED, (10,), HOLD, 0), S, (S, A)),
    Case(policy(Mode.UNGATED, (), HOLD, 1), "", (A,)),
]

CHOICES: dict[str, tuple[Any, ...]] = {
    "invalid": ("", "spec.runtime: found 'x'"),
    "replicas": (4, 1, 0),
    "ready": (False, True),
    "crashed": ("", "crashed"),
    "stuck": ("", "stuck"),
    "trouble": (None, NO_PLACE),
    "settled": (False, True),
    "gone": (False, True),
    "stable_ready": (True, False),
    "verdict": tuple(Verdict),
    "evidenced": (True, False),
    "superseded": (False, True),
    "block": (None, PAUSED, UNSUPPORTED),
    "pause": (None, PAUSED),
    "obstacle": (None, CONFLICT),
    "decision": ("", "Retry", "Abort", "Override"),
}
FIXED = {"verdict_message": "", "verdict_run": "", "next_attempt": 1, "decision_uid": "decision"}


@dataclass
class Facts:
    """Stands in for Seen: what is read is chosen, the n-th choice by `script`; what is read again stays."""

    case: Case
    world: World
    script: list[int]
    read: dict[str, Any] = field(default_factory=dict)
    widths: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        if name in FIXED:
            return FIXED[name]
        if name == "outcome":
            return self.world.record(self.target)
        if name == "recorded":
            return self.world.record(self.world.state.revision) is Outcome.REJECTED
        if name == "target" and self.invalid:
            return self.read.setdefault("target", self.world.state.stable)
        if name == "invalid" and not self.world.state.stable:
            return self.read.setdefault("invalid", "")
        if name not in self.read:
            at = len(self.widths)
            if at == len(self.script):
                self.script.append(0)
            choices = self.case.targets if name == "target" else CHOICES[name]
            self.widths.append(len(choices))
            self.read[name] = choices[self.script[at]]
        return self.read[name]

    def next_script(self) -> list[int] | None:
        """The choices after these, in the order of an odometer; None after the last ones."""
        script = self.script[: len(self.widths)]
        while script and script[-1] + 1 == self.widths[len(script) - 1]:
            script.pop()
        return [*script[:-1], script[-1] + 1] if script else None


@dataclass(frozen=True)
class Move:
    """One call of `step`: from where, on which facts, to where."""

    old: World
    read: dict[str, Any]
    new: State
    combinations: int  # of facts that this one call stands for

    @property
    def target(self) -> str:
        return str(self.read.get("target", ""))

    @property
    def text(self) -> str:
        return f"{self.old.state}\n  {sorted(self.old.records)}\n  {self.read}\n  -> {self.new}"


def moves(case: Case, world: World) -> Iterator[Move]:
    """Every transition out of a world."""
    script: list[int] | None = []
    while script is not None:
        facts = Facts(case, world, script)
        new = step(case.policy, world.state, cast("Seen", facts), NOW)
        unread = (len(values) for name, values in CHOICES.items() if name not in facts.read)
        combinations = 1
        for width in unread:
            combinations *= width
        yield Move(world, facts.read, new, combinations)
        script = facts.next_script()


def normal(state: State) -> State:
    """Forget what no rule depends on: how often, since when exactly, in which words."""
    return dataclasses.replace(
        state,
        attempt=0,
        first_attempt=0,
        since=NOW if state.since == NOW else AGED,
        retry_at=0 if not state.retry_at else FUTURE if state.retry_at > NOW else PAST,
        retries=min(state.retries, 4),
        detail="",
        run="",
        acted="earlier" if state.acted and state.stage is Stage.STARTING else "",
        held=Hold(reason=state.held.reason, message="") if state.held else None,
    )


def written(world: World) -> World:
    """The records as the builder of ControllerRevisions writes them for this state."""
    records, state = dict(world.records), world.state
    if state.stable:
        records[state.stable] = Outcome.PROVEN
    if state.revision and state.revision != state.stable:
        if state.stage is Stage.ABORTING and state.reason:
            records[state.revision] = Outcome.REJECTED
        elif records.get(state.revision) is Outcome.REJECTED and state.stage is Stage.STARTING and state.acted:
            del records[state.revision]
    return dataclasses.replace(world, records=frozenset(records.items()))


def aged(world: World) -> World:
    state = world.state
    retry_at = PAST if state.retry_at == FUTURE else state.retry_at
    return dataclasses.replace(world, state=dataclasses.replace(state, since=AGED, retry_at=retry_at))
