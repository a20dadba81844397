"""The ends of what `parse` takes: the last value that is allowed, and the first one that is not."""

from typing import Any

import pytest

from serinus.core.model import InvalidSpec, Service
from serinus.core.parse import parse
from tests.support import objects
from tests.unit.fake_world import surroundings


def parsed(**spec: Any) -> Service:
    return parse(objects.llmservice(**spec), surroundings().catalogue)


def gate(**fields: Any) -> dict[str, Any]:
    return {"gates": {"quality": [objects.gate(**fields)]}}


def step(percent: int) -> dict[str, Any]:
    return {"rollout": {"steps": [{"trafficPercent": percent}]}}


TAKEN: list[dict[str, Any]] = [
    {"service": {"port": 1}},
    {"service": {"port": 65535}},
    {"rollout": {"maxSurge": 0}},
    {"rollout": {"maxSurge": "0%"}},
    {"rollout": {"maxSurge": "100%"}},
    {"workload": {"replicas": 0}},
    step(1),
    step(99),
    gate(floorPercent=1, marginPoints=0.5),
    gate(marginPoints=0.1),
    gate(marginPoints=50, tolerancePoints=49),
    gate(falseRollbackPercent=0.1),
    gate(falseRollbackPercent=50),
    gate(falsePromotionPercent=0.1),
    gate(falsePromotionPercent=50),
    gate(budget={"pairs": 10}),
    gate(budget={"tokens": 1000}),
    gate(metrics=[{"name": "tone", "weight": 1}, {"name": "facts", "weight": 1000}]),
    gate(every="1m"),
    gate(every="168h"),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"service": {"port": 0}}, "spec.service.port"),
    ({"service": {"port": 65536}}, "spec.service.port"),
    ({"rollout": {"maxSurge": -1}}, "spec.rollout.maxSurge"),
    ({"rollout": {"maxSurge": True}}, "spec.rollout.maxSurge"),
    ({"rollout": {"maxSurge": "101%"}}, "spec.rollout.maxSurge"),
    ({"workload": {"replicas": -1}}, "spec.workload.replicas"),
    (step(0), "spec.rollout.steps[0].trafficPercent"),
    (step(100), "spec.rollout.steps[0].trafficPercent"),
    (gate(floorPercent=0.9, marginPoints=0.5), "floorPercent"),
    (gate(metrics=[{"name": "tone", "weight": 0}]), "metrics[0].weight"),
    (gate(metrics=[{"name": "tone", "weight": 1001}]), "metrics[0].weight"),
    (gate(marginPoints=0.09), "marginPoints"),
    (gate(marginPoints=50.5), "marginPoints"),
    (gate(floorPercent=5, marginPoints=5), "marginPoints: must be below floorPercent"),
    (gate(marginPoints=5, tolerancePoints=5), "tolerancePoints: must be below marginPoints"),
    (gate(marginPoints=50, tolerancePoints=50.5), "tolerancePoints: found"),
    (gate(falseRollbackPercent=0.09), "falseRollbackPercent"),
    (gate(falseRollbackPercent=50.5), "falseRollbackPercent"),
    (gate(falsePromotionPercent=0.09), "falsePromotionPercent"),
    (gate(falsePromotionPercent=50.5), "falsePromotionPercent"),
    (gate(budget={"pairs": 9}), "budget.pairs"),
    (gate(budget={"tokens": 999}), "budget.tokens"),
    (gate(every="59s"), "every"),
    (gate(every="168h1s"), "every"),
    (
        {"alerts": {"overrides": [{"alert": "X", "thresholdPercent": 1, "thresholdValue": 2}]}},
        "found thresholdPercent and thresholdValue, allowed is one of them",
    ),
]


@pytest.mark.parametrize("spec", TAKEN, ids=str)
def test_the_last_allowed_value_is_taken(spec: dict[str, Any]) -> None:
    parsed(**spec)


@pytest.mark.parametrize(("spec", "told"), REFUSED, ids=[str(s) for s, _ in REFUSED])
def test_the_first_value_beyond_is_refused(spec: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parsed(**spec)
    assert told in str(caught.value)


def test_what_is_not_given_has_its_default() -> None:
    body = objects.llmservice()
    del body["spec"]["workload"]["replicas"]
    service = parse(body, surroundings().catalogue)

    assert service.workload is not None
    assert (service.workload.replicas, service.generation, service.service.port) == (1, 0, 80)
    assert not service.evidence_keep
    assert parsed(evidenceRetention="Keep").evidence_keep


def test_a_workload_of_somebody_else_needs_no_gate() -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat"}
    service = parsed(workload=None, workloadRef=reference, gates=None)

    assert service.workload is None
    assert service.gates == ()
    assert service.rollout.steps == ()


def test_the_field_that_a_threshold_was_given_in_is_kept() -> None:
    found = parsed(alerts={"overrides": [{"alert": "X", "thresholdDuration": "2s"}, {"alert": "Y", "for": "5m"}]})
    x, y = found.monitoring.overrides["X"], found.monitoring.overrides["Y"]

    assert (x.threshold, x.threshold_field) == ("2s", "thresholdDuration")
    assert (y.threshold, y.threshold_field, y.hold) == (None, "", "5m")
