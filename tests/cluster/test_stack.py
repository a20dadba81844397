"""The monitoring stack in a real cluster: an alert of any rule travels to the webhook by the stack's own routes.

The cluster and the stack stay up for whatever runs next.
"""

import json
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.cluster import clusters, stack
from tests.cluster.kubectl import kubectl, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    clusters.ensure()
    stack.install()


@pytest.fixture
def namespace() -> Iterator[str]:
    name = f"stack-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def rule(namespace: str, alert: str, severity: str) -> str:
    alerting = {"alert": alert, "expr": "vector(1)", "labels": {"severity": severity}}
    return json.dumps(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": alert.lower(), "namespace": namespace},
            "spec": {"groups": [{"name": alert.lower(), "rules": [alerting]}]},
        },
        indent=1,
    )


def test_an_alert_of_a_rule_without_labels_reaches_the_webhook_and_one_of_no_severity_nobody(namespace: str) -> None:
    quiet, told = f"Quiet{secrets.token_hex(4)}", f"Told{secrets.token_hex(4)}"
    kubectl("apply", "--server-side", "-f", "-", input=rule(namespace, quiet, "none"))
    kubectl("apply", "--server-side", "-f", "-", input=rule(namespace, told, "warning"))
    for alert in (quiet, told):
        wait_for(partial(stack.query, f'ALERTS{{alertname="{alert}",alertstate="firing"}}'), 120.0, f"{alert} to fire")

    def pages(alert: str) -> list[str]:
        return [page["receiver"] for page in stack.pages() if page["labels"]["alertname"] == alert]

    wait_for(lambda: pages(told), 60.0, f"the page of {told}")
    assert set(pages(told)) == {"webhook"}
    assert pages(quiet) == []


def test_prometheus_and_alertmanager_are_those_of_the_chart() -> None:
    for wanted in stack.objects():
        namespace = wanted["metadata"].get("namespace", "default")
        found = json.loads(kubectl("-n", namespace, "get", wanted["kind"], wanted["metadata"]["name"], "-o", "json"))
        for field in set(wanted) - {"metadata", "stringData"}:
            assert contains(found[field], wanted[field]), f"{wanted['kind']} {wanted['metadata']['name']}: {field}"


def contains(found: Any, wanted: Any) -> bool:
    """Tell whether everything that is wanted is there; the API server adds defaults, and leaves out what is false."""
    if isinstance(wanted, dict):
        return all(contains(found.get(key, False), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(contains(f, w) for f, w in zip(found, wanted, strict=True))
    return bool(found == wanted)


def test_installing_again_changes_no_pod() -> None:
    path = "{range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount};{end}"
    before = kubectl("-n", stack.NAMESPACE, "get", "pods", "-o", f"jsonpath={path}")
    stack.install()
    assert kubectl("-n", stack.NAMESPACE, "get", "pods", "-o", f"jsonpath={path}") == before


def test_our_image_runs_under_a_restricted_namespace(namespace: str) -> None:
    clusters.load("serinus-receiver")
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    container = {
        "name": "receiver",
        "image": clusters.image("serinus-receiver"),
        "imagePullPolicy": "IfNotPresent",
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "receiver", "namespace": namespace},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [container]},
    }
    kubectl("apply", "--server-side", "-f", "-", input=json.dumps(pod, indent=1))
    kubectl("-n", namespace, "wait", "--for=condition=Ready", "pod/receiver", "--timeout=60s")
