"""What people see of a service: phase, message, numbers of the gates, and conditions. A view; nothing is decided here.

Nothing in a status changes with the clock alone: ends of waits are given as times (`until`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from serinus.core import memory
from serinus.core.arrange import Arrangement, serves
from serinus.core.conditions import ConditionFacts, Problem, conditions, merge
from serinus.core.gates import GateView, purpose_of
from serinus.core.gatestatus import chances, cost, gate_status
from serinus.core.invalidstatus import withdrawn
from serinus.core.judge_cost import in_a_run, warning
from serinus.core.model import Manifest, Mode, Service, Verdict
from serinus.core.policystatus import is_policy, policies_ready
from serinus.core.rollout import IN_TRAFFIC, Hold, Stage, State
from serinus.core.seen import Outcome, PodSeen, Questions, RevisionSeen, RunSeen
from serinus.core.traffic import Goal, peak, shares
from serinus.core.views import timestamp
from serinus.core.wake import TOLD_AFTER, until

_MAX_MESSAGE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What became of one generated object: Applied, Skipped or Failed, with the reason."""

    kind: str
    name: str
    state: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything that a status is made from."""

    service: Service
    target: str
    state: State
    goal: Goal
    arrangement: Arrangement
    gates: tuple[GateView, ...]
    pods: tuple[PodSeen, ...]
    revisions: tuple[RevisionSeen, ...]
    now: float
    invalid: str = ""  # what is wrong with a spec that cannot be acted on: `path: text`
    spec_problem: Hold | None = None
    probes_problem: Hold | None = None
    monitoring_problems: tuple[Problem, ...] = ()
    monitoring_note: str = ""
    unjudged: str = ""  # admission rules that are asked for and cannot be judged, and why
    gaps: tuple[str, ...] = ()  # signals that the runtime could have and does not
    scorecard: Mapping[str, int] = field(default_factory=dict)
    questions: Mapping[str, Questions] = field(default_factory=dict)  # by ProbeSet
    runs: tuple[RunSeen, ...] = ()
    drift: Mapping[str, float] = field(default_factory=dict)  # by gate that is asked continuously

    @property
    def rejected(self) -> RevisionSeen | None:
        """The record of the wanted revision, if it was rejected."""
        found = next((r for r in self.revisions if r.name == self.target), None)
        return found if found and found.outcome is Outcome.REJECTED else None

    @property
    def rolling_back(self) -> bool:
        """Whether a rejected revision is being taken away."""
        return self.state.stage is Stage.ABORTING and bool(self.state.reason)


def phase(view: View) -> str:
    """One word for people."""
    state = view.state
    if view.invalid:
        return "Invalid"
    if view.rolling_back or (state.stage is Stage.STABLE and view.rejected and view.target != state.stable):
        return "RolledBack"
    if state.held:
        return "Held"
    if view.service.rollout.mode is Mode.UNGATED:
        return "Ungated"
    if state.stage is not Stage.STABLE:
        return "Progressing"
    return "Stable" if state.stable else "Pending"


def build(view: View, outputs: Sequence[Output], previous: Manifest, at: str) -> Manifest:
    """Build the whole status; `previous` gives the times of conditions that did not change."""
    state, service = view.state, view.service
    word = phase(view)
    built: Manifest = {
        "observedGeneration": service.generation,
        "phase": word,
        "step": _step(view),
        "message": message(view, word)[:_MAX_MESSAGE],
        "rollout": memory.dump(state),
        "rejected": [_rejected(r) for r in view.revisions if r.outcome is Outcome.REJECTED],
        "gates": _gates(view, previous),
        "plan": _plan(service),
        "gaps": list(view.gaps),
        "ignored": list(service.ignored),
        "outputs": [_output(o) for o in outputs],
        **_replicas(view),
    }
    optional = {
        "until": timestamp(end) if (end := until(service.rollout, state)) else "",
        "verdict": _verdict(view, previous),
        "stable": _stable(view, previous, at),
        "canary": _canary(view),
        "chances": chances(service, view.questions),
        "resolved": _resolved(service),
        "scorecard": dict(view.scorecard),
    }
    built |= {k: v for k, v in optional.items() if v}
    fresh = conditions(_facts(view, word, outputs))
    built["conditions"] = merge(fresh, previous.get("conditions") or [], service.generation, at)
    return withdrawn(built, previous, view.invalid, at) if view.invalid else built


def message(view: View, word: str) -> str:
    """One or two sentences that tell the story."""
    state = view.state
    rejected = view.rejected
    if view.invalid:
        return f"{view.invalid}. Nothing of this spec is followed: {_progress(view)}."
    if view.rolling_back:
        return f"Rolling back {state.revision} ({state.reason}): {state.detail}"
    if word == "RolledBack" and rejected is not None:
        run = f", see ProbeRun {rejected.run}" if rejected.run else ""
        keeps = f"{state.stable} serves" if state.stable else "nothing serves"
        return f"{rejected.name} was rejected ({rejected.reason}{run}); {keeps}. Change the template, or decide Retry."
    if state.held:
        return f"Held ({state.held.reason}): {state.held.message}"
    return _progress(view)


def _progress(view: View) -> str:
    state = view.state
    told = {
        Stage.STABLE: f"{state.stable} serves" if state.stable else "nothing serves yet",
        Stage.STARTING: f"waiting for one pod of {state.revision} to be Ready, without traffic",
        Stage.PROBING: f"asking {state.revision} before any user can reach it",
        Stage.SHIFTING: f"letting users reach {state.revision}",
        Stage.BAKING: f"users reach {state.revision}; baking",
        Stage.PROMOTING: f"replacing all pods by {state.revision}",
        Stage.FINAL_BAKE: f"all users reach {state.revision}; baking before the old revision goes",
        Stage.ABORTING: f"taking {state.revision} away without a rejection: {state.detail}",
    }[state.stage]
    judged = purpose_of(state.stage) is not None
    told_gates = [f"{g.gate.name} {g.verdict}" for g in view.gates if judged]
    return told + (f" ({', '.join(told_gates)})" if told_gates else "") + _waiting(view)


def _waiting(view: View) -> str:
    """Why a pod of the rollout's revision does not run yet; what becomes of it is decided by readyTimeout."""
    mine = (p for p in view.pods if p.revision == view.state.revision and not p.deleting and not p.ready and p.waiting)
    pod = next((p for p in mine if view.now >= p.created + TOLD_AFTER), None)
    return f"; pod {pod.name} waits: {pod.waiting}" if pod else ""


