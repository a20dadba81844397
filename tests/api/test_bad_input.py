"""Wrong input of every kind: it is refused with object, field, what was found and what is allowed; what serves goes on.

One service lives through all of them: each test finds it serving, gives it something wrong together with a new
template, and mends it, upon which the new template is rolled out.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from serinus.core.naming import LABEL_REVISION, LABEL_SERVICE
from tests.support.apibed import ApiBed
from tests.support.bedclient import ApiError
from tests.support.objects import API_VERSION, gate, llmservice, merged, pod_template, probeset
from tests.support.operatorproc import Operator
from tests.support.processes import eventually
from tests.support.promises import is_ready, revision_of
from tests.support.team import NAME, Manifest, Team, a_team, held_of

pytestmark = pytest.mark.api
_AT_ONCE: Manifest = {"steps": [], "bake": "0s", "drainTimeout": "0s", "readyTimeout": "30s"}
_MODELS = (f"m{n}" for n in itertools.count())


@pytest.fixture(scope="module")
def serving(controlled_bed: ApiBed, operator: Operator) -> Iterator[Team]:
    """A team whose service has a stable revision, for all tests of this module."""
    with a_team(controlled_bed, operator) as team:
        team.replicas = 1
        team.begin(next(_MODELS), rollout=_AT_ONCE)
        yield team
        team.check()


@pytest.fixture
def team(serving: Team) -> Team:
    """The same team, with everything right again, whatever the test before it left."""
    assert serving.spec is not None
    ask(serving, probeset())
    serving.until_stable(serving.apply(serving.spec))
    return serving


@dataclass(frozen=True)
class Wrong:
    """Something wrong in the spec, the condition that says so, and what it says."""

    spec: Manifest
    condition: str
    reason: str
    says: tuple[str, ...]
    held: str = ""  # the reason of Held; empty: nothing is held, the spec is invalid as a whole
    template: Manifest = field(default_factory=dict)
    rolls: bool = True  # mended by rolling out; else by going back to what was


def restrained(path: str, **spec: Any) -> Wrong:
    """A field that restrains a rollout, and that cannot be acted on."""
    says, reason = (path, "remove it"), "FieldNotSupported"
    return Wrong(spec, "Held", reason, says, reason, rolls=path == "spec.traffic.gateway")


def quality(**fields: Any) -> Manifest:
    """The gates of a spec: the one gate, with other fields."""
    return {"quality": [gate(**fields)]}


_REF = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "chat", "stableServiceRef": {"name": "chat"}}
_METRIC = {"name": "errors", "signal": "error_ratio", "maxPercent": 1, "minRequests": 100}
_SERVER = pod_template()["spec"]["containers"][0]
_CASES = {
    "a runtime that does not exist": Wrong(
        {"runtime": "vlm"}, "SpecValid", "InvalidSpec", ("spec.runtime", "found 'vlm'", "allowed are custom, dynamo")
    ),
    "a template without the serving port": Wrong(
        {},
        "SpecValid",
        "InvalidSpec",
        ("spec.workload.port", "found 'http'", "spec.workload.template", "declared: none"),
        template={"spec": {"containers": [{**_SERVER, "ports": []}]}},
    ),
    "a label of ours in the template": Wrong(
        {},
        "SpecValid",
        "InvalidSpec",
        ("spec.workload.template.metadata.labels", "found 'serinus.dev/traffic'", "set by Serinus alone"),
        template={"metadata": {"labels": {"serinus.dev/traffic": "live"}}},
    ),
    "a template with an unknown field": Wrong(
        {},
        "SpecValid",
        "AdmissionRefused",
        ("spec.workload.template", "nodeSelektor", "field not declared in schema"),
        "AdmissionRefused",
        {"spec": {"nodeSelektor": {"gpu": "h100"}}},
    ),
    "a template with a wrong type": Wrong(
        {},
        "SpecValid",
        "AdmissionRefused",
        ("spec.workload.template", "terminationGracePeriodSeconds", "expected numeric", "got string"),
        "AdmissionRefused",
        {"spec": {"terminationGracePeriodSeconds": "soon"}},
    ),
    "a template with a value that is refused": Wrong(
        {},
        "SpecValid",
        "AdmissionRefused",
        ("spec.workload.template", "imagePullPolicy", "Sometimes", "supported values"),
        "AdmissionRefused",
        {"spec": {"containers": [{**_SERVER, "imagePullPolicy": "Sometimes"}]}},
    ),
    "a ProbeSet that does not exist": Wrong(
        {"gates": quality(probeSetRef={"name": "nobody"})},
        "ProbesReady",
        "ProbeSetNotFound",
        ("spec.gates.quality[support].probeSetRef.name", "found 'nobody'", "allowed is a ProbeSet of this namespace"),
        "ProbeSetNotFound",
    ),
    "a gateway": restrained("spec.traffic.gateway", traffic={"gateway": {"parentRefs": [{"name": "public"}]}}),
    "an approval": restrained("spec.rollout.approval", rollout={"approval": "BeforeTraffic"}),
    "metric gates": restrained("spec.gates.metrics", gates={"quality": [gate()], "metrics": [_METRIC]}),
}


@pytest.mark.parametrize("wrong", _CASES.values(), ids=_CASES)
def test_a_wrong_spec_is_explained_while_the_old_revision_serves_and_mending_it_rolls_out(
    wrong: Wrong, team: Team
) -> None:
    before, since, was = traffic_of(team), team.history.now(), team.spec or {}
    right = with_model(team, next(_MODELS))

    team.apply(merged(right, {**wrong.spec, "workload": {"template": wrong.template}}))

    status = told(team, wrong.condition, wrong.reason)
    said = condition_of(status, wrong.condition)["message"]
    assert not [text for text in wrong.says if text not in said], said
    assert held_of(status) == wrong.held
    assert status["phase"] == ("Held" if wrong.held else "Invalid")
    assert condition_of(status, "Stalled")["status"] == "True"
    assert traffic_of(team) == before
    if wrong.rolls:
        assert_mending_rolls_out(team, right, since)
    else:
        team.spec = was
        team.until_stable(team.apply(was))
        team.until(lambda s: not held_of(s) and s["phase"] == "Stable", "held no more")
        assert traffic_of(team) == before


_SETS = {
    "an unknown assertion": (
        probeset(source={"inline": '- vars: {question: "?"}\n  assert: [{type: vibes, value: good}]\n'}),
        "ProbeSetInvalid",
        ("line 2", "assert[0].type", "found 'vibes'", "contains"),
    ),
    "a question without an assertion": (
        probeset(source={"inline": '- vars: {question: "?"}\n'}),
        "ProbeSetInvalid",
        ("line 1", "assert"),
    ),
    "a ConfigMap that does not exist": (
        probeset(source={"inline": None, "configMapRef": {"name": "questions"}}),
        "ProbesNotFound",
        ("spec.source.configMapRef.name", "found 'questions'", "allowed is a ConfigMap of this namespace"),
    ),
    "more questions than the budget": (
        probeset(
            source={
                "inline": "".join(
                    f'- vars: {{question: "{n}?"}}\n  assert: [{{type: contains, value: a}}]\n' for n in range(1001)
                )
            }
        ),
        "BudgetTooSmall",
        ("spec.gates.quality[support].budget.pairs", "found 1000", "allowed is one round of ProbeSet support", "1001"),
    ),
}


@pytest.mark.parametrize(("questions", "reason", "says"), _SETS.values(), ids=_SETS)
def test_wrong_questions_hold_a_rollout_until_they_are_mended(
    questions: Manifest, reason: str, says: tuple[str, ...], team: Team
) -> None:
    before, since = traffic_of(team), team.history.now()
    ask(team, questions)
    right = with_model(team, next(_MODELS))

    team.apply(right)

    status = told(team, "ProbesReady", reason)
    said = condition_of(status, "ProbesReady")["message"]
    assert not [text for text in says if text not in said], said
    assert held_of(status) == reason
    assert traffic_of(team) == before
    if reason != "BudgetTooSmall":  # the ProbeSet itself is right then
        assert_probe_set_says(team, reason, says)
    ask(team, probeset())
    assert_mending_rolls_out(team, right, since)


def assert_probe_set_says(team: Team, reason: str, says: tuple[str, ...]) -> None:
    """The ProbeSet's own status names the reason, and the problem with its line and field."""

    def valid() -> Manifest | None:
        status = team.client.get(API_VERSION, "ProbeSet", "support", team.namespace).get("status") or {}
        return status if condition_of(status, "Valid").get("status") == "False" else None

    status = eventually(valid, "the ProbeSet is not valid", seconds=20)
    assert condition_of(status, "Valid")["reason"] == reason
    problem = status["problems"][0]
    shown = f"line {problem['line']} {problem['field']} {problem['message']}"
    assert not [text for text in says if text not in shown], shown


