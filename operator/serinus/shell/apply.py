"""The one writer of children: server-side apply with one field manager, create-once, prune.

`managed.py` says how it knows that nothing has to be written. It decides nothing about what is wanted, and never takes
over what is not ours.
"""

import logging
from collections.abc import Collection, Sequence

from serinus.core.child import Head
from serinus.shell import logs
from serinus.shell.api_errors import ApiError, Conflict, NotFound, Refused
from serinus.shell.entry import Entry, Mark, Owner, entry_of, fields_of
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api
from serinus.shell.managed import annotation_value, missing, owns_annotation
from serinus.shell.outcomes import (
    Outcome,
    Result,
    Standing,
    Stored,
    Sweep,
    Wanted,
    ends_the_batch,
    failure,
    refusal,
    standing,
)
from serinus.shell.stamp import Write, annotated, bound, empty

__all__ = ["Applier", "Mark", "Outcome", "Owner", "Result", "Standing", "Stored", "Sweep", "Wanted", "standing"]

_log = logging.getLogger(__name__)
_NO_VERSION = "1"
"""A version that no object has: etcd's first write is its second revision. Whatever is there differs from it."""
_REMEMBERED = 50_000
"""Objects about which is remembered that they were as applied; a cache: losing it costs milliseconds."""


class Applier:
    """Writes what differs. `create_once` kinds are created and never patched."""

    def __init__(self, api: Api, stored: Stored, mark: Mark, *, create_once: Collection[Kind] = ()) -> None:
        self._api = api
        self._stored = stored
        self._mark = mark
        self._create_once = frozenset(create_once)
        self._taken: set[Ref] = set()
        self._seen_as_applied: dict[Ref, tuple[Head, str, Owner | None, Entry]] = {}

    async def apply_all(
        self, owner: Owner | None, wanted: Sequence[Wanted], sweep: Sweep | None = None
    ) -> list[Outcome]:
        """One outcome for each wanted object, in order, then one for each pruned one.

        After an outcome that says nothing of its object alone (no answer, throttled, a newer version) the rest is not
        tried and says so. Raises what the fence raises (NotLeader), and nothing else of the API's.
        """
        outcomes: list[Outcome] = []
        stop = ""
        for item in wanted:
            ref = self._ref(item.child.head)
            if stop:
                outcomes.append(Outcome(ref, Result.UNAVAILABLE, f"not tried after: {stop}", "NotTried"))
                continue
            try:
                outcome = await self._one(ref, owner, item)
            except ApiError as error:
                outcome = failure(ref, error, conditional=item.resource_version is not None)
                stop = outcome.message if ends_the_batch(outcome, error) else ""
            outcomes.append(outcome)
        if sweep is not None and not stop:
            outcomes += await self._prune(owner, {outcome.ref for outcome in outcomes}, sweep)
        return outcomes

    async def _one(self, ref: Ref, owner: Owner | None, item: Wanted) -> Outcome:
        entry = self._stored.get(ref)
        seen = self._seen_as_applied.get(ref)
        if entry is not None and seen is not None and seen[0] is item.child.head and seen[2:] == (owner, entry):
            return _unchanged(ref, entry)
        write = Write.of(ref, owner, item)
        once = ref.kind in self._create_once
        if entry is None and (ref in self._taken or item.resource_version is not None):
            entry = await self._read(ref)
        if entry is None:
            if item.resource_version is not None:
                message = f"{ref.text}: decided on version {item.resource_version}, but it is not there"
                return Outcome(ref, Result.STALE, message, "NotFound")
            made = await (self._create(write) if once else self._first(write))
            if isinstance(made, Outcome):
                return made
            entry = made
        refused = refusal(ref, entry, owner, strict=once)
        if refused is not None:
            return refused
        if once or (seen is not None and seen[1:] == (write.digest, owner, entry)) or self._as_applied(write, entry):
            self._remember(write, entry)
            return _unchanged(ref, entry)
        return await self._again(write, entry, item.resource_version)

    def _as_applied(self, write: Write, entry: Entry) -> bool:
        fields, digest = entry.fields(), write.digest
        if fields is None or not entry.applied.startswith(digest) or not owns_annotation(fields, self._mark.annotation):
            return False
        return entry.applied == annotation_value(digest, missing(write.manifest, fields))

    def _remember(self, write: Write, entry: Entry) -> None:
        """That an object with this entry is as this content wants it: looked at once for each content and entry."""
        if len(self._seen_as_applied) >= _REMEMBERED:
            self._seen_as_applied.clear()
        self._seen_as_applied[write.ref] = (write.head, write.digest, write.owner, entry)

    async def _first(self, write: Write) -> Outcome | Entry:
        """The first write, sent once, at a version that none has: it makes the object or is refused, and changes none.

        A name that is taken gives the entry of what has it, which is looked at before any later write.
        """
        try:
            body = await self._apply(write.ref, self._stamped(write, write.digest), _NO_VERSION, force=False)
        except Conflict:
            self._taken.add(write.ref)
            entry = await self._read(write.ref)
            return entry or await self._unbound(write)
        return await self._settled(write, Result.CREATED, body, before="")

    async def _unbound(self, write: Write) -> Outcome:
        """As `_first`, where nothing is found and yet nothing was made: without force, and taken back if it is met."""
        ref = write.ref
        try:
            body, created = await self._api.apply(self._stamped(write, write.digest), force=False, again=False)
        except Conflict as error:
            message = f"{ref.text} was made by somebody else: {error.message}"
            return Outcome(ref, Result.NAME_CONFLICT, message, error.reason)
        if not created:
            await self._withdraw(ref)
            message = f"{ref.text} was made by somebody else at this moment"
            return Outcome(ref, Result.NAME_CONFLICT, message, "AlreadyExists")
        return await self._settled(write, Result.CREATED, body, before="")

    async def _withdraw(self, ref: Ref) -> None:
        """Give back every field that we share by accident: an apply of nothing but the name."""
        await self._api.apply(empty(ref))

    async def _again(self, write: Write, entry: Entry, resource_version: str | None) -> Outcome:
        stamped = bound(self._stamped(write, write.digest), entry)
        try:
            body = await self._apply(write.ref, stamped, resource_version, force=True)
        except Refused as error:
            if "metadata.uid" not in error.message:
                raise
            # The server says 422 here and 409 where nothing of that name is left: both are news about the object.
            raise Conflict(error.what, error.answer) from error
        return await self._settled(write, Result.APPLIED, body, before=entry.applied)

    async def _settled(self, write: Write, result: Result, body: Object, *, before: str) -> Outcome:
        """Write down what the server did not take over, if anything; learn; log."""
        ref = write.ref
        entry, fields = self._learned(ref, body), fields_of(body, self._mark)
        dropped = missing(write.manifest, fields or {})
        if dropped:
            stamped = bound(self._stamped(write, annotation_value(write.digest, dropped)), entry)
            body = await self._apply(ref, stamped, entry.resource_version, force=True)
            entry = self._learned(ref, body)
        elif fields is not None and entry.applied == write.digest and owns_annotation(fields, self._mark.annotation):
            self._remember(write, entry)
        self._taken.discard(ref)
        _audit(result, ref, entry, before=before, after=entry.applied)
        return Outcome(ref, result, uid=entry.uid, resource_version=entry.resource_version, dropped=dropped)

    async def _apply(self, ref: Ref, manifest: Object, resource_version: str | None, *, force: bool) -> Object:
        """What the server answers, as far as anybody needs it."""
        lean = not self._stored.whole(ref.kind)
        body, _ = await self._api.apply(manifest, force=force, resource_version=resource_version, metadata_only=lean)
        return body

    def _learned(self, ref: Ref, body: Object) -> Entry:
        return self._stored.learn(ref.kind, body) or entry_of(body, self._mark)

    async def _create(self, write: Write) -> Outcome | Entry:
        """Create without a look before: a name that is taken is refused, and looked at first from then on."""
        ref = write.ref
        try:
            body = await self._api.create(write.manifest)
        except Conflict:
            entry = await self._read(ref)
            if entry is None:
                raise
            self._taken.add(ref)
            return entry
        entry = self._learned(ref, body)
        self._taken.discard(ref)
        _audit(Result.CREATED, ref, entry, before="", after=write.digest)
        return Outcome(ref, Result.CREATED, uid=entry.uid, resource_version=entry.resource_version)

    async def _prune(self, owner: Owner | None, wanted: Collection[Ref], sweep: Sweep) -> list[Outcome]:
        outcomes = []
        for kind in sweep.kinds:
            for name, entry in sorted(self._stored.owned(kind, sweep.namespace, sweep.service).items()):
                ref = Ref(kind, sweep.namespace if kind.namespaced else None, name)
                mine = entry.made and standing(entry, owner) is Standing.OURS
                if ref in wanted or entry.deleting or not mine or sweep.keep(ref, entry):
                    continue
                try:
                    outcomes.append(await self._remove(ref, entry))
                except ApiError as error:
                    outcomes.append(failure(ref, error, conditional=False))
        return outcomes

    async def _remove(self, ref: Ref, entry: Entry) -> Outcome:
        self._seen_as_applied.pop(ref, None)
        try:
            body = await self._api.delete(ref, uid=entry.uid)
        except (NotFound, Conflict) as error:
            return Outcome(ref, Result.UNCHANGED, f"{ref.text} is gone already: {error.message}", error.reason)
        if body.get("kind") == "Status":
            self._stored.unlearn(ref, entry.resource_version)
        else:
            self._stored.learn(ref.kind, body)
        _audit(Result.PRUNED, ref, entry, before=entry.applied, after="")
        return Outcome(ref, Result.PRUNED, uid=entry.uid)

    async def _read(self, ref: Ref) -> Entry | None:
        try:
            return entry_of(await self._api.get(ref, metadata_only=True), self._mark)
        except NotFound:
            return None

    def _stamped(self, write: Write, value: str) -> Object:
        return annotated(write.manifest, self._mark.annotation, value)

    def _ref(self, head: Head) -> Ref:
        kind = self._api.kind_of(head.api_version, head.kind)
        return Ref(kind, head.namespace if kind.namespaced else None, head.name)


def _unchanged(ref: Ref, entry: Entry) -> Outcome:
    return Outcome(ref, Result.UNCHANGED, uid=entry.uid, resource_version=entry.resource_version)


def _audit(result: Result, ref: Ref, entry: Entry, *, before: str, after: str) -> None:
    logs.event(
        _log,
        result.value.lower(),
        object=ref.text,
        generation=entry.generation,
        uid=entry.uid,
        before=before,
        after=after,
    )
