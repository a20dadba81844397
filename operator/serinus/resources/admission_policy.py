"""The admission rules for clusters without Kyverno: one static ValidatingAdmissionPolicy, parameters for each service.

The chart installs the policy and its bindings, generated from here; the operator writes the ConfigMaps alone.
"""

from collections.abc import Iterable
from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.policies import PolicyAction, Rule
from serinus.core.policy_rules import (
    CALLER_VALIDATIONS,
    CALLER_VARIABLES,
    MANAGED,
    PODS,
    VALIDATIONS,
    VARIABLES,
    Matched,
    Validation,
    Variable,
    guarded,
    told,
)
from serinus.core.seen import Outcome
from serinus.resources.context import Context

NOTE: Final = "judged by the chart's ValidatingAdmissionPolicy"
_LIST: Final = "params.data.{}.split(',').filter(word, word != '')"
_PARAMETERS: Final = (
    Variable(name="service", expression="params.data.service"),
    Variable(name="operator", expression="params.data.operator"),
    Variable(name="proven", expression=_LIST.format("proven")),
    Variable(name="require", expression=_LIST.format("require")),
)
_ACTIONS: Final = {PolicyAction.AUDIT: ["Warn", "Audit"], PolicyAction.DENY: ["Deny"]}


def build(context: Context) -> list[Manifest]:
    """Build the ConfigMap that the chart's policy reads, if that is installed and a rule is asked for."""
    service = context.service
    rules = required(context)
    if not context.settings.admission_policy or not rules:
        return []
    action = service.monitoring.policies.action
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": naming.policy(service.name),
                "namespace": service.namespace,
                "labels": naming.app_labels(service.name) | {naming.LABEL_POLICY: str(action)},
            },
            "data": {
                "service": service.name,
                "operator": context.settings.user,
                "proven": ",".join(proven(context)),
                "require": ",".join(rules),
            },
        }
    ]


def required(context: Context) -> tuple[Rule, ...]:
    """The rules that can be judged of those asked for: who writes is known only with the operator's own user."""
    asked = context.service.monitoring.policies.require
    return tuple(rule for rule in asked if rule is not Rule.MANAGED_OBJECTS or context.settings.user)


def unjudged(context: Context) -> str:
    """Which of the rules that are asked for cannot be judged, and why; empty if all can."""
    missing = [rule for rule in context.service.monitoring.policies.require if rule not in required(context)]
    return f"{missing[0]} is not judged: the operator's setting user is empty" if missing else ""


def proven(context: Context) -> tuple[str, ...]:
    """Revisions that may stand in front of users: recorded as such, serving, or let in by the rollout right now."""
    let_in = (name for name, wanted in context.arrangement.sets.items() if wanted.live)
    recorded = (r.name for r in context.revisions if r.outcome in (Outcome.PROVEN, Outcome.SERVED))
    return tuple(sorted({context.state.stable, *let_in, *recorded} - {""}))


def build_policy(name: str) -> list[Manifest]:
    """The static policy and its two bindings, one for each action; parameters choose their binding by a label."""
    policy: Manifest = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {
                "objectSelector": {"matchExpressions": [{"key": naming.LABEL_SERVICE, "operator": "Exists"}]},
                "resourceRules": resource_rules((PODS, *MANAGED)),
            },
            "variables": variables((*_PARAMETERS, *VARIABLES, *CALLER_VARIABLES)),
            "validations": validations((*VALIDATIONS, *CALLER_VALIDATIONS)),
        },
    }
    return [policy, *(_binding(name, action) for action in PolicyAction)]


def _binding(policy: str, action: PolicyAction) -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": f"{policy}-{action.lower()}"},
        "spec": {
            "policyName": policy,
            "validationActions": _ACTIONS[action],
            "paramRef": {
                "selector": {"matchLabels": {naming.LABEL_POLICY: str(action)}},
                "parameterNotFoundAction": "Allow",
            },
        },
    }


def resource_rules(matched: Iterable[Matched]) -> list[Manifest]:
    """What is looked at, without subresources."""
    return [
        {
            "apiGroups": [m.group],
            "apiVersions": [m.version],
            "operations": list(m.operations),
            "resources": list(m.resources),
        }
        for m in matched
    ]


def variables(found: Iterable[Variable]) -> list[Manifest]:
    """Variables as both engines write them."""
    return [{"name": v.name, "expression": v.expression} for v in found]


def validations(found: Iterable[Validation]) -> list[Manifest]:
    """Rules as both engines write them."""
    return [
        {"expression": guarded(v), "message": f"{v.rule}: {v.message}", "messageExpression": told(v)} for v in found
    ]
