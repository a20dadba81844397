"""The memory of one informer: objects by name, indexed by one label, and never older than what was known before.

Events may come twice, late or out of order, and a list may be stale: resourceVersions decide, as the API server's
own caches do (they are ordered numbers within one kind). It calls nobody: every change is returned.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from serinus.shell.entry import Entry

T = TypeVar("T")
Key = tuple[str, str]
"""Namespace (empty for a cluster-wide kind) and name."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """One object: its metadata, and what the informer's projection kept of the rest, if it could be read."""

    entry: Entry
    value: T
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """What became of one object; None: not there."""

    namespace: str
    name: str
    old: Seen[T] | None
    new: Seen[T] | None


class Store(Generic[T]):
    """Objects of one kind. `index_label`: the label by whose value `indexed` finds them (empty: they lack it)."""

    def __init__(self, index_label: str | None = None) -> None:
        self._index_label = index_label
        self._objects: dict[Key, Seen[T]] = {}
        self._index: dict[Key, dict[str, Seen[T]]] = {}
        self._graves: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> Seen[T] | None:
        """The object, as it was last seen."""
        return self._objects.get((namespace, name))

    def knows(self, key: Key, resource_version: str) -> bool:
        """Whether the object is known at this version or a newer one."""
        old = self._objects.get(key)
        return old is not None and version_number(resource_version) <= version_number(old.entry.resource_version)

    def indexed(self, namespace: str, value: str) -> dict[str, Seen[T]]:
        """Objects of a namespace whose index label has this value, by name; a copy."""
        return dict(self._index.get((namespace, value), {}))

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._objects))

    def offer(self, key: Key, seen: Seen[T]) -> Change[T] | None:
        """Take an object over unless something newer is known; the change, if there is one that matters."""
        version = version_number(seen.entry.resource_version)
        old = self._objects.get(key)
        if old is not None and version < version_number(old.entry.resource_version):
            return None
        if version <= self._graves.get(key, -1):
            return None
        self._put(key, seen)
        return None if old == seen else Change(*key, old, seen)

    def remove(self, key: Key, resource_version: str) -> Change[T] | None:
        """Take note of a deletion at this version, unless something newer of that name is known."""
        version = version_number(resource_version)
        old = self._objects.get(key)
        if old is not None and version < version_number(old.entry.resource_version):
            return None
        self._graves[key] = max(version, self._graves.get(key, -1))
        return self._drop(key)

    def replace(self, listed: Mapping[Key, Seen[T]], resource_version: str) -> list[Change[T]]:
        """Compare with a whole list that was true at this version; what is newer than the list stays."""
        limit = version_number(resource_version)
        self._graves = {key: version for key, version in self._graves.items() if version > limit}
        changes = [self.offer(key, seen) for key, seen in listed.items()]
        for key, old in list(self._objects.items()):
            if key not in listed and version_number(old.entry.resource_version) <= limit:
                changes.append(self._drop(key))
        return [change for change in changes if change is not None]

    def reset(self, listed: Mapping[Key, Seen[T]]) -> list[Change[T]]:
        """Believe this list alone, whatever the versions say: the cluster was restored from a backup."""
        self._graves.clear()
        changes = [self._drop(key) for key in list(self._objects) if key not in listed]
        for key, seen in listed.items():
            old = self._objects.get(key)
            self._put(key, seen)
            changes.append(None if old == seen else Change(*key, old, seen))
        return [change for change in changes if change is not None]

    def _put(self, key: Key, seen: Seen[T]) -> None:
        self._unindex(key)
        self._objects[key] = seen
        bucket = self._bucket(key, seen)
        if bucket is not None:
            self._index.setdefault(bucket, {})[key[1]] = seen

    def _drop(self, key: Key) -> Change[T] | None:
        self._unindex(key)
        old = self._objects.pop(key, None)
        return None if old is None else Change(*key, old, None)

    def _unindex(self, key: Key) -> None:
        old = self._objects.get(key)
        bucket = self._bucket(key, old) if old is not None else None
        if bucket is not None:
            self._index[bucket].pop(key[1])
            if not self._index[bucket]:
                del self._index[bucket]

    def _bucket(self, key: Key, seen: Seen[T]) -> Key | None:
        return (key[0], seen.entry.labels.get(self._index_label, "")) if self._index_label else None


def version_number(resource_version: str) -> int:
    """A resourceVersion as a number; 0 if it is none, so that it never hides what comes later."""
    return int(resource_version) if resource_version.isdecimal() else 0
