"""The monitoring stack in a real cluster: an alert travels from a rule to the webhook, and foreign rules are not seen.

The cluster and the stack stay up for whatever runs next.
"""

import json
import secrets
from collections.abc import Iterator

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


def rule(namespace: str, alert: str, labels: dict[str, str]) -> str:
    alerting = {"alert": alert, "expr": "vector(1)", "labels": {"severity": "page"}}
    return json.dumps(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": alert.lower(), "namespace": namespace, "labels": labels},
            "spec": {"groups": [{"name": alert.lower(), "rules": [alerting]}]},
        },
        indent=1,
    )


def loaded() -> str:
    return kubectl("get", "--raw", "/api/v1/namespaces/monitoring/services/prometheus:web/proxy/api/v1/rules")


def test_an_alert_of_a_labelled_rule_reaches_the_webhook_and_an_unlabelled_one_is_not_loaded(namespace: str) -> None:
    unlabelled, labelled = f"Unseen{secrets.token_hex(4)}", f"Seen{secrets.token_hex(4)}"
    kubectl("apply", "--server-side", "-f", "-", input=rule(namespace, unlabelled, {}))
    kubectl("apply", "--server-side", "-f", "-", input=rule(namespace, labelled, stack.RELEASE_LABEL))
    wait_for(lambda: labelled in loaded(), 120.0, f"rule {labelled} in Prometheus")
    assert unlabelled not in loaded()
    wait_for(
        lambda: any(page["labels"]["alertname"] == labelled for page in stack.pages()), 60.0, f"the page of {labelled}"
    )


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
