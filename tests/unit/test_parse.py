"""`parse` against the CRD: same defaults, every field acted on or named as not, and no error but InvalidSpec."""

import copy
import dataclasses
import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.fields import parse_duration
from serinus.core.model import InvalidSpec, Mode, Purpose, Service, Surge
from serinus.core.parse import parse
from serinus.core.support import ignored_fields, restraining_fields
from tests.golden.render import ROOT
from tests.support import objects
from tests.unit.fake_world import FAST, FakeWorld, surroundings, world
from tests.unit.rollouts import held, served

RUNTIMES = surroundings().catalogue


@cache
def crd() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "crds" / "serinus.dev_llmservices.yaml").read_text())
    schema: dict[str, Any] = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def defaulted(schema: dict[str, Any], value: Any) -> Any:
    """Fill in defaults as the API server does: of an object that is there, and of what it then holds."""
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name not in value and "default" in child:
                value[name] = copy.deepcopy(child["default"])
            if name in value:
                value[name] = defaulted(child, value[name])
    if isinstance(value, list):
        return [defaulted(schema["items"], v) for v in value]
    return value


def parsed(body: dict[str, Any]) -> Service:
    return parse(body, RUNTIMES)


def meaning(service: Service) -> dict[str, Any]:
    """A parsed service without the list of what is not acted on yet, which shows defaults too."""
    return {k: v for k, v in dataclasses.asdict(service).items() if k != "ignored"}


def test_defaults_are_those_of_the_crd() -> None:
    plain = objects.llmservice()
    full = copy.deepcopy(plain)
    full["spec"] = defaulted(crd(), full["spec"])

    assert full["spec"] != plain["spec"]
    assert meaning(parsed(full)) == meaning(parsed(plain))
    assert parsed(full).restraining == ()


# Every field of the CRD does something, or is named


OTHER: dict[str, Any] = {
    "spec.runtime": "tgi",
    "spec.monitoring.outputs.alertmanagerConfig.channel.receiver": "Slack",  # what the channel needs beside it
    "spec.workload.port": "other",
    "spec.workload.metricsPort": "other",
    "spec.workload.template.metadata": {"labels": {"a": "b"}},
    "spec.workload.template.spec": {"containers": [{"name": "x", "ports": [{"name": "http", "containerPort": 1}]}]},
    "spec.workload.restartAt": "2026-11-21T10:00:00Z",
    "spec.rollout.maxSurge": "50%",
    "spec.rollout.steps[].trafficPercent": 33,
    "spec.gates.quality[].floorPercent": 70,
    "spec.gates.quality[].tolerancePoints": 2,
    "spec.gates.quality[].when": ["BeforeTraffic", "Bake"],
    "spec.gates.quality[].every": "30m",
}
"""Values for fields that no simple rule gives another value for. `workloadRef` and `signals` have other tests."""


