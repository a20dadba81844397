"""The operator's metrics of one service: gauges of its present state. Names and values only.

Labels are few and bounded: no pod, prompt or user. Alerts on a state use its gauge, never an increase of a counter
that is born at 1.
"""

from collections.abc import Iterator, Mapping, Sequence

from serinus.core.arrange import serves
from serinus.core.byhand import BY_PEOPLE
from serinus.core.gates import purpose_of
from serinus.core.model import Manifest, Verdict
from serinus.core.rollout import Stage
from serinus.core.seen import RunSeen
from serinus.core.status import Output, View, phase

PHASES = ("Pending", "Stable", "Progressing", "Held", "RolledBack", "Ungated", "Invalid")
_VERDICTS = tuple(str(v) for v in Verdict)


_OUTCOMES = (
    ("lost", "lost"),
    ("tied", "tied"),
    ("won", "won"),
    ("unscored", "unscored"),
    ("fault_tied", "faultTied"),
    ("fault_won", "faultWon"),
)
"""Values of the label `outcome`; those at fault are unscored too, and count in the evidence to roll back."""

_TIMED = (("ttft", "firstToken"), ("itl", "betweenTokens"))
_STATISTICS = ("p50", "p95", "p99", "mean")

Sample = tuple[str, ...]
"""Name of a metric without `serinus_`, then the values of its labels after namespace and llmservice."""


def samples(view: View, outputs: Sequence[Output]) -> dict[Sample, float]:
    """All gauges of a service."""
    state, service = view.state, view.service
    info = ("service_info", service.model, service.runtime.name, state.stable, state.revision)
    return {
        info: 1.0,
        _owner(service.owner.team, service.owner.runbook): 1.0,
        **_phases(phase(view), state.revision or view.target),
        **{("rollout_stage", str(s), state.revision): float(s is state.stage) for s in Stage},
        **({("rollout_held", state.held.reason): 1.0} if state.held else {}),
        **({("rollout_advice", state.revision): 1.0} if state.advice else {}),
        **dict(_gates(view)),
        **dict(_latencies(view)),
        **{("drift_cusum", gate): value for gate, value in view.drift.items()},
        **dict(_traffic(view)),
        **{("slo_objective", slo.name): float(slo.objective) for slo in service.slos},
        **_outputs(outputs),
    }


def invalid_samples(body: Manifest) -> dict[Sample, float]:
    """The gauges of a service whose spec cannot be acted on; whom to tell is read of it as far as it can be."""
    owner = (body.get("spec") or {}).get("owner")
    found = [owner.get(key) if isinstance(owner, Mapping) else None for key in ("team", "runbook")]
    team, runbook = (text if isinstance(text, str) else "" for text in found)
    return {_owner(team, runbook): 1.0, **_phases("Invalid", "")}


def _owner(team: str, runbook: str) -> Sample:
    return "service_owner", team, runbook


def _phases(word: str, revision: str) -> dict[Sample, float]:
    """Name the revision that the phase is about, so that an alert says it and a second canary is a new alert."""
    return {("rollout_phase", p, revision): float(p == word) for p in PHASES}


def _gates(view: View) -> Iterator[tuple[Sample, float]]:
    for gate in view.gates:
        name = gate.gate.name
        # Between rollouts there is no verdict to page about: an alert on Broken would never end.
        for verdict in _VERDICTS if purpose_of(view.state.stage) else ():
            yield ("gate_verdict", name, verdict), float(verdict == gate.verdict)
        status = gate.run.status if gate.run else {}
        counted = status.get("pairs") or {}
        for outcome, key in _OUTCOMES:
            if key in counted:
                yield ("gate_pairs", name, outcome), float(counted[key])
        for side, value in sorted((status.get("evidence") or {}).items()):
            yield ("gate_evidence", name, side), float(value)
        revisions = {"canary": gate.identity.revision, "stable": gate.identity.baseline}
        for side, percent in sorted((status.get("passPercent") or {}).items()):
            yield ("probe_pass_ratio", name, revisions[side]), percent / 100
        for side, score in _scores(status):
            yield ("probe_score", name, revisions[side]), score


def _scores(status: Manifest) -> Iterator[tuple[str, float]]:
    """Mean score of each side; a gate that compares passes gives an answer 1 or 0, a graded one sums the canary's."""
    graded = status.get("floorSums") or []
    if not graded:
        yield from ((side, percent / 100) for side, percent in sorted((status.get("passPercent") or {}).items()))
        return
    answers = (status.get("answers") or {}).get("canary") or {}
    if count := sum(int(answers.get(key, 0)) for key in ("passed", "failed")):
        yield "canary", float(graded[0]) / count


def _latencies(view: View) -> Iterator[tuple[Sample, float]]:
    """How soon the streamed answers of each revision came: in the newest run of each gate that Serinus made of it."""
    names = {gate.name for gate in view.service.gates}
    current = {view.state.stable, view.state.revision} - {""}
    mine = [r for r in view.runs if r.finished and not r.former and r.gate in names]
    for run in sorted((r for r in mine if r.purpose not in BY_PEOPLE), key=_age):
        for side, revision in (("canary", run.revision), ("stable", run.baseline)):
            found = (run.status.get("timing") or {}).get(side) or {}
            if revision in current:
                yield from _statistics(found, run.gate, revision)


def _statistics(found: Manifest, gate: str, revision: str) -> Iterator[tuple[Sample, float]]:
    for signal, key in _TIMED:
        for statistic in _STATISTICS:
            value = (found.get(key) or {}).get(f"{statistic}Seconds")
            if value is not None:
                yield ("probe_latency_seconds", gate, revision, signal, statistic), float(value)


def _age(run: RunSeen) -> tuple[float, int]:
    return run.created, run.attempt


def _traffic(view: View) -> Iterator[tuple[Sample, float]]:
    """Shares as users meet them: by ready pods."""
    serving = [p for p in view.pods if serves(p)]
    for revision in sorted({view.state.stable, view.state.revision} - {""}):
        mine = sum(p.revision == revision for p in serving)
        yield ("traffic_ratio", revision), mine / len(serving) if serving else 0.0


def _outputs(outputs: Sequence[Output]) -> dict[Sample, float]:
    states = ("Applied", "Skipped", "Failed")
    return {("output_state", o.kind, state): float(state == o.state) for o in outputs for state in states}
