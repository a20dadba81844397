"""plan(snapshot, surroundings, now) -> Plan: judge, step, build. Pure: same input, same bytes out.

One call makes at most one transition of the rollout. What it returns is written by the shell: the intent first, then
manifests and labels, then what was observed.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serinus.core import facts, memory
from serinus.core.arrange import PodPatch
from serinus.core.byhand import ByHand
from serinus.core.child import Child
from serinus.core.decisions import DecisionUpdate, Moment, pending_decision, told
from serinus.core.gates import evidenced, newest_views
from serinus.core.history import kept_revisions
from serinus.core.installation import check_allowed
from serinus.core.model import InvalidSpec, Manifest, Mode, Service
from serinus.core.namesake import with_former
from serinus.core.naming import LABEL_REVISION
from serinus.core.questions import questions_of
from serinus.core.retention import expired
from serinus.core.retreat import retreat_service, retreat_target
from serinus.core.revision import Revision
from serinus.core.rollout import Hold, Seen, Stage, State, step
from serinus.core.seen import DecisionSeen, RunSeen, Snapshot
from serinus.core.status import View
from serinus.core.stories import Story, stories
from serinus.core.wake import LOOK_AT_JOB, waits, wake_after
from serinus.core.watch import cusums, forgotten
from serinus.desk import Desk, Look, Surroundings, block, spec_problem
from serinus.resources import BUILDERS, Builder, admission_policy, judge_access, monitoring, signal_rules
from serinus.resources.context import Context
from serinus.upkeep import RunUpdate, run_updates

__all__ = ["Plan", "Surroundings", "plan"]


_NOTED: Final = tuple(b for b in BUILDERS if b.told or b.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now. `moved`: the state changed, so that the intent is written first and another look follows."""

    view: View
    moved: bool
    children: tuple[Child, ...] = field(hash=False)
    notes: Mapping[Builder, str] = field(default_factory=dict, hash=False)  # what status says of applied outputs
    patches: tuple[PodPatch, ...] = ()
    runs: tuple[RunUpdate, ...] = ()
    decisions: tuple[DecisionUpdate, ...] = ()
    stories: tuple[Story, ...] = ()
    invalid: bool = False  # the spec is not followed: nothing is pruned, and outputs stay as they are
    obstacle: Hold | None = None  # that was known when this was planned
    beside: frozenset[str] = frozenset()  # runs and Jobs that no rollout waits for
    check: Manifest | None = field(default=None, hash=False)  # a ReplicaSet to try with a dry run before anything else
    expired: tuple[RunSeen, ...] = ()  # ProbeRuns to delete
    requeue_after: float | None = None

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        """All that is wanted, finished; in the order of the children."""
        return tuple(c.manifest for c in self.children)


def plan(snapshot: Snapshot, around: Surroundings, now: float) -> Plan:
    """Decide what to do for one service.

    A spec that cannot be acted on ends a rollout, and the stable revision keeps or gets all users; without a stable
    revision it raises InvalidSpec.
    """
    snapshot = with_former(snapshot)
    try:
        service, target, invalid = *_asked(snapshot.body, around), ""
        snapshot = _with_kept(snapshot, target, service.rollout.history_limit)
    except InvalidSpec as e:
        service, target, invalid = *_kept(snapshot, around, e), str(e)
        snapshot = _with_kept(snapshot, target, len(snapshot.revisions))
    state = _load(snapshot)
    questions, problem = questions_of(service.gates, snapshot.probe_sets)
    questions, unreachable = judge_access.reachable(service.gates, questions, around.settings)
    problem = problem or unreachable
    desk = Desk(
        snapshot=snapshot,
        around=around,
        service=service,
        target=target,
        questions=questions,
        probes_problem=None if service.rollout.mode is Mode.UNGATED else problem,
        now=now,
        invalid=invalid,
        obstacle=memory.obstacle(snapshot.body.get("status") or {}),
    )
    waiting = () if invalid else snapshot.decisions
    decision = pending_decision(waiting, service, target.name, now, trust=around.trust)
    look = desk.look(state)
    new = step(service.rollout, state, _facts(desk, state, look, decision), int(now))
    return _finish(desk, state, new, look if new == state else desk.look(new))


def _asked(body: Manifest, around: Surroundings) -> tuple[Service, Revision]:
    service, revision = around.read(body, around.catalogue)
    if revision is None:
        raise InvalidSpec("spec.workloadRef", "is not supported by this version, allowed is spec.workload")
    check_allowed(service, around.settings.allowed)
    return service, revision


def _kept(snapshot: Snapshot, around: Surroundings, error: InvalidSpec) -> tuple[Service, Revision]:
    """What a service with an invalid spec goes back to; raises the error again if there is nothing to go back to."""
    stable = next((r for r in snapshot.revisions if r.name == _load(snapshot).stable), None)
    service = retreat_service(snapshot.body, stable, around.catalogue) if stable else None
    if stable is None or service is None:
        raise error
    return service, retreat_target(stable)


def _with_kept(snapshot: Snapshot, target: Revision, limit: int) -> Snapshot:
    return dataclasses.replace(snapshot, revisions=kept_revisions(snapshot, target, limit=limit))


def _load(snapshot: Snapshot) -> State:
    return memory.load(
        snapshot.body.get("status") or {},
        snapshot.revisions,
        stable_selector=snapshot.stable_selector,
        live={s.revision for s in snapshot.sets if s.live and s.replicas},
    )


