"""Owns what the stack's Prometheus and Alertmanager are: the real chart's objects, wired by our values, and whole.

The record of the real chart is held to the values of today, to the CRDs and to our own templates.
"""

from typing import Any

import pytest
import yaml

from tests.cluster import images, stack
from tests.cluster.binaries import ensure_crds
from tests.golden.crd import CrdFolder
from tests.support import stackobjects
from tests.support.helm import Manifest

WIRING = {
    "Prometheus": {"alerting", "portName", "serviceAccountName"},
    "Alertmanager": {"configSecret", "secrets", "alertmanagerConfigMatcherStrategy", "portName", "serviceAccountName"},
}
"""Besides whatever has `Selector` in its name."""


@pytest.fixture(scope="module")
def installed() -> list[Manifest]:
    """What the test cluster is given."""
    return list(stack.objects())


def of(found: list[Manifest], kind: str, name: str) -> Manifest:
    return next(o for o in found if (o["kind"], o["metadata"]["name"]) == (kind, name))


def wiring(found: Manifest) -> dict[str, Any]:
    return {k: v for k, v in found["spec"].items() if k in WIRING[found["kind"]] or "Selector" in k}


def test_the_objects_are_those_that_the_real_chart_makes_of_the_values_of_today() -> None:
    assert {o["kind"] for o in stackobjects.objects({})} == {"Secret", *stackobjects.KINDS}


@pytest.mark.parametrize("change", [{"version": "1.0.0"}, {"values": {}}])
def test_a_record_of_other_values_or_of_another_version_is_refused(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    other = stackobjects.record() | change
    monkeypatch.setattr(stackobjects, "record", lambda: other)
    with pytest.raises(stackobjects.StaleRecordError, match=r"run `python -m tests\.support\.stackobjects"):
        stackobjects.objects({})


def test_the_crds_of_the_operator_that_is_built_here_take_them_and_refuse_a_typo(installed: list[Manifest]) -> None:
    crds = CrdFolder(ensure_crds())
    made = [of(installed, *key) for key in zip(("Prometheus", "Alertmanager"), stackobjects.NAMES, strict=True)]
    assert [crds.problems(found) for found in made] == [[], []]
    made[0]["spec"]["ruleSelectors"] = made[0]["spec"].pop("ruleSelector")
    assert any("'ruleSelectors'" in problem for problem in crds.problems(made[0]))


def test_the_test_cluster_overrides_no_wiring() -> None:
    overrides = yaml.safe_load(stack.OVERRIDES.read_text(encoding="utf-8"))
    recorded = {o["kind"]: o for o in stackobjects.record()["objects"]}
    for found in stack.objects():
        if found["kind"] in overrides:
            assert wiring(found) == wiring(recorded[found["kind"]])
            assert len(wiring(found)) > 5
            given = overrides[found["kind"]]
            assert {k: v for k, v in found["spec"].items() if k not in given} == {
                k: v for k, v in recorded[found["kind"]]["spec"].items() if k not in given
            }
    assert {overrides[kind]["image"] for kind in overrides} == {
        images.IMAGES[name].tag for name in ("prometheus", "alertmanager")
    }


def test_prometheus_takes_every_object_of_every_namespace_and_tells_the_alertmanager_of_the_stack() -> None:
    [prometheus] = [o["spec"] for o in stackobjects.objects({}) if o["kind"] == "Prometheus"]
    kinds = ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig")
    assert all(prometheus[f"{kind}{scope}Selector"] == {} for kind in kinds for scope in ("", "Namespace"))
    [told] = prometheus["alerting"]["alertmanagers"]
    service = of(stackobjects.objects({}), "Service", told["name"])
    assert told["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_alertmanager_reads_the_secrets_that_the_stack_makes_and_every_team_s_routes(installed: list[Manifest]) -> None:
    spec = of(installed, "Alertmanager", stackobjects.NAMES[1])["spec"]
    secrets = {o["metadata"]["name"] for o in installed if o["kind"] == "Secret"}
    assert {spec["configSecret"], *spec["secrets"]} == secrets
    assert spec["alertmanagerConfigSelector"] == spec["alertmanagerConfigNamespaceSelector"] == {}
    assert spec["alertmanagerConfigMatcherStrategy"] == {"type": "OnNamespace"}


def test_the_operator_is_given_what_the_stack_gives_it() -> None:
    given = stackobjects.operator_values()
    assert given["monitoring"] == {"enabled": True}
    assert given["operator"] == {"monitorLabels": {}}
    assert given["logs"]["lokiUrl"] == ""
    assert given["logs"]["alloyPushPort"] == 3500


def test_the_sidecar_of_the_stack_s_grafana_looks_everywhere_for_our_label() -> None:
    assert stackobjects.sidecar() == {
        "LABEL": "grafana_dashboard",
        "LABEL_VALUE": "1",
        "NAMESPACE": "ALL",
        "RESOURCE": "both",
    }