def leaves(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field that holds a value of its own, with its path; `[]` for the items of a list."""
    if path in OTHER or not schema.get("properties"):
        if schema.get("items", {}).get("properties") and path not in OTHER:
            yield from leaves(schema["items"], f"{path}[]")
            return
        yield path, schema
        return
    for name, child in schema["properties"].items():
        yield from leaves(child, f"{path}.{name}")


def other_value(path: str, schema: dict[str, Any]) -> Any:
    """A value that is allowed and is not the default."""
    if path in OTHER:
        return OTHER[path]
    default = schema.get("default")
    if "enum" in schema:
        return next(v for v in schema["enum"] if v != default)
    match schema.get("type"):
        case "boolean":
            return not default
        case "integer" | "number":
            return next(
                n for n in (7, 17, 2000) if schema.get("minimum", 0) <= n <= schema.get("maximum", n) and n != default
            )
        case "array":
            items = schema["items"]
            return items["enum"][:1] if "enum" in items else ["LLMTargetDown"]
        case "object":
            return {"memory": "1Gi"} if path.endswith(("requests", "limits")) else {"a": "b"}
        case _:
            pass
    if schema.get("x-kubernetes-int-or-string"):
        return 3
    return "17m" if schema.get("pattern", "").startswith("^([0-9]{1,5}(h|m|s|ms))") else "other"


def placed(spec: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A spec with a value at a path; lists on the way get one item, and objects what they require."""
    result = copy.deepcopy(spec)
    at, schema = result, crd()
    keys = path.split(".")[1:]
    for i, key in enumerate(keys):
        name, is_list = key.removesuffix("[]"), key.endswith("[]")
        schema = schema["properties"][name]
        if i == len(keys) - 1:
            at[name] = value
            break
        if is_list:
            schema = schema["items"]
            found = at.setdefault(name, [])
            if not found:
                found.append({})
            at = found[0]
        else:
            at = at.setdefault(name, {})
        following = keys[i + 1].removesuffix("[]")
        for need in schema.get("required", []):
            if need != following and need not in at:
                at[need] = other_value(f"{path}.{need}", schema["properties"][need])
                at[need] = (
                    {"name": "other", "key": "token"} if schema["properties"][need].get("properties") else at[need]
                )
    return result


LEAVES = [(p, s) for p, s in leaves(crd(), "spec") if not p.startswith(("spec.workloadRef", "spec.signals"))]

SLO = {"name": "a", "objectivePercent": 99}
SLOS: dict[str, dict[str, Any]] = {
    "spec.slos[].thresholdPercent": {**SLO, "signal": "quality"},
    "spec.slos[].thresholdValue": {**SLO, "signal": "cost_per_request", "thresholdValue": 1},
}
"""Objectives whose signal takes the field; every other field belongs to one on a duration."""


def start(path: str = "") -> dict[str, Any]:
    slo = SLOS.get(path, {**SLO, "signal": "itl", "thresholdDuration": "1s"})
    body = objects.llmservice(alerts={"overrides": [{"alert": "LLMTargetDown", "for": "1m"}]}, slos=[dict(slo)])
    ports = body["spec"]["workload"]["template"]["spec"]["containers"][0]["ports"]
    ports.append({"name": "other", "containerPort": 9000})
    return body


@pytest.mark.parametrize(("path", "schema"), LEAVES, ids=[p for p, _ in LEAVES])
def test_every_field_of_the_crd_is_acted_on_or_named(path: str, schema: dict[str, Any]) -> None:
    before = start(path)
    after = copy.deepcopy(before)
    after["spec"] = placed(before["spec"], path, other_value(path, schema))
    assert after != before
    old, new = parsed(before), parsed(after)

    named = [re.sub(r"\[.*?\]", "[]", p) for p in (*new.restraining, *new.ignored)]
    acted_on = meaning(old) != meaning(new)
    assert acted_on or any(path.startswith(p) for p in named), f"{path} is neither parsed nor in support.py"


def test_there_are_many_fields() -> None:
    assert len(LEAVES) > 80
    assert "spec.gates.quality[].budget.tokens" in dict(LEAVES)


# What this version cannot act on


RESTRAINING: dict[str, Any] = {
    "spec.traffic.gateway": {"traffic": {"gateway": {"parentRefs": [{"name": "public"}]}}},
    "spec.rollout.approval": {"rollout": {"approval": "BeforeTraffic"}},
    "spec.gates.metrics": {"gates": {"metrics": [{"name": "ttft", "signal": "ttft_p95", "maxDuration": "2s"}]}},
}


@pytest.mark.parametrize("path", RESTRAINING)
def test_a_restraint_that_cannot_be_kept_holds_every_new_rollout(path: str) -> None:
    found = served()
    stable = found.stable
    found.body["spec"] = objects.merged(found.body["spec"], RESTRAINING[path])
    found.change("registry.example/vllm:2")
    held(found, "FieldNotSupported")
    for _ in range(5):
        found.reconcile()
        found.tick(1000)

    assert found.users() == {stable}
    assert path in found.status("message")


@pytest.mark.parametrize("path", RESTRAINING)
def test_a_restraint_that_cannot_be_kept_holds_the_first_rollout_too(path: str) -> None:
    found: FakeWorld = world(**FAST)
    found.body["spec"] = objects.merged(found.body["spec"], RESTRAINING[path])

    held(found, "FieldNotSupported")
    assert found.users() == set()


def test_a_workload_of_somebody_else_is_refused_by_name() -> None:
    found = world(workload=None, workloadRef={"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"})

    assert restraining_fields(found.body["spec"]) == ("spec.workloadRef",)
    with pytest.raises(InvalidSpec) as caught:
        found.look()
    assert caught.value.path in ("spec.workloadRef", "spec.workload.template")


def test_what_restrains_nothing_is_only_named() -> None:
    spec = {"workload": {"restartAt": "2026-11-21T10:00:00Z"}}

    assert ignored_fields(spec) == ("spec.workload.restartAt",)
    assert restraining_fields(spec) == ()


# What is refused, and with which path


WRONG: list[tuple[str, Any]] = [
    ("spec.servedModelName", None),
    ("spec.servedModelName", 7),
    ("spec.runtime", "unheard-of"),
    ("spec.owner", "me"),
    ("spec.owner.team", None),
    ("spec.workload.replicas", -1),
    ("spec.workload.replicas", True),
    ("spec.workload.port", "absent"),
    ("spec.workload.port", []),
    ("spec.workload.metricsPort", 1),
    ("spec.workload.template", []),
    ("spec.service.type", "ExternalName"),
    ("spec.service.port", 0),
    ("spec.service.annotations", {"a": 1}),
    ("spec.disruption.maxUnavailable", "some"),
    ("spec.disruption.maxUnavailable", -1),
    ("spec.disruption.maxUnavailable", True),
    ("spec.rollout.mode", "enforce"),
    ("spec.rollout.maxSurge", "101%"),
    ("spec.rollout.maxSurge", 1.5),
    ("spec.rollout.maxSurge", "1"),
    ("spec.rollout.steps", "10"),
    ("spec.rollout.steps", [{"trafficPercent": 50}, {"trafficPercent": 10}]),
    ("spec.rollout.steps", [{"trafficPercent": 10}, {"trafficPercent": 10}]),
    ("spec.rollout.steps[0].trafficPercent", 100),
    ("spec.rollout.bake", "5 minutes"),
    ("spec.rollout.bake", ""),
    ("spec.rollout.paused", "true"),
    ("spec.rollout.onInconclusive", "Promote"),
    ("spec.gates.quality[0].floorPercent", None),
    ("spec.gates.quality[0].floorPercent", 101),
    ("spec.gates.quality[0].floorPercent", float("nan")),
    ("spec.gates.quality[0].marginPoints", 80),
    ("spec.gates.quality[0].tolerancePoints", 5),
    ("spec.gates.quality[0].when", ["Bake"]),
    ("spec.gates.quality[0].when", ["Continuous"]),
    ("spec.gates.quality[0].when", ["before"]),
    ("spec.gates.quality[0].when", []),
    ("spec.gates.quality[0].probeSetRef.name", None),
    ("spec.gates.quality", []),
    ("spec.evidenceRetention", "keep"),
    ("spec.alerts.overrides", [{"alert": "LLMTargetDown", "severity": "page"}]),
    ("spec.workload.template.metadata", {"labels": {"serinus.dev/traffic": "live"}}),
    ("spec.access", {"secretKeyRef": {"name": "x"}}),
    ("spec.monitoring.labels", {"a": None}),
]


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{p}={v!r}" for p, v in WRONG])
def test_a_wrong_value_is_refused_with_its_path(path: str, value: Any) -> None:
    body = objects.llmservice()
    at: Any = body
    *parents, last = path.replace("[0]", ".0").split(".")
    for key in parents:
        missing: Any = [{}] if key == "steps" else {}
        at = at[0] if key == "0" else at.setdefault(key, missing)
    at[last] = value

    with pytest.raises(InvalidSpec) as caught:
        parsed(body)
    assert caught.value.path, caught.value
    assert caught.value.path.split("[")[0].startswith(path.split("[", maxsplit=1)[0].rsplit(".", 1)[0])


def test_both_and_neither_workload_are_refused() -> None:
    for workload_ref, workload in (({"name": "x"}, {}), (None, None)):
        spec = objects.llmservice(workloadRef=workload_ref)["spec"]
        if workload is None:
            del spec["workload"]
        with pytest.raises(InvalidSpec, match="allowed is exactly one"):
            parsed({"metadata": {"name": "x"}, "spec": spec})


def test_an_empty_list_of_stages_is_not_an_absent_one() -> None:
    spec: Any = {"gates": {"quality": [objects.gate(), objects.gate("watch", when=[], every="30m")]}}

    gates = parsed(objects.llmservice(**spec)).gates
    assert [g.when for g in gates] == [(Purpose.BEFORE_TRAFFIC,), ()]
    assert [g.every for g in gates] == [0, 1800]


@pytest.mark.parametrize("every", ["59s", "169h", "soon"])
def test_a_continuous_gate_asks_between_once_a_minute_and_once_a_week(every: str) -> None:
    with pytest.raises(InvalidSpec, match=r"quality\[0\]\.every: found '.*', allowed is"):
        parsed(objects.llmservice(gates={"quality": [objects.gate(every=every)]}))


def test_metrics_of_a_gate_are_named_once_with_a_weight() -> None:
    gate = objects.gate(compare="Score", metrics=[{"name": "tone"}, {"name": "facts", "weight": 3}])
    policy = parsed(objects.llmservice(gates={"quality": [gate]})).gates[0].policy

    assert policy.graded
    assert [(m.name, m.weight) for m in policy.metrics] == [("tone", 1), ("facts", 3)]
    with pytest.raises(InvalidSpec, match=r"metrics: found \['tone', 'tone'\], allowed are up to 10 different names"):
        parsed(objects.llmservice(gates={"quality": [objects.gate(metrics=[{"name": "tone"}, {"name": "tone"}])]}))


def test_a_percentage_of_surge_rounds_up() -> None:
    assert [Surge(value=25, percent=True).of(n) for n in (0, 1, 4, 5, 100)] == [0, 1, 1, 2, 25]
    assert [Surge(value=0, percent=True).of(n) for n in (1, 50)] == [0, 0]
    assert parsed(objects.llmservice(rollout={"maxSurge": "25%"})).rollout.surge == Surge(value=25, percent=True)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("1ms", 1), ("1500ms", 2), ("0s", 0)])
