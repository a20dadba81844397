"""The informers of the engine as one thing: started together, asked by kind. It adds no memory of its own."""

import asyncio
from collections.abc import Iterable
from typing import Any

from serinus.shell.entry import Entry
from serinus.shell.informer import Informer, State
from serinus.shell.kinds import Kind, Object, Ref


class Watches:
    """All informers of the engine; a kind may have several (one a namespace)."""

    def __init__(self, informers: Iterable[Informer[Any]]) -> None:
        self._all = tuple(informers)
        self._of: dict[Kind, tuple[Informer[Any], ...]] = {}
        for informer in self._all:
            self._of[informer.scope.kind] = (*self._of.get(informer.scope.kind, ()), informer)

    def __iter__(self) -> Any:
        return iter(self._all)

    async def run(self) -> None:
        """Run every informer until cancelled."""
        async with asyncio.TaskGroup() as group:
            for informer in self._all:
                group.create_task(informer.run())

    def resources(self) -> list[str]:
        """What is watched, in words such as `replicasets.apps`."""
        return sorted({informer.scope.kind.resource for informer in self._all})

    def age(self, resource: str) -> float:
        """Seconds since the last event or bookmark of a resource; of several watches the oldest."""
        return max((informer.age() for informer in self._all if informer.scope.kind.resource == resource), default=0.0)

    def unreadable(self, resource: str) -> int:
        """How often an object of a resource could not be read."""
        return sum(informer.reader.failures for informer in self._all if informer.scope.kind.resource == resource)

    def unsynced(self) -> list[str]:
        """Resources whose objects have not been listed once."""
        return sorted({informer.scope.kind.resource for informer in self._all if not informer.synced.is_set()})

    def silent(self, limit: float) -> list[str]:
        """Resources whose watch said nothing for `limit` seconds; a missing right or API is no reason to restart."""
        silent = (i for i in self._all if i.state in {State.STARTING, State.SYNCED} and i.age() > limit)
        return sorted({informer.scope.kind.resource for informer in silent})

    def installed(self, kinds: Iterable[Kind]) -> None:
        """These kinds came: their informers look at once."""
        for kind in kinds:
            for informer in self._of.get(kind, ()):
                informer.installed()

    def covers(self, kind: Kind, namespace: str | None) -> bool:
        """What `get` and `owned` say of this kind and namespace is the whole truth, as of the last event."""
        return self._informer(kind, namespace) is not None

    def whole(self, kind: Kind) -> bool:
        """More of an object of this kind is kept than its metadata."""
        return any(informer.reader.whole for informer in self._of.get(kind, ()))

    def get(self, ref: Ref) -> Entry | None:
        """The metadata of an object, as it was last seen."""
        informer = self._informer(ref.kind, ref.namespace)
        seen = informer.store.get(ref.namespace or "", ref.name) if informer else None
        return seen.entry if seen else None

    def owned(self, kind: Kind, namespace: str | None, value: str) -> dict[str, Entry]:
        """Objects of a kind by name whose index label has this value."""
        informer = self._informer(kind, namespace)
        found = informer.store.indexed(namespace or "", value) if informer else {}
        return {name: seen.entry for name, seen in found.items()}

    def learn(self, kind: Kind, body: Object) -> Entry | None:
        """Take over the answer to our own write; its entry, if the kind is watched."""
        informer = self._informer(kind, body["metadata"].get("namespace"))
        return informer.learn(body) if informer is not None else None

    def unlearn(self, ref: Ref, resource_version: str) -> None:
        """Take over that we deleted an object."""
        informer = self._informer(ref.kind, ref.namespace)
        if informer is not None:
            informer.unlearn(ref.namespace or "", ref.name, resource_version)

    def _informer(self, kind: Kind, namespace: str | None) -> Informer[Any] | None:
        for informer in self._of.get(kind, ()):
            if informer.covers(namespace):
                return informer
        return None
