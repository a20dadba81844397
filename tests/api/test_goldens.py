"""What the examples ask for and what we render for them, server-side applied to a real API server, unknown refused."""

from collections.abc import Iterator

import pytest
import yaml

from tests.cluster.binaries import ensure, ensure_crds
from tests.golden import render
from tests.golden.crd import CILIUM, OPENTELEMETRY, POD_LOGS, read_crd
from tests.support.apibed import ApiBed, a_bed
from tests.support.bedclient import ApiError, Manifest

pytestmark = pytest.mark.api
GOLDENS = sorted(str(p.relative_to(render.EXPECTED)) for p in render.EXPECTED.rglob("*.yaml"))


@pytest.fixture(scope="module")
def bed() -> Iterator[ApiBed]:
    """A bed of its own: an operator of another test would write the kinds that are installed here."""
    with a_bed() as running:
        yield running


@pytest.fixture(scope="module")
def monitored(bed: ApiBed) -> ApiBed:
    """The bed with the kinds of others that we write."""
    plurals = ("alertmanagerconfigs", "servicemonitors", "prometheusrules")
    files = [ensure_crds() / f"monitoring.coreos.com_{plural}.yaml" for plural in plurals]
    for path in (*files, POD_LOGS, *CILIUM, *OPENTELEMETRY, *ensure("kyverno-crds").glob("*.yaml")):
        bed.client.install(read_crd(path))
    return bed


def moved(manifest: Manifest, namespace: str) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def as_applied(found: Manifest) -> Manifest:
    """An object without what controllers, which may run in this bed, write meanwhile."""
    metadata = {k: v for k, v in found["metadata"].items() if k != "resourceVersion"}
    metadata["managedFields"] = [entry for entry in metadata["managedFields"] if entry["manager"] == "tests"]
    return {k: v for k, v in found.items() if k != "status"} | {"metadata": metadata}


@pytest.mark.parametrize("golden", GOLDENS)
def test_golden_is_accepted_and_a_second_apply_changes_nothing(golden: str, monitored: ApiBed, namespace: str) -> None:
    for manifest in yaml.safe_load_all((render.EXPECTED / golden).read_text(encoding="utf-8")):
        first = monitored.client.apply(moved(manifest, namespace))
        second = monitored.client.apply(moved(manifest, namespace))

        assert as_applied(first) == as_applied(second)
        assert first["metadata"].get("generation", 1) == 1  # a Service has none


@pytest.mark.parametrize("example", render.examples())
def test_example_is_accepted(example: str, bed: ApiBed, namespace: str) -> None:
    for manifest in render.documents(example):
        assert bed.client.apply(moved(manifest, namespace))["kind"] == manifest["kind"]


@pytest.mark.parametrize("strict", [True, False])
def test_a_field_that_the_crd_does_not_know_makes_the_whole_apply_fail(
    strict: bool, monitored: ApiBed, namespace: str
) -> None:
    [monitor] = render.manifests("vllm", "service-monitor")
    monitor["spec"]["serviceDiscoveryRol"] = "EndpointSlice"

    with pytest.raises(ApiError, match="serviceDiscoveryRol: field not declared in schema"):
        monitored.client.apply(moved(monitor, namespace), strict=strict)
