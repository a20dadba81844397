"""Whether any Prometheus takes up monitors with certain labels: a wrong label fails without a word. It reads selectors.

What depends on the labels of a namespace cannot be seen from here, and counts as taken up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from serinus.core.model import Manifest

NOT_SELECTED = "NotSelected"
"""Reason of MonitoringReady: the objects are there, and no Prometheus looks at them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraper:
    """One Prometheus object: its selectors of ServiceMonitors and rules, as they stand in it; None selects nothing."""

    namespace: str
    name: str
    monitors: Mapping[str, Any] | None
    monitor_namespaces: Mapping[str, Any] | None
    rules: Mapping[str, Any] | None
    rule_namespaces: Mapping[str, Any] | None


def scraper_of(body: Manifest) -> Scraper:
    """Read a Prometheus object."""
    metadata, spec = body["metadata"], body.get("spec") or {}
    return Scraper(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata["name"]),
        monitors=spec.get("serviceMonitorSelector"),
        monitor_namespaces=spec.get("serviceMonitorNamespaceSelector"),
        rules=spec.get("ruleSelector"),
        rule_namespaces=spec.get("ruleNamespaceSelector"),
    )


def not_selected(scrapers: Iterable[Scraper], namespace: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """One message for monitors and one for rules that no Prometheus selects; none, if there is no Prometheus object."""
    found = sorted(scrapers, key=lambda s: (s.namespace, s.name))
    if not found:
        return ()
    monitors = [_selects(s, s.monitors, s.monitor_namespaces, (namespace, labels)) for s in found]
    rules = [_selects(s, s.rules, s.rule_namespaces, (namespace, labels)) for s in found]
    told = [] if any(monitors) else [_told("ServiceMonitor", namespace, [(s, s.monitors) for s in found])]
    told += [] if any(rules) else [_told("PrometheusRule", namespace, [(s, s.rules) for s in found])]
    return tuple(told)


def _told(kind: str, namespace: str, wanted: list[tuple[Scraper, Mapping[str, Any] | None]]) -> str:
    shown = "; ".join(f"{s.namespace}/{s.name} wants {_words(selector)}" for s, selector in wanted)
    return (
        f"spec.monitoring.labels: no Prometheus selects the {kind} in namespace {namespace}: {shown}; "
        "add the label there or to the operator's setting monitorLabels"
    )


def _words(selector: Mapping[str, Any] | None) -> str:
    if selector is None:
        return "nothing"
    labels = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for e in selector.get("matchExpressions") or []:
        values = ",".join(e.get("values") or [])
        labels.append(f"{e.get('key')} {e.get('operator')}{f' ({values})' if values else ''}")
    return ", ".join(labels) or "any label, but in other namespaces"


def _selects(
    scraper: Scraper,
    selector: Mapping[str, Any] | None,
    namespaces: Mapping[str, Any] | None,
    what: tuple[str, Mapping[str, str]],
) -> bool:
    namespace, labels = what
    if selector is None or (namespaces is None and namespace != scraper.namespace):
        return False
    equal = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return equal and all(_holds(e, labels) for e in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    found, values = labels.get(str(expression.get("key"))), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case _:
            return True
