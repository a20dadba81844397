"""Owns the monitoring stack of the test cluster: prometheus-operator, a Prometheus, an Alertmanager, the receiver.

It must not install anything of the product. The label that Prometheus selects by is `release: kps`.
"""

import json
import time
import urllib.parse
from pathlib import Path
from string import Template
from typing import Any

from tests.cluster import binaries, clusters, images, progress, state
from tests.cluster.kubectl import kubectl, wait_available, wait_for
from tests.cluster.progress import StepError

NAMESPACE = "monitoring"
RELEASE_LABEL = {"release": "kps"}
MANIFESTS = Path(__file__).parent / "stack"
IMAGES = ("prometheus-operator", "prometheus-config-reloader", "prometheus", "alertmanager", "serinus-receiver")
OPERATOR = "10-operator.yaml"
DEADLINE = 180.0


def install() -> None:
    """Install the stack, or what of it is missing or old, and wait until every part answers; safe to repeat."""
    started = time.monotonic()
    clusters.load(*IMAGES)
    own_operator = _operator_is_ours()
    if own_operator:
        _apply_crds()
    for manifest in sorted(MANIFESTS.glob("*.yaml")):
        if own_operator or manifest.name != OPERATOR:
            kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=_rendered(manifest))
    if own_operator:
        wait_available("deployment", "prometheus-operator", NAMESPACE, DEADLINE)
    wait_available("deployment", "serinus-receiver", NAMESPACE, DEADLINE)
    wait_available("statefulset", "alertmanager-kps", NAMESPACE, DEADLINE)
    wait_available("statefulset", "prometheus-kps", NAMESPACE, DEADLINE)
    wait_for(lambda: query("vector(1)"), DEADLINE, "an answer of Prometheus")
    progress.say(f"the monitoring stack is ready after {time.monotonic() - started:.1f} s")


def query(expression: str) -> list[dict[str, Any]]:
    """Return the instant vector of a PromQL expression, by the API server's proxy; StepError when it fails."""
    path = f"api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    result: list[dict[str, Any]] = _through_proxy("prometheus:web", path)["data"]["result"]
    return result


def pages() -> list[dict[str, Any]]:
    """Return the alerts that the receiver's webhook was sent, oldest first."""
    alerts: list[dict[str, Any]] = _through_proxy("serinus-receiver:http", "alerts")["alerts"]
    return alerts


def _through_proxy(service: str, path: str) -> dict[str, Any]:
    text = kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/services/{service}/proxy/{path}")
    try:
        answer: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as problem:
        raise StepError(f"{service} answered {text[:200]!r}, which is not JSON") from problem
    return answer


def _operator_is_ours() -> bool:
    """Tell whether prometheus-operator is ours to install: a user's cluster may have one already."""
    if state.read_mode() is not state.Mode.EXISTING:
        return True
    crds = kubectl("get", "crd", "--ignore-not-found", "-o", "name", "prometheuses.monitoring.coreos.com")
    ours = kubectl("-n", NAMESPACE, "get", "deployment", "--ignore-not-found", "-o", "name", "prometheus-operator")
    if crds and not ours:
        progress.say("the cluster has a prometheus-operator: using it")
        kubectl("apply", "--server-side", "-f", "-", input=_NAMESPACE_MANIFEST)
        return False
    return True


def _apply_crds() -> None:
    folder = binaries.ensure_crds()
    kubectl("apply", "--server-side", "--force-conflicts", "-f", str(folder))
    kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(folder))


def _rendered(manifest: Path) -> str:
    """Return a manifest with the receiver's image and its content's key, which makes a new image a new pod."""
    values = {
        "receiver_image": clusters.image("serinus-receiver"),
        "receiver_content": images.content_key("serinus-receiver"),
    }
    return Template(manifest.read_text()).safe_substitute(values)


_NAMESPACE_MANIFEST = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}, indent=1)
