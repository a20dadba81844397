"""Owns the hour that is made up: two revisions of a service `chat`, one of another, what the operator exports of them.

It must not know a rule or a panel. Times are minutes since its begin; a rollout begins at 20 and is held at the end.
"""

import math
from collections.abc import Iterator

from serinus.core.gauges import PHASES
from serinus.core.model import Verdict
from serinus.core.rollout import Stage
from serinus.shell.telemetry import ServiceMetrics, Telemetry
from serinus.shell.transport import Call, Target
from tests.alerts.sample import FOLDER, RECORDED, TARGET, Sample

STABLE, CANARY = TARGET["revision"], "r5f9c1a03be"
ROLLOUT, SHIFT, BAKE, END = 20, 32, 36, 60
"""Minutes: the canary starts, gets users, is baked."""
CODES = ("DCGM_FI_DEV_XID_ERRORS",)
"""Gauges whose value is no amount."""
Point = tuple[str, dict[str, str], float]
"""Name, labels, value."""


def load(minute: float) -> float:
    """How busy it is: 1 on average."""
    return 1 + 0.3 * math.sin(minute / 8) + 0.1 * math.sin(minute * 1.7)


def grown(minute: float) -> float:
    """What a counter has grown to that grows by 1 in a minute: the integral of the load."""
    return minute - 2.4 * (math.cos(minute / 8) - 1) - 0.1 / 1.7 * (math.cos(minute * 1.7) - 1)


def scraped(minute: float, sample: Sample, scale: float = 1.0) -> Iterator[Point]:
    """A sample as it is at a time."""
    yield "up", sample.target, 1.0
    for row in sample.rows:
        value = row.value
        if row.counts:
            value *= grown(minute) * scale
        elif row.name not in CODES:
            value *= load(minute) / 1.4  # never above what the sample has: a share stays one
        yield row.name, sample._kept(row.labels), value


def pods() -> list[tuple[Sample, int]]:
    """The pods and gateways that are scraped, and from which minute on."""
    draft = {"llmservice": "draft", "model": "qwen3-32b", "runtime": "dynamo", "revision": "r77aa01c2d4"}
    chat = Sample.of("vllm.prom")
    canary = Sample.of("vllm.prom", target={"revision": CANARY, "pod": "chat-1", "instance": "chat-1:8000"})
    gateway = Sample(_renamed("litellm.prom", "chat-large", TARGET["model"]), target={"pod": "gateway-0"}, ours=False)
    device = Sample(_devices(), target={"pod": "dcgm-0", "namespace": "gpu"}, ours=False)
    other = Sample.of("dynamo.prom", target={**draft, "pod": "draft-0", "instance": "draft-0:8000"})
    return [(chat, 0), (canary, ROLLOUT), (gateway, 0), (device, 0), (other, 0)]


def _renamed(file: str, old: str, new: str) -> str:
    return (FOLDER / file).read_text(encoding="utf-8").replace(old, new)


def _devices() -> str:
    """The exporter's sample, its devices those of the service's pods; scraped without honorLabels."""
    text = _renamed("dcgm.prom", 'namespace="models"', 'namespace="team-a"')
    return text.replace("vllm-llama-7c9d-abcde", "chat-0").replace("vllm-llama-7c9d-fghij", "chat-1")


def stage(minute: float) -> Stage:
    """The stage of the rollout of `chat`."""
    steps = ((BAKE, Stage.BAKING), (SHIFT, Stage.SHIFTING), (ROLLOUT + 4, Stage.PROBING), (ROLLOUT, Stage.STARTING))
    return next((found for begin, found in steps if minute >= begin), Stage.STABLE)


def exported(minute: float) -> Iterator[Point]:
    """What the operator exports of services, by its own table of metrics."""
    metrics = ServiceMetrics()
    metrics.replace("team-a", "chat", _chat(minute))
    metrics.replace("team-a", "draft", {("service_info", "qwen3-32b", "dynamo", "r77aa01c2d4", ""): 1.0, **_quiet()})
    for passed, share in (("true", 0.95), ("false", 0.05)):
        metrics.count("team-a", "chat", "probe_answers", "support", passed, by=60 * share * max(minute - ROLLOUT, 1))
    for outcome, number in (("Promoted", 4 + minute / 30), ("RolledBack", 1 + minute / 60)):
        metrics.count("team-a", "chat", "rollouts", outcome, by=float(int(number)))
    for family in metrics.collect():
        yield from ((s.name, dict(s.labels), float(s.value)) for s in family.samples)


