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
class DnsTarget:
    """Pods of a namespace, or an address block, that answer DNS. `ports` empty: any; else UDP and TCP on these."""

    namespace: str = ""
    pod_labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    cidr: str = ""
    ports: tuple[int, ...] = ()


DNS_TARGETS: Final = (
    DnsTarget(namespace="kube-system", pod_labels={"k8s-app": "kube-dns"}),
    DnsTarget(
        namespace="openshift-dns", pod_labels={"dns.operator.openshift.io/daemonset-dns": "default"}, ports=(5353,)
    ),
    DnsTarget(cidr="169.254.20.10/32", ports=(53,)),
)
"""CoreDNS of nearly every distribution, OpenShift's, and the address that Kubernetes documents for a node's cache."""
