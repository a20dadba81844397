"""The CiliumNetworkPolicy of the pods that serve: as the NetworkPolicy, and it follows names of hosts outside.

Layers 3 and 4 alone: a rule on HTTP would put a proxy into the path of every answer. A switch of the spec asks for it.
"""

from collections.abc import Iterable
from typing import Final

from serinus.core import naming
from serinus.core.installation import Peer
from serinus.core.model import Manifest
from serinus.resources.context import Context
from serinus.resources.reach import Reach, reach, told

API_VERSION: Final = "cilium.io/v2"
KIND: Final = "CiliumNetworkPolicy"
_NAMESPACE: Final = "k8s:io.kubernetes.pod.namespace"
_HTTPS: Final = 443
_DNS: Final = 53


def build(context: Context) -> list[Manifest]:
    """Build the policy, if it is asked for."""
    service = context.service
    if not service.monitoring.outputs.cilium:
        return []
    found = reach(context)
    mine: Manifest = {"matchLabels": {f"k8s:{naming.LABEL_SERVICE}": service.name}}
    metadata = {
        "name": naming.serving_policy(service.name),
        "namespace": service.namespace,
        "labels": naming.app_labels(service.name),
    }
    spec: Manifest = {
        "description": f"Pods that serve LLMService {service.name}",
        "endpointSelector": mine,
        "ingress": [*_ingress(found), {"fromEndpoints": [mine]}],
        "egress": [*_egress(found), {"toEndpoints": [mine]}],
    }
    return [{"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}]


def note(context: Context) -> str:
    """What the policy lets through and blocks, if there is one."""
    return told(context, names=True) if context.service.monitoring.outputs.cilium else ""


def _ingress(found: Reach) -> list[Manifest]:
    serving = _ports(found.serving)
    probes = {"matchExpressions": [{"key": f"k8s:{naming.LABEL_PROBE_FOR}", "operator": "Exists"}]}
    users = [{"fromEntities": ["all"]}] if found.outside else _sides("from", found.clients)
    rules = [{**side, "toPorts": serving} for side in (*users, {"fromEndpoints": [probes]})]
    scraped = _sides("from", found.monitoring) if found.metrics else []
    return rules + [{**side, "toPorts": _ports(found.metrics)} for side in scraped]


def _egress(found: Reach) -> list[Manifest]:
    rules: list[Manifest] = []
    for target in (*found.dns, *found.egress):
        [rule] = _sides("to", (target,))
        rules.append({**rule, "toPorts": _ports(target.ports, "ANY")} if target.ports else rule)
    for target in found.dns if found.hosts else ():
        # The agent learns what a name stands for from the answers that it sees on the way.
        [rule] = _sides("to", (target,))
        [ports] = _ports(target.ports or (_DNS,), "ANY")
        rules.append({**rule, "toPorts": [{**ports, "rules": {"dns": [{"matchPattern": "*"}]}}]})
    if found.hosts:
        rules.append({"toFQDNs": [_host(name) for name in found.hosts], "toPorts": _ports((_HTTPS,))})
    return rules


def _host(name: str) -> Manifest:
    return {"matchPattern" if "*" in name else "matchName": name}


def _sides(word: str, peers: Iterable[Peer]) -> list[Manifest]:
    """One rule for each peer, for kinds may not be mixed in one; every pod of the cluster, if there is none."""
    title = word.lower()
    found: list[Manifest] = []
    for peer in peers:
        if peer.cidr:
            found.append({f"{title}CIDR": [peer.cidr]})
        else:
            labels = {_NAMESPACE: peer.namespace, **{f"k8s:{key}": value for key, value in peer.pod_labels.items()}}
            found.append({f"{title}Endpoints": [{"matchLabels": labels}]})
    return found or [{f"{title}Entities": ["cluster"]}]


def _ports(numbers: Iterable[int], protocol: str = "TCP") -> list[Manifest]:
    return [{"ports": [{"port": str(number), "protocol": protocol} for number in numbers]}]