def _step(view: View) -> str:
    steps = len(view.service.rollout.steps)
    stage = view.state.stage
    shown = view.state.step + 1 if stage in (Stage.SHIFTING, Stage.BAKING) else 0
    if stage in (Stage.PROMOTING, Stage.FINAL_BAKE):
        shown = steps
    return f"{shown}/{steps}" if stage is not Stage.STABLE else ""


def _gates(view: View, previous: Manifest) -> list[Manifest]:
    """One entry for each gate: its newest run, what the next one will cost, and its drift; before the first run too."""
    shown = {g.gate.name: gate_status(g) for g in view.gates}
    if not shown:
        shown = {str(g["name"]): dict(g) for g in previous.get("gates") or [] if "verdict" in g}
    for gate in view.service.gates:
        found = shown.setdefault(gate.name, {"name": gate.name})
        asked = view.questions.get(gate.probe_set)
        if asked is not None:
            found |= cost(gate, asked, view.runs, paired=bool(view.state.stable))
            found |= _judge(view, asked, found["expectedCalls"])
        if gate.name in view.drift:
            found["cusum"] = view.drift[gate.name]
    return list(shown.values())


def _judge(view: View, asked: Questions, calls: int) -> Manifest:
    """What judging adds, and what is to be known of the judges."""
    found = in_a_run(asked, calls=calls, paired=bool(view.state.stable))
    told = warning(asked.judged, model=view.service.model, service=view.service.name)
    found |= {"warning": told} if told else {}
    return {"judge": found} if found else {}


