"""Which fields this version acts on. A field that restrains a rollout and is not acted on holds every new rollout.

Shrinks with every version; a path that is neither here nor parsed is a defect that a test over the CRD finds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Spec = Mapping[str, Any]
Find = Callable[[Spec], list[str]]
"""Paths of the fields that are set."""


def _field(*keys: str) -> Find:
    def find(spec: Spec) -> list[str]:
        value: Any = spec
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return [] if value in (None, [], {}, False, "None", "") else [".".join(("spec", *keys))]

    return find


def _outputs(spec: Spec) -> list[str]:
    found = (spec.get("monitoring") or {}).get("outputs") or {}
    return [f"spec.monitoring.outputs.{k}" for k, v in found.items() if k not in _ACTED_ON and v not in (None, False)]


_ACTED_ON: Final = frozenset(
    {"dashboard", "promtail", "lokiRules", "alertmanagerConfig", "traces", "networkPolicy", "cilium", "tetragon"}
)
"""Switches of spec.monitoring.outputs that this version acts on."""

RESTRAINING: Final[Mapping[str, Find]] = {
    "spec.workloadRef": _field("workloadRef"),
    "spec.traffic.gateway": _field("traffic", "gateway"),
    "spec.rollout.approval": _field("rollout", "approval"),
    "spec.gates.metrics": _field("gates", "metrics"),
}
"""Fields that restrain a rollout, as the reference names them, and where they are set."""
IGNORED: Final[Mapping[str, Find]] = {
    "spec.workload.restartAt": _field("workload", "restartAt"),
    "spec.monitoring.outputs": _outputs,
}
"""Fields that restrain nothing, as the reference names them, and where they are set."""


def restraining_fields(spec: Spec) -> tuple[str, ...]:
    """Paths of set fields that restrain a rollout and that this version cannot act on."""
    return tuple(path for find in RESTRAINING.values() for path in find(spec))


def ignored_fields(spec: Spec) -> tuple[str, ...]:
    """Paths of set fields that restrain nothing and that this version does not act on yet."""
    return tuple(path for find in IGNORED.values() for path in find(spec))
