"""Alerts that are the same for every service: one rule for all, in a PrometheusRule of the operator's namespace.

It owns how a rule for one service becomes one for all. A service that has such an alert with parameters of its own, or
not at all, says so in its own PrometheusRule by a recorded series: rule and exception come and go together. Where the
operator serves a list of namespaces, each service has them all itself.
"""

from dataclasses import replace
from typing import Final

from serinus.core import naming
from serinus.core.alert import Alert, AlertGroup
from serinus.core.alertfile import EVERY_SERVICE, expression
from serinus.core.annotation import fill, from_labels, literal
from serinus.core.model import Dashboard, Manifest, Service
from serinus.core.promql import Matcher, check, selector
from serinus.resources.alert_rule import OURS, Parameters, effective, shown
from serinus.resources.context import Settings
from serinus.resources.signal_rules import shared_labels

OWN: Final = "llm:alert_own:info"
OWN_GROUP: Final = "alerts-own"
OWN_INTERVAL: Final = "1m"
_ON: Final = "on (namespace, llmservice)"
_OWNER: Final = "serinus_service_owner"
_ONE: Final = "topk by (namespace, llmservice)"
_TEAM: Final = f"({_ONE} (1, {_OWNER}) or {_ON} {_ONE} (1, last_over_time({_OWNER}[1h])))"
"""One team for each service, whatever two replicas of the operator say in the moment of a hand-over: a join that finds
two would end the alert for all services. For an hour without an operator it is the one that was said last: who pages
for a service must not depend on what goes down beside it."""
_SOME: Final = frozenset({Dashboard.SHARED})
_LABELS: Final = {"namespace": "namespace", "name": "llmservice", "team": "team"}


def build(alerts: tuple[AlertGroup, ...], settings: Settings, used: frozenset[Dashboard] = _SOME) -> list[Manifest]:
    """Build the object; nothing where every service has its own, or where no alert is shared.

    `used` are the dashboards that services ask for: where all of them want none, ours is not there to be linked to.
    """
    if used == {Dashboard.NONE} and OURS.fullmatch(settings.dashboard_base):
        settings = replace(settings, dashboard_base="")
    groups = [_group(group, settings) for group in alerts if any(a.shared for a in group.alerts)]
    if not settings.cluster_wide or not groups:
        return []
    metadata = {
        "name": naming.shared_alerts(),
        "namespace": settings.operator_namespace,
        "labels": shared_labels("", settings),
    }
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata,
            "spec": {"groups": groups},
        }
    ]


def is_shared(alert: Alert, settings: Settings) -> bool:
    """Whether one rule of an alert is for all services that do not have their own."""
    return alert.shared and settings.cluster_wide


def deviates(alert: Alert, service: Service) -> bool:
    """Whether the rule for all is not the one that a service wants."""
    return effective(alert, service) != _defaults(alert)


def exception(alert: Alert, service: Service) -> Manifest:
    """The rule that takes a service out of the shared alert."""
    labels = {"namespace": service.namespace, "llmservice": service.name, "alert": alert.name}
    return {"record": OWN, "expr": "vector(1)", "labels": labels}


def _defaults(alert: Alert) -> Parameters:
    return Parameters(alert.threshold, alert.hold, alert.severity)


def _group(group: AlertGroup, settings: Settings) -> Manifest:
    interval = {"interval": group.interval.text} if group.interval else {}
    return {"name": group.name, **interval, "rules": [_rule(a, settings) for a in group.alerts if a.shared]}


def _rule(alert: Alert, settings: Settings) -> Manifest:
    own = selector(OWN, (Matcher("alert", alert.name),))
    inner = expression(alert, alert.threshold, EVERY_SERVICE)
    expr = f"(\n{inner}\n) * {_ON} group_left (team) {_TEAM}\n  unless {_ON} {own}"
    check(expr)
    values = {"for": alert.hold.text, "threshold": shown(alert.threshold)}
    annotations = {
        "summary": _text(alert.summary, values),
        "description": _text(alert.description, values),
        "runbook_url": _runbook(alert, settings),
        "dashboard_url": _dashboard(settings),
    }
    return {
        "alert": alert.name,
        "expr": expr,
        "for": alert.hold.text,
        "labels": {"severity": alert.severity.value},
        "annotations": {key: text for key, text in annotations.items() if text},
    }


def _text(template: str, values: dict[str, str]) -> str:
    return from_labels(fill(template, values), _LABELS)


def _runbook(alert: Alert, settings: Settings) -> str:
    """The owner's own runbook goes before ours; it is a label of the operator's series, and asked for when it fires."""
    ours = literal(f"{settings.runbook_base}#{alert.runbook}") if settings.runbook_base else ""
    asked = f'{_OWNER}{{namespace=%q,llmservice=%q,runbook!=""}}'.replace('"', '\\"')
    return (
        f'{{{{ with printf "{asked}" $labels.namespace $labels.llmservice | query }}}}'
        f'{{{{ . | first | label "runbook" }}}}{{{{ else }}}}{ours}{{{{ end }}}}'
    )


def _dashboard(settings: Settings) -> str:
    """The dashboard of services, with this one chosen."""
    base = settings.dashboard_base
    query = "var-namespace={{ urlquery $labels.namespace }}&var-service={{ urlquery $labels.llmservice }}"
    return f"{literal(base)}{'&' if '?' in base else '?'}{query}" if base else ""
