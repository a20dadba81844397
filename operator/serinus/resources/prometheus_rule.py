"""The PrometheusRule of a service: which alerts and objectives it has, in which groups, and what of its spec is not.

It owns the choice. What a rule looks like, `alert_rule` and `objectives` know; the alerts are data (`alert-rules/`).
"""

from collections.abc import Iterator
from functools import lru_cache

from serinus.core.alert import Alert, Needs, Severity
from serinus.core.alertfile import expression
from serinus.core.conditions import Problem
from serinus.core.model import InvalidSpec, Manifest, Mode, Service
from serinus.core.promql import check, scope
from serinus.resources import objectives, shared_alerts
from serinus.resources.alert_rule import OVERRIDES, build_burn_rule, build_rule, effective, parameters_of
from serinus.resources.available import recorded
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels

_DISABLED = "spec.alerts.disabled"


def build(context: Context) -> list[Manifest]:
    """Build the one PrometheusRule; alerts that are disabled, shared, or without a signal are left out."""
    groups = [*_alert_groups(context), *_exceptions(context), *_objective_groups(context)]
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
    """Say which alerts there are not, for want of a series or because an objective says it; empty if all are there."""
    missing = unavailable_alerts(context)
    title = context.service.runtime.title
    told = {
        f"no series of {title} or of an observer for": missing,
        "objectives stand for": covered_alerts(context) - missing,
    }
    return "; ".join(f"{why} {', '.join(sorted(names))}" for why, names in told.items() if names)


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


def covered_alerts(context: Context) -> frozenset[str]:
    """Alerts on what an objective of the service pages for; who overrides such an alert has it all the same."""
    service, paging = context.service, [a.burn for a in _alerts(context) if a.burn and _pages(context.service, a)]
    signals = {slo.signal for slo in objectives.countable(context) if any(burn.limit(slo) < 1 for burn in paging)}
    named = service.monitoring.overrides
    return frozenset(a.name for a in _alerts(context) if signals & set(a.covered_by) and a.name not in named)


def _pages(service: Service, alert: Alert) -> bool:
    return _wanted(service, alert) and effective(alert, service).severity is Severity.CRITICAL


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
    absent = unavailable_alerts(context) | covered_alerts(context)
    for group in context.alerts:
        wanted = (a for a in group.alerts if not a.burn and a.name not in absent and _has_own(context, a))
        rules = [build_rule(context, alert) for alert in wanted]
        if rules:
            interval = {"interval": group.interval.text} if group.interval else {}
            yield {"name": group.name, **interval, "rules": rules}


def _has_own(context: Context, alert: Alert) -> bool:
    """Whether the service has a rule of its own for an alert that it wants."""
    service = context.service
    if not _wanted(service, alert):
        return False
    return not shared_alerts.is_shared(alert, context.settings) or shared_alerts.deviates(alert, service)


def _exceptions(context: Context) -> Iterator[Manifest]:
    """What takes the service out of shared alerts that it has otherwise, or not at all."""
    service, own = context.service, []
    for alert in (a for a in _alerts(context) if shared_alerts.is_shared(a, context.settings)):
        disabled = alert.name in service.monitoring.disabled and not _guarded(service, alert)
        if disabled or _has_own(context, alert):
            own.append(shared_alerts.exception(alert, service))
    if own:
        yield {"name": shared_alerts.OWN_GROUP, "interval": shared_alerts.OWN_INTERVAL, "rules": own}


def _objective_groups(context: Context) -> Iterator[Manifest]:
    """Counts and short windows often, long windows seldom; each alert in the group of its long window."""
    service, slos = context.service, objectives.countable(context)
    if not slos:
        return
    burns = [alert.burn for alert in _alerts(context) if alert.burn]
    fast = [*objectives.fast_rules(service, slos, burns), *_burn_rules(context, objectives.FAST_WINDOWS)]
    slow = [*objectives.slow_rules(service, slos), *_burn_rules(context, objectives.SLOW_WINDOWS)]
    yield {"name": objectives.FAST_GROUP, "interval": objectives.FAST_INTERVAL, "rules": fast}
    yield {"name": objectives.SLOW_GROUP, "interval": objectives.SLOW_INTERVAL, "rules": slow}


def _burn_rules(context: Context, windows: tuple[str, ...]) -> Iterator[Manifest]:
    """A limit of 1 and more can never be passed: an alert that cannot fire is not made."""
    for alert in (a for a in _alerts(context) if _wanted(context.service, a)):
        burn = alert.burn
        if burn is None or burn.long not in windows:
            continue
        if any(burn.limit(slo) < 1 for slo in objectives.countable(context)):
            yield build_burn_rule(context, alert, burn)
