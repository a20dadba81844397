"""What the applier adds to a manifest before it is sent: its owner, the annotation, the one object that it is for.

Every function returns a new manifest. Nothing of the content is decided or changed here.
"""

from dataclasses import dataclass
from typing import Self

from serinus.core.child import Head
from serinus.shell.entry import Entry, Owner
from serinus.shell.kinds import Object, Ref
from serinus.shell.managed import manifest_hash
from serinus.shell.outcomes import Wanted


@dataclass(frozen=True, slots=True)
class Write:
    """What may have to be written: the manifest with its owner, its hash, and the head that stands for the content."""

    ref: Ref
    head: Head
    owner: Owner | None
    manifest: Object
    digest: str

    @classmethod
    def of(cls, ref: Ref, owner: Owner | None, item: Wanted) -> Self:
        """The child with its owner."""
        manifest = owned_by(owner, item.child.manifest)
        return cls(ref, item.child.head, owner, manifest, manifest_hash(manifest))


def owned_by(owner: Owner | None, manifest: Object) -> Object:
    """The manifest with its owner, unless it names one itself."""
    metadata = manifest["metadata"]
    if owner is None or "ownerReferences" in metadata:
        return manifest
    return {**manifest, "metadata": {**metadata, "ownerReferences": [owner.reference()]}}


def annotated(manifest: Object, annotation: str, value: str) -> Object:
    """The manifest with one annotation more."""
    metadata = manifest["metadata"]
    annotations = {**(metadata.get("annotations") or {}), annotation: value}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def bound(manifest: Object, entry: Entry) -> Object:
    """The manifest for this very object: one of the same name that somebody made meanwhile is a Conflict."""
    return {**manifest, "metadata": {**manifest["metadata"], "uid": entry.uid}}


def empty(ref: Ref) -> Object:
    """A manifest of nothing but the name."""
    namespace = {} if ref.namespace is None else {"namespace": ref.namespace}
    return {"apiVersion": ref.kind.api_version, "kind": ref.kind.kind, "metadata": {"name": ref.name, **namespace}}
