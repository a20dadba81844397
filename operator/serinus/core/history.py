"""Which revisions are kept: that of the spec, those in use, and the newest others up to `historyLimit`."""

from serinus.core import memory
from serinus.core.revision import Revision
from serinus.core.seen import RevisionSeen, Snapshot


def kept_revisions(snapshot: Snapshot, target: Revision, *, limit: int) -> tuple[RevisionSeen, ...]:
    """Return the kept revisions by number; that of the spec joins with the next number if it is new.

    A revision that still has pods, or that status or the Service `<name>-stable` names, is never evicted.
    """
    # A record without a hash was made again from a ReplicaSet: what the spec says of it is more exact.
    known = [r for r in snapshot.revisions if r.name != target.name or r.sha256]
    if all(r.name != target.name for r in known):
        number = 1 + max((r.number for r in known), default=0)
        known.append(
            RevisionSeen(name=target.name, sha256=target.sha256, number=number, outcome=None, data=target.data)
        )
    used = _used(snapshot) | {target.name}
    idle = sorted((r for r in known if r.name not in used), key=lambda r: -r.number)
    kept = used | {r.name for r in idle[:limit]}
    return tuple(sorted((r for r in known if r.name in kept), key=lambda r: r.number))


def _used(snapshot: Snapshot) -> set[str]:
    remembered = memory.named(snapshot.body.get("status") or {})
    named = {*remembered, snapshot.stable_selector}
    scaled = {s.revision for s in snapshot.sets if s.replicas}
    return (named | scaled | {p.revision for p in snapshot.pods}) - {""}
