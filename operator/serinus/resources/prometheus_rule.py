"""The PrometheusRule of a service: its alerts, with its own parameters, from the data of `alert-rules/`.

It owns what goes from a service into an alert. Text of a user never becomes a template, an expression never text.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from serinus.core.alert import Alert, AlertGroup, Severity, Threshold, Unit, parse_threshold
from serinus.core.alertfile import expression
from serinus.core.annotation import fill, literal
from serinus.core.model import AlertOverride, InvalidSpec, Manifest, Service
from serinus.core.promql import Duration, InvalidQuery, check, number, parse_duration, scope
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels
from serinus.resources.signal_rules import series

_OVERRIDES: Final = "spec.alerts.overrides"
_KEEP: Final = AlertOverride()


def build(context: Context) -> list[Manifest]:
    """Build the one PrometheusRule; alerts that are disabled or that the runtime has no signals for are left out.

    Raises InvalidSpec for an override that its alert cannot take; unknown alerts are `unknown_alerts`' affair.
    """
    service = context.service
    missing = unavailable_alerts(service, context.alerts)
    groups = []
    for group in context.alerts:
        wanted = [a for a in group.alerts if a.name not in service.monitoring.disabled and a.name not in missing]
        if wanted:
            groups.append({"name": group.name, "rules": [_rule(context, alert) for alert in wanted]})
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


def unavailable_alerts(service: Service, groups: tuple[AlertGroup, ...]) -> frozenset[str]:
    """Alerts over a signal that the service's runtime does not have; they are reported, never generated."""
    recorded = series(service.runtime)
    return frozenset(a.name for g in groups for a in g.alerts if not _signals(a) <= recorded)


@lru_cache(maxsize=256)
def _signals(alert: Alert) -> frozenset[str]:
    query = expression(alert, alert.threshold, scope("namespace", "service"))
    return frozenset(s.metric for s in check(query) if s.metric.startswith("llm:"))


def _rule(context: Context, alert: Alert) -> Manifest:
    service = context.service
    override = service.monitoring.overrides.get(alert.name, _KEEP)
    threshold, hold, severity = _threshold(alert, override), _hold(alert, override), _severity(alert, override)
    labels = {
        "severity": severity.value,
        "namespace": service.namespace,
        "llmservice": service.name,
        "team": literal(service.owner.team),
    }
    values = {
        "namespace": service.namespace,
        "name": service.name,
        "model": service.model,
        "team": service.owner.team,
        "for": hold.text,
        "threshold": _shown(threshold),
    }
    return {
        "alert": alert.name,
        "expr": expression(alert, threshold, scope(service.namespace, service.name)),
        "for": hold.text,
        "labels": labels,
        "annotations": {
            "summary": fill(alert.summary, values),
            "description": fill(alert.description, values),
            **dict(_links(context, alert)),
        },
    }


def _links(context: Context, alert: Alert) -> Iterator[tuple[str, str]]:
    """The owner's own runbook goes before ours; an address that is not configured is left out."""
    service, settings = context.service, context.settings
    if service.owner.runbook:
        yield "runbook_url", literal(service.owner.runbook)
    elif settings.runbook_base:
        yield "runbook_url", literal(f"{settings.runbook_base}#{alert.runbook}")
    if settings.dashboard_base:
        query = urlencode({"var-namespace": service.namespace, "var-service": service.name})
        separator = "&" if "?" in settings.dashboard_base else "?"
        yield "dashboard_url", literal(f"{settings.dashboard_base}{separator}{query}")


def _threshold(alert: Alert, override: AlertOverride) -> Threshold | None:
    if override.threshold is None:
        return alert.threshold
    path = f"{_OVERRIDES}[alert={alert.name}].threshold"
    if alert.threshold is None:
        raise InvalidSpec(path, f"found {override.threshold!r}, allowed is none: this alert is on a state")
    try:
        return parse_threshold(alert.threshold.unit, override.threshold)
    except InvalidQuery as e:
        raise InvalidSpec(f"{path}{alert.threshold.unit.capitalize()}", str(e)) from e


def _hold(alert: Alert, override: AlertOverride) -> Duration:
    if override.hold is None:
        return alert.hold
    try:
        return parse_duration(override.hold)
    except InvalidQuery as e:
        raise InvalidSpec(f"{_OVERRIDES}[alert={alert.name}].for", str(e)) from e


def _severity(alert: Alert, override: AlertOverride) -> Severity:
    if override.severity is None:
        return alert.severity
    if override.severity not in tuple(Severity):
        path = f"{_OVERRIDES}[alert={alert.name}].severity"
        raise InvalidSpec(path, f"found {override.severity!r}, allowed are {', '.join(Severity)}")
    return Severity(override.severity)


def _shown(threshold: Threshold | None) -> str:
    """A threshold for people: with its unit."""
    if threshold is None:
        return ""
    match threshold.unit:
        case Unit.PERCENT:
            return f"{number(threshold.value)} %"
        case Unit.DURATION:
            return Duration(int(threshold.value * 1000)).text
        case Unit.VALUE:
            return number(threshold.value)
