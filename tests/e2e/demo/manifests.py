"""The objects of the demo: namespace, questions, the LLMService in each revision, and its users. Builds dicts only."""

from typing import Any

import yaml

from tests.e2e.demo import settings
from tests.support.modelserver import knowledge
from tests.support.modelserver.probeset import render

Manifest = dict[str, Any]
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
_POD_SECURITY = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}


def namespace() -> Manifest:
    """The team's namespace, with the strictest admission: everything here runs restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": settings.NAMESPACE, "labels": labels}}


def probe_set() -> Manifest:
    """The team's own questions: a promptfoo file of 100 tests."""
    return {
        "apiVersion": "serinus.dev/v1alpha1",
        "kind": "ProbeSet",
        "metadata": {"name": "support", "namespace": settings.NAMESPACE},
        "spec": {
            "format": "promptfoo",
            "prompts": ["{{question}}"],
            "request": {"temperature": 0.7, "maxTokens": 128, "timeout": "20s", "concurrency": 16},
            "source": {"inline": render(knowledge.load())},
        },
    }


def pager(address: str) -> Manifest:
    """The Secret with the address at which the service's owner is told of alerts."""
    metadata = {"name": "pager", "namespace": settings.NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"url": address}}


def llm_service(image: str, arguments: tuple[str, ...]) -> Manifest:
    """The served model: its pods, its rollout, its gate, and who is told of it."""
    return {
        "apiVersion": "serinus.dev/v1alpha1",
        "kind": "LLMService",
        "metadata": {"name": settings.SERVICE, "namespace": settings.NAMESPACE},
        "spec": {
            "servedModelName": settings.MODEL,
            "runtime": "vllm",
            "owner": {"team": "search", "runbook": "https://wiki.example.com/chat"},
            "workload": {
                "replicas": settings.REPLICAS,
                "template": {"metadata": {"labels": {"app": "chat"}}, "spec": _pod(_server(image, arguments), 30)},
            },
            "rollout": {
                "steps": [{"trafficPercent": 25, "bake": "10s"}, {"trafficPercent": 50, "bake": "10s"}],
                "bake": "15s",
                "readyTimeout": "3m",
                "drainTimeout": "5s",
            },
            "gates": {"quality": [_gate()]},
            "probeJob": {
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
            },
            "monitoring": {"outputs": _outputs()},
        },
    }


def _server(image: str, arguments: tuple[str, ...]) -> Manifest:
    """The container says which revision it is in a header, so that users can tell who answered."""
    container = _container("server", image, (f"--served-model-name={settings.MODEL}", "--load-seconds=2", *arguments))
    revision = {"fieldRef": {"fieldPath": "metadata.labels['serinus.dev/revision']"}}
    return container | {
        "env": [
            {"name": "MODEL_SERVER_REVISION", "valueFrom": revision},
            {"name": "MODEL_SERVER_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
    }


def _gate() -> Manifest:
    return {
        "name": "support",
        "probeSetRef": {"name": "support"},
        "floorPercent": 80,
        "marginPoints": 5,
        "budget": {"pairs": 1000, "duration": "10m"},
    }


def _outputs() -> Manifest:
    """A dashboard of the service's own, and its alerts at its owner's receiver, a second after they begin."""
    receiver = {"receiver": "Webhook", "secretKeyRef": {"name": "pager", "key": "url"}, "groupWait": "1s"}
    return {"dashboard": "PerService", "alertmanagerConfig": receiver}


def users(image: str) -> Manifest:
    """The model's users, of both kinds: some open a connection each time, some keep theirs."""
    arguments = (
        f"--url=http://{settings.SERVICE}.{settings.NAMESPACE}.svc:80",
        f"--model={settings.MODEL}",
        f"--rate={settings.USERS_PER_SECOND}",
        f"--duration={settings.USERS_SECONDS}",
        "--kind=both",
        "--listen=0.0.0.0:8080",
        "--stay",
    )
    container = _container("users", image, arguments) | {
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
    }
    metadata = {"name": "users", "namespace": settings.NAMESPACE, "labels": {"app": "users"}}
    spec = {"restartPolicy": "Never", **_pod(container, 5)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _container(name: str, image: str, arguments: tuple[str, ...]) -> Manifest:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": list(arguments),
        "resources": {"requests": {"cpu": "20m", "memory": "48Mi"}, "limits": {"memory": "192Mi"}},
        "securityContext": _RESTRICTED,
    }


def _pod(container: Manifest, grace: int) -> Manifest:
    """A pod's spec; `grace` is how many seconds it has to end."""
    return {
        "terminationGracePeriodSeconds": grace,
        "securityContext": _POD_SECURITY,
        "automountServiceAccountToken": False,
        "containers": [container],
    }


def text(*manifests: Manifest) -> str:
    """YAML for `kubectl apply -f -`."""
    return yaml.safe_dump_all(manifests, sort_keys=False)