def test_the_missing_config_map_is_read_when_it_comes(team: Team) -> None:
    since = team.history.now()
    ask(team, probeset(source={"inline": None, "configMapRef": {"name": "late"}}))
    right = with_model(team, next(_MODELS))
    team.apply(right)
    team.until_held("ProbesNotFound")

    text = probeset()["spec"]["source"]["inline"]
    where = {"name": "late", "namespace": team.namespace}
    team.client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": where, "data": {"probes.yaml": text}})

    assert_mending_rolls_out(team, right, since)


@pytest.mark.parametrize(
    ("alerts", "says"),
    [
        (
            {"overrides": [{"alert": "LLMNothing", "for": "5m"}]},
            ("[alert=LLMNothing]", "found 'LLMNothing'", "LLMServiceDown"),
        ),
        ({"disabled": ["LLMNothing"]}, ("spec.alerts.disabled", "found 'LLMNothing'", "allowed are", "LLMServiceDown")),
        (
            {"overrides": [{"alert": "LLMErrorRatioHigh", "thresholdDuration": "2s"}]},
            ("[alert=LLMErrorRatioHigh]", "found", "allowed"),
        ),
    ],
    ids=["an override of an unknown alert", "an unknown alert disabled", "a threshold in another unit"],
)
def test_a_wrong_alert_is_explained_and_touches_no_traffic(alerts: Manifest, says: tuple[str, ...], team: Team) -> None:
    before = traffic_of(team)
    assert team.spec is not None

    team.apply(merged(team.spec, {"alerts": alerts}))

    status = told(team, "MonitoringReady", "NotAsSpecified")
    said = condition_of(status, "MonitoringReady")["message"]
    assert not [text for text in says if text not in said], said
    assert (status["phase"], held_of(status)) == ("Stable", "")
    assert traffic_of(team) == before
    team.apply(team.spec)
    team.until(lambda s: condition_of(s, "MonitoringReady")["status"] == "True", "MonitoringReady again")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"workloadRef": _REF}, "exactly one of workload"),
        ({"runtime": "vLLM 0.9"}, "spec.runtime"),
        ({"workload": {"replicas": "four"}}, "spec.workload.replicas"),
        ({"workload": {"repliques": 4}}, 'unknown field "spec.workload.repliques"|repliques: field not declared'),
        ({"gates": {"quality": []}}, "write at least one entry of gates.quality"),
        ({"gates": quality(tolerancePoints=5)}, "write tolerancePoints smaller than marginPoints"),
        ({"gates": quality(budget={"pairs": 1})}, "budget.pairs"),
        ({"servedModelName": "another"}, "servedModelName cannot change"),
        ({"alerts": {"overrides": [{"alert": "A", "threshold": 5}]}}, "threshold"),
    ],
    ids=lambda value: str(value)[:50] if isinstance(value, str) else "",
)
def test_what_the_api_server_refuses_changes_nothing(spec: Manifest, says: str, team: Team) -> None:
    before, body = traffic_of(team), team.body()
    assert team.spec is not None

    with pytest.raises(ApiError, match=says):
        team.apply(merged(team.spec, spec))

    assert team.body() == body
    assert traffic_of(team) == before


