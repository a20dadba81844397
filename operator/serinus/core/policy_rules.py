"""The admission rules of a service, in CEL: the one source of the Kyverno policies and of the chart's own policy.

Texts are fixed. What differs between services reaches them as variables alone: `service`, `operator`, `proven` and
`require`. It makes no object, and knows of no engine.
"""

import re
from dataclasses import dataclass
from typing import Final

from serinus.core import naming
from serinus.core.policies import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A named CEL expression that later ones and the rules refer to as `variables.<name>`."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One rule: what must hold; what is allowed, as a fixed text; CEL that says what was found."""

    rule: Rule
    expression: str
    message: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Resources of one API group that a rule looks at, without subresources, and on which writes."""

    group: str
    version: str
    resources: tuple[str, ...]
    operations: tuple[str, ...] = ("CREATE", "UPDATE")


_EVERY: Final = ("CREATE", "UPDATE", "DELETE")
PODS: Final = Matched(group="", version="v1", resources=("pods",))
SERVICES: Final = Matched(group="", version="v1", resources=("services",))
MANAGED: Final = (
    Matched(group="", version="v1", resources=("configmaps", "services"), operations=_EVERY),
    Matched(group="apps", version="v1", resources=("controllerrevisions", "replicasets"), operations=_EVERY),
    Matched(group="batch", version="v1", resources=("jobs",), operations=_EVERY),
    Matched(group="policy", version="v1", resources=("poddisruptionbudgets",), operations=_EVERY),
    Matched(group="networking.k8s.io", version="v1", resources=("networkpolicies",), operations=_EVERY),
    Matched(
        group="monitoring.coreos.com",
        version="v1",
        resources=("prometheusrules", "servicemonitors"),
        operations=_EVERY,
    ),
    Matched(group="monitoring.grafana.com", version="v1alpha2", resources=("podlogs",), operations=_EVERY),
    Matched(group="cilium.io", version="v2", resources=("ciliumnetworkpolicies",), operations=_EVERY),
    Matched(group="cilium.io", version="v1alpha1", resources=("tracingpoliciesnamespaced",), operations=_EVERY),
)
"""What Serinus generates for a service and nobody else has to write."""

_SYSTEM_USERS: Final = ("system:apiserver", "system:kube-controller-manager", "system:kube-scheduler")
_SYSTEM_ACCOUNTS: Final = "system:serviceaccount:kube-system:"
_NODES: Final = "system:nodes"
_FIXED_LABELS: Final = (
    naming.LABEL_SERVICE,
    naming.LABEL_REVISION,
    naming.LABEL_TRAFFIC,
    naming.LABEL_DRAIN,
    naming.LABEL_OUTCOME,
    naming.LABEL_METRICS,
    naming.LABEL_POLICY,
    naming.LABEL_MANAGED_BY,
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:@/-]*")


def literal(text: str) -> str:
    """A text as CEL writes it. Only letters, digits and `._:@/-` are taken: ValueError for anything else."""
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"a text for a policy: found {text!r}, allowed are letters, digits and ._:@/-")
    return f"'{text}'"


def literals(texts: tuple[str, ...]) -> str:
    """A list of texts as CEL writes it; ValueError as `literal`."""
    return f"[{', '.join(literal(text) for text in texts)}]"


def _label(of: str, key: str) -> str:
    return f"variables.{of}[?{literal(key)}].orValue('')"


_REVISION: Final = _label("now", naming.LABEL_REVISION)
_SELECTED: Final = f"variables.spec.?selector[?{literal(naming.LABEL_REVISION)}].orValue('none')"
_SAME_PLACE: Final = (
    f"{literals((naming.LABEL_SERVICE, naming.LABEL_TRAFFIC, naming.LABEL_REVISION))}"
    ".all(k, variables.now[?k] == variables.before[?k])"
)
_OF_POD: Final = "variables.spec.?securityContext"
_NON_ROOT: Final = f"c.?securityContext.?runAsNonRoot.or({_OF_POD}.?runAsNonRoot).orValue(false)"
_USER: Final = f"c.?securityContext.?runAsUser.or({_OF_POD}.?runAsUser)"

VARIABLES: Final = (
    # Without types: Kubernetes' own check of a policy would miss fields of one kind in another. What is not there is
    # null to Kubernetes, and empty to Kyverno.
    Variable(name="thing", expression="object == null ? {} : dyn(object)"),
    Variable(name="former", expression="oldObject == null ? {} : dyn(oldObject)"),
    Variable(name="stays", expression="has(variables.thing.metadata)"),
    Variable(name="fresh", expression="!has(variables.former.metadata)"),
    Variable(name="now", expression="variables.thing.?metadata.?labels.orValue({})"),
    Variable(name="before", expression="variables.former.?metadata.?labels.orValue({})"),
    Variable(name="kind", expression="variables.thing.?kind.or(variables.former.?kind).orValue('')"),
    Variable(
        name="name",
        expression="variables.thing.?metadata.?name.or(variables.former.?metadata.?name).orValue('')",
    ),
    Variable(name="spec", expression="variables.thing.?spec.orValue({})"),
    Variable(
        name="ours",
        expression="[variables.now, variables.before]"
        f".exists(l, l[?{literal(naming.LABEL_SERVICE)}].orValue('') == variables.service)",
    ),
    Variable(
        name="judged",
        expression="variables.stays && variables.kind == 'Pod' && variables.ours"
        f" && !({_REVISION} in variables.proven)"
        " && (variables.fresh || variables.spec != variables.former.spec)",
    ),
    Variable(
        name="containers",
        expression="variables.judged ? variables.spec.containers + variables.spec.?initContainers.orValue([]) : []",
    ),
)
"""What rules on the content of objects share, in the order in which they refer to each other."""

CALLER_VARIABLES: Final = (
    Variable(
        name="made",
        expression="variables.ours && (variables.kind == 'Pod' ? request.operation != 'DELETE' :"
        " [variables.now, variables.before]"
        f".exists(l, l[?{literal(naming.LABEL_MANAGED_BY)}].orValue('') == {literal(naming.APP)}))",
    ),
    Variable(
        name="exempt",
        expression=f"request.userInfo.username in {literals(_SYSTEM_USERS)}"
        " || request.userInfo.username == variables.operator"
        f" || request.userInfo.username.startsWith({literal(_SYSTEM_ACCOUNTS)})"
        f" || request.userInfo.?groups.orValue([]).exists(g, g == {literal(_NODES)})",
    ),
    Variable(
        name="kept",
        expression="request.operation == 'UPDATE' && variables.thing.?spec == variables.former.?spec"
        " && variables.thing.?data == variables.former.?data"
        " && variables.thing.metadata.?ownerReferences == variables.former.metadata.?ownerReferences"
        f" && {literals(_FIXED_LABELS)}.all(k, variables.now[?k] == variables.before[?k])",
    ),
)
"""What the rule on who writes needs besides: a scan of what exists already has no caller, so it stands apart."""


def _of_containers(rule: Rule, holds: str, shown: str, message: str) -> Validation:
    """A rule on each container of a judged pod; `shown`: CEL that shows what is wrong with container `c`."""
    wrong = f"variables.containers.filter(c, !({holds})).map(c, c.name + ': ' + {shown}).join(', ')"
    return Validation(
        rule=rule,
        expression=f"variables.containers.all(c, {holds})",
        message=message,
        found=f"'spec.containers: found ' + {wrong}",
    )


_IMAGE: Final = "c.?image.orValue('')"
VALIDATIONS: Final = (
    _of_containers(
        Rule.IMAGE_DIGEST,
        f"{_IMAGE}.matches('@sha256:[a-f0-9]{{64}}$')",
        _IMAGE,
        "allowed are images with a digest, as name@sha256:<64 hex digits>",
    ),
    _of_containers(
        Rule.NO_LATEST,
        f"{_IMAGE}.contains('@') || {_IMAGE}.matches(':[^:/]+$') && !{_IMAGE}.endsWith(':latest')",
        _IMAGE,
        "allowed are images with a digest, or with a tag that is not latest",
    ),
    _of_containers(
        Rule.NON_ROOT,
        f"({_NON_ROOT} || {_USER}.orValue(0) > 0) && {_USER}.orValue(1) != 0",
        f"'runAsNonRoot ' + string({_NON_ROOT}) + ', runAsUser ' + "
        f"({_USER}.hasValue() ? string({_USER}.value()) : 'unset')",
        "allowed is securityContext.runAsNonRoot: true or a runAsUser above 0, of the container or of the pod",
    ),
    _of_containers(
        Rule.LIMITS,
        "c.?resources.?limits.?memory.hasValue() || variables.spec.?resources.?limits.?memory.hasValue()",
        "'no resources.limits.memory'",
        "allowed are containers with resources.limits.memory",
    ),
    Validation(
        rule=Rule.CLUSTER_IP_METRICS,
        expression="!variables.stays || variables.kind != 'Service' || !variables.ours"
        " || variables.name != variables.service + '-metrics'"
        " || variables.spec.?type.orValue('ClusterIP') == 'ClusterIP'"
        " && variables.spec.?externalIPs.orValue([]).size() == 0",
        message="allowed is type ClusterIP without externalIPs: nobody outside the cluster reads metrics",
        found="'spec.type: found ' + variables.spec.?type.orValue('ClusterIP')"
        " + ', spec.externalIPs: found ' + string(variables.spec.?externalIPs.orValue([]).size())",
    ),
    Validation(
        rule=Rule.PROVEN_REVISION,
        expression="!variables.stays || !variables.ours || (variables.kind == 'Pod' ?"
        f" {_label('now', naming.LABEL_TRAFFIC)} != {literal(naming.TRAFFIC_LIVE)}"
        f" || {_REVISION} in variables.proven || {_SAME_PLACE}"
        " : variables.kind != 'Service' || ("
        " variables.name == variables.service + '-stable' ?"
        f" {_SELECTED} in variables.proven"
        " : variables.name != variables.service"
        f" || variables.spec.?selector[?{literal(naming.LABEL_TRAFFIC)}].orValue('') == {literal(naming.TRAFFIC_LIVE)}"
        f" || {_SELECTED} in variables.proven))",
        message="allowed in front of users are revisions that passed their gates",
        found=f"'{naming.LABEL_REVISION}: found ' + (variables.kind == 'Pod' ? {_REVISION} :"
        f" {_SELECTED})"
        " + ', proven are ' + variables.proven.join(', ')",
    ),
)
"""Rules on the content of an object, whoever writes it."""

CALLER_VALIDATIONS: Final = (
    Validation(
        rule=Rule.MANAGED_OBJECTS,
        expression="!variables.made || variables.exempt || variables.kept",
        message="it is written by Serinus alone; change the LLMService instead",
        found="request.operation + ' by ' + request.userInfo.username",
    ),
)
"""The rule on who writes."""


def guarded(validation: Validation) -> str:
    """The expression of a rule that holds too where the rule is not asked for."""
    return f"!({literal(validation.rule)} in variables.require) || ({validation.expression})"


def told(validation: Validation) -> str:
    """CEL that says what was found and what is allowed, and which field of which LLMService asks for it."""
    return (
        f"variables.kind + ' ' + variables.name + ': ' + {validation.found}"
        f" + '; {validation.message} (spec.monitoring.policies {validation.rule} of LLMService '"
        " + variables.service + ')'"
    )
