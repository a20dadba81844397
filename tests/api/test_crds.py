"""The custom resources on a real API server: what it accepts, what it refuses and what it says then."""

from typing import Any

import pytest

from tests.api.accepted import ACCEPTED
from tests.api.refused import REFUSED
from tests.api.table import Row
from tests.support import objects
from tests.support.apibed import ApiBed
from tests.support.bedclient import ApiError

pytestmark = pytest.mark.api


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row.kind}: {row.name}")
def test_invalid_object_is_refused_with_what_to_write_instead(row: Row, bed: ApiBed) -> None:
    with pytest.raises(ApiError) as refusal:
        bed.client.create(row.manifest("default"), dry_run=True)
    assert refusal.value.code == 422
    assert row.says in refusal.value.message


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: f"{row.kind}: {row.name}")
def test_valid_object_is_accepted(row: Row, bed: ApiBed) -> None:
    created = bed.client.create(row.manifest("default"), dry_run=True)
    assert created["kind"] == row.kind


def test_the_tables_are_long_and_name_each_case_once() -> None:
    for table, at_least in ((REFUSED, 50), (ACCEPTED, 25)):
        names = [(row.kind, row.name) for row in table]
        assert len(names) >= at_least
        assert len(names) == len(set(names))
    assert all(len(row.says) >= 6 for row in REFUSED)


@pytest.mark.parametrize("kind", ["LLMService", "ProbeSet", "ProbeRun", "Decision"])
def test_misspelt_field_is_refused_when_validation_is_strict_and_dropped_when_it_is_not(
    kind: str, bed: ApiBed, namespace: str
) -> None:
    manifest = Row("typo", {"pausd": True}, kind=kind).manifest(namespace)
    with pytest.raises(ApiError, match=r'unknown field "spec\.pausd"'):
        bed.client.create(manifest)
    stored = bed.client.create(manifest, strict=False)
    assert "pausd" not in stored["spec"]


def test_misspelt_field_deep_in_a_gate_is_refused(bed: ApiBed) -> None:
    row = Row("typo", {"gates": {"quality": [objects.gate(marginPoint=3)]}})
    with pytest.raises(ApiError, match=r'unknown field "spec\.gates\.quality\[0\]\.marginPoint"'):
        bed.client.create(row.manifest("default"), dry_run=True)


def test_pod_template_keeps_fields_that_this_version_does_not_know(bed: ApiBed) -> None:
    row = Row("future", {"workload": {"template": {"spec": {"fieldOfKubernetes2": {"a": [1]}}}}})
    created = bed.client.create(row.manifest("default"), dry_run=True)
    assert created["spec"]["workload"]["template"]["spec"]["fieldOfKubernetes2"] == {"a": [1]}


def test_defaults_are_visible_in_the_object(bed: ApiBed) -> None:
    spec = bed.client.create(objects.llmservice(), dry_run=True)["spec"]
    assert spec["rollout"] == {
        "mode": "Enforce",
        "maxSurge": 1,
        "steps": [{"trafficPercent": 10, "bake": "5m"}, {"trafficPercent": 50, "bake": "5m"}],
        "bake": "30m",
        "readyTimeout": "30m",
        "drainTimeout": "30s",
        "onInconclusive": "Hold",
        "approval": "None",
        "historyLimit": 5,
        "paused": False,
    }
    assert spec["gates"]["quality"][0] == {
        "name": "support",
        "probeSetRef": {"name": "support"},
        "floorPercent": 80,
        "marginPoints": 5,
        "tolerancePoints": 0,
        "falseRollbackPercent": 5,
        "falsePromotionPercent": 10,
        "compare": "Pass",
        "budget": {"pairs": 1000, "tokens": 2000000, "duration": "2h"},
        "when": ["BeforeTraffic"],
    }
    assert spec["service"] == {"port": 80, "type": "ClusterIP"}
    assert spec["disruption"] == {"maxUnavailable": 1}
    assert spec["evidenceRetention"] == "WithService"


def test_defaults_of_monitoring_are_visible_in_the_object(bed: ApiBed) -> None:
    monitoring = bed.client.create(objects.llmservice(), dry_run=True)["spec"]["monitoring"]
    assert monitoring == {
        "interval": "15s",
        "logs": {
            "parser": "auto",
            "redact": ["email", "phone", "card", "iban", "secret", "prompt"],
            "samplePercent": 100,
        },
        "policies": {
            "action": "Audit",
            "require": [
                "imageDigest",
                "nonRoot",
                "noLatest",
                "limits",
                "clusterIPMetrics",
                "provenRevision",
                "managedObjects",
            ],
        },
        "outputs": {
            "dashboard": "Shared",
            "promtail": True,
            "lokiRules": False,
            "networkPolicy": False,
            "tetragon": False,
            "cilium": False,
            "analysisTemplate": False,
        },
    }


def test_a_list_that_an_apply_makes_empty_stays_empty(bed: ApiBed) -> None:
    namespace = bed.new_namespace()
    for chosen in (["limits"], []):
        monitoring = {"policies": {"require": chosen}, "logs": {"redact": ["card"] if chosen else []}}
        gates = {"quality": [objects.gate(), objects.gate("late", when=["Bake"] if chosen else [], every="30m")]}
        applied = bed.client.apply(objects.llmservice(namespace=namespace, monitoring=monitoring, gates=gates))
        assert applied["spec"]["gates"]["quality"][1]["when"] == gates["quality"][1]["when"]
        assert applied["spec"]["monitoring"]["policies"]["require"] == chosen
        assert applied["spec"]["monitoring"]["logs"]["redact"] == monitoring["logs"]["redact"]


def test_defaults_of_entries_are_visible(bed: ApiBed) -> None:
    spec: dict[str, Any] = {"gates": {"metrics": [{"name": "m", "signal": "ttft_p95", "maxDuration": "2s"}]}}
    spec |= {"slos": [{"name": "s", "signal": "availability", "objectivePercent": 99}]}
    created = bed.client.create(Row("entries", spec).manifest("default"), dry_run=True)["spec"]
    assert created["gates"]["metrics"][0]["minRequests"] == 100
    assert created["slos"][0]["window"] == "28d"


def test_what_depends_on_the_runtime_is_not_defaulted(bed: ApiBed) -> None:
    spec = bed.client.create(objects.llmservice(), dry_run=True)["spec"]
    assert sorted(spec["workload"]) == ["replicas", "template"]


def test_defaults_of_a_probe_set_are_visible(bed: ApiBed) -> None:
    spec = bed.client.create(objects.probeset(format=None, prompts=None), dry_run=True)["spec"]
    assert spec["format"] == "promptfoo"
    sampling = {"temperature": 0.7, "maxTokens": 512, "stream": False}
    assert spec["request"] == {**sampling, "timeout": "60s", "concurrency": 16, "api": "chat"}
