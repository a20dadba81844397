"""Runs that people make: self-tests and manual ones. Which go on, which wait, and which cannot be made, with why.

Only the service's own spec is believed: a run of a person names what it asks, and nothing of how it is judged. No
rollout ever hears of them: `rollout.step` and its facts read runs of other purposes alone.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from serinus.core import beside
from serinus.core.beside import Watched
from serinus.core.gates import GateView, parameters, run_name
from serinus.core.model import Manifest, Purpose
from serinus.core.report import Identity
from serinus.core.rollout import Stage, State
from serinus.core.seen import RunSeen

BY_PEOPLE: Final = frozenset({Purpose.SELF_TEST, Purpose.MANUAL})
"""Purposes of runs that Serinus never makes by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """The runs of people that go on; by name those that wait, with why, and those refused, with reason and message."""

    views: tuple[GateView, ...] = ()
    waiting: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)


def by_hand(world: Watched) -> ByHand:
    """What becomes of the unfinished runs of people: one after the other, and never while a gate of a rollout asks."""
    views: list[GateView] = []
    waiting: dict[str, str] = {}
    refused: dict[str, tuple[str, str]] = {}
    mine = [r for r in world.runs if r.purpose in BY_PEOPLE and not r.finished]
    for run in sorted(mine, key=lambda r: (not _begun(r), r.created, r.name)):
        found = _asked(world, run)
        if not isinstance(found, GateView):
            refused[run.name] = found
        elif why := "" if _begun(run) else _waits(world, found.identity, views):
            waiting[run.name] = why
        else:
            views.append(found)
    return ByHand(views=tuple(views), waiting=waiting, refused=refused)


def _begun(run: RunSeen) -> bool:
    return bool(run.status.get("jobUID"))


def _waits(world: Watched, found: Identity, others: list[GateView]) -> str:
    """Why a run that could be made does not begin yet; empty if it may."""
    if world.busy:
        return "waits while a gate of the rollout asks"
    if others:
        return f"waits for ProbeRun {others[0].name}"
    missing = [r for r in (found.revision, found.baseline) if r and r not in world.ready]
    return f"waits for a Ready pod of {missing[0]}" if missing else ""


def _asked(world: Watched, run: RunSeen) -> GateView | tuple[str, str]:
    """The view of a run, or why it cannot be."""
    gate = next((g for g in world.service.gates if g.name == run.gate), None)
    if gate is None:
        names = ", ".join(g.name for g in world.service.gates) or "none"
        return "GateNotFound", f"spec.gate: found {run.gate!r}, allowed are {names}"
    sides = tuple(_sides(world.state, run.purpose))
    if (run.revision, run.baseline) not in sides:
        found = f"found {_told(run.revision, run.baseline)}"
        allowed = "; or ".join(_told(*side) for side in sides) or "none: nothing can be asked now"
        return "NotServing", f"spec.revision and spec.baseline: {found}, allowed is {allowed}"
    asked, probe_set = world.questions.get(gate.probe_set), run.spec.get("probeSet") or {}
    if asked is None or probe_set.get("digest") != asked.digest:
        allowed = asked.digest if asked else "that of a ProbeSet that can be asked"
        return "DigestDiffers", f"spec.probeSet.digest: found {probe_set.get('digest')}, allowed is {allowed}"
    if probe_set.get("name") != gate.probe_set:
        return "DigestDiffers", f"spec.probeSet.name: found {probe_set.get('name')}, allowed is {gate.probe_set}"
    identity = dataclasses.replace(
        beside.identity(world, gate, run.purpose, digest=asked.digest),
        revision=run.revision,
        baseline=run.baseline,
        attempt=run.attempt,
    )
    if run.name != run_name(identity):
        return "NameDiffers", f"metadata.name: found {run.name}, allowed is {run_name(identity)}"
    differs = _difference(run.spec.get("parameters"), parameters(identity, gate.policy, asked))
    return ("ParametersDiffer", differs) if differs else beside.view(gate, identity, asked, run)


def _sides(state: State, purpose: Purpose) -> Iterator[tuple[str, str]]:
    """Revision and baseline that a run may ask now: what serves alone, a canary alone, or a canary against it."""
    if purpose is Purpose.SELF_TEST:
        yield from [(state.stable, state.stable)] if state.stable else []
        return
    if state.stable:
        yield state.stable, ""
    if state.revision not in ("", state.stable) and state.stage not in (Stage.STABLE, Stage.ABORTING):
        yield state.revision, ""
        if state.stable:
            yield state.revision, state.stable


def _told(revision: str, baseline: str) -> str:
    return f"{revision} and {baseline}" if baseline else f"{revision} and no baseline"


def _difference(found: object, wanted: Manifest) -> str:
    """Where parameters that a person wrote are not those of the gate, which count; nobody need write them."""
    for key, value in sorted(found.items()) if isinstance(found, dict) else ():
        if key not in wanted or value != wanted[key]:
            allowed = f"{wanted[key]!r}, as the gate says" if key in wanted else "nothing: no gate has it"
            return f"spec.parameters.{key}: found {value!r}, allowed is {allowed}"
    return ""
