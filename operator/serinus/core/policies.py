"""What admission rules of a service may be asked for. Their texts stand in `policy_rules.py`."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """What spec.monitoring.policies.require may name."""

    IMAGE_DIGEST = "imageDigest"
    NON_ROOT = "nonRoot"
    NO_LATEST = "noLatest"
    LIMITS = "limits"
    CLUSTER_IP_METRICS = "clusterIPMetrics"
    PROVEN_REVISION = "provenRevision"
    MANAGED_OBJECTS = "managedObjects"


class PolicyAction(StrEnum):
    """What becomes of a violation: it is reported, or refused."""

    AUDIT = "Audit"
    DENY = "Deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """spec.monitoring.policies."""

    action: PolicyAction = PolicyAction.AUDIT
    require: tuple[Rule, ...] = tuple(Rule)
