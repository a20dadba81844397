"""From a Snapshot to the facts that `rollout.step` decides on. Reads the world; makes no transition."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.core import naming
from serinus.core.arrange import Arrangement, serves
from serinus.core.askedpods import strangers
from serinus.core.gates import GateView, evidenced, purpose_of, together
from serinus.core.model import OF_ROLLOUTS, Purpose, Service, Verdict
from serinus.core.rollout import Hold, Seen, State
from serinus.core.seen import DecisionSeen, Outcome, PodSeen, RevisionSeen, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What `seen` is made from besides the snapshot."""

    service: Service
    state: State
    target: str
    arrangement: Arrangement
    views: tuple[GateView, ...]
    block: Hold | None
    decision: DecisionSeen | None
    now: float
    invalid: str = ""
    obstacle: Hold | None = None


def seen(snapshot: Snapshot, situation: Situation) -> Seen:
    """Gather the facts of this moment."""
    state, service, views = situation.state, situation.service, situation.views
    pods = [p for p in snapshot.pods if p.revision == state.revision and not p.deleting] if state.revision else []
    verdict, view = together(views, purpose=purpose_of(state.stage))
    decision = situation.decision
    return Seen(
        target=situation.target,
        invalid=situation.invalid,
        replicas=service.workload.replicas if service.workload else 0,
        outcome=outcome_of(snapshot.revisions, situation.target),
        recorded=outcome_of(snapshot.revisions, state.revision) is Outcome.REJECTED,
        ready=_reachable(snapshot, service, pods),
        crashed=_crashed(pods),
        stuck=_stuck(pods, service.rollout.ready_timeout, situation.now),
        trouble=_trouble(snapshot, state, pods),
        settled=situation.arrangement.settled,
        gone=not pods and not _replicas(snapshot, state.revision),
        stable_ready=any(serves(p) for p in snapshot.pods if p.revision == state.stable),
        verdict=verdict,
        verdict_message=view.message if view and view.message else _no_message(verdict),
        verdict_run=view.run.name if view and view.run else "",
        evidenced=not state.revision or evidenced(snapshot.runs, state.revision, asked=_asked(service)),
        superseded=any(v.superseded for v in views),
        next_attempt=_next_attempt(snapshot, _rolled(situation)),
        block=situation.block,
        pause=_pause(service),
        obstacle=situation.obstacle,
        decision=decision.action if decision else "",
        decision_uid=decision.uid if decision else "",
    )


def outcome_of(revisions: Sequence[RevisionSeen], name: str) -> Outcome | None:
    """The record of a revision."""
    return next((r.outcome for r in revisions if r.name == name), None)


def _asked(service: Service) -> set[str]:
    return {g.name for g in service.gates_at(Purpose.BEFORE_TRAFFIC)}


def _next_attempt(snapshot: Snapshot, revision: str) -> int:
    mine = (r.attempt for r in snapshot.runs if r.revision == revision and r.purpose in OF_ROLLOUTS)
    return 1 + max(mine, default=-1)


def _rolled(situation: Situation) -> str:
    return situation.state.revision or situation.target


def _reachable(snapshot: Snapshot, service: Service, pods: Sequence[PodSeen]) -> bool:
    """Whether probes can reach a Ready pod of the canary through its Service, and no other pods."""
    endpoints = snapshot.reachable.get(naming.canary_service(service.name), frozenset())
    there = any(p.ready and p.name in endpoints for p in pods)
    return there and not strangers(snapshot, service.name, canary=pods[0].revision)


def _crashed(pods: Sequence[PodSeen]) -> str:
    pod = next((p for p in pods if p.crashing and not p.ready), None)
    return f"The container of pod {pod.name} exited {pod.restarts} times." if pod else ""


def _stuck(pods: Sequence[PodSeen], timeout: int, now: float) -> str:
    late = (p for p in pods if p.unready_since and now - p.unready_since >= timeout and not p.draining)
    pod = next(late, None)
    return f"Pod {pod.name} runs and was not Ready for {timeout} s (spec.rollout.readyTimeout)." if pod else ""


def _trouble(snapshot: Snapshot, state: State, pods: Sequence[PodSeen]) -> Hold | None:
    """Why the canary finds no place, which is never a verdict on it."""
    if snapshot.refused:
        return Hold(reason="AdmissionRefused", message=snapshot.refused)
    for found in snapshot.sets:
        if found.revision == state.revision and found.failure and len(pods) < found.replicas:
            return Hold(reason=found.failure, message=found.detail)
    pod = next((p for p in pods if p.trouble), None)
    return Hold(reason=pod.trouble, message=f"pod {pod.name}: {pod.detail}") if pod else None


def _replicas(snapshot: Snapshot, revision: str) -> int:
    return next((s.replicas for s in snapshot.sets if s.revision == revision), 0)


def _pause(service: Service) -> Hold | None:
    return Hold(reason="Paused", message="spec.rollout.paused is true") if service.rollout.paused else None


def _no_message(verdict: Verdict) -> str:
    return "no quality gate has when: [BeforeTraffic]" if verdict is Verdict.INCONCLUSIVE else ""
