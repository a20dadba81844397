"""The status of a service whose spec cannot be acted on. A view: what was true of the last valid spec stays."""

from typing import Final

from serinus.core.conditions import Condition, merge
from serinus.core.model import Manifest

_MAX_MESSAGE: Final = 2000
_TOLD: Final = ("Reconciling", "SpecValid", "Stalled")
_GOES_ON: Final = ("step", "rollout", "rejected", "until", "stable", "canary", "replicas", "readyReplicas", "selector")
"""What the rollout that is taken back still changes."""


def invalid(previous: Manifest, text: str, generation: int, at: str) -> Manifest:
    """Say what is wrong; everything else stays as it was. `text` begins with the field's path."""
    fresh = [
        Condition("SpecValid", "False", "InvalidSpec", text),
        Condition("Stalled", "True", "InvalidSpec", text),
        Condition("Reconciling", "False", "InvalidSpec"),
    ]
    before = previous.get("conditions") or []
    kept = [c for c in before if c.get("type") not in _TOLD]
    return {
        **previous,
        "observedGeneration": generation,
        "phase": "Invalid",
        "message": text[:_MAX_MESSAGE],
        "conditions": _sorted([*kept, *merge(fresh, before, generation, at)]),
    }


def withdrawn(built: Manifest, previous: Manifest, text: str, at: str) -> Manifest:
    """Join what goes on while the spec is invalid with what was true before: `built` is the status without the spec."""
    told = invalid(previous, text, built["observedGeneration"], at)
    shown = {k: v for k, v in told.items() if k not in _GOES_ON} | {k: built[k] for k in _GOES_ON if k in built}
    fresh = {c["type"]: c for c in built["conditions"]}
    known = {c["type"] for c in told["conditions"]}
    conditions = [fresh[c["type"]] if c["type"] in ("Held", "Ready") else c for c in told["conditions"]]
    # After a loss of status nothing is known of before.
    conditions += [c for kind, c in fresh.items() if kind not in known]
    return {**built, **shown, "message": built["message"], "conditions": _sorted(conditions)}


def _sorted(conditions: list[Manifest]) -> list[Manifest]:
    return sorted(conditions, key=lambda c: str(c["type"]))
