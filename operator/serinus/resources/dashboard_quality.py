"""Rows of a service's dashboard about its gates and its rollouts. It owns panels, not their form."""

from typing import Final

from serinus.core.promql import Matcher, Op
from serinus.core.rollout import Stage
from serinus.core.signals import PROBE_SCORE, PROBES_PASSED, UP, VOCABULARY
from serinus.resources.dashboard_frame import Row
from serinus.resources.dashboard_panel import BAD, FAIR, GOOD, PLAIN, Link, Look, Panel, Query
from serinus.resources.dashboard_query import ONE, by_revision, chosen, one
from serinus.resources.objectives import BUDGET, ratio

FLEET: Final = Link("All services", "/d/serinus-fleet?${__url_time_range}&var-namespace=${namespace}")
_REVISION: Final = "{{revision}}"
_GATE: Final = "{{gate}} {{revision}}"
_SHARE: Final = ((0, BAD), (0.8, FAIR), (0.95, GOOD))
_STAGES: Final = "|".join(str(stage) for stage in Stage)


def answers_and_gates() -> Row:
    """What the probes say, how the gates judge it, what is left of the objectives."""
    return Row("Answers and gates", (*_now(), *_gates(), *_counts(), *_objectives()))


def _now() -> tuple[Panel, ...]:
    phase = f"max by (phase) ({one('serinus_rollout_phase')}) == 1"
    verdict = f"max by (gate, verdict) ({one('serinus_gate_verdict')}) == 1"
    info = f"max by (model, runtime, stable, canary) ({one('serinus_service_info')})"
    alerts = f"ALERTS{{{','.join(m.text for m in ONE)}}}"
    return (
        Panel(
            title="Phase",
            description="What the service is doing. RolledBack and Held stay until somebody acts.",
            queries=(Query(phase, "{{phase}}"),),
            unit="none",
            look=Look.NUMBER,
            width=4,
            height=6,
            steps=((0, PLAIN),),
            links=(FLEET,),
        ),
        Panel(
            title="Verdicts",
            description="Verdict of the newest run of each gate of a rollout; between rollouts there is none.",
            queries=(Query(verdict, "{{gate}}: {{verdict}}"),),
            unit="none",
            look=Look.NUMBER,
            width=4,
            height=6,
            steps=((0, PLAIN),),
        ),
        Panel(
            title="Revisions",
            description="The revision that serves, and the canary of a rollout.",
            queries=(Query(info),),
            unit="none",
            look=Look.TABLE,
            height=6,
            hidden=("Value",),
            first=("stable", "canary", "model", "runtime"),
        ),
        Panel(
            title="Alerts",
            description="Alerts of the service that are pending or fire.",
            queries=(Query(f"group by (alertname, alertstate, severity, revision) ({alerts})"),),
            unit="none",
            look=Look.TABLE,
            height=6,
            hidden=("Value",),
        ),
    )


def _gates() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Probes that pass",
            description="Share of probes that passed in the newest run of each gate, by revision.",
            queries=(Query(f"max by (gate, revision) ({chosen(PROBES_PASSED)})", _GATE),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            title="Score of the answers",
            description="Mean score of the answers in the newest run of each gate, by revision.",
            queries=(Query(f"max by (gate, revision) ({chosen(PROBE_SCORE)})", _GATE),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            title="Evidence",
            description="Evidence (e-value) of the newest run. A gate rolls back or promotes when it passes its limit: "
            "1 / falseRollback and 1 / falsePromotion of the gate, 20 and 10 by default.",
            queries=(Query(f"max by (gate, side) ({one('serinus_gate_evidence')})", "{{gate}} {{side}}"),),
            unit="short",
            logarithmic=True,
        ),
    )


