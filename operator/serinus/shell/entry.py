"""What the engine keeps of an object that it does not need whole: identity, owners, and which fields are ours.

It parses metadata and decides nothing. The same entry comes out of a list, a watch, a get and the answer to a write.
"""

import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from serinus.shell import wire
from serinus.shell.kinds import Object

_FIELD_SETS: Final = 512
"""Field sets of which the packed form is at hand."""
Fields = dict[str, Any]
"""One `fieldsV1` of `metadata.managedFields`: keys `f:name`, `k:{…}`, `v:…`, `i:…` and `.`."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The object that owns: its kind in words, its name and its uid."""

    api_version: str
    kind: str
    name: str
    uid: str

    def reference(self) -> Object:
        """The owner reference of what it owns; it never blocks its owner's deletion."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }


@dataclass(frozen=True, slots=True)
class Mark:
    """By what an entry knows our work: the field manager's name and the annotation that holds the applied hash."""

    manager: str
    annotation: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The metadata that decisions need. Two entries are equal if they differ in resourceVersion alone.

    `applied`: our annotation, or empty; `ours`: the packed field set that our apply owns, or empty; `made`: our
    manager wrote the object itself (not just a subresource), by apply or by create.
    """

    uid: str
    resource_version: str = field(compare=False)
    generation: int
    labels: Mapping[str, str]
    owners: tuple[Owner, ...]
    applied: str
    ours: bytes
    made: bool
    deleting: bool

    def fields(self) -> Fields | None:
        """The field set that our apply owns; None if there is none."""
        if not self.ours:
            return None
        fields: Fields = wire.decode(zlib.decompress(self.ours))
        return fields


def entry_of(body: Object, mark: Mark) -> Entry:
    """The entry of an object or of its PartialObjectMetadata."""
    metadata = body["metadata"]
    fields, made = _managed(metadata.get("managedFields") or (), mark.manager)
    return Entry(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=int(metadata.get("generation") or 0),
        labels={sys.intern(key): sys.intern(value) for key, value in (metadata.get("labels") or {}).items()},
        owners=tuple(_owner(reference) for reference in metadata.get("ownerReferences") or ()),
        applied=(metadata.get("annotations") or {}).get(mark.annotation, ""),
        ours=b"" if fields is None else _packed(wire.canonical(fields)),
        made=made,
        deleting="deletionTimestamp" in metadata,
    )


def _owner(reference: Mapping[str, Any]) -> Owner:
    names = (sys.intern(str(reference[key])) for key in ("apiVersion", "kind", "name", "uid"))
    return Owner(*names)


@lru_cache(_FIELD_SETS)
def _packed(fields: bytes) -> bytes:
    """A field set holds names and no values: those of one kind are the same for many services, and kept once."""
    return zlib.compress(fields, 1)


def fields_of(body: Object, mark: Mark) -> Fields | None:
    """The field set that our apply owns of an object; None if there is none."""
    return _managed(body["metadata"].get("managedFields") or (), mark.manager)[0]


def _managed(entries: Any, manager: str) -> tuple[Fields | None, bool]:
    fields, made = None, False
    for entry in entries:
        if entry.get("manager") != manager or entry.get("subresource"):
            continue
        made = True
        if entry.get("operation") == "Apply":
            fields = entry.get("fieldsV1") or {}
    return fields, made
