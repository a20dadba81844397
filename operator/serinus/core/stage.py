"""The words of a rollout: its stages, the State that is remembered, the facts that are Seen. Types only.

What leads from one State to the next is in `rollout.py`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from serinus.core.model import Verdict
from serinus.core.seen import Outcome


class Stage(StrEnum):
    """Where a rollout is."""

    STABLE = "Stable"
    STARTING = "Starting"
    PROBING = "Probing"
    SHIFTING = "Shifting"
    BAKING = "Baking"
    PROMOTING = "Promoting"
    FINAL_BAKE = "FinalBake"
    ABORTING = "Aborting"


IN_TRAFFIC: Final = frozenset({Stage.SHIFTING, Stage.BAKING, Stage.PROMOTING, Stage.FINAL_BAKE})
"""Stages in which users reach the canary."""


IN_VAIN: Final = "/in-vain"
"""Stands behind the uid of a Decision that changed nothing: whoever tells its author so may be another operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why forward steps wait."""

    reason: str
    message: str
    object: str = ""  # that could not be written, as `Kind name`: the hold lasts until writes meet no such refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What must be remembered between two looks at the world; written to status before it is acted on."""

    stage: Stage = Stage.STABLE
    revision: str = ""  # that is being rolled out; empty in Stable
    stable: str = ""  # that serves; empty before the first one
    step: int = 0
    attempt: int = 0  # of the newest run of this stage
    first_attempt: int = 0  # of this stage; earlier runs do not count for it
    retries: int = 0  # broken runs, or placements that failed, in a row
    since: int = 0
    retry_at: int = 0  # not before; 0: not waiting
    parked: bool = False  # the canary could not be placed and is taken away until retry_at
    promoted: bool = False  # Aborting by replacement: promotion had begun
    floor_only: bool = False  # an Override: stable is broken, the floor alone decides
    reason: str = ""  # Aborting: why the revision is rejected; empty: it is not
    detail: str = ""  # Aborting: one sentence
    run: str = ""  # Aborting: the ProbeRun that decided
    acted: str = ""  # uid of the last Decision that was acted on, and whether that changed nothing
    advice: bool = False  # Advise: a gate would have stopped this rollout
    held: Hold | None = None

    def knows(self, decision: str) -> bool:
        """Whether the Decision of this uid was acted on, though perhaps in vain."""
        return self.acted in (decision, f"{decision}{IN_VAIN}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The facts that `step` decides on: of the revision that the spec wants (`target`) and of that in the rollout."""

    target: str
    invalid: str = ""  # what is wrong with a spec that cannot be acted on; the target is the stable revision then
    replicas: int = 1
    outcome: Outcome | None = None  # of the target
    recorded: bool = False  # the rejection of the rollout's revision is on its ControllerRevision
    ready: bool = False  # a canary pod is Ready and probes reach it
    crashed: str = ""  # its container ended again and again: one sentence; else empty
    stuck: str = ""  # a scheduled, pulled pod was not Ready within readyTimeout: one sentence; else empty
    trouble: Hold | None = None  # no place for the canary, which is not its fault
    settled: bool = False  # traffic is as this stage wants it
    gone: bool = False  # the canary has no pods and its ReplicaSet wants none
    stable_ready: bool = True
    verdict: Verdict = Verdict.RUNNING  # of all gates of this stage; PASSED where the stage has none
    verdict_message: str = ""
    verdict_run: str = ""
    evidenced: bool = True  # a run before traffic of the rollout's revision has passed
    superseded: bool = False  # the questions or the policy changed since the newest run of this stage
    next_attempt: int = 0
    block: Hold | None = None  # why no new rollout may start
    pause: Hold | None = None  # why forward steps wait
    obstacle: Hold | None = None  # what the last writes met: a name that is taken, or a refusal
    decision: str = ""  # pending Decision for this revision: Retry, Abort or Override; else empty
    decision_uid: str = ""
