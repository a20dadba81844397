"""The one writer of children: server-side apply with one field manager, create-once, prune.

`managed.py` says how it knows that nothing has to be written. It decides nothing about what is wanted, and never takes
over what is not ours.
"""

import logging
from collections.abc import Collection, Sequence

from serinus.shell import logs
from serinus.shell.api_errors import ApiError, Conflict, NotFound, Refused
from serinus.shell.entry import Entry, Mark, Owner, entry_of
from serinus.shell.kinds import Kind, Object, Ref
from serinus.shell.kube import Api
from serinus.shell.managed import annotation_value, manifest_hash, missing, owns_annotation
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
from serinus.shell.stamp import annotated, bound, empty, owned_by

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
        self._compared: dict[Ref, tuple[str, str, bytes]] = {}

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
            ref = self._api.ref_of(item.manifest)
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
        once = ref.kind in self._create_once
        manifest = owned_by(owner, item.manifest)
        entry = self._stored.get(ref)
        if entry is None and (ref in self._taken or item.resource_version is not None):
            entry = await self._read(ref)
        if entry is None:
            if item.resource_version is not None:
                message = f"{ref.text}: decided on version {item.resource_version}, but it is not there"
                return Outcome(ref, Result.STALE, message, "NotFound")
            made = await (self._create(ref, manifest) if once else self._first(ref, manifest))
            if isinstance(made, Outcome):
                return made
            entry = made
        refused = refusal(ref, entry, owner, strict=once)
        if refused is not None:
            return refused
        digest = manifest_hash(manifest)
        if once or self._known_as_applied(ref, manifest, digest, entry):
            return _unchanged(ref, entry)
        return await self._again(ref, item, manifest, digest, entry)

    def _known_as_applied(self, ref: Ref, manifest: Object, digest: str, entry: Entry) -> bool:
        """As `_as_applied`, looked at once for each manifest, annotation and field set."""
        question = (digest, entry.applied, entry.ours)
        if self._compared.get(ref) == question:
            return True
        if not self._as_applied(manifest, digest, entry):
            return False
        if len(self._compared) >= _REMEMBERED:
            self._compared.clear()
        self._compared[ref] = question
        return True

    def _as_applied(self, manifest: Object, digest: str, entry: Entry) -> bool:
        fields = entry.fields()
        if fields is None or not entry.applied.startswith(digest) or not owns_annotation(fields, self._mark.annotation):
            return False
        return entry.applied == annotation_value(digest, missing(manifest, fields))

    async def _first(self, ref: Ref, manifest: Object) -> Outcome | Entry:
        """The first write, sent once, at a version that none has: it makes the object or is refused, and changes none.

        A name that is taken gives the entry of what has it, which is looked at before any later write.
        """
        digest = manifest_hash(manifest)
        try:
            body, _ = await self._api.apply(self._stamped(manifest, digest), resource_version=_NO_VERSION)
        except Conflict:
            self._taken.add(ref)
            entry = await self._read(ref)
            return entry or await self._unbound(ref, manifest, digest)
        return await self._settled(ref, Result.CREATED, (manifest, digest), body, before="")

    async def _unbound(self, ref: Ref, manifest: Object, digest: str) -> Outcome:
        """As `_first`, where nothing is found and yet nothing was made: without force, and taken back if it is met."""
        stamped = self._stamped(manifest, digest)
        try:
            body, created = await self._api.apply(stamped, force=False, again=False)
        except Conflict as error:
            message = f"{ref.text} was made by somebody else: {error.message}"
            return Outcome(ref, Result.NAME_CONFLICT, message, error.reason)
        if not created:
            await self._withdraw(ref)
            message = f"{ref.text} was made by somebody else at this moment"
            return Outcome(ref, Result.NAME_CONFLICT, message, "AlreadyExists")
        return await self._settled(ref, Result.CREATED, (manifest, digest), body, before="")

    async def _withdraw(self, ref: Ref) -> None:
        """Give back every field that we share by accident: an apply of nothing but the name."""
        await self._api.apply(empty(ref))

    async def _again(self, ref: Ref, item: Wanted, manifest: Object, digest: str, entry: Entry) -> Outcome:
        stamped = bound(self._stamped(manifest, digest), entry)
        try:
            body, _ = await self._api.apply(stamped, force=True, resource_version=item.resource_version)
        except Refused as error:
            if "metadata.uid" not in error.message:
                raise
            # The server says 422 here and 409 where nothing of that name is left: both are news about the object.
            raise Conflict(error.what, error.answer) from error
        return await self._settled(ref, Result.APPLIED, (manifest, digest), body, before=entry.applied)

    async def _settled(
        self, ref: Ref, result: Result, written: tuple[Object, str], body: Object, *, before: str
    ) -> Outcome:
        """Write down what the server did not take over, if anything; log; learn."""
        manifest, digest = written
        entry = entry_of(body, self._mark)
        dropped = missing(manifest, entry.fields() or {})
        if dropped:
            value = annotation_value(digest, dropped)
            stamped = bound(self._stamped(manifest, value), entry)
            body, _ = await self._api.apply(stamped, force=True, resource_version=entry.resource_version)
            entry = entry_of(body, self._mark)
        self._stored.learn(ref.kind, body)
        self._taken.discard(ref)
        _audit(result, ref, entry, before=before, after=entry.applied)
        return Outcome(ref, result, uid=entry.uid, resource_version=entry.resource_version, dropped=dropped)

    async def _create(self, ref: Ref, manifest: Object) -> Outcome | Entry:
        """Create without a look before: a name that is taken is refused, and looked at first from then on."""
        try:
            body = await self._api.create(manifest)
        except Conflict:
            entry = await self._read(ref)
            if entry is None:
                raise
            self._taken.add(ref)
            return entry
        entry = entry_of(body, self._mark)
        self._taken.discard(ref)
        self._stored.learn(ref.kind, body)
        _audit(Result.CREATED, ref, entry, before="", after=manifest_hash(manifest))
        return Outcome(ref, Result.CREATED, uid=entry.uid, resource_version=entry.resource_version)

    async def _prune(self, owner: Owner | None, wanted: Collection[Ref], sweep: Sweep) -> list[Outcome]:
        outcomes = []
        for kind in sorted(sweep.kinds, key=lambda kind: kind.resource):
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
        self._compared.pop(ref, None)
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

    def _stamped(self, manifest: Object, value: str) -> Object:
        return annotated(manifest, self._mark.annotation, value)


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
