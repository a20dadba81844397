"""What may change in a stored custom resource, on a real API server: immutable fields, scale, status, columns."""

from typing import Any

import pytest

from tests.api.table import Row
from tests.support import objects
from tests.support.apibed import ApiBed
from tests.support.bedclient import ApiError
from tests.support.objects import Manifest, merged

pytestmark = pytest.mark.api

_GATEWAY = {"traffic": {"gateway": {"parentRefs": [{"name": "public"}]}}}


def _change(bed: ApiBed, stored: Manifest, spec: dict[str, Any]) -> Manifest:
    return bed.client.patch(bed.client.path_of(stored), {"spec": spec}, fieldValidation="Strict")


def test_served_model_name_cannot_change(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.llmservice(namespace=namespace))
    with pytest.raises(ApiError, match=r"change the artefact in workload\.template"):
        _change(bed, stored, {"servedModelName": "other"})
    assert _change(bed, stored, {"owner": {"team": "other"}})["spec"]["owner"]["team"] == "other"


@pytest.mark.parametrize(
    ("before", "after", "gateway", "allowed"),
    [
        (8000, 8001, False, False),
        (8000, "http", False, False),
        ("http", 8000, False, False),
        ("http", "api", False, True),
        (8000, 8001, True, True),
        (8000, 8000, False, True),
    ],
)
def test_numeric_port_changes_only_behind_a_gateway(
    before: int | str, after: int | str, gateway: bool, allowed: bool, bed: ApiBed, namespace: str
) -> None:
    row = Row("port", {"workload": {"port": before}, **(_GATEWAY if gateway else {})})
    stored = bed.client.create(row.manifest(namespace))
    change = {"workload": {"port": after, "replicas": 3}}
    if allowed:
        assert _change(bed, stored, change)["spec"]["workload"]["port"] == after
    else:
        with pytest.raises(ApiError, match=r"a number may change between revisions only with traffic\.gateway"):
            _change(bed, stored, change)


@pytest.mark.parametrize("kind", ["ProbeRun", "Decision"])
def test_spec_of_a_record_cannot_change_but_its_labels_can(kind: str, bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(Row("record", kind=kind).manifest(namespace))
    with pytest.raises(ApiError, match=r"cannot change.* create another one"):
        _change(bed, stored, {"revision": objects.BASELINE})
    labelled = bed.client.patch(bed.client.path_of(stored), {"metadata": {"labels": {"a": "b"}}})
    assert labelled["metadata"]["labels"] == {"a": "b"}


def test_verdict_of_a_finished_run_cannot_change(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.proberun(namespace=namespace))
    with pytest.raises(ApiError, match="write verdict"):
        bed.client.set_status(stored, {"phase": "Finished"})
    bed.client.set_status(stored, {"phase": "Finished", "verdict": "Failed"})
    for change in ({"verdict": "Passed"}, {"phase": "Running"}, {"verdict": None}):
        with pytest.raises(ApiError, match=r"is evidence and cannot change|write verdict"):
            bed.client.set_status(stored, change)
    told = bed.client.set_status(stored, {"message": "lost 18 pairs"})
    assert told["status"]["message"] == "lost 18 pairs"


def _scale(bed: ApiBed, stored: Manifest, replicas: int) -> Manifest:
    path = f"{bed.client.path_of(stored)}/scale"
    return bed.client.patch(path, {"spec": {"replicas": replicas}})


def test_scale_subresource_sets_replicas_and_shows_the_selector(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.llmservice(namespace=namespace))
    selector = "serinus.dev/service=chat,serinus.dev/traffic=live"
    bed.client.set_status(stored, {"replicas": 4, "selector": selector})
    scale = _scale(bed, stored, 7)
    assert scale["kind"] == "Scale"
    assert scale["spec"] == {"replicas": 7}
    assert scale["status"] == {"replicas": 4, "selector": selector}
    assert bed.client.get(objects.API_VERSION, "LLMService", "chat", namespace)["spec"]["workload"]["replicas"] == 7
    with pytest.raises(ApiError, match="should be less than or equal to 5000"):
        _scale(bed, stored, 5001)


def test_replacing_service_can_be_scaled_below_two_but_replacing_cannot_be_chosen_there(
    bed: ApiBed, namespace: str
) -> None:
    stored = bed.client.create(objects.llmservice(namespace=namespace, rollout={"maxSurge": 0}))
    assert _scale(bed, stored, 1)["spec"] == {"replicas": 1}
    assert _scale(bed, stored, 0)["spec"] == {}
    assert _scale(bed, stored, 1)["spec"] == {"replicas": 1}
    _change(bed, stored, {"rollout": {"maxSurge": 1}})
    with pytest.raises(ApiError, match="write maxSurge 1, or more replicas"):
        _change(bed, stored, {"rollout": {"maxSurge": 0}})


def test_status_is_written_through_its_subresource_alone(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(merged(objects.llmservice(namespace=namespace), {"status": {"phase": "Stable"}}))
    assert "status" not in stored
    changed = bed.client.set_status(stored, {"phase": "Stable"})
    assert changed["metadata"]["generation"] == stored["metadata"]["generation"]


def test_status_of_a_rollout_is_open_and_the_rest_is_not(bed: ApiBed, namespace: str) -> None:
    stored = bed.client.create(objects.llmservice(namespace=namespace))
    rollout = {
        "stage": "Baking",
        "step": 0,
        "attempt": 0,
        "brokenRetries": 1,
        "revision": objects.REVISION,
        "baseline": objects.BASELINE,
        "since": "2026-11-21T10:00:00Z",
        "intent": {"anything": {"at": ["all"]}},
        "held": {"reason": "Paused", "message": "spec.rollout.paused is true", "since": "2026-11-21T10:00:00Z"},
        "ofALaterVersion": {"a": 1},
    }
    assert bed.client.set_status(stored, {"rollout": rollout})["status"]["rollout"] == rollout
    with pytest.raises(ApiError, match=r'unknown field "status\.phse"'):
        bed.client.set_status(stored, {"phse": "Stable"})
    with pytest.raises(ApiError, match=r'status\.phase: Unsupported value: "Fine"'):
        bed.client.set_status(stored, {"phase": "Fine"})