def _counts() -> tuple[Panel, ...]:
    answers = f"sum by (gate, pass) (rate({one('serinus_probe_answers_total')}[$__rate_interval]))"
    return (
        Panel(
            title="Pairs of answers",
            description="Pairs of the newest run: lost (only stable passed), won (only the canary did), tied.",
            queries=(Query(f"max by (gate, outcome) ({one('serinus_gate_pairs')})", "{{gate}} {{outcome}}"),),
            unit="short",
            look=Look.BARS,
            steps=((0, PLAIN),),
        ),
        Panel(
            title="Answers that are judged",
            description="Probe answers per second that a gate has judged, passed or not.",
            queries=(Query(answers, "{{gate}} pass={{pass}}"),),
            unit="cps",
            stacked=True,
        ),
        Panel(
            title="Drift",
            description="CUSUM of continuous probing: it grows while the serving revision answers worse than it did.",
            queries=(Query(f"max by (gate) ({one('serinus_drift_cusum')})", "{{gate}}"),),
            unit="short",
            least=0,
        ),
    )


def _objectives() -> tuple[Panel, ...]:
    allowed = f"1 - max by (slo) ({one('serinus_slo_objective')})"
    spent = Query(f"max by (slo) ({one(ratio('1h'))})", "{{slo}} in 1h")
    day = Query(f"max by (slo) ({one(ratio('1d'))})", "{{slo}} in 1d")
    return (
        Panel(
            title="Error budget left",
            description="Part of each objective's error budget that is left in its window; below 0 it is overspent.",
            queries=(Query(f"max by (slo) ({one(BUDGET)})", "{{slo}}"),),
            unit="percentunit",
            look=Look.BARS,
            most=1,
            steps=((0, BAD), (0.1, FAIR), (0.5, GOOD)),
        ),
        Panel(
            title="Bad part of each objective",
            description="Part of the requests or answers that missed an objective, beside the part that it allows.",
            queries=(spent, day, Query(allowed, "{{slo}} allows")),
            unit="percentunit",
            width=16,
            least=0,
        ),
    )


def traffic_and_rollout() -> Row:
    """Where the users are, and how a rollout goes."""
    return Row("Traffic and rollout", (*_users(), *_pods(), *_ends()))


def _users() -> tuple[Panel, ...]:
    stage = one("serinus_rollout_stage", Matcher("stage", _STAGES, Op.REGEX))
    return (
        Panel(
            title="Stage",
            description="The stage that the rollout is in. Each change is marked in every panel.",
            queries=(Query(f"max by (stage) ({stage})", "{{stage}}"),),
            unit="none",
            look=Look.STATES,
            width=12,
            words=(("0", " "), ("1", "now")),
            steps=((0, "transparent"), (1, "blue")),
        ),
        Panel(
            title="Users by revision",
            description="Share of the users' traffic that each revision gets, by its ready pods.",
            queries=(Query(f"max by (revision) ({chosen('serinus_traffic_ratio')})", _REVISION),),
            unit="percentunit",
            width=12,
            least=0,
            most=1,
            stacked=True,
        ),
    )


def _pods() -> tuple[Panel, ...]:
    arrived, finished = (VOCABULARY[name].series for name in ("requests_arrived", "requests_finished"))
    return (
        Panel(
            title="Requests",
            description="Requests per second that arrived and that finished, by revision and observer.",
            queries=(
                Query(by_revision("sum", arrived), "arrived {{revision}} {{source}}"),
                Query(by_revision("sum", finished), "finished {{revision}} {{source}}"),
            ),
            unit="reqps",
            least=0,
        ),
        Panel(
            title="Pods that answer scrapes",
            description="Share of a revision's pods that can be scraped, and readiness where a runtime shows it.",
            queries=(
                Query(f"min by (revision, role) ({chosen(UP)})", "{{revision}} {{role}}"),
                Query(by_revision("min", VOCABULARY["ready"].series), "ready {{revision}} {{source}}"),
            ),
            unit="percentunit",
            least=0,
            most=1,
            steps=_SHARE,
        ),
    )


def _ends() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Held",
            description="Why forward steps wait. Rolling back and scaling go on meanwhile.",
            queries=(Query(f"max by (reason) ({one('serinus_rollout_held')}) == 1", "{{reason}}"),),
            unit="none",
            look=Look.NUMBER,
            width=4,
            steps=((0, FAIR),),
        ),
        Panel(
            title="Rollouts that ended",
            description="Rollouts that ended since the operator became the leader, by outcome.",
            queries=(Query(f"sum by (outcome) ({one('serinus_rollouts_total')})", "{{outcome}}"),),
            unit="short",
            look=Look.BARS,
            width=4,
            steps=((0, PLAIN),),
        ),
    )
