"""The record and the pods of each revision: ControllerRevisions, ReplicaSets, and the disruption budget."""

from serinus.core import naming
from serinus.core.model import Manifest
from serinus.core.rollout import Stage
from serinus.core.seen import Outcome, RevisionSeen
from serinus.resources.context import Context


def build_revisions(context: Context) -> list[Manifest]:
    """One immutable ControllerRevision per kept revision; only its outcome changes."""
    return [_controller_revision(context, r) for r in context.revisions]


def _controller_revision(context: Context, revision: RevisionSeen) -> Manifest:
    outcome, detail = _outcome(context, revision)
    labels = naming.app_labels(context.service.name) | {naming.LABEL_REVISION: revision.name}
    annotations = {naming.ANNOTATION_SHA256: revision.sha256}
    if outcome is not None:
        labels[naming.LABEL_OUTCOME] = str(outcome)
        annotations[naming.ANNOTATION_OUTCOME] = detail
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": naming.revision_object(context.service.name, revision.name),
            "namespace": context.service.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "revision": revision.number,
        "data": revision.data,
    }


def _outcome(context: Context, revision: RevisionSeen) -> tuple[Outcome | None, str]:
    """The record follows the state: what serves is proven if it passed, what is aborted for a reason is rejected."""
    state, kept = context.state, revision.detail
    if revision.name == state.stable:
        proven = revision.outcome is Outcome.PROVEN or revision.name in context.evidenced
        outcome = Outcome.PROVEN if proven else Outcome.SERVED
        return outcome, kept if revision.outcome is outcome else ""
    if revision.name != state.revision:
        return revision.outcome, kept
    if state.stage is Stage.ABORTING and state.reason:
        rejected = revision.outcome is Outcome.REJECTED
        return Outcome.REJECTED, kept if rejected else naming.outcome_detail(state.reason, state.run, state.since)
    if revision.outcome is Outcome.REJECTED and state.stage is Stage.STARTING and state.acted:
        return None, ""  # a person said Retry
    return revision.outcome, kept


def build_replica_sets(context: Context) -> list[Manifest]:
    """One ReplicaSet per kept revision: it never rolls inside itself, and its pods' labels can change in place."""
    return [_replica_set(context, r) for r in context.revisions if r.name in context.arrangement.sets]


def _replica_set(context: Context, revision: RevisionSeen) -> Manifest:
    wanted = context.arrangement.sets[revision.name]
    service = context.service.name
    template = {**revision.data["template"]}
    metadata = {**(template.get("metadata") or {})}
    selector = {naming.LABEL_SERVICE: service, naming.LABEL_REVISION: revision.name}
    metadata["labels"] = {
        **(metadata.get("labels") or {}),
        **selector,
        naming.LABEL_TRAFFIC: naming.TRAFFIC_LIVE if wanted.live else naming.TRAFFIC_IDLE,
        naming.LABEL_DRAIN: "false",
    }
    template["metadata"] = metadata
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": naming.revision_object(service, revision.name),
            "namespace": context.service.namespace,
            "labels": naming.app_labels(service) | {naming.LABEL_REVISION: revision.name},
        },
        "spec": {"replicas": wanted.replicas, "selector": {"matchLabels": selector}, "template": template},
    }


def build_disruption_budget(context: Context) -> list[Manifest]:
    """Hold evictions of serving pods to spec.disruption.maxUnavailable at once."""
    service = context.service
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {
                "name": service.name,
                "namespace": service.namespace,
                "labels": naming.app_labels(service.name),
            },
            "spec": {
                "maxUnavailable": service.max_unavailable,
                "selector": {
                    "matchLabels": {
                        naming.LABEL_SERVICE: service.name,
                        naming.LABEL_TRAFFIC: naming.TRAFFIC_LIVE,
                    }
                },
            },
        }
    ]
