"""Owns what the operator may ask of the API server: the one table from which the chart's roles are generated.

It must not ask anything itself. A row that no request uses, and a request that no row grants, fail the API tests.
Never a wildcard, never `secrets`, never `pods/log`, `pods/exec`, `bind`, `escalate` or `impersonate`.
"""

from dataclasses import dataclass
from enum import StrEnum

from serinus.core import naming


class Place(StrEnum):
    """Where a rule is granted."""

    WATCHED = "watched"  # the whole cluster, or each of the namespaces that the operator is installed for
    OPERATOR = "operator"  # the operator's own namespace
    CLUSTER = "cluster"  # objects without a namespace: only in a cluster-wide installation


@dataclass(frozen=True)
class Rule:
    """Verbs on resources of one API group (`""`: core); a subresource is written `resource/subresource`."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    place: Place = Place.WATCHED


_READ = ("get", "list", "watch")
_SEE = ("list", "watch")
_ONCE = ("create", *_READ)
_OWN = ("create", "delete", "get", "list", "patch", "watch")

VERBS: tuple[Rule, ...] = (
    Rule(naming.GROUP, ("decisions", "llmservices", "probesets"), _READ),
    Rule(naming.GROUP, ("proberuns",), (*_ONCE, "delete")),
    Rule(
        naming.GROUP,
        ("decisions/status", "llmservices/status", "proberuns/status", "probesets/status"),
        ("patch",),
    ),
    Rule("", ("configmaps", "services"), _OWN),
    Rule("", ("pods",), (*_SEE, "patch")),
    Rule("events.k8s.io", ("events",), ("create", "get")),
    Rule("apps", ("controllerrevisions", "replicasets"), _OWN),
    Rule("batch", ("jobs",), (*_ONCE, "delete")),
    Rule("discovery.k8s.io", ("endpointslices",), _SEE),
    Rule("networking.k8s.io", ("networkpolicies",), _OWN),
    Rule("policy", ("poddisruptionbudgets",), _OWN),
    Rule("monitoring.coreos.com", ("alertmanagerconfigs", "prometheusrules", "servicemonitors"), _OWN),
    Rule("monitoring.grafana.com", ("podlogs",), _OWN),
    Rule("grafana.integreatly.org", ("grafanadashboards",), _OWN),
    Rule("opentelemetry.io", ("instrumentations", "opentelemetrycollectors"), _OWN),
    Rule("policies.kyverno.io", ("namespacedvalidatingpolicies",), _OWN),
    Rule("cilium.io", ("ciliumnetworkpolicies", "tracingpoliciesnamespaced"), _OWN),
    Rule("coordination.k8s.io", ("leases",), ("create", "get", "patch"), Place.OPERATOR),
    Rule("monitoring.coreos.com", ("prometheusrules",), _OWN, Place.OPERATOR),
    Rule("", ("configmaps",), _OWN, Place.OPERATOR),
    Rule("grafana.integreatly.org", ("grafanadashboards",), _OWN, Place.OPERATOR),
    Rule("monitoring.coreos.com", ("prometheuses",), _SEE, Place.CLUSTER),
    Rule("apiextensions.k8s.io", ("customresourcedefinitions",), _SEE, Place.CLUSTER),
)
