"""Addresses of the API: which kind, which object, which path. It sends nothing and knows no object of Serinus."""

from dataclasses import dataclass, field
from typing import Any, Self

Object = dict[str, Any]
"""An API object as it came over the wire, or a finished manifest."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One resource type of the API server in one version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    api_version: str = field(init=False, repr=False, compare=False)
    """`v1`, `apps/v1`."""
    resource: str = field(init=False, repr=False, compare=False)
    """`pods`, `replicasets.apps`: how errors, metrics and RBAC name it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "api_version", f"{self.group}/{self.version}" if self.group else self.version)
        object.__setattr__(self, "resource", f"{self.plural}.{self.group}" if self.group else self.plural)

    def __hash__(self) -> int:  # type: ignore[explicit-override]
        """Of one word: kinds are keys of everything that is looked up, and few share it."""
        return hash(self.plural)

    @property
    def built_in(self) -> bool:
        """Whether every API server has it; groups of CRDs have a domain that is not Kubernetes' own."""
        return "." not in self.group or self.group.endswith(".k8s.io")

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str = "") -> str:
        """Path of the collection or of one object. Raises ValueError if the namespace does not fit the kind."""
        if namespace is not None and not self.namespaced:
            raise ValueError(f"{self.resource}: namespace {namespace!r} given, but the kind is cluster-wide")
        if namespace is None and self.namespaced and name is not None:
            raise ValueError(f"{self.resource} {name}: no namespace given, but the kind is namespaced")
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(["namespaces", namespace] if namespace is not None else []), self.plural]
        parts += [part for part in (name, subresource) if part]
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class Ref:
    """One object: its kind, its namespace (None for a cluster-wide kind) and its name."""

    kind: Kind
    namespace: str | None
    name: str

    @classmethod
    def of(cls, kind: Kind, manifest: Object) -> Self:
        """The object that a manifest of this kind describes."""
        metadata = manifest["metadata"]
        return cls(kind, metadata.get("namespace") if kind.namespaced else None, metadata["name"])

    def path(self, subresource: str = "") -> str:
        """Path of the object or of one of its subresources."""
        return self.kind.path(self.namespace, self.name, subresource)

    @property
    def text(self) -> str:
        """`Service team-a/chat`: how messages name it."""
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.kind} {where}{self.name}"


LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Kind("events.k8s.io", "v1", "events", "Event")
CRDS = Kind("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False)
