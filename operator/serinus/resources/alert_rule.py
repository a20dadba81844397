"""One alert of one service as Prometheus reads it: parameters, labels, annotations.

It owns what goes from a service into an alert. Text of a user never becomes a template, an expression never text.
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

from serinus.core.alert import Alert, Needs, Severity, Threshold, Unit, parse_threshold
from serinus.core.alertfile import burn_expression, expression
from serinus.core.annotation import fill, from_labels, literal
from serinus.core.datafile import typed
from serinus.core.fields import as_member
from serinus.core.model import AlertOverride, Dashboard, InvalidSpec, Manifest, Service
from serinus.core.promql import Duration, number, parse_duration, scope
from serinus.core.slo import Burn, Window
from serinus.resources.context import Context
from serinus.resources.dashboard_frame import SERVICES_UID, Identity

OVERRIDES: Final = "spec.alerts.overrides"
_OBJECTIVE: Final = (
    '{{ with printf "100 * (1 - llm:slo_error:limit{namespace=%q,llmservice=%q,slo=%q,window=~%q})" '
    f'$labels.namespace $labels.llmservice $labels.slo "{"|".join(Window)}" | query }}}}'
    '{{ . | first | value | printf "%.6g" }} % in {{ . | first | label "window" }}{{ end }}'
)
"""One alert is about many objectives: which share of which window is asked of what is recorded."""

OURS: Final = re.compile(rf"(.*/d/){SERVICES_UID}(?:/[^?]*)?(\?.*)?")
"""The address of our dashboard of services, in any Grafana; another one is the user's, and always there."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What an owner may change of an alert."""

    threshold: Threshold | None
    hold: Duration
    severity: Severity


def build_rule(context: Context, alert: Alert) -> Manifest:
    """One alert of the service."""
    service = context.service
    parameters = effective(alert, service)
    expr = expression(alert, parameters.threshold, scope(service.namespace, service.name))
    return _rule(context, alert, parameters, expr)


def build_burn_rule(context: Context, alert: Alert, burn: Burn) -> Manifest:
    """A burn-rate alert for all objectives of the service; the label `slo` says which."""
    service = context.service
    expr = burn_expression(alert, scope(service.namespace, service.name))
    named = replace(
        alert, summary=_of_objective(alert.summary, burn), description=_of_objective(alert.description, burn)
    )
    return _rule(context, named, effective(alert, service), expr)


def _of_objective(text: str, burn: Burn) -> str:
    """A text about whichever objective it is."""
    return from_labels(text.replace("$objective", _OBJECTIVE).replace("$long", burn.long), {"slo": "slo"})


def parameters_of(alert: Alert, override: AlertOverride) -> Parameters:
    """An alert's parameters with the override's in their place; raises InvalidSpec for one that does not fit."""
    path = f"{OVERRIDES}[alert={alert.name}]"
    threshold, hold, severity = alert.threshold, alert.hold, alert.severity
    if override.threshold is not None:
        threshold = _threshold(alert, override, path)
    if override.hold is not None:
        hold = typed(f"{path}.for", lambda: parse_duration(override.hold or ""))
    if override.severity is not None:
        severity = as_member(override.severity, Severity, f"{path}.severity")
    return Parameters(threshold, hold, severity)


def effective(alert: Alert, service: Service) -> Parameters:
    """An alert's parameters. An override that the alert cannot take does not keep it away: it has its defaults then."""
    override = service.monitoring.overrides.get(alert.name) or AlertOverride()
    try:
        found = parameters_of(alert, override)
    except InvalidSpec:
        override = AlertOverride()
        found = parameters_of(alert, override)
    if alert.needs is Needs.CONTINUOUS_PROBING and override.hold is None and found.hold.milliseconds:
        return replace(found, hold=max(found.hold, _patience(service)))
    return found


def _patience(service: Service) -> Duration:
    """How long a gate that asks seldom may be without an answer: three of its turns."""
    return Duration(3 * 1000 * max((gate.every for gate in service.gates), default=0))


def _threshold(alert: Alert, override: AlertOverride, path: str) -> Threshold:
    text = override.threshold or ""
    if alert.threshold is None:
        why = "the objective has the limit" if alert.burn else "this alert is about a state"
        raise InvalidSpec(
            f"{path}.{override.threshold_field or 'threshold'}", f"found {text!r}, allowed is none: {why}"
        )
    unit = alert.threshold.unit
    name = f"threshold{unit.capitalize()}"
    if override.threshold_field not in ("", name):
        # A number without its unit would be read as one of another: 2 % as 2 s.
        raise InvalidSpec(f"{path}.{override.threshold_field}", f"found {text!r}, allowed is {name} for this alert")
    return typed(f"{path}.{name}", lambda: parse_threshold(unit, text))


def _rule(context: Context, alert: Alert, parameters: Parameters, expr: str) -> Manifest:
    service = context.service
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
        "threshold": shown(parameters.threshold),
    }
    annotations = {
        "summary": fill(alert.summary, values),
        "description": fill(alert.description, values),
        "runbook_url": literal(_runbook(context, alert)),
        "dashboard_url": literal(_dashboard(context)),
    }
    return {
        "alert": alert.name,
        "expr": expr,
        "for": parameters.hold.text,
        "labels": labels,
        "annotations": {key: text for key, text in annotations.items() if text},
    }


def _runbook(context: Context, alert: Alert) -> str:
    """The owner's own runbook goes before ours; empty if neither is configured."""
    base = context.settings.runbook_base
    return context.service.owner.runbook or (f"{base}#{alert.runbook}" if base else "")


def _dashboard(context: Context) -> str:
    service = context.service
    return _link(context.settings.dashboard_base, service.monitoring.outputs.dashboard, service.namespace, service.name)


@lru_cache(maxsize=64)
def _link(base: str, wanted: Dashboard, namespace: str, service: str) -> str:
    """The setting says where the dashboard of services is; that of one service is beside it. One for all its alerts."""
    ours = OURS.fullmatch(base)
    match wanted:
        case Dashboard.PER_SERVICE if ours:
            return f"{ours[1]}{Identity(namespace, service).uid}{ours[2] or ''}"
        case Dashboard.NONE if ours:
            return ""
    query = urlencode({"var-namespace": namespace, "var-service": service})
    return f"{base}{'&' if '?' in base else '?'}{query}" if base else ""


def shown(threshold: Threshold | None) -> str:
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