def _verdict(view: View, previous: Manifest) -> str:
    from_gates = [g.verdict for g in view.gates]
    for verdict in (Verdict.FAILED, Verdict.BROKEN, Verdict.RUNNING, Verdict.INCONCLUSIVE, Verdict.PASSED):
        if verdict in from_gates:
            return str(verdict)
    return str(previous.get("verdict", ""))


def _stable(view: View, previous: Manifest, at: str) -> Manifest:
    name = view.state.stable
    record = next((r for r in view.revisions if r.name == name), None)
    if record is None:
        return {}
    old = previous.get("stable") or {}
    containers = (record.data.get("template", {}).get("spec") or {}).get("containers") or []
    images = [c["image"] for c in containers if isinstance(c, dict) and isinstance(c.get("image"), str)]
    return {"revision": name, "images": images[:32], "since": old["since"] if old.get("revision") == name else at}


def _canary(view: View) -> Manifest:
    state = view.state
    if state.stage is Stage.STABLE:
        return {}
    return {"revision": state.revision, "trafficPercent": {"wanted": _wanted(view), "actual": _actual(view)}}


def _wanted(view: View) -> int:
    state = view.state
    if state.stage in (Stage.PROMOTING, Stage.FINAL_BAKE):
        return 100
    return view.service.rollout.step_at(state.step).percent if state.stage in IN_TRAFFIC else 0


def _actual(view: View) -> int:
    serving = [p for p in view.pods if serves(p)]
    mine = sum(p.revision == view.state.revision for p in serving)
    return round(100 * mine / len(serving)) if serving else 0


def _replicas(view: View) -> Manifest:
    serving = [p for p in view.pods if p.live and not p.deleting]
    return {
        "replicas": len(serving),
        "readyReplicas": sum(serves(p) for p in view.pods),
        "selector": f"serinus.dev/service={view.service.name},serinus.dev/traffic=live",
    }


def _rejected(revision: RevisionSeen) -> Manifest:
    found = {
        "revision": revision.name,
        "reason": revision.reason,
        "at": timestamp(float(revision.at)) if revision.at.isdecimal() else "",
        "probeRun": revision.run,
    }
    return {k: v for k, v in found.items() if v}


def _plan(service: Service) -> Manifest:
    replicas = service.workload.replicas if service.workload else 0
    policy = service.rollout
    steps = [{"canary": c, "stable": s} for c, s in shares(policy, replicas)] if replicas else []
    return {"peakReplicas": peak(policy, replicas), "steps": steps}


def _resolved(service: Service) -> Manifest:
    workload = service.workload
    if workload is None:
        return {}
    return {"port": workload.port, "metricsPort": workload.metrics_port, "metricsPath": workload.metrics_path}


def _output(output: Output) -> Manifest:
    found = {
        "kind": output.kind,
        "name": output.name,
        "state": output.state,
        "reason": output.reason,
        "message": output.message[:1000],
    }
    return {k: v for k, v in found.items() if v}


def _facts(view: View, word: str, outputs: Sequence[Output]) -> ConditionFacts:
    state = view.state
    return ConditionFacts(
        stable=state.stable,
        ready=any(serves(p) for p in view.pods if p.revision == state.stable),
        progressing=state.stage is not Stage.STABLE or not view.arrangement.settled,
        phase=word,
        message=message(view, word),
        held=state.held,
        in_traffic=state.stage in IN_TRAFFIC,
        stage=str(state.stage),
        spec_problem=view.spec_problem,
        probes_problem=view.probes_problem,
        monitoring=_monitoring(view, outputs),
        policies=policies_ready(view.service.monitoring.policies, outputs, view.unjudged),
        monitoring_note=view.monitoring_note,
        enforced=view.service.rollout.mode is Mode.ENFORCE,
        served=any(r.name == state.stable and r.outcome is Outcome.SERVED for r in view.revisions),
    )


def _monitoring(view: View, outputs: Sequence[Output]) -> tuple[Problem, ...]:
    """What keeps the monitoring from being as the spec says."""
    lost = [o for o in outputs if o.state == "Failed" and not is_policy(o)]
    failed = (f"{o.kind} {o.name}: {o.message or o.reason}" for o in lost)
    return (*view.monitoring_problems, *(Problem("NotAsSpecified", message) for message in failed))