@pytest.mark.parametrize("name", ["a" * 63, "a" * 41, "chat-canary", "1chat"])
def test_a_name_that_leaves_no_room_for_services_is_refused(name: str, team: Team) -> None:
    with pytest.raises(ApiError, match=r"metadata\.name: write") as refused:
        team.client.create(llmservice(name, team.namespace))
    assert refused.value.code == 422


def test_a_service_that_was_never_right_serves_nothing_and_says_why(controlled_bed: ApiBed, operator: Operator) -> None:
    with a_team(controlled_bed, operator) as team:
        team.ask()
        name = team.deploy("one", runtime="vlm", rollout=_AT_ONCE)
        status = told(team, "SpecValid", "InvalidSpec")
        assert status["phase"] == "Invalid"
        assert team.objects("ReplicaSet", "apps/v1") + team.objects("Service", "v1") + team.pods() == []

        team.until_stable(team.deploy("one", runtime="vllm"))

        assert team.status()["stable"]["revision"] != name
        team.check()


def ask(team: Team, questions: Manifest) -> None:
    """Put these questions in the place of the ProbeSet, whatever it was."""
    wanted = {**questions, "metadata": {**questions["metadata"], "namespace": team.namespace}}
    change = [{"op": "replace", "path": "/spec", "value": wanted["spec"]}]
    team.client.patch(team.client.path_of(wanted), change, form="json")


