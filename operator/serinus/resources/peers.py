"""Peers of an installation as NetworkPolicies write them, DNS among them. It owns no object."""

from collections.abc import Iterable

from serinus.core.installation import Peer
from serinus.core.model import Manifest

_NAMESPACE_NAME = "kubernetes.io/metadata.name"


def peer_rules(targets: Iterable[Peer]) -> list[Manifest]:
    """One egress rule for each target. A policy sees ports of pods, not of the Service in front of them."""
    return [_rule(target) for target in targets]


def peer_of(target: Peer) -> Manifest:
    """Pods of a namespace, or an address block."""
    if target.cidr:
        return {"ipBlock": {"cidr": target.cidr}}
    peer: Manifest = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: target.namespace}}}
    if target.pod_labels:
        peer["podSelector"] = {"matchLabels": dict(target.pod_labels)}
    return peer


def _rule(target: Peer) -> Manifest:
    rule: Manifest = {"to": [peer_of(target)]}
    if target.ports:
        rule["ports"] = [{"protocol": p, "port": number} for number in target.ports for p in ("UDP", "TCP")]
    return rule
