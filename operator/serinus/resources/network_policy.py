"""The NetworkPolicy of the pods that serve: gateway, monitoring and probes in, DNS and what is declared out.

That of the probe Jobs stands with the Jobs. A switch of the spec asks for this one; without it nothing is made.
"""

from collections.abc import Iterable

from serinus.core import naming
from serinus.core.installation import Peer
from serinus.core.model import Manifest
from serinus.resources.context import Context
from serinus.resources.peers import peer_of, peer_rules
from serinus.resources.reach import reach, told

_EVERY_POD: Manifest = {"namespaceSelector": {}}


def build(context: Context) -> list[Manifest]:
    """Build the policy, if it is asked for."""
    service = context.service
    if not service.monitoring.outputs.network_policy:
        return []
    mine: Manifest = {"matchLabels": {naming.LABEL_SERVICE: service.name}}
    metadata = {
        "name": naming.serving_policy(service.name),
        "namespace": service.namespace,
        "labels": naming.app_labels(service.name),
    }
    spec = {
        "podSelector": mine,
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [*_ingress(context), {"from": [{"podSelector": mine}]}],
        "egress": [
            *peer_rules(context.settings.dns),
            {"to": [{"podSelector": mine}]},
            *peer_rules(reach(context).egress),
        ],
    }
    return [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}]


def note(context: Context) -> str:
    """What the policy lets through and blocks, if there is one."""
    return told(context, names=False) if context.service.monitoring.outputs.network_policy else ""


def _ingress(context: Context) -> list[Manifest]:
    """Users, if not from everywhere; the probes of this namespace, for a judge too is asked by those of others."""
    found = reach(context)
    serving = _ports(found.serving)
    users: Manifest = {"ports": serving}
    if not found.outside:
        users["from"] = _from(found.clients)
    probes = {"podSelector": {"matchExpressions": [{"key": naming.LABEL_PROBE_FOR, "operator": "Exists"}]}}
    rules = [users, {"from": [probes], "ports": serving}]
    if found.metrics:
        rules.append({"from": _from(found.monitoring), "ports": _ports(found.metrics)})
    return rules


def _from(peers: Iterable[Peer]) -> list[Manifest]:
    return [peer_of(peer) for peer in peers] or [_EVERY_POD]


def _ports(numbers: Iterable[int]) -> list[Manifest]:
    return [{"protocol": "TCP", "port": number} for number in numbers]