def _facts(desk: Desk, state: State, look: Look, decision: DecisionSeen | None) -> Seen:
    situation = facts.Situation(
        service=desk.service,
        state=state,
        target=desk.target.name,
        arrangement=look.arrangement,
        views=look.views,
        block=block(desk, state),
        decision=decision,
        now=desk.now,
        invalid=desk.invalid,
        obstacle=desk.obstacle,
    )
    return facts.seen(desk.snapshot, situation)


def _finish(desk: Desk, state: State, new: State, look: Look) -> Plan:
    """Build everything for the new state."""
    context = _context(desk, new, look)
    view = View(
        service=desk.service,
        target=desk.target.name,
        state=new,
        goal=look.goal,
        arrangement=context.arrangement,
        gates=look.views or newest_views(desk.service, desk.snapshot.runs),
        questions=desk.questions,
        runs=desk.snapshot.runs,
        drift=dict(cusums(look.watched)),
        pods=desk.snapshot.pods,
        revisions=context.revisions,
        now=desk.now,
        invalid=desk.invalid,
        spec_problem=spec_problem(desk, new),
        probes_problem=desk.probes_problem,
        monitoring_problems=desk.around.say(monitoring.problems, context),
        monitoring_note=desk.around.say(monitoring.note, context),
        unjudged=admission_policy.unjudged(context),
        gaps=signal_rules.gaps(desk.service.runtime),
        scorecard=_scorecard(desk, state, new),
    )
    return Plan(
        view=view,
        moved=new != state,
        children=tuple(c for b in BUILDERS if b.retreat or not desk.invalid for c in desk.around.build(b, context)),
        notes=_notes(desk, context),
        patches=context.arrangement.patches,
        runs=run_updates(desk.snapshot, context, desk.now, obstacle=desk.obstacle, by_hand=_by_hand(desk, look)),
        decisions=() if desk.invalid else _answers(desk, new),
        stories=stories(state, new, look.views) + _complaint(desk),
        invalid=bool(desk.invalid),
        obstacle=desk.obstacle,
        beside=frozenset(v.name for v in look.watch.views),
        check=_check(desk, context),
        expired=_expired(desk, new),
        requeue_after=0.0 if new != state else _wake(desk, new, look),
    )


def _by_hand(desk: Desk, look: Look) -> ByHand:
    return ByHand() if desk.invalid else look.watch.by_hand


def _notes(desk: Desk, context: Context) -> dict[Builder, str]:
    return {b: desk.around.say(b.told, context) if b.told else b.note for b in _NOTED}


def _context(desk: Desk, state: State, look: Look) -> Context:
    return Context(
        service=desk.service,
        settings=desk.around.settings,
        state=state,
        arrangement=look.arrangement,
        revisions=desk.snapshot.revisions,
        runtimes=desk.around.catalogue,
        gates=look.views + (() if desk.invalid else look.watch.views),
        judged=tuple(q.judged for _, q in sorted(desk.questions.items()) if q.judged is not None),
        alerts=desk.around.alerts,
        scrapers=desk.snapshot.scrapers,
        evidenced=frozenset(n for n in (state.stable,) if n and evidenced(desk.snapshot.runs, n)),
    )


def _check(desk: Desk, context: Context) -> Manifest | None:
    """The ReplicaSet of a revision that the API server has not seen yet."""
    revision = context.state.revision
    if not revision or desk.invalid or desk.snapshot.refused or any(s.revision == revision for s in desk.snapshot.sets):
        return None
    replica_sets = next(b for b in BUILDERS if b.kind == "ReplicaSet").build(context)
    return next((m for m in replica_sets if m["spec"]["selector"]["matchLabels"].get(LABEL_REVISION) == revision), None)


def _complaint(desk: Desk) -> tuple[Story, ...]:
    """The event of a spec that cannot be acted on, once for each of its versions."""
    if not desk.invalid:
        return ()
    return (Story(reason="InvalidSpec", message=desk.invalid, warning=True, key=str(desk.service.generation)),)


def _expired(desk: Desk, state: State) -> tuple[RunSeen, ...]:
    """Old evidence that may go; none while the spec is invalid, for nobody knows then what it will refer to."""
    before = desk.now - desk.around.evidence_max_age
    if desk.invalid:
        return ()
    old = expired(desk.snapshot, desk.service, state, before=before)
    return old + tuple(r for r in forgotten(desk.snapshot.runs) if r not in old)


def _answers(desk: Desk, new: State) -> tuple[DecisionUpdate, ...]:
    moment = Moment(target=desk.target.name, state=new, now=desk.now)
    return told(desk.snapshot.decisions, desk.service, moment, desk.around.trust)


def _scorecard(desk: Desk, state: State, new: State) -> Mapping[str, int]:
    """Advise only: how many rollouts ended, and how many of them a gate would have stopped."""
    if desk.service.rollout.mode is not Mode.ADVISE:
        return {}
    old = (desk.snapshot.body.get("status") or {}).get("scorecard") or {}
    ended = state.stage in (Stage.PROMOTING, Stage.FINAL_BAKE) and new.stage is Stage.STABLE
    return {
        "rollouts": int(old.get("rollouts", 0)) + ended,
        "wouldHaveRolledBack": int(old.get("wouldHaveRolledBack", 0)) + (ended and state.advice),
    }


def _wake(desk: Desk, state: State, look: Look) -> float | None:
    policy = desk.service.rollout
    waiting = [*waits(policy, state, desk.snapshot.pods, look.views, desk.now), *look.watch.due]
    waiting += [desk.now + LOOK_AT_JOB] if look.watch.views else []
    return wake_after(policy, state, look.arrangement, waits=waiting, now=desk.now)
