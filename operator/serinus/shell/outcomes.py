"""What is asked of the applier and what it answers: manifests wanted, what may be pruned, one outcome an object.

It also says whose an object is. It calls nothing.
"""

import enum
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol, Self

from serinus.core.child import Child, child_of
from serinus.shell.api_errors import ApiError, Conflict, NotFound, Refused, Unavailable
from serinus.shell.entry import Entry, Owner
from serinus.shell.kinds import Kind, Object, Ref

NEVER_PRUNED = frozenset({("", "pods"), ("batch", "jobs")})


class Result(enum.Enum):
    """What became of one object. The last four are failures."""

    CREATED = "Created"
    APPLIED = "Applied"
    UNCHANGED = "Unchanged"
    PRUNED = "Pruned"
    NAME_CONFLICT = "NameConflict"
    REFUSED = "Refused"
    STALE = "Stale"
    UNAVAILABLE = "Unavailable"


_WRITTEN = frozenset({Result.CREATED, Result.APPLIED, Result.PRUNED})
_FAILED = frozenset({Result.NAME_CONFLICT, Result.REFUSED, Result.STALE, Result.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one object, why, and its uid and version after it (empty if unknown).

    `dropped`: fields of the manifest that the server did not take. `retry_after`: seconds, if the server named them.
    """

    ref: Ref
    result: Result
    message: str = ""
    reason: str = ""
    uid: str = ""
    resource_version: str = ""
    dropped: tuple[str, ...] = ()
    retry_after: float | None = None

    @property
    def wrote(self) -> bool:
        """Something was changed in the cluster."""
        return self.result in _WRITTEN

    @property
    def failed(self) -> bool:
        """The object is not as wanted."""
        return self.result in _FAILED


@dataclass(frozen=True, slots=True)
class Wanted:
    """One child. With `resource_version` it is written only if the object is still at that version."""

    child: Child
    resource_version: str | None = None

    @classmethod
    def of(cls, manifest: Object, *, resource_version: str | None = None) -> Self:
        """A finished manifest, of which nothing is known from before."""
        return cls(child_of(manifest), resource_version)


def _keep_nothing(_ref: Ref, _entry: Entry) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Sweep:
    """What may be pruned: our objects of these kinds whose index label has this value, but for those to `keep`."""

    namespace: str | None
    service: str
    kinds: Collection[Kind]
    keep: Callable[[Ref, Entry], bool] = field(default=_keep_nothing)

    def __post_init__(self) -> None:
        never = [kind.resource for kind in self.kinds if (kind.group, kind.plural) in NEVER_PRUNED]
        if never:
            raise ValueError(f"kinds to prune: found {never}; allowed: anything but pods and jobs")


class Stored(Protocol):
    """What the applier asks the watches (`Watches` is one)."""

    def covers(self, kind: Kind, namespace: str | None) -> bool:
        """What follows is the whole truth for this kind and namespace."""

    def whole(self, kind: Kind) -> bool:
        """More of an object is kept than its metadata."""

    def get(self, ref: Ref) -> Entry | None:
        """An object's metadata."""

    def owned(self, kind: Kind, namespace: str | None, value: str) -> dict[str, Entry]:
        """Objects by name whose index label has this value."""

    def learn(self, kind: Kind, body: Object) -> Entry | None:
        """Our own write's answer; its entry, if the kind is watched."""

    def unlearn(self, ref: Ref, resource_version: str) -> None:
        """Our own deletion."""


class Standing(enum.Enum):
    """Whose an object is: ours, of an earlier owner of that name (on its way out), or somebody else's."""

    OURS = "ours"
    LEAVING = "leaving"
    FOREIGN = "foreign"


def standing(entry: Entry, owner: Owner | None, *, strict: bool = False) -> Standing:
    """Whose an object is, by its owner references and by who made it; `strict` asks for both."""
    uids = {other.uid for other in entry.owners}
    owned = owner is not None and owner.uid in uids
    if owner is not None and not owned:
        if any((other.kind, other.name) == (owner.kind, owner.name) for other in entry.owners):
            return Standing.LEAVING
        if strict or any(other.kind == owner.kind for other in entry.owners):
            return Standing.FOREIGN  # what we made for another owner of the kind is not this one's
    ours = entry.made if strict else owned or entry.made
    return Standing.OURS if ours else Standing.FOREIGN


def refusal(ref: Ref, entry: Entry, owner: Owner | None, *, strict: bool) -> Outcome | None:
    """Why an object that exists may not be written, if so."""
    match standing(entry, owner, strict=strict):
        case Standing.FOREIGN:
            owners = ", ".join(f"{other.kind} {other.name}" for other in entry.owners) or "nobody that it names"
            return Outcome(
                ref, Result.NAME_CONFLICT, f"{ref.text} exists and belongs to {owners}", "NotOurs", entry.uid
            )
        case Standing.LEAVING:
            message = f"{ref.text} belongs to an earlier {owner.kind if owner else ''} of this name and has yet to go"
            return Outcome(ref, Result.UNAVAILABLE, message, "Leaving", entry.uid)
        case Standing.OURS:
            if entry.deleting:
                return Outcome(ref, Result.UNAVAILABLE, f"{ref.text} is being deleted", "Deleting", entry.uid)
            return None


def failure(ref: Ref, error: ApiError, *, conditional: bool) -> Outcome:
    """The outcome of a call that failed; `conditional`: it was bound to a version of the object."""
    match error:
        case Unavailable():
            return Outcome(ref, Result.UNAVAILABLE, str(error), error.reason, retry_after=error.retry_after)
        case Refused():
            return Outcome(ref, Result.REFUSED, error.message, error.reason)
        case Conflict() | NotFound() if conditional:
            return Outcome(ref, Result.STALE, str(error), error.reason)
        case _:
            return Outcome(ref, Result.UNAVAILABLE, str(error), error.reason)


def ends_the_batch(outcome: Outcome, error: ApiError) -> bool:
    """The failure says nothing of this object alone, so the next one need not be tried."""
    alone = isinstance(error, Unavailable) and error.answered
    return outcome.result is Result.STALE or (isinstance(error, Unavailable) and not alone)
