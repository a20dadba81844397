"""Owns the monitoring of the test cluster: prometheus-operator, the receiver, and what the stack's chart joins to them.

Prometheus, Alertmanager, their rights and Services are the objects of charts/serinus-stack in its profile minimal, with
`stack/overrides.yaml` over them. It must not install the operator of the product.
"""

import json
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tests.cluster import binaries, clusters, images, progress, state
from tests.cluster.kubectl import kubectl, wait_available, wait_for
from tests.cluster.progress import StepError
from tests.support import stackobjects

NAMESPACE = stackobjects.NAMESPACE
PROMETHEUS, ALERTMANAGER = stackobjects.NAMES
PROMETHEUS_SERVICE, ALERTMANAGER_SERVICE = f"{PROMETHEUS}:http-web", f"{ALERTMANAGER}:http-web"
RECEIVER = "http://serinus-receiver.monitoring.svc:8080"
ALERTING = {"webhook": {"url": f"{RECEIVER}/"}, "groupWait": "1s", "groupInterval": "5s", "repeatInterval": "1h"}
MANIFESTS = Path(__file__).parent / "stack"
OVERRIDES = MANIFESTS / "overrides.yaml"
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
    for manifest in sorted(MANIFESTS.glob("[0-9]*.yaml")):
        if own_operator or manifest.name != OPERATOR:
            _apply(_rendered(manifest))
    _apply(yaml.safe_dump_all(objects()))
    if own_operator:
        wait_available("deployment", "prometheus-operator", NAMESPACE, DEADLINE)
    _wait_for_pages()
    wait_available("statefulset", f"prometheus-{PROMETHEUS}", NAMESPACE, DEADLINE)
    wait_for(lambda: query("vector(1)"), DEADLINE, "an answer of Prometheus")
    progress.say(f"the monitoring stack is ready after {time.monotonic() - started:.1f} s")


def objects() -> Iterator[dict[str, Any]]:
    """Yield the stack's objects as they are installed here: those of its chart, overrides put over their specs."""
    try:
        found = stackobjects.objects(ALERTING)
    except stackobjects.StaleRecordError as problem:
        raise StepError(str(problem)) from problem
    overrides = yaml.safe_load(OVERRIDES.read_text(encoding="utf-8"))
    for item in found:
        if other := overrides.get(item["kind"]):
            spec = {key: value for key, value in {**item["spec"], **other}.items() if value is not None}
            yield {**item, "spec": spec}
        else:
            yield item


def forget_pages() -> None:
    """Start Alertmanager and the receiver afresh: they no longer know whom they told of what."""
    for selector in ("app.kubernetes.io/name=alertmanager", "app.kubernetes.io/name=serinus-receiver"):
        kubectl("-n", NAMESPACE, "delete", "pods", "-l", selector, "--wait=true")
    _wait_for_pages()


def query(expression: str) -> list[dict[str, Any]]:
    """Return the instant vector of a PromQL expression, by the API server's proxy; StepError when it fails."""
    path = f"api/v1/query?{urllib.parse.urlencode({'query': expression})}"
    result: list[dict[str, Any]] = answer(PROMETHEUS_SERVICE, path)["data"]["result"]
    return result


def pages() -> list[dict[str, Any]]:
    """Return the alerts that the receiver's webhook was sent, oldest first."""
    alerts: list[dict[str, Any]] = answer("serinus-receiver:http", "alerts")["alerts"]
    return alerts


def answer(service: str, path: str) -> dict[str, Any]:
    """Return what a Service port (`name:port`) answers to a path, by the API server's proxy; StepError if not JSON."""
    text = kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/services/{service}/proxy/{path}")
    try:
        answer: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError as problem:
        raise StepError(f"{service} answered {text[:200]!r}, which is not JSON") from problem
    return answer


def _wait_for_pages() -> None:
    wait_available("deployment", "serinus-receiver", NAMESPACE, DEADLINE)
    wait_available("statefulset", f"alertmanager-{ALERTMANAGER}", NAMESPACE, DEADLINE)


def _apply(text: str) -> None:
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=text)


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
