"""What one run of a gate needs: the resolved questions, the ProbeRun, its Job and the Job's NetworkPolicy."""

import hashlib

from serinus.core import naming
from serinus.core.gates import GateView, parameters
from serinus.core.model import Manifest, Purpose
from serinus.core.report import Identity
from serinus.core.rollout import State
from serinus.core.runs import job_deadline
from serinus.core.runspec import ENV_PROBES, ENV_RUN, MAX_SEED, RunSpec, to_json
from serinus.resources import judge_access
from serinus.resources.context import Context
from serinus.resources.peers import peer_rules
from serinus.resources.reach import serving_ports

_PROBES_PATH = "/probes"
_TOKEN_DIRECTORY = "/var/run/serinus"  # noqa: S105 a path, no secret
_TTL_SECONDS = 3600
_USER = 65532
_DEFAULT_RESOURCES = {
    "requests": {"cpu": "100m", "memory": "128Mi"},
    "limits": {"memory": "512Mi"},
}


def build_questions(context: Context) -> list[Manifest]:
    """The immutable ConfigMaps with the resolved probes of the runs that are wanted, one per digest."""
    texts = {v.questions.digest: v.questions.text for v in context.gates if v.questions is not None}
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": naming.probes_config_map(context.service.name, digest),
                "namespace": context.service.namespace,
                "labels": naming.app_labels(context.service.name),
                "annotations": {naming.ANNOTATION_SHA256: digest.removeprefix("sha256:")},
            },
            "immutable": True,
            "data": {naming.PROBES_KEY: text},
        }
        for digest, text in sorted(texts.items())
    ]


def build_runs(context: Context) -> list[Manifest]:
    """The ProbeRuns that are wanted now."""
    return [_run(context, view) for view in context.gates if view.wanted]


def _run(context: Context, view: GateView) -> Manifest:
    identity, questions = view.identity, view.questions
    assert questions is not None
    spec: Manifest = {
        "llmServiceRef": {"name": identity.service},
        "gate": identity.gate,
        "purpose": identity.purpose,
        "revision": identity.revision,
        "probeSet": {"name": view.gate.probe_set, "digest": questions.digest},
        "parameters": parameters(identity, view.gate.policy, questions),
        "attempt": identity.attempt,
    }
    if identity.baseline:
        spec["baseline"] = identity.baseline
    if identity.step >= 0:
        spec["step"] = identity.step
    metadata: Manifest = {
        "name": view.name,
        "namespace": identity.namespace,
        "labels": naming.app_labels(identity.service) | {naming.LABEL_REVISION: identity.revision},
    }
    if context.service.evidence_keep:
        metadata["ownerReferences"] = []  # evidence outlives its service
    return {"apiVersion": naming.API_VERSION, "kind": "ProbeRun", "metadata": metadata, "spec": spec}


def build_jobs(context: Context) -> list[Manifest]:
    """The Jobs of the ProbeRuns that are wanted now; never a second one for a run that had its Job."""
    return [_job(context, v) for v in context.gates if v.wanted and not v.superseded and not _had_job(v)]


def _had_job(view: GateView) -> bool:
    return view.run is not None and bool(view.run.status.get("jobUID"))


def pod_spec(context: Context, view: GateView) -> Manifest:
    """Pod of a probe Job: restricted, without a service-account token, with its questions and nothing else."""
    options = context.service.probe_job
    volumes, mounts = _volumes(context, view)
    spec: Manifest = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": naming.PROBE_CONTAINER,
                "image": context.settings.probe_image,
                "command": ["python3", "-P", "-m", "serinus.probes"],
                "env": [
                    {"name": ENV_PROBES, "value": f"{_PROBES_PATH}/{naming.PROBES_KEY}"},
                    {"name": ENV_RUN, "value": to_json(_run_spec(context, view))},
                ],
                "resources": options.resources or _DEFAULT_RESOURCES,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "terminationMessagePolicy": "File",
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if options.node_selector:
        spec["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        spec["tolerations"] = list(options.tolerations)
    if options.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in options.image_pull_secrets]
    return spec


