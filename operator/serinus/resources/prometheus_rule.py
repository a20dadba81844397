"""The PrometheusRule of a service: which alerts and objectives it has, in which groups, and what of its spec is not.

It owns the choice. What a rule looks like, `alert_rule` and `objectives` know; the alerts are data (`alert-rules/`).
"""

from collections.abc import Iterator
from functools import lru_cache

from serinus.core.alert import Alert, Needs
from serinus.core.alertfile import expression
from serinus.core.conditions import Problem
from serinus.core.model import InvalidSpec, Manifest, Mode, Service
from serinus.core.promql import check, scope
from serinus.resources import objectives
from serinus.resources.alert_rule import OVERRIDES, build_burn_rule, build_rule, parameters_of
from serinus.resources.available import recorded
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels

_DISABLED = "spec.alerts.disabled"


def build(context: Context) -> list[Manifest]:
    """Build the one PrometheusRule; alerts that are disabled or that the runtime has no signals for are left out."""
    groups = [*_alert_groups(context), *_objective_groups(context)]
    if not groups:
        return []
    service = context.service
    metadata = {"name": service.name, "namespace": service.namespace, "labels": monitor_labels(context)}
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata,
            "spec": {"groups": groups},
        }
    ]


def problems(context: Context) -> tuple[Problem, ...]:
    """What of spec.slos and spec.alerts cannot be done; the rest is generated all the same."""
    told = (*unknown_alerts(context), *override_problems(context), *guarded_alerts(context))
    return (*objectives.problems(context), *(Problem("NotAsSpecified", message) for message in told))


def left_out(context: Context) -> str:
    """Say which alerts there are not, because nothing records what they are about; empty if all are there."""
    names = ", ".join(sorted(unavailable_alerts(context)))
    return f"no series of {context.service.runtime.title} or of an observer for {names}" if names else ""


def unknown_alerts(context: Context) -> tuple[str, ...]:
    """One message for each override of, or switch for, an alert that does not exist."""
    service = context.service
    known = sorted(alert.name for alert in _alerts(context))
    named = [(f"{OVERRIDES}[alert={name}]", name) for name in sorted(service.monitoring.overrides)]
    named += [(_DISABLED, name) for name in sorted(service.monitoring.disabled)]
    return tuple(f"{path}: found {n!r}, allowed are {', '.join(known)}" for path, n in named if n not in known)


def override_problems(context: Context) -> tuple[str, ...]:
    """One message for each override that its alert cannot take: a threshold in another unit, for instance."""
    overrides, found = context.service.monitoring.overrides, []
    for alert in (a for a in _alerts(context) if a.name in overrides):
        try:
            parameters_of(alert, overrides[alert.name])
        except InvalidSpec as e:
            found.append(str(e))
    return tuple(found)


def guarded_alerts(context: Context) -> tuple[str, ...]:
    """One message for each alert that is to be disabled though gates rest on it; it stays."""
    service = context.service
    gates = ", ".join(gate.name for gate in service.gates)
    return tuple(
        f"{_DISABLED}: found {alert.name!r}, allowed is an alert that no gate rests on: without it nobody would hear "
        f"that {gates} cannot judge"
        for alert in _alerts(context)
        if alert.name in service.monitoring.disabled and _guarded(service, alert)
    )


def unavailable_alerts(context: Context) -> frozenset[str]:
    """Alerts over a signal that nothing records for the service; they are reported, never generated."""
    there = recorded(context)
    return frozenset(a.name for a in _alerts(context) if not a.burn and not _signals(a) <= there)


def _alerts(context: Context) -> tuple[Alert, ...]:
    return tuple(alert for group in context.alerts for alert in group.alerts)


@lru_cache(maxsize=256)
def _signals(alert: Alert) -> frozenset[str]:
    query = expression(alert, alert.threshold, scope("namespace", "service"))
    return frozenset(s.metric for s in check(query) if s.metric.startswith("llm:"))


def _guarded(service: Service, alert: Alert) -> bool:
    return alert.gates and bool(service.gates) and service.rollout.mode is not Mode.UNGATED


def _wanted(service: Service, alert: Alert) -> bool:
    """Whether the service's owner wants an alert, and has what it is about."""
    if alert.needs is Needs.CONTINUOUS_PROBING and not any(gate.every for gate in service.gates):
        return False
    return alert.name not in service.monitoring.disabled or _guarded(service, alert)


def _alert_groups(context: Context) -> Iterator[Manifest]:
    service = context.service
    missing = unavailable_alerts(context)
    for group in context.alerts:
        wanted = (a for a in group.alerts if not a.burn and a.name not in missing and _wanted(service, a))
        rules = [build_rule(context, alert) for alert in wanted]
        if rules:
            interval = {"interval": group.interval.text} if group.interval else {}
            yield {"name": group.name, **interval, "rules": rules}


def _objective_groups(context: Context) -> Iterator[Manifest]:
    """Counts and short windows often, long windows seldom; each alert in the group of its long window."""
    service, slos = context.service, objectives.countable(context)
    if not slos:
        return
    fast = [*objectives.fast_rules(service, slos), *_burn_rules(context, objectives.FAST_WINDOWS)]
    slow = [*objectives.slow_rules(service, slos), *_burn_rules(context, objectives.SLOW_WINDOWS)]
    yield {"name": objectives.FAST_GROUP, "interval": objectives.FAST_INTERVAL, "rules": fast}
    yield {"name": objectives.SLOW_GROUP, "interval": objectives.SLOW_INTERVAL, "rules": slow}


def _burn_rules(context: Context, windows: tuple[str, ...]) -> Iterator[Manifest]:
    """A limit of 1 and more can never be passed: an alert that cannot fire is not made."""
    service = context.service
    for alert in (a for a in _alerts(context) if _wanted(service, a)):
        burn = alert.burn
        if burn is not None and burn.long in windows:
            for slo in objectives.countable(context):
                if burn.limit(slo) < 1:
                    yield build_burn_rule(context, alert, burn, slo)
