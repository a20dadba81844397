"""Owns the sets of values with which the chart is rendered, and the fixture that renders each once.

It must not assert anything of a chart.
"""

from typing import Any

import pytest

from tests.support.helm import Manifest, only, template

VALUE_SETS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "monitored": {"monitoring": {"enabled": True}, "operator": {"monitorLabels": {"release": "kps"}}},
    "namespaced": {"namespaces": ["team-a", "team-b"], "crds": {"enabled": False}},
    "bare": {
        "replicas": 1,
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "given"},
        "networkPolicy": {"enabled": False},
    },
    "digest": {"image": {"digest": "sha256:" + "0" * 64}, "prometheus": {"url": "https://prometheus.monitoring:9091"}},
}


@pytest.fixture(scope="module")
def rendered() -> dict[str, list[Manifest]]:
    """Render every set of values once."""
    return {name: template(values) for name, values in VALUE_SETS.items()}


def kinds(objects: list[Manifest]) -> set[str]:
    """Return the kinds that occur."""
    return {item["kind"] for item in objects}


def container(objects: list[Manifest]) -> Manifest:
    """Return the operator's container."""
    containers: list[Manifest] = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    return containers[0]


def environment(objects: list[Manifest]) -> dict[str, str]:
    """Return the operator's settings that are plain values."""
    return {entry["name"]: entry["value"] for entry in container(objects)["env"] if "value" in entry}