def _volumes(context: Context, view: GateView) -> tuple[list[Manifest], list[Manifest]]:
    digest = view.identity.digest
    volumes: list[Manifest] = [
        {"name": "probes", "configMap": {"name": naming.probes_config_map(context.service.name, digest)}},
        {"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
    ]
    mounts: list[Manifest] = [
        {"name": "probes", "mountPath": _PROBES_PATH, "readOnly": True},
        {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 the pod's own scratch
    ]
    access = context.service.access
    if access is not None:
        secret = {"secretName": access.name, "items": [{"key": access.key, "path": "token"}]}
        volumes.append({"name": "access", "secret": secret})
        mounts.append({"name": "access", "mountPath": _TOKEN_DIRECTORY, "readOnly": True})
    judged = view.questions.judged if view.questions else None
    return volumes + judge_access.key_volumes(judged), mounts + judge_access.key_mounts(judged)


def _run_spec(context: Context, view: GateView) -> RunSpec:
    service, identity = context.service, view.identity
    seed = int.from_bytes(hashlib.sha256(view.name.encode()).digest()[:8], "big") & MAX_SEED
    asked = naming.stable_service if asks_stable(identity, context.state) else naming.canary_service
    return RunSpec(
        identity=identity,
        policy=view.gate.policy,
        model=service.model,
        canary_url=_url(context, asked(service.name)),
        stable_url=_url(context, naming.stable_service(service.name)) if identity.baseline else "",
        seed=seed,
        token_path=f"{_TOKEN_DIRECTORY}/token" if service.access else "",
        allow_python=context.settings.allow_python,
        judges=judge_access.endpoints(context, view.questions.judged if view.questions else None),
    )


def asks_stable(identity: Identity, state: State) -> bool:
    """Whether a run asks the serving revision alone: beside a rollout, `-canary` may lead to another one."""
    alone = identity.purpose == Purpose.MANUAL and identity.revision == state.stable
    return alone or identity.purpose in (Purpose.CONTINUOUS, Purpose.SELF_TEST)


def _url(context: Context, name: str) -> str:
    return f"http://{name}.{context.service.namespace}.svc:{context.service.service.port}"


def _job(context: Context, view: GateView) -> Manifest:
    service, identity = context.service, view.identity
    labels = naming.app_labels(service.name) | {naming.LABEL_RUN: view.name}
    # The pods carry another label than the serving pods: no Service and no budget of the service may select them.
    pod_labels = {naming.LABEL_PROBE_FOR: service.name, naming.LABEL_RUN: view.name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": view.name, "namespace": identity.namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "ttlSecondsAfterFinished": _TTL_SECONDS,
            "activeDeadlineSeconds": job_deadline(view.gate.policy.budget.duration),
            "template": {"metadata": {"labels": pod_labels}, "spec": pod_spec(context, view)},
        },
    }


def build_network_policy(context: Context) -> list[Manifest]:
    """Probe pods reach the service's pods, the judges and DNS, and nobody reaches them."""
    service = context.service
    ports = sorted(set(serving_ports(context)))
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {
                "name": naming.probe_network_policy(service.name),
                "namespace": service.namespace,
                "labels": naming.app_labels(service.name),
            },
            "spec": {
                "podSelector": {"matchLabels": {naming.LABEL_PROBE_FOR: service.name}},
                "policyTypes": ["Ingress", "Egress"],
                "egress": [
                    {
                        "to": [{"podSelector": {"matchLabels": {naming.LABEL_SERVICE: service.name}}}],
                        "ports": [{"protocol": "TCP", "port": number} for number in ports],
                    },
                    *peer_rules(context.settings.dns),
                    *judge_access.egress(context),
                ],
            },
        }
    ]
