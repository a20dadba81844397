"""The admission rules of a service as Kyverno's policies of its namespace, from the same CEL as the chart's policy.

Two objects: Kyverno also scans what exists already, and such a scan knows no caller, whom the second one is about.
"""

from collections.abc import Sequence
from typing import Final

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.policy_rules import (
    CALLER_VALIDATIONS,
    CALLER_VARIABLES,
    MANAGED,
    PODS,
    SERVICES,
    VALIDATIONS,
    VARIABLES,
    Matched,
    Validation,
    Variable,
    literal,
    literals,
)
from serinus.resources.admission_policy import proven, required, resource_rules, validations, variables
from serinus.resources.context import Context

API_VERSION: Final = "policies.kyverno.io/v1"
KIND: Final = "NamespacedValidatingPolicy"


def build(context: Context) -> list[Manifest]:
    """Build the policies with the rules that are asked for; none, if none is."""
    rules = required(context)
    content = [v for v in VALIDATIONS if v.rule in rules]
    callers = [v for v in CALLER_VALIDATIONS if v.rule in rules]
    service = context.service.name
    built = []
    if content:
        built.append(_policy(context, naming.policy(service), (PODS, SERVICES), (VARIABLES, content)))
    if callers:
        shared = (*VARIABLES, *CALLER_VARIABLES)
        built.append(_policy(context, naming.managed_policy(service), (PODS, *MANAGED), (shared, callers)))
    return built


def _policy(
    context: Context,
    name: str,
    matched: Sequence[Matched],
    rules: tuple[Sequence[Variable], Sequence[Validation]],
) -> Manifest:
    service = context.service
    shared, found = rules
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": service.namespace, "labels": naming.app_labels(service.name)},
        "spec": {
            "validationActions": [str(service.monitoring.policies.action)],
            # A Kyverno that is down must not keep pods from being replaced.
            "failurePolicy": "Ignore",
            "evaluation": {"background": {"enabled": name == naming.policy(service.name)}},
            "matchConstraints": {
                "objectSelector": {"matchLabels": {naming.LABEL_SERVICE: service.name}},
                "resourceRules": resource_rules(matched),
            },
            "variables": variables((*_parameters(context), *shared)),
            "validations": validations(found),
        },
    }


def _parameters(context: Context) -> tuple[Variable, ...]:
    """What the chart's policy reads from a ConfigMap, as constants: checked letters and digits, no free text."""
    return (
        Variable(name="service", expression=literal(context.service.name)),
        Variable(name="operator", expression=literal(context.settings.user)),
        Variable(name="proven", expression=literals(proven(context))),
        Variable(name="require", expression=literals(tuple(str(rule) for rule in required(context)))),
    )