def test_durations_are_whole_seconds_rounded_up(text: str, seconds: int) -> None:
    assert parse_duration(text, "x") == seconds


def test_null_is_absent() -> None:
    spec = {"rollout": {"maxSurge": None, "mode": None, "steps": None, "bake": None}}
    body = objects.llmservice()
    body["spec"] |= copy.deepcopy(spec)

    assert meaning(parsed(body)) == meaning(parsed(objects.llmservice()))
    assert parsed(body).rollout.mode is Mode.ENFORCE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["5m", "Enforce"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = sorted(
    {p.replace("[]", ".0") for p, _ in LEAVES} | {"spec", "metadata", "spec.gates", "spec.workload", "spec.alerts"}
)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_arbitrary_json_is_refused_and_nothing_else(value: Any) -> None:
    for body in ({"spec": value}, {"metadata": value, "spec": objects.llmservice()["spec"]}):
        try:
            parsed(body)
        except InvalidSpec:
            continue


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_arbitrary_json_anywhere_is_parsed_or_refused(path: str, value: Any) -> None:
    body: Any = start()
    at = body
    *parents, last = path.split(".")
    for key, following in itertools.pairwise([*parents, last]):
        if key == "0":
            at = at[0]
            continue
        at = at.setdefault(key, [{}] if following == "0" else {})
    at[int(last) if last == "0" else last] = value
    try:
        service = parsed(body)
    except InvalidSpec:
        return
    else:
        assert json.dumps(service.rollout.steps, default=str)
