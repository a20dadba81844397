"""Which fields this version acts on. A field that restrains a rollout and is not acted on holds every new rollout.

Shrinks with every version; a path that is neither here nor parsed is a defect that a test over the CRD finds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Spec = Mapping[str, Any]


def _set(*keys: str) -> Callable[[Spec], bool]:
    def check(spec: Spec) -> bool:
        value: Any = spec
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value not in (None, [], {}, False, "None", "")

    return check


def _any_gate(key: str, *, other_than: object = None) -> Callable[[Spec], bool]:
    def check(spec: Spec) -> bool:
        gates = (spec.get("gates") or {}).get("quality") or []
        return any(g.get(key) not in (None, [], other_than) for g in gates if isinstance(g, Mapping))

    return check


_RESTRAINING: Final[Mapping[str, Callable[[Spec], bool]]] = {
    "spec.workloadRef": _set("workloadRef"),
    "spec.traffic.gateway": _set("traffic", "gateway"),
    "spec.rollout.approval": _set("rollout", "approval"),
    "spec.gates.metrics": _set("gates", "metrics"),
    "spec.gates.quality[*].compare": _any_gate("compare", other_than="Pass"),
    "spec.gates.quality[*].metrics": _any_gate("metrics"),
}
_IGNORED: Final[Mapping[str, Callable[[Spec], bool]]] = {
    "spec.workload.restartAt": _set("workload", "restartAt"),
    "spec.gates.quality[*].every": _any_gate("every"),
    "spec.slos": _set("slos"),
    "spec.monitoring.logs": _set("monitoring", "logs"),
    "spec.monitoring.policies": _set("monitoring", "policies"),
    "spec.monitoring.outputs": _set("monitoring", "outputs"),
    "spec.signals": _set("signals"),
}


def restraining_fields(spec: Spec) -> tuple[str, ...]:
    """Paths of set fields that restrain a rollout and that this version cannot act on."""
    return tuple(path for path, is_set in _RESTRAINING.items() if is_set(spec))


def ignored_fields(spec: Spec) -> tuple[str, ...]:
    """Paths of set fields that restrain nothing and that this version does not act on yet."""
    return tuple(path for path, is_set in _IGNORED.items() if is_set(spec))
