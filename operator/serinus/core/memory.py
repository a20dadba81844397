"""A rollout's State in `status.rollout` and back. Without status, the state is found again from the world."""

from collections.abc import Collection, Sequence
from typing import Any

from serinus.core.model import Manifest
from serinus.core.rollout import MAX_TEXT, Hold, Stage, State
from serinus.core.seen import Outcome, RevisionSeen
from serinus.core.views import seconds, timestamp

_SERVED = (Outcome.PROVEN, Outcome.SERVED)


def dump(state: State) -> Manifest:
    """Write a State as `status.rollout`; values that are not set are left out."""
    intent: Manifest = {
        "stable": state.stable,
        "firstAttempt": state.first_attempt,
        "retryAt": timestamp(state.retry_at) if state.retry_at else "",
        "reason": state.reason,
        "detail": state.detail[:MAX_TEXT],
        "run": state.run,
        "acted": state.acted,
        "parked": state.parked,
        "promoted": state.promoted,
        "floorOnly": state.floor_only,
        "advice": state.advice,
    }
    written: Manifest = {
        "stage": str(state.stage),
        "step": state.step,
        "attempt": state.attempt,
        "brokenRetries": state.retries,
        "since": timestamp(state.since),
        "intent": {k: v for k, v in intent.items() if v not in ("", False)},
    }
    if state.revision:
        written["revision"] = state.revision
    if state.held:
        written["held"] = _held(state.held)
    return written


def _held(hold: Hold) -> Manifest:
    written = {"reason": hold.reason, "message": hold.message[:MAX_TEXT], "object": hold.object}
    return {k: v for k, v in written.items() if v or k != "object"}


def obstacle(status: Manifest) -> Hold | None:
    """Read back what the last writes met: it holds until writes meet nothing."""
    raw = status.get("rollout")
    held = _object(raw.get("held")) if isinstance(raw, dict) else {}
    return _hold(held) if held.get("object") else None


def _hold(held: Manifest) -> Hold:
    return Hold(reason=_text(held.get("reason")), message=_text(held.get("message")), object=_text(held.get("object")))


def load(
    status: Manifest, revisions: Sequence[RevisionSeen], *, stable_selector: str, live: Collection[str] = ()
) -> State:
    """Read the State back. If it is lost, damaged or names an unknown revision, it is derived from what is proven.

    `live`: the revisions whose pods users may reach.
    """
    raw = status.get("rollout")
    known = {r.name: r for r in revisions}
    if isinstance(raw, dict) and raw.get("stage") in tuple(Stage):
        state = _read(raw)
        if all(name in known for name in (state.revision, state.stable) if name):
            return state
    return _derived(known, _serving(known, stable_selector), live)


def _derived(known: dict[str, RevisionSeen], stable: str, live: Collection[str]) -> State:
    """Derive the state from the world: what serves besides stable goes back pod by pod, for stable may have none."""
    besides = [known[name] for name in live if name in known and name != stable] if stable else []
    if not besides:
        return State(stable=stable)
    newest = max(besides, key=lambda r: r.number).name
    detail = "The status was lost in the middle of its rollout; users go back to the stable revision."
    return State(stage=Stage.ABORTING, revision=newest, stable=stable, promoted=True, detail=detail)


def named(status: Manifest) -> set[str]:
    """The revisions that status speaks of, whether they are on record or not."""
    raw = status.get("rollout")
    state = _read(raw) if isinstance(raw, dict) and raw.get("stage") in tuple(Stage) else State()
    return {state.revision, state.stable} - {""}


def _serving(known: dict[str, RevisionSeen], selector: str) -> str:
    """Find the stable revision: what `<name>-stable` selects if it is on record, else the newest proven one."""
    if selector in known and known[selector].outcome in _SERVED:
        return selector
    proven = [r for r in known.values() if r.outcome in _SERVED]
    return max(proven, key=lambda r: r.number).name if proven else ""


def _read(raw: Manifest) -> State:
    intent, held = _object(raw.get("intent")), _object(raw.get("held"))
    return State(
        stage=Stage(raw["stage"]),
        revision=_text(raw.get("revision")),
        step=_count(raw.get("step")),
        attempt=_count(raw.get("attempt")),
        first_attempt=_count(intent.get("firstAttempt")),
        retries=_count(raw.get("brokenRetries")),
        since=int(seconds(raw.get("since"))),
        retry_at=int(seconds(intent.get("retryAt"))),
        held=_hold(held) if held else None,
        stable=_text(intent.get("stable")),
        reason=_text(intent.get("reason")),
        detail=_text(intent.get("detail")),
        run=_text(intent.get("run")),
        acted=_text(intent.get("acted")),
        parked=intent.get("parked") is True,
        promoted=intent.get("promoted") is True,
        floor_only=intent.get("floorOnly") is True,
        advice=intent.get("advice") is True,
    )


def _object(value: Any) -> Manifest:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
