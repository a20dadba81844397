"""The AlertmanagerConfig of a service: its alerts go to a receiver of its owner, and causes silence their symptoms.

prometheus-operator adds the namespace to every route and inhibition of such an object; this adds the service.
"""

from typing import Final

from serinus.core.inhibition import Inhibition
from serinus.core.model import Manifest
from serinus.core.promql import Duration
from serinus.core.routing import Receiver, ReceiverKind
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels

API_VERSION: Final = "monitoring.coreos.com/v1alpha1"
RECEIVER: Final = "owner"
_TITLE: Final = "{{ .Status | toUpper }} {{ .CommonLabels.alertname }} {{ .CommonLabels.llmservice }}"
_LINES: Final = "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook_url }}\n{{ end }}"
"""Words of ours alone: what an author writes reaches a receiver as a value, never as a template."""


def build(context: Context) -> list[Manifest]:
    """Build the AlertmanagerConfig, if a receiver is given."""
    service, receiver = context.service, context.service.monitoring.outputs.receiver
    if receiver is None:
        return []
    route = {
        "receiver": RECEIVER,
        "matchers": [_matcher("llmservice", service.name)],
        "groupBy": ["alertname", "llmservice", "severity"],
        "groupWait": Duration(receiver.group_wait * 1000).text,
        "groupInterval": Duration(receiver.group_interval * 1000).text,
        "repeatInterval": Duration(receiver.repeat_interval * 1000).text,
    }
    spec = {
        "route": route,
        "receivers": [{"name": RECEIVER, **_receiver(receiver)}],
        "inhibitRules": [_inhibition(rule, service.name) for rule in context.settings.inhibitions.rules],
    }
    metadata = {"name": service.name, "namespace": service.namespace, "labels": monitor_labels(context)}
    return [{"apiVersion": API_VERSION, "kind": "AlertmanagerConfig", "metadata": metadata, "spec": spec}]


def _receiver(receiver: Receiver) -> Manifest:
    secret = {"name": receiver.secret.name, "key": receiver.secret.key}
    match receiver.kind:
        case ReceiverKind.WEBHOOK:
            return {"webhookConfigs": [{"urlSecret": secret, "sendResolved": True}]}
        case ReceiverKind.SLACK:
            texts = {"channel": receiver.channel, "title": _TITLE, "text": _LINES}
            return {"slackConfigs": [{"apiURL": secret, "sendResolved": True, **texts}]}
        case ReceiverKind.PAGER_DUTY:  # pragma: no branch - mypy proves that no other is left
            texts = {"description": _TITLE, "severity": "{{ .CommonLabels.severity }}"}
            return {"pagerdutyConfigs": [{"routingKey": secret, "sendResolved": True, **texts}]}


def _inhibition(rule: Inhibition, service: str) -> Manifest:
    """One service's form of a rule; Alertmanager holds the rules of all services together."""
    of_service = _matcher("llmservice", service)
    return {
        "sourceMatch": [_matcher("alertname", rule.cause), of_service],
        "targetMatch": [_matcher("alertname", "|".join(rule.symptoms), "=~"), of_service],
        "equal": list(rule.equal),
    }


def _matcher(name: str, value: str, kind: str = "=") -> Manifest:
    return {"name": name, "value": value, "matchType": kind}


def plain_inhibitions(rules: tuple[Inhibition, ...]) -> list[Manifest]:
    """The same rules for all services, as they stand in a configuration of Alertmanager itself."""
    return [
        {
            "source_matchers": [f'alertname = "{rule.cause}"'],
            "target_matchers": [f'alertname =~ "{"|".join(rule.symptoms)}"'],
            "equal": list(rule.equal),
        }
        for rule in rules
    ]
