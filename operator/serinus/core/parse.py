"""From the body of an LLMService to a Service, once, at the border. Raises InvalidSpec; never fills in silently.

Defaults are those of the CRD, repeated here because `serinus render` works without a cluster; a test compares both.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from serinus.core.custom import custom_signals
from serinus.core.fields import Fields, as_member
from serinus.core.logspec import parse_logs
from serinus.core.measure import MAX_METRICS
from serinus.core.model import (
    SERVICE_TYPES,
    AlertOverride,
    Budget,
    Dashboard,
    GatePolicy,
    InvalidSpec,
    Manifest,
    MetricWeight,
    Mode,
    Monitoring,
    OnInconclusive,
    Outputs,
    Owner,
    ProbeJob,
    Purpose,
    QualityGate,
    RolloutPolicy,
    Service,
    ServiceOptions,
    Surge,
    TrafficStep,
    Workload,
)
from serinus.core.policyspec import parse_policies
from serinus.core.ports import container_port
from serinus.core.routespec import parse_receiver
from serinus.core.runtime import Catalogue, Runtime
from serinus.core.secret_key import SecretKey
from serinus.core.slospec import parse_slos
from serinus.core.support import ignored_fields, restraining_fields
from serinus.core.tracespec import parse_traces

_DEFAULT_STEPS: Final = ({"trafficPercent": 10, "bake": "5m"}, {"trafficPercent": 50, "bake": "5m"})
_GATE_PURPOSES: Final = (Purpose.BEFORE_TRAFFIC, Purpose.EACH_STEP, Purpose.BAKE)
_SEVERITIES: Final = ("info", "warning", "critical")
_PERCENT: Final = re.compile(r"(?:[1-9]?[0-9]|100)%")
_RESERVED_METADATA: Final = "serinus.dev/"
_MINUTE: Final = 60
_WEEK: Final = 7 * 24 * 3600


def parse(body: Manifest, catalogue: Catalogue) -> Service:
    """Parse an LLMService; raises InvalidSpec with the path of the field, what was found and what is allowed."""
    metadata, spec = Fields(body.get("metadata", {}), "metadata"), Fields(body.get("spec", {}), "spec")
    runtime = _runtime(spec, catalogue)
    owner = spec.child("owner")
    workload = _workload(spec, runtime)
    rollout = _rollout(spec.child("rollout"), default_steps=workload is not None)
    gates = tuple(parse_gate(g) for g in spec.child("gates").items("quality"))
    _require_gate(workload, rollout, gates)
    service = spec.child("service")
    return Service(
        namespace=metadata.text("namespace", "default"),
        name=metadata.text("name"),
        uid=metadata.text("uid", ""),
        generation=metadata.integer("generation", 0),
        model=spec.text("servedModelName"),
        runtime=runtime,
        owner=Owner(team=owner.text("team"), runbook=owner.text("runbook", "")),
        workload=workload,
        service=ServiceOptions(
            port=service.integer("port", 80, low=1, high=65535),
            type=_choice(service, "type", SERVICE_TYPES),
            annotations=service.strings("annotations"),
        ),
        max_unavailable=_count_or_percent(spec.child("disruption"), "maxUnavailable"),
        access=_access(spec),
        rollout=rollout,
        gates=gates,
        probe_job=_probe_job(spec.child("probeJob")),
        evidence_keep=_choice(spec, "evidenceRetention", ("WithService", "Keep")) == "Keep",
        monitoring=_monitoring(spec, runtime),
        slos=parse_slos(spec),
        restraining=restraining_fields(spec.raw),
        ignored=ignored_fields(spec.raw),
    )


def _choice(fields: Fields, key: str, allowed: Sequence[str]) -> str:
    """Read one of a few words; the first one is the default."""
    found = fields.text(key, allowed[0])
    if found not in allowed:
        raise InvalidSpec(fields.at(key), f"found {found!r}, allowed are {', '.join(allowed)}")
    return found


def _runtime(spec: Fields, catalogue: Catalogue) -> Runtime:
    name = spec.text("runtime")
    serving = sorted(known for known, runtime in catalogue.items() if runtime.serves)
    if name not in serving:
        raise InvalidSpec("spec.runtime", f"found {name!r}, allowed are {', '.join(serving)}")
    runtime = catalogue[name]
    named = custom_signals(spec, runtime)
    return replace(runtime, signals=named) if named else runtime


def _workload(spec: Fields, runtime: Runtime) -> Workload | None:
    if spec.has("workload") == spec.has("workloadRef"):
        found = "both" if spec.has("workload") else "neither"
        raise InvalidSpec("spec", f"found {found} of workload and workloadRef, allowed is exactly one")
    if not spec.has("workload"):
        return None
    fields = spec.child("workload")
    template = fields.child("template")
    _check_template(template)
    port = fields.port("port", runtime.port)
    container_port(dict(template.raw), port, fields.at("port"))
    metrics_path = fields.text("metricsPath", runtime.metrics_path)
    metrics_port = fields.port("metricsPort", runtime.metrics_port)
    if metrics_path:
        container_port(dict(template.raw), metrics_port, fields.at("metricsPort"))
    return Workload(
        replicas=fields.integer("replicas", 1),
        port=port,
        metrics_port=metrics_port,
        metrics_path=metrics_path,
        template=dict(template.raw),
        restart_at=fields.text("restartAt", ""),
    )


def _check_template(template: Fields) -> None:
    """Labels that decide who gets traffic are ours alone."""
    template.child("spec").items("containers")
    for kind in ("labels", "annotations"):
        found = template.child("metadata").child(kind)
        for key in found.raw:
            if str(key).startswith(_RESERVED_METADATA):
                raise InvalidSpec(
                    found.path, f"found {key!r}: keys under {_RESERVED_METADATA} are set by Serinus alone"
                )


def _rollout(fields: Fields, *, default_steps: bool) -> RolloutPolicy:
    steps = fields.items("steps") if fields.raw.get("steps") is not None else _defaults(fields, default_steps)
    parsed = tuple(
        TrafficStep(percent=s.integer("trafficPercent", low=1, high=99), bake=s.seconds("bake", "5m")) for s in steps
    )
    percents = [s.percent for s in parsed]
    if percents != sorted(set(percents)):
        raise InvalidSpec(fields.at("steps"), f"found trafficPercent {percents}, allowed are ascending ones")
    return RolloutPolicy(
        mode=fields.one_of("mode", Mode, Mode.ENFORCE),
        surge=_surge(fields),
        steps=parsed,
        bake=fields.seconds("bake", "30m"),
        ready_timeout=fields.seconds("readyTimeout", "30m"),
        drain_timeout=fields.seconds("drainTimeout", "30s"),
        on_inconclusive=fields.one_of("onInconclusive", OnInconclusive, OnInconclusive.HOLD),
        history_limit=fields.integer("historyLimit", 5),
        paused=fields.boolean("paused", default=False),
    )


def _defaults(fields: Fields, wanted: bool) -> list[Fields]:  # noqa: FBT001 one private caller
    return [Fields(s, fields.at("steps")) for s in _DEFAULT_STEPS] if wanted else []


def _surge(fields: Fields) -> Surge:
    value = _count_or_percent(fields, "maxSurge")
    return Surge(value=value) if isinstance(value, int) else Surge(value=int(value[:-1]), percent=True)


def _count_or_percent(fields: Fields, key: str) -> int | str:
    value = 1 if fields.raw.get(key) is None else fields.raw[key]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return value
    raise InvalidSpec(fields.at(key), f"found {value!r}, allowed is a number or a percentage from 0% to 100%: 1, 25%")


def parse_gate(fields: Fields) -> QualityGate:
    """Read one entry of spec.gates.quality; raises InvalidSpec."""
    budget = fields.child("budget")
    # An empty list is not an absent one: a gate with `every` alone runs in no stage.
    wanted = fields.values("when") if fields.has("when") else [Purpose.BEFORE_TRAFFIC]
    when = tuple(as_member(v, Purpose, f"{fields.at('when')}[{i}]") for i, v in enumerate(wanted))
    if any(p not in _GATE_PURPOSES for p in when):
        raise InvalidSpec(fields.at("when"), f"found {list(when)}, allowed are {', '.join(_GATE_PURPOSES)}")
    policy = GatePolicy(
        floor=fields.ratio("floorPercent", low=1),
        margin=fields.ratio("marginPoints", 5, low=0.1, high=50),
        tolerance=fields.ratio("tolerancePoints", 0, high=50),
        alpha=fields.ratio("falseRollbackPercent", 5, low=0.1, high=50),
        beta=fields.ratio("falsePromotionPercent", 10, low=0.1, high=50),
        budget=Budget(
            pairs=budget.integer("pairs", 1000, low=10),
            tokens=budget.integer("tokens", 2_000_000, low=1000),
            duration=budget.seconds("duration", "2h"),
        ),
        graded=_choice(fields, "compare", ("Pass", "Score")) == "Score",
        metrics=_metrics(fields),
    )
    if policy.tolerance >= policy.margin:
        raise InvalidSpec(fields.at("tolerancePoints"), "must be below marginPoints")
    if policy.margin >= policy.floor:
        raise InvalidSpec(fields.at("marginPoints"), "must be below floorPercent")
    return QualityGate(
        name=fields.text("name"),
        probe_set=fields.child("probeSetRef").text("name"),
        policy=policy,
        when=when,
        every=_every(fields),
    )


def _metrics(fields: Fields) -> tuple[MetricWeight, ...]:
    found = tuple(
        MetricWeight(name=m.text("name"), weight=m.integer("weight", 1, low=1, high=1000))
        for m in fields.items("metrics")
    )
    names = [m.name for m in found]
    if len(found) > MAX_METRICS or len(names) != len(set(names)):
        raise InvalidSpec(fields.at("metrics"), f"found {names}, allowed are up to {MAX_METRICS} different names")
    return found


def _every(fields: Fields) -> int:
    """Seconds between two continuous runs; 0: none are made."""
    if not fields.has("every"):
        return 0
    found = fields.seconds("every", "")
    if not _MINUTE <= found <= _WEEK:
        raise InvalidSpec(fields.at("every"), f"found {fields.text('every')!r}, allowed is 1m to 168h")
    return found


def _require_gate(workload: Workload | None, rollout: RolloutPolicy, gates: tuple[QualityGate, ...]) -> None:
    if workload is None or rollout.mode is Mode.UNGATED:
        return
    if not any(Purpose.BEFORE_TRAFFIC in g.when for g in gates):
        raise InvalidSpec(
            "spec.gates.quality",
            f"found no gate with when: [BeforeTraffic], which mode {rollout.mode} needs; "
            "add one, or set spec.rollout.mode: Ungated",
        )


def _access(spec: Fields) -> SecretKey | None:
    if not spec.has("access"):
        return None
    ref = spec.child("access").child("secretKeyRef")
    return SecretKey(name=ref.text("name"), key=ref.text("key"))


def _probe_job(fields: Fields) -> ProbeJob:
    return ProbeJob(
        resources=dict(fields.child("resources").raw),
        node_selector=fields.strings("nodeSelector"),
        tolerations=tuple(dict(t.raw) for t in fields.items("tolerations")),
        image_pull_secrets=tuple(s.text("name") for s in fields.items("imagePullSecrets")),
    )


def _monitoring(spec: Fields, runtime: Runtime) -> Monitoring:
    monitoring, alerts = spec.child("monitoring"), spec.child("alerts")
    outputs = monitoring.child("outputs")
    return Monitoring(
        interval=monitoring.text("interval", "15s"),
        labels=monitoring.strings("labels"),
        overrides={o.text("alert"): _override(o) for o in alerts.items("overrides")},
        disabled=frozenset(str(a) for a in alerts.values("disabled")),
        logs=parse_logs(monitoring.child("logs"), runtime.log_format),
        policies=parse_policies(monitoring),
        outputs=Outputs(
            dashboard=outputs.one_of("dashboard", Dashboard, Dashboard.SHARED),
            promtail=outputs.boolean("promtail", default=True),
            loki_rules=outputs.boolean("lokiRules", default=False),
            network_policy=outputs.boolean("networkPolicy", default=False),
            cilium=outputs.boolean("cilium", default=False),
            tetragon=outputs.boolean("tetragon", default=False),
            receiver=parse_receiver(outputs),
            traces=parse_traces(outputs),
        ),
    )


def _override(fields: Fields) -> AlertOverride:
    thresholds: Mapping[str, str] = {
        key: str(fields.raw[key]) for key in fields.raw if key.startswith("threshold") and fields.raw[key] is not None
    }
    if len(thresholds) > 1:
        raise InvalidSpec(fields.path, f"found {' and '.join(sorted(thresholds))}, allowed is one of them")
    name, threshold = next(iter(thresholds.items()), ("", None))
    return AlertOverride(
        threshold=threshold,
        threshold_field=name,
        hold=fields.text("for") if fields.has("for") else None,
        severity=_choice(fields, "severity", _SEVERITIES) if fields.has("severity") else None,
    )
