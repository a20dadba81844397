"""What writes met that a rollout cannot go on with: a name that is taken, a refused object. Shown until it is gone.

It words outcomes; it writes nothing and decides no step.
"""

import dataclasses
from collections.abc import Sequence
from typing import Final

from serinus.core.rollout import NAME_CONFLICT, Hold
from serinus.core.stories import held_story
from serinus.core.views import refusal_reason
from serinus.plan import Plan
from serinus.resources import output_of
from serinus.shell.outcomes import Outcome, Result
from serinus.shell.world import JOB

_NEEDED_KINDS: Final = frozenset({"ControllerRevision", "ReplicaSet", "Service", "ConfigMap", "NetworkPolicy"})
"""Kinds that a rollout cannot go on without; a budget of a name that is taken is missed by nobody else."""
_OF_RUNS: Final = frozenset({"ProbeRun", "Job"})
_MAX_TEXT: Final = 1000


def vital(outcome: Outcome) -> bool:
    """Whether more than monitoring depends on an object; outputs that are refused stand in `status.outputs`."""
    return output_of(outcome.ref.kind.kind, outcome.ref.name) is None


def beside(planned: Plan, outcome: Outcome) -> bool:
    """Whether an object belongs to a run that no rollout waits for: of a person, or a continuous one."""
    return outcome.ref.kind.kind in _OF_RUNS and outcome.ref.name in planned.beside


def unsettled(planned: Plan, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """What has to be tried again before anything else of the service can be relied on."""

    def needed(found: Outcome) -> bool:
        return found.result is Result.REFUSED and vital(found) and not beside(planned, found)

    return [o for o in outcomes if o.result is Result.UNAVAILABLE or needed(o)]


def with_obstacle(planned: Plan, outcomes: Sequence[Outcome]) -> tuple[Plan, bool]:
    """Say so if writes meet another obstacle than before, or none any more; True if so."""
    mine = [o for o in outcomes if not beside(planned, o)]
    found = _taken(mine) or _refused(mine)
    untried = any(o.result in (Result.UNAVAILABLE, Result.STALE) for o in outcomes)
    if found == planned.obstacle or (found is None and untried):
        return planned, False  # what was not tried may still be refused
    state = dataclasses.replace(planned.view.state, held=found)
    stories = (*planned.stories, held_story(state.revision, found)) if found else planned.stories
    return dataclasses.replace(planned, view=dataclasses.replace(planned.view, state=state), stories=stories), True


def _taken(outcomes: Sequence[Outcome]) -> Hold | None:
    found = [o for o in outcomes if o.result is Result.NAME_CONFLICT and o.ref.kind.kind in _NEEDED_KINDS and vital(o)]
    if not found:
        return None
    return Hold(reason=NAME_CONFLICT, message="; ".join(o.message for o in found)[:_MAX_TEXT], object=_name(found[0]))


def _refused(outcomes: Sequence[Outcome]) -> Hold | None:
    """The refused objects in the API server's words; a Job first, for its run waits for it."""
    found = [o for o in outcomes if o.result is Result.REFUSED and vital(o)]
    found.sort(key=lambda o: o.ref.kind != JOB)
    if not found:
        return None
    message = "; ".join(f"{_name(o)}: {o.message}" for o in found)[:_MAX_TEXT]
    return Hold(reason=refusal_reason(found[0].message), message=message, object=_name(found[0]))


def _name(outcome: Outcome) -> str:
    return f"{outcome.ref.kind.kind} {outcome.ref.name}"
