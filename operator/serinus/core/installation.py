"""What an installation allows and where its DNS is: types, their defaults, and the one check of a service against them.

The author of a service may gain nothing that `create pods` does not give her: what is more needs an allow-list.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from serinus.core.model import InvalidSpec, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """What the users' Service of any author may be: its types, and prefixes of the keys of its annotations."""

    service_types: tuple[str, ...] = ("ClusterIP",)
    service_annotations: tuple[str, ...] = ()


def check_allowed(service: Service, allowed: Allowed) -> None:
    """Raise InvalidSpec for a Service of a type, or with an annotation, that this installation does not allow."""
    found = service.service
    if found.type not in allowed.service_types:
        types = ", ".join(allowed.service_types)
        raise InvalidSpec(
            "spec.service.type",
            f"found {found.type!r}, allowed are {types} (the operator's setting allowedServiceTypes)",
        )
    for key in sorted(found.annotations):
        if not key.startswith(allowed.service_annotations):
            prefixes = ", ".join(allowed.service_annotations) or "none"
            raise InvalidSpec(
                "spec.service.annotations",
                f"found {key!r}, allowed are keys that begin with: {prefixes} "
                "(the operator's setting allowedServiceAnnotations)",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Pods of a namespace, or an address block. `ports` empty: any; else UDP and TCP on these."""

    namespace: str = ""
    pod_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    cidr: str = ""
    ports: tuple[int, ...] = ()


PRIVATE_BLOCKS: Final = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Who reaches the pods that serve and what they reach, as far as an installation knows it."""

    clients: tuple[Peer, ...] = ()  # who asks; empty: every pod of the cluster
    monitoring: tuple[Peer, ...] = ()  # who scrapes; empty: where Prometheus objects are seen, else every pod
    egress: tuple[Peer, ...] = ()  # what they reach besides DNS and each other
    hosts: tuple[str, ...] = ()  # hosts outside that they reach on port 443, where a policy can follow names
    inside: tuple[str, ...] = PRIVATE_BLOCKS  # address blocks of the cluster: a connection elsewhere is told
    model_paths: tuple[str, ...] = ("/models",)  # where models are: a write there is told


DNS_TARGETS: Final = (
    Peer(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}),
    Peer(namespace="openshift-dns", pod_labels={"dns.operator.openshift.io/daemonset-dns": "default"}, ports=(5353,)),
    Peer(cidr="169.254.20.10/32", ports=(53,)),
)
"""CoreDNS of nearly every distribution, OpenShift's, and the address that Kubernetes documents for a node's cache."""
