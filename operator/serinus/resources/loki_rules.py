"""Alerts on log lines, for Loki's own ruler: a ConfigMap for each service, which the sidecar of Loki's chart finds.

LogQL never stands in a PrometheusRule. The patterns that look for what redaction should have taken out are not those
of the redaction: one mistake must not hide another.
"""

from typing import Final

from serinus.core import naming
from serinus.core.annotation import literal
from serinus.core.logs import Redact
from serinus.core.model import Manifest, Service
from serinus.resources.context import Context
from serinus.resources.yaml_text import yaml_text

_BURST: Final = 20
"""Lines of level error or critical within five minutes that are no accident."""
_LEAKS: Final = {
    Redact.EMAIL: r"[a-z0-9._%+-]+@[a-z0-9-]+[.][a-z]{2,}",
    Redact.CARD: r"[3-6][0-9]{3}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}",
    Redact.SECRET: r"(?i)bearer +[a-z0-9._-]{16,}|sk-[a-z0-9_-]{20,}|hf_[a-z0-9]{20,}|BEGIN [A-Z ]*PRIVATE KEY",
    Redact.PROMPT: r"""["'](?:prompt|completion|messages)["'] *: *(?:\[ *\{ *)?["'][^<"']""",
}


def build(context: Context) -> list[Manifest]:
    """Build the ConfigMap with the rules of a service, if it is asked for."""
    service, settings = context.service, context.settings.logs
    if not service.monitoring.outputs.loki_rules:
        return []
    metadata: Manifest = {
        "name": naming.loki_rules(service.name),
        "namespace": service.namespace,
        "labels": {**settings.rule_labels, **naming.app_labels(service.name)},
    }
    if settings.rule_folder:
        metadata["annotations"] = {"k8s-sidecar-target-directory": settings.rule_folder}
    group = {"name": f"{service.namespace}.{service.name}.logs", "interval": "1m", "rules": rules(service)}
    # Keys of all such ConfigMaps become files of one folder: each has to be unique in the cluster.
    data = {f"serinus.{service.namespace}.{service.name}.yaml": yaml_text({"groups": [group]})}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}]


def rules(service: Service) -> list[Manifest]:
    """The alerts of a service: bursts of errors, and text that the redaction should have taken out."""
    stream = f'namespace="{service.namespace}", llmservice="{service.name}"'
    burst = f'sum (count_over_time({{{stream}, level=~"error|critical"}}[5m])) > {_BURST}'
    summary = f"{service.name} logs many errors"
    found = [_alert(service, "LLMLogErrorBurst", burst, ("warning", summary, "More than 20 lines in 5 minutes."))]
    for redact in (r for r in _LEAKS if r in service.monitoring.logs.redact):
        expression = f"sum (count_over_time({{{stream}}} |~ `{_LEAKS[redact]}` [10m])) > 0"
        texts = (f"A log line of {service.name} looks as if it held a {redact}", f"{redact}: the redaction missed it.")
        found.append(_alert(service, "LLMLogRedactionMiss", expression, ("critical", *texts), redact=redact))
    return found


def _alert(service: Service, name: str, expression: str, texts: tuple[str, str, str], **labels: str) -> Manifest:
    severity, summary, description = texts
    return {
        "alert": name,
        "expr": expression,
        "labels": {
            "severity": severity,
            "namespace": service.namespace,
            "llmservice": service.name,
            "team": literal(service.owner.team),
            **{k: str(v) for k, v in labels.items()},
        },
        "annotations": {"summary": literal(summary), "description": literal(description)},
    }
