"""Whether an object still is what was applied, told from its metadata alone.

The method. An applied object carries, in one annotation, the hash of the manifest that was applied. The API server
keeps, in `managedFields`, the set of fields that our apply owns; it takes a field out of that set as soon as
somebody else changes its value or removes it, and never otherwise. So an object is as applied when (1) the
annotation holds the hash of today's manifest and (2) every field of the manifest is in our set. Both are in the
metadata, so the answer is the same after a restart, and nothing has to be remembered or written to learn it.

What (2) needs is no schema: the set itself shows which lists are atomic (`f:args: {}`), which are keyed
(`k:{"name":"x"}`) and which are sets (`v:"x"`). The annotation itself must be in the set, so a forged or copied one
counts for nothing. Fields that the server did not take over at the apply (unknown to it, or dropped when empty) can
never be in the set: they are listed by `missing` right after the write, and their hash is put into the annotation
by a second write, so that they count as drift only when the list changes. That costs one write for such objects
alone, once for each change. What this cannot see: somebody who applies under our own field manager's name.
"""

import hashlib
from functools import lru_cache
from typing import Any

from serinus.shell import wire
from serinus.shell.entry import Fields
from serinus.shell.kinds import Object

_NEVER_OWNED = {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}
_NOTHING: Fields = {".": {}}
_DIGITS = 32


def manifest_hash(manifest: Object) -> str:
    """Hash of a finished manifest: 32 hex digits, the same for the same content in any order of keys."""
    return _digest(wire.canonical(manifest))[:_DIGITS]


def annotation_value(manifest_digest: str, dropped: tuple[str, ...]) -> str:
    """What the annotation must hold: the manifest's hash, and the hash of the fields that the server did not take."""
    return f"{manifest_digest}.{_digest(wire.encode(dropped))[:8]}" if dropped else manifest_digest


def missing(manifest: Object, fields: Fields) -> tuple[str, ...]:
    """Paths of the manifest that are not in the field set, sorted; `metadata.annotations[…]` in plain dots."""
    found: list[str] = []
    _look(manifest, {"f:metadata": _NOTHING, **fields}, (), found)
    return tuple(sorted(found))


def owns_annotation(fields: Fields, annotation: str) -> bool:
    """The annotation's value is our own: nobody has written another one since."""
    return f"f:{annotation}" in fields.get("f:metadata", {}).get("f:annotations", {})


def _look(value: Any, fields: Fields, path: tuple[str, ...], found: list[str]) -> None:
    """Put paths of the value that are not in the field set into `found`. A node without children owns all below it."""
    if isinstance(value, dict):
        for key, child in value.items():
            node = fields.get(f"f:{key}")
            if node is None:
                here = (*path, key)
                if here not in _NEVER_OWNED:
                    found.append(".".join(here))
            elif node:
                _look(child, node, (*path, key), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            node = _item(item, index, fields)
            if node is None:
                found.append(".".join((*path, str(index))))
            elif node:
                _look(item, node, (*path, str(index)), found)


def _item(item: Any, index: int, fields: Fields) -> Fields | None:
    """The node of a list's item: by key, by value, or by place."""
    if not isinstance(item, dict):
        node: Fields | None = fields.get(f"v:{wire.encode(item).decode()}", fields.get(f"i:{index}"))
        return node
    for name, node in fields.items():
        if name.startswith("k:"):
            keys = _keys(name)
            # A key that the manifest leaves to the schema's default (a port's protocol) is in the set with its default.
            if any(key in item for key in keys) and all(
                item.get(key, wanted) == wanted for key, wanted in keys.items()
            ):
                return dict(node)
    return fields.get(f"i:{index}")


@lru_cache(1024)
def _keys(name: str) -> dict[str, Any]:
    """What names an item of a keyed list: `k:{"name":"x"}`."""
    keys: dict[str, Any] = wire.decode(name[2:].encode())
    return keys


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
