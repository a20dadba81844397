"""What `serinus render` prints is what the operator applies: the same content, by the hash that the operator leaves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.__main__ import main
from serinus.core.naming import ANNOTATION_APPLIED
from serinus.shell.managed import manifest_hash
from tests.cluster.binaries import ensure, ensure_crds
from tests.golden.crd import POD_LOGS
from tests.support.apibed import ApiBed, a_bed
from tests.support.objects import llmservice, probeset
from tests.support.team import NAME, Manifest, Team

pytestmark = pytest.mark.api
KINDS = {
    "ReplicaSet",
    "Service",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "ServiceMonitor",
    "PrometheusRule",
    "PodLogs",
    "ConfigMap",
    "NamespacedValidatingPolicy",
}
"""Every kind of a steady service but ControllerRevision, which holds the time of its verdict."""


@pytest.fixture(scope="module")
def bed() -> Iterator[ApiBed]:
    """A bed of its own: an operator of another test would write the kinds that are installed here."""
    with a_bed() as running:
        yield running


@pytest.fixture(scope="module")
def controlled_bed(bed: ApiBed) -> ApiBed:
    """The same bed with a controller-manager."""
    bed.start_controllers()
    return bed


@pytest.fixture(scope="module", autouse=True)
def monitored(bed: ApiBed) -> None:
    """The kinds of prometheus-operator, of Alloy and of Kyverno, before the operator starts."""
    crds = [ensure_crds() / f"monitoring.coreos.com_{plural}.yaml" for plural in ("servicemonitors", "prometheusrules")]
    for path in (*crds, POD_LOGS, *ensure("kyverno-crds").glob("*.yaml")):
        bed.client.install(yaml.safe_load(path.read_text(encoding="utf-8")))


def rendered(team: Team, folder: Path, capsys: pytest.CaptureFixture[str]) -> list[Manifest]:
    """What the command prints for the team's own manifests."""
    path = folder / "given.yaml"
    assert team.spec is not None
    given = [llmservice(NAME, team.namespace, **team.spec), probeset(namespace=team.namespace)]
    path.write_text(yaml.safe_dump_all(given))
    assert main(["render", "-f", str(path), "-o", "json"]) == 0
    items: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["items"]
    return items


def test_what_is_rendered_is_what_the_operator_applied(
    team: Team, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    team.begin()

    found = rendered(team, tmp_path, capsys)

    assert {m["kind"] for m in found} == KINDS | {"ControllerRevision"}
    different = [f"{m['kind']} {m['metadata']['name']}" for m in found if m["kind"] in KINDS and not same(team, m)]
    assert different == []
    assert not same(team, changed(next(m for m in found if m["kind"] == "Service")))


def same(team: Team, manifest: Manifest) -> bool:
    """Whether the object in the cluster was applied with this content, besides its owner."""
    live = team.client.get(manifest["apiVersion"], manifest["kind"], manifest["metadata"]["name"], team.namespace)
    owned = {**manifest["metadata"], "ownerReferences": live["metadata"]["ownerReferences"]}
    applied = live["metadata"]["annotations"][ANNOTATION_APPLIED].partition(".")[0]
    return bool(manifest_hash({**manifest, "metadata": owned}) == applied)


def changed(manifest: Manifest) -> Manifest:
    """A manifest with one more label."""
    metadata = manifest["metadata"]
    return {**manifest, "metadata": {**metadata, "labels": {**metadata["labels"], "more": "x"}}}
