"""Owns small, valid, realistic objects of the project's kinds, for tests to change. It must not know a test."""

from typing import Any

Manifest = dict[str, Any]
API_VERSION = "serinus.dev/v1alpha1"
REVISION = "r5f9c1a03be"
BASELINE = "r8d21bb77f0"
DIGEST = "sha256:" + "3f" * 32
UID = "0d9b3c4e-7a51-4f0e-9d0c-5b8f2f1f6a11"

PROBES = """\
- description: refund-01
  vars: {question: "Within how many days can I return shoes?"}
  assert: [{type: icontains, value: "30 days"}]
- description: hours-01
  vars: {question: "When does the shop in Bonn open on Sundays?"}
  assert: [{type: icontains, value: closed}]
  metadata: {critical: true}
"""


def merged(base: Manifest, patch: Manifest) -> Manifest:
    """A copy of `base` with a JSON merge patch applied: objects are joined, None removes, everything else replaces."""
    result = dict(base)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def llmservice(name: str = "chat", namespace: str = "default", **spec: Any) -> Manifest:
    """A service with four vLLM pods and one quality gate; keywords are merged into its spec."""
    base: Manifest = {
        "servedModelName": "llama-3.1-8b",
        "runtime": "vllm",
        "owner": {"team": "search"},
        "workload": {"replicas": 4, "template": pod_template()},
        "gates": {"quality": [gate()]},
    }
    return _object("LLMService", name, namespace, merged(base, spec))


def pod_template(image: str = "registry.example/vllm@sha256:" + "ab" * 32, *, model: str = "/models/llama") -> Manifest:
    """A pod template with one container `server` that serves on the port `http`."""
    server = {
        "name": "server",
        "image": image,
        "args": ["--model", model],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1},
    }
    return {
        "metadata": {"labels": {"app": "chat"}},
        "spec": {"terminationGracePeriodSeconds": 30, "containers": [server]},
    }


def gate(name: str = "support", **fields: Any) -> Manifest:
    """A quality gate on the ProbeSet of the same name; keywords are merged into it."""
    return merged({"name": name, "probeSetRef": {"name": name}, "floorPercent": 80}, fields)


def probeset(name: str = "support", namespace: str = "default", **spec: Any) -> Manifest:
    """A ProbeSet of two questions; keywords are merged into its spec."""
    base = {"format": "promptfoo", "source": {"inline": PROBES}, "prompts": ["{{question}}"]}
    return _object("ProbeSet", name, namespace, merged(base, spec))


def proberun(
    name: str = f"chat-{REVISION}-support-before-traffic-0", namespace: str = "default", **spec: Any
) -> Manifest:
    """A run of the gate `support` before traffic; keywords are merged into its spec."""
    base = {
        "llmServiceRef": {"name": "chat"},
        "gate": "support",
        "purpose": "BeforeTraffic",
        "revision": REVISION,
        "baseline": BASELINE,
        "probeSet": {"name": "support", "digest": DIGEST},
        "parameters": {"floorPercent": 80, "marginPoints": 5},
        "attempt": 0,
    }
    return _object("ProbeRun", name, namespace, merged(base, spec))


def decision(name: str = "approve-1", namespace: str = "default", **spec: Any) -> Manifest:
    """An approval of a revision on one run; keywords are merged into its spec."""
    base = {
        "llmServiceRef": {"name": "chat", "uid": UID},
        "action": "Approve",
        "revision": REVISION,
        "evidence": [f"chat-{REVISION}-support-before-traffic-0"],
        "by": "jane@example.com",
        "reason": "looked at the 3 lost pairs",
    }
    return _object("Decision", name, namespace, merged(base, spec))


def _object(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
