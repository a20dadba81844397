"""The egress rules by which pods reach DNS, as the installation names it. It owns no object."""

from collections.abc import Sequence

from serinus.core.installation import DnsTarget
from serinus.core.model import Manifest

_NAMESPACE_NAME = "kubernetes.io/metadata.name"


def dns_egress(targets: Sequence[DnsTarget]) -> list[Manifest]:
    """One rule for each target. A policy sees ports of pods, not of the Service in front of them."""
    return [_rule(target) for target in targets]


def _rule(target: DnsTarget) -> Manifest:
    peer: Manifest = {"ipBlock": {"cidr": target.cidr}}
    if not target.cidr:
        peer = {"namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: target.namespace}}}
        if target.pod_labels:
            peer["podSelector"] = {"matchLabels": dict(target.pod_labels)}
    rule: Manifest = {"to": [peer]}
    if target.ports:
        rule["ports"] = [{"protocol": p, "port": number} for number in target.ports for p in ("UDP", "TCP")]
    return rule
