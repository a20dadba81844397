"""The condition PoliciesReady: whether anything judges what spec.monitoring.policies asks for. It applies nothing."""

from collections.abc import Sequence
from typing import Final, Protocol

from serinus.core import naming
from serinus.core.conditions import Condition
from serinus.core.policies import Policies

_NOBODY: Final = (
    "nothing judges spec.monitoring.policies: neither policies.kyverno.io/v1 nor the chart's "
    "ValidatingAdmissionPolicy (admissionPolicy.enabled, cluster-wide installations) is installed; "
    "require: [] asks for none"
)


class Shown(Protocol):
    """An output as status shows it."""

    @property
    def kind(self) -> str:
        """Kind of the object."""

    @property
    def name(self) -> str:
        """Name of the object."""

    @property
    def state(self) -> str:
        """Applied, Skipped or Failed."""

    @property
    def reason(self) -> str:
        """Why, in CamelCase."""

    @property
    def message(self) -> str:
        """Why, for people."""


def is_policy(output: Shown) -> bool:
    """Whether an output carries admission rules or their parameters."""
    parameters = output.kind == "ConfigMap" and output.name.endswith(naming.POLICY_SUFFIX)
    return parameters or output.kind == "NamespacedValidatingPolicy"


def policies_ready(policies: Policies, outputs: Sequence[Shown], unjudged: str) -> Condition:
    """The condition; `unjudged` says which of the rules that are asked for cannot be judged, and why."""
    if not policies.require:
        return Condition("PoliciesReady", "True", "NothingRequired", "spec.monitoring.policies.require is empty")
    found = [o for o in outputs if is_policy(o)]
    failed = [f"{o.kind} {o.name}: {o.message or o.reason}" for o in found if o.state == "Failed"]
    if failed:
        return Condition("PoliciesReady", "False", "NotAsSpecified", "; ".join(failed))
    if found and not any(o.state == "Applied" for o in found):
        return Condition("PoliciesReady", "False", "ApiNotInstalled", _NOBODY)
    if unjudged:
        return Condition("PoliciesReady", "False", "NotAsSpecified", unjudged)
    if not found:
        return Condition("PoliciesReady", "Unknown", "NotYet", "no policy has been written yet")
    return Condition("PoliciesReady", "True", "Generated", f"violations: {policies.action}")
