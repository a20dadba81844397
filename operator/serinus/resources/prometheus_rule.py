"""The PrometheusRule of a service: its alerts, with its own parameters, from the data of `alert-rules/`.

It owns what goes from a service into an alert. Text of a user never becomes a template, an expression never text.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from serinus.core.alert import Alert, AlertGroup, Severity, Threshold, Unit, parse_threshold
from serinus.core.alertfile import expression
from serinus.core.annotation import fill, literal
from serinus.core.datafile import typed
from serinus.core.fields import as_member
from serinus.core.model import AlertOverride, InvalidSpec, Manifest, Service
from serinus.core.promql import Duration, check, number, parse_duration, scope
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels
from serinus.resources.signal_rules import series

_OVERRIDES: Final = "spec.alerts.overrides"


@dataclass(frozen=True, slots=True)
class _Parameters:
    """What an owner may change of an alert."""

    threshold: Threshold | None
    hold: Duration
    severity: Severity


def build(context: Context) -> list[Manifest]:
    """Build the one PrometheusRule; alerts that are disabled or that the runtime has no signals for are left out.

    An override that its alert cannot take does not keep the alert away: the alert has its defaults then, and
    `override_problems` says so.
    """
    service = context.service
    missing = unavailable_alerts(service, context.alerts)
    dashboard = literal(_dashboard(context))
    groups = []
    for group in context.alerts:
        wanted = [a for a in group.alerts if a.name not in service.monitoring.disabled and a.name not in missing]
        if wanted:
            groups.append({"name": group.name, "rules": [_rule(context, alert, dashboard) for alert in wanted]})
    if not groups:
        return []
    metadata = {"name": service.name, "namespace": service.namespace, "labels": monitor_labels(context)}
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata,
            "spec": {"groups": groups},
        }
    ]


def unknown_alerts(service: Service, groups: tuple[AlertGroup, ...]) -> tuple[str, ...]:
    """One message for each override of, or switch for, an alert that does not exist."""
    known = sorted(a.name for g in groups for a in g.alerts)
    named = [(f"{_OVERRIDES}[alert={name}]", name) for name in sorted(service.monitoring.overrides)]
    named += [("spec.alerts.disabled", name) for name in sorted(service.monitoring.disabled)]
    return tuple(f"{path}: found {n!r}, allowed are {', '.join(known)}" for path, n in named if n not in known)


def override_problems(service: Service, groups: tuple[AlertGroup, ...]) -> tuple[str, ...]:
    """One message for each override that its alert cannot take: a threshold in another unit, for instance."""
    problems = []
    for alert in (a for g in groups for a in g.alerts if a.name in service.monitoring.overrides):
        try:
            _parameters(alert, service.monitoring.overrides[alert.name])
        except InvalidSpec as e:
            problems.append(str(e))
    return tuple(problems)


def unavailable_alerts(service: Service, groups: tuple[AlertGroup, ...]) -> frozenset[str]:
    """Alerts over a signal that the service's runtime does not have; they are reported, never generated."""
    recorded = series(service.runtime)
    return frozenset(a.name for g in groups for a in g.alerts if not _signals(a) <= recorded)


@lru_cache(maxsize=256)
def _signals(alert: Alert) -> frozenset[str]:
    query = expression(alert, alert.threshold, scope("namespace", "service"))
    return frozenset(s.metric for s in check(query) if s.metric.startswith("llm:"))


def _rule(context: Context, alert: Alert, dashboard: str) -> Manifest:
    service = context.service
    parameters = _effective(alert, service.monitoring.overrides.get(alert.name))
    labels = {
        "severity": parameters.severity.value,
        "namespace": literal(service.namespace),
        "llmservice": literal(service.name),
        "team": literal(service.owner.team),
    }
    values = {
        "namespace": service.namespace,
        "name": service.name,
        "model": service.model,
        "team": service.owner.team,
        "for": parameters.hold.text,
        "threshold": _shown(parameters.threshold),
    }
    annotations = {
        "summary": fill(alert.summary, values),
        "description": fill(alert.description, values),
        "runbook_url": literal(_runbook(context, alert)),
        "dashboard_url": dashboard,
    }
    return {
        "alert": alert.name,
        "expr": expression(alert, parameters.threshold, scope(service.namespace, service.name)),
        "for": parameters.hold.text,
        "labels": labels,
        "annotations": {key: text for key, text in annotations.items() if text},
    }


def _runbook(context: Context, alert: Alert) -> str:
    """The owner's own runbook goes before ours; empty if neither is configured."""
    base = context.settings.runbook_base
    return context.service.owner.runbook or (f"{base}#{alert.runbook}" if base else "")


def _dashboard(context: Context) -> str:
    base = context.settings.dashboard_base
    query = urlencode({"var-namespace": context.service.namespace, "var-service": context.service.name})
    return f"{base}{'&' if '?' in base else '?'}{query}" if base else ""


def _effective(alert: Alert, override: AlertOverride | None) -> _Parameters:
    try:
        return _parameters(alert, override or AlertOverride())
    except InvalidSpec:
        return _parameters(alert, AlertOverride())


def _parameters(alert: Alert, override: AlertOverride) -> _Parameters:
    """An alert's parameters with the override's in their place; raises InvalidSpec for one that does not fit."""
    path = f"{_OVERRIDES}[alert={alert.name}]"
    threshold, hold, severity = alert.threshold, alert.hold, alert.severity
    if override.threshold is not None:
        threshold = _threshold(alert, override.threshold, path)
    if override.hold is not None:
        hold = typed(f"{path}.for", lambda: parse_duration(override.hold or ""))
    if override.severity is not None:
        severity = as_member(override.severity, Severity, f"{path}.severity")
    return _Parameters(threshold, hold, severity)


def _threshold(alert: Alert, text: str, path: str) -> Threshold:
    if alert.threshold is None:
        raise InvalidSpec(f"{path}.threshold", f"found {text!r}, allowed is none: this alert is about a state")
    unit = alert.threshold.unit
    return typed(f"{path}.threshold{unit.capitalize()}", lambda: parse_threshold(unit, text))


def _shown(threshold: Threshold | None) -> str:
    """A threshold for people: with its unit."""
    if threshold is None:
        return ""
    match threshold.unit:
        case Unit.PERCENT:
            return f"{number(threshold.value)} %"
        case Unit.DURATION:
            return Duration(int(threshold.value * 1000)).text
        case Unit.VALUE:  # pragma: no branch - mypy proves that no other unit is left
            return number(threshold.value)