def with_model(team: Team, model: str) -> Manifest:
    """The team's spec with another template; it is the team's spec from then on."""
    assert team.spec is not None
    team.spec = merged(team.spec, {"workload": {"template": pod_template(model=f"/models/{model}")}})
    return team.spec


def told(team: Team, kind: str, reason: str) -> Manifest:
    """Wait until the status speaks of the newest spec and a condition has this reason; the status."""
    wanted = "True" if kind == "Held" else "False"

    def holds(status: Manifest) -> bool:
        found = condition_of(status, kind)
        fresh = status.get("observedGeneration") == team.body()["metadata"]["generation"]
        return fresh and (found.get("status"), found.get("reason")) == (wanted, reason)

    return team.until(holds, f"{kind}={wanted} ({reason})", seconds=20)


def condition_of(status: Manifest, kind: str) -> Manifest:
    """One condition, empty if it is not there."""
    return next((c for c in status.get("conditions") or [] if c["type"] == kind), {})


def traffic_of(team: Team) -> dict[str, tuple[str, str]]:
    """UID and version of everything that carries users: Services, ReplicaSets with pods, Ready pods."""
    sets = [s for s in team.objects("ReplicaSet", "apps/v1", **{LABEL_SERVICE: NAME}) if s["spec"]["replicas"]]
    pods = [p for p in team.pods() if is_ready(p)]
    assert {revision_of(p) for p in pods} == {s["metadata"]["labels"][LABEL_REVISION] for s in sets}
    found = [*team.objects("Service", "v1"), *sets, *pods]
    return {
        f"{o['kind']} {o['metadata']['name']}": (o["metadata"]["uid"], o["metadata"]["resourceVersion"]) for o in found
    }


def assert_mending_rolls_out(team: Team, right: Manifest, since: int) -> None:
    """With everything right the new template is rolled out, and no replica was missing since the wrong one came."""
    revision = team.apply(right)
    status = team.until_stable(revision)
    assert (status["phase"], held_of(status), condition_of(status, "SpecValid")["status"]) == ("Stable", "", "True")
    assert condition_of(status, "Stalled")["status"] == "False"
    assert team.least(since) >= team.replicas