def _chat(minute: float) -> dict[tuple[str, ...], float]:
    now, going = stage(minute), minute >= ROLLOUT
    revision = CANARY if going else ""
    share = 0.1 if minute >= SHIFT else 0.0
    phase = "Held" if minute >= 50 else "Progressing" if going else "Stable"
    found: dict[tuple[str, ...], float] = {
        ("service_info", TARGET["model"], "vllm", STABLE, revision): 1.0,
        **{("rollout_phase", p, revision or STABLE): float(p == phase) for p in PHASES},
        **{("rollout_stage", str(s), revision): float(s is now) for s in Stage},
        ("traffic_ratio", STABLE): 1 - share,
        ("probe_pass_ratio", "support", STABLE): 0.955 + 0.01 * math.sin(minute / 5),
        ("probe_score", "support", STABLE): 0.93,
        ("drift_cusum", "support"): max(0.0, 0.4 + 0.5 * math.sin(minute / 12)),
        ("output_state", "PodLogs", "Skipped"): 1.0,
        ("output_state", "ServiceMonitor", "Applied"): 1.0,
        **{("slo_objective", name): value for name, value in (("availability", 0.999), ("first-token", 0.99))},
        ("slo_objective", "answers"): 0.95,
    }
    return found | (_gate(minute) if going else {}) | ({("rollout_held", "Inconclusive"): 1.0} if minute >= 50 else {})


def _gate(minute: float) -> dict[tuple[str, ...], float]:
    pairs = 12 * (minute - ROLLOUT)
    verdict = Verdict.RUNNING if minute < SHIFT else Verdict.INCONCLUSIVE
    counts = (("lost", 0.03), ("tied", 0.92), ("won", 0.04), ("unscored", 0.01))
    return {
        **{("gate_verdict", "support", str(v)): float(v is verdict) for v in Verdict},
        **{("gate_pairs", "support", name): round(pairs * part) for name, part in counts},
        ("gate_evidence", "support", "promotion"): 1.055 ** (minute - ROLLOUT),
        ("gate_evidence", "support", "rollback"): 0.97 ** (minute - ROLLOUT),
        ("traffic_ratio", CANARY): 0.1 if minute >= SHIFT else 0.0,
        ("probe_pass_ratio", "support", CANARY): 0.93 + 0.02 * math.sin(minute / 3),
        ("probe_score", "support", CANARY): 0.92,
    }


def _quiet() -> dict[tuple[str, ...], float]:
    return {("rollout_phase", p, "r77aa01c2d4"): float(p == "Stable") for p in PHASES}


def engine(minute: float) -> Iterator[Point]:
    """What the operator exports of itself, by its own registry."""
    telemetry = Telemetry()
    gauges = {"leader": 1.0, "queue_depth": 2 * load(minute), "queue_age_seconds": 0.2, "lease_age_seconds": 2.0}
    for name, value in {**gauges, "loop_lag_seconds": 0.01 * load(minute)}.items():
        telemetry.gauge(name, name, lambda value=value: value)  # type: ignore[misc]
    services = Target("", "services")
    for verb, code, seconds in (("get", 200, 0.004), ("patch", 200, 0.02), ("watch", 200, 1.0), ("patch", 409, 0.03)):
        telemetry.call(Call(verb, services, code, seconds))
    telemetry.run(0.004, "done")
    telemetry.event_dropped()
    telemetry.watch_age("pods", lambda: 4 * load(minute))
    telemetry.unreadable("pods", lambda: 0.0)
    own = {"namespace": "serinus-system", "pod": "serinus-0", "job": "serinus"}
    for family in telemetry.registry.collect():
        grows = grown(minute) if family.type in ("counter", "histogram") else 1.0
        yield from ((s.name, {**s.labels, **own}, float(s.value) * grows) for s in family.samples)


def observed(minute: float) -> Iterator[Point]:
    """What log agents count, signals that only a custom runtime has, and an alert as Prometheus writes it."""
    source = {k: v for k, v in RECORDED.items() if k != "source"}
    for name, per_minute in (("lines", 900.0), ("errors", 3.0), ("redacted_lines", 40.0), ("flagged_lines", 1.0)):
        yield f"llm_log_{name}_total", {**source, "level": "info"}, per_minute * grown(minute)
    for name in ("refusals", "retries"):
        yield f"raw_{name}_total", {**TARGET, "pod": "chat-0"}, 6 * grown(minute)
    alert = {"alertname": "LLMRolloutHeld", "alertstate": "firing", "severity": "warning", "revision": CANARY}
    if minute >= 52:
        yield "ALERTS", {**alert, "namespace": "team-a", "llmservice": "chat", "team": "search"}, 1.0


def points(minute: float, sources: list[tuple[Sample, int]]) -> Iterator[Point]:
    """Everything that is there at a time."""
    for sample, begin in sources:
        if minute >= begin:
            yield from scraped(minute - begin, sample, 0.1 if begin else 1.0)
    for source in (exported, engine, observed):
        yield from source(minute)
