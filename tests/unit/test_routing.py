"""Owns what an AlertmanagerConfig promises: who is told, what is silenced, and that Alertmanager takes it.

Its own `amtool` reads the routes, and a real Alertmanager on loopback is sent alerts. The objects are written as plain
configuration the way prometheus-operator does it (`tests/support/alertmanagers`).
"""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from serinus.core.datafile import InvalidCatalogue
from serinus.core.inhibition import SERVICE_LABELS, Inhibition, parse_inhibitions
from serinus.core.model import InvalidSpec, Manifest
from serinus.core.parse import parse
from serinus.core.support import ignored_fields
from serinus.resources import alertmanager_config
from serinus.resources.context import Context, Settings
from tests.cluster.binaries import ensure, ensure_crds
from tests.golden.crd import CrdFolder
from tests.support import objects
from tests.support.alertmanagers import plain
from tests.support.processes import Child, eventually, free_ports
from tests.support.traces import ROOT, library

SECRET = {"name": "pager", "key": "url"}
RECEIVERS: dict[str, dict[str, Any]] = {
    "Webhook": {"receiver": "Webhook"},
    "Slack": {"receiver": "Slack", "channel": "#llm"},
    "PagerDuty": {"receiver": "PagerDuty"},
}
ALERTS = frozenset(alert.name for group in library().alerts for alert in group.alerts)
RULES = library().inhibitions


@cache
def crds() -> CrdFolder:
    return CrdFolder(ensure_crds())


def context(name: str = "chat", namespace: str = "team-a", **receiver: Any) -> Context:
    given = {"receiver": "Webhook", "secretKeyRef": SECRET, **receiver}
    body = objects.llmservice(name, namespace, monitoring={"outputs": {"alertmanagerConfig": given}})
    settings = Settings(probe_image="unused", inhibitions=RULES, monitor_labels={"release": "kps"})
    return Context(service=parse(body, library().runtimes), settings=settings)


def built(name: str = "chat", namespace: str = "team-a", **receiver: Any) -> Manifest:
    [made] = alertmanager_config.build(context(name, namespace, **receiver))
    return made


def write(folder: Path, *found: Manifest) -> Path:
    for key in {o["metadata"]["name"] for o in found}:
        (folder / f"{key}.yaml").write_text("")
    (folder / "pager-url").write_text("http://127.0.0.1:1/hook")
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(plain(list(found), folder)), encoding="utf-8")
    return path


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run([ensure("amtool"), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def routed(path: Path, *labels: str) -> str:
    return amtool("config", "routes", "test", f"--config.file={path}", *labels)


# The object


def test_without_a_receiver_there_is_no_object() -> None:
    body = objects.llmservice()
    bare = Context(service=parse(body, library().runtimes), settings=Settings(probe_image="unused", inhibitions=RULES))
    assert alertmanager_config.build(bare) == []


@pytest.mark.parametrize("receiver", RECEIVERS.values(), ids=RECEIVERS)
def test_the_crd_takes_every_receiver_and_refuses_a_typo(receiver: dict[str, Any]) -> None:
    made = built(**receiver)
    assert crds().problems(made) == []
    made["spec"]["inhibitRule"] = made["spec"].pop("inhibitRules")
    assert any("'inhibitRule'" in problem for problem in crds().problems(made))


def test_keys_are_referred_to_and_stand_nowhere() -> None:
    [config] = built(receiver="PagerDuty")["spec"]["receivers"][0]["pagerdutyConfigs"]
    assert config["routingKey"] == SECRET


def test_a_team_is_told_as_soon_and_as_often_as_it_says() -> None:
    made = built(groupWait="5s", groupInterval="1m30s", repeatInterval="12h")
    assert crds().problems(made) == []
    waits = {key: value for key, value in made["spec"]["route"].items() if key.endswith(("Wait", "Interval"))}
    assert waits == {"groupWait": "5s", "groupInterval": "1m30s", "repeatInterval": "12h"}


@pytest.mark.parametrize(
    ("given", "path", "words"),
    [
        ({"secretKeyRef": SECRET}, "receiver", "is required"),
        ({"receiver": "Mail", "secretKeyRef": SECRET}, "receiver", "Webhook, Slack, PagerDuty"),
        ({"receiver": "Slack", "secretKeyRef": SECRET}, "channel", "for Slack"),
        ({"receiver": "Webhook", "channel": "#a", "secretKeyRef": SECRET}, "channel", "for Slack"),
        ({"receiver": "Slack", "channel": "{{ x }}", "secretKeyRef": SECRET}, "channel", "allowed"),
        ({"receiver": "Webhook", "secretKeyRef": SECRET, "groupWait": "soon"}, "groupWait", "30s, 5m or 1h30m"),
        ({"receiver": "Webhook", "secretKeyRef": SECRET, "groupInterval": "0s"}, "groupInterval", "1s or more"),
        ({"receiver": "Webhook", "secretKeyRef": SECRET, "repeatInterval": "0s"}, "repeatInterval", "1s or more"),
        ({"receiver": "Webhook"}, "secretKeyRef.name", "is required"),
        ({"receiver": "Webhook", "secretKeyRef": {"name": "../x", "key": "k"}}, "secretKeyRef.name", "allowed"),
        ({"receiver": "Webhook", "secretKeyRef": {"name": "x", "key": "a/b"}}, "secretKeyRef.key", "allowed"),
    ],
)
def test_a_wrong_receiver_is_refused_by_its_path(given: dict[str, Any], path: str, words: str) -> None:
    body = objects.llmservice(monitoring={"outputs": {"alertmanagerConfig": given}})
    with pytest.raises(InvalidSpec, match=words) as refused:
        parse(body, library().runtimes)
    assert refused.value.path == f"spec.monitoring.outputs.alertmanagerConfig.{path}"


def test_it_is_no_field_that_is_not_acted_on() -> None:
    outputs = {"alertmanagerConfig": {"receiver": "Webhook"}, "traces": {}}
    assert ignored_fields({"monitoring": {"outputs": outputs}}) == ()


# The data


def test_every_alert_of_the_catalogue_has_its_place_among_causes_and_symptoms() -> None:
    assert ALERTS - RULES.named() == frozenset()
    assert RULES.named() <= ALERTS


def labels_of(alert: str) -> set[str]:
    """Labels that an alert carries besides those of every alert, in the case in which promtool sees it fire."""
    case = yaml.safe_load((ROOT / "tests" / "alerts" / "cases" / f"{alert}.yaml").read_text("utf-8"))
    return {label for fired in case["fires"] for label in fired.get("labels", {})}


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.cause)
def test_a_cause_and_its_symptoms_have_the_labels_that_they_are_joined_by(rule: Inhibition) -> None:
    wanted = set(rule.equal) - set(SERVICE_LABELS)
    assert [name for name in (rule.cause, *rule.symptoms) if not wanted <= labels_of(name)] == []


RULE = {"cause": "LLMServiceDown", "symptoms": ["LLMNoTraffic"], "equal": ["namespace", "llmservice"]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"inhibitions": [RULE | {"cause": "LLMNoSuchAlert"}]}, r"inhibitions\[0\].cause: found 'LLMNoSuchAlert'"),
        ({"inhibitions": [RULE | {"symptoms": ["LLMNoSuchAlert"]}]}, r"symptoms\[0\]: found 'LLMNoSuchAlert'"),
        ({"inhibitions": [RULE | {"symptoms": ["LLMServiceDown"]}]}, "other alerts"),
        ({"inhibitions": [RULE | {"symptoms": []}]}, "at least one"),
        ({"inhibitions": [RULE | {"equal": ["namespace"]}]}, "namespace and llmservice among them"),
        ({"inhibitions": [RULE | {"equals": []}]}, "equals: is unknown"),
        ({"inhibitions": [RULE], "independent": ["LLMNoTraffic"]}, "which is a symptom of LLMServiceDown"),
        ({"independent": ["LLMNoSuchAlert"]}, r"independent\[0\]"),
    ],
)
def test_a_wrong_file_is_refused_with_its_path(data: object, words: str) -> None:
    with pytest.raises(InvalidCatalogue, match=words):
        parse_inhibitions(data, "inhibitions.yaml", ALERTS)


def test_the_stack_has_the_same_rules_for_all_services() -> None:
    text = (ROOT / "charts" / "serinus-stack" / "files" / "inhibitions.yaml").read_text("utf-8")
    assert yaml.safe_load(text) == alertmanager_config.plain_inhibitions(RULES.rules)


# Alertmanager's own tools


@pytest.mark.parametrize("receiver", RECEIVERS.values(), ids=RECEIVERS)
def test_alertmanager_takes_every_receiver(tmp_path: Path, receiver: dict[str, Any]) -> None:
    checked = amtool("check-config", write(tmp_path, built(**receiver)))
    assert "2 receivers" in checked
    assert f"{len(RULES.rules)} inhibit rules" in checked


def test_alerts_of_a_service_reach_its_owner_and_no_other(tmp_path: Path) -> None:
    found = [built("chat"), built("search"), built("chat", "team-b")]
    path = write(tmp_path, *found)
    alert = "alertname=LLMServiceDown"

    assert routed(path, alert, "namespace=team-a", "llmservice=chat") == "team-a/chat/owner"
    assert routed(path, alert, "namespace=team-a", "llmservice=search") == "team-a/search/owner"
    assert routed(path, alert, "namespace=team-b", "llmservice=chat") == "team-b/chat/owner"
    assert routed(path, alert, "namespace=team-c", "llmservice=chat") == "nobody"
    assert routed(path, alert, "namespace=team-a") == "nobody"


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an Alertmanager with the configuration of two services of a namespace."""
    folder = tmp_path_factory.mktemp("alertmanager")
    path = write(folder, built("chat"), built("search"))
    [port] = free_ports(1)
    address = f"127.0.0.1:{port}"
    flags = [f"--config.file={path}", f"--storage.path={folder / 'data'}", f"--web.listen-address={address}"]
    child = Child([ensure("alertmanager"), *flags, "--cluster.listen-address="], log=folder / "alertmanager.log")
    eventually(lambda: ready(child, f"http://{address}"), "Alertmanager is ready", seconds=30)
    yield f"http://{address}"
    child.stop(10)


def ready(child: Child, address: str) -> bool:
    child.check()
    try:
        return requests.get(f"{address}/-/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def fire(address: str, *names: str, service: str = "chat", **labels: str) -> None:
    begun = datetime.now(UTC).isoformat()
    common = {"namespace": "team-a", "llmservice": service, **labels}
    alerts = [{"labels": {"alertname": name, **common}, "startsAt": begun} for name in names]
    requests.post(f"{address}/api/v2/alerts", json=alerts, timeout=10).raise_for_status()


def states(address: str, revision: str) -> dict[tuple[str, str], str]:
    """State of each alert of a revision by its name and service."""
    found = requests.get(f"{address}/api/v2/alerts", params={"filter": f'revision="{revision}"'}, timeout=10).json()
    return {(a["labels"]["alertname"], a["labels"]["llmservice"]): a["status"]["state"] for a in found}


def expect(address: str, revision: str, wanted: dict[tuple[str, str], str]) -> None:
    eventually(lambda: states(address, revision) == wanted, f"alerts of {revision} are {wanted}", seconds=20)


def test_targets_that_are_down_silence_latency_of_their_revision_alone(alertmanager: str) -> None:
    fire(alertmanager, "LLMTargetDown", "LLMRequestLatencyHigh", "LLMErrorRatioHigh", revision="r1")
    fire(alertmanager, "LLMRequestLatencyHigh", revision="r2")
    fire(alertmanager, "LLMRequestLatencyHigh", service="search", revision="r1")

    expect(
        alertmanager,
        "r1",
        {
            ("LLMTargetDown", "chat"): "active",
            ("LLMRequestLatencyHigh", "chat"): "suppressed",
            ("LLMErrorRatioHigh", "chat"): "active",
            ("LLMRequestLatencyHigh", "search"): "active",
        },
    )
    expect(alertmanager, "r2", {("LLMRequestLatencyHigh", "chat"): "active"})


def test_a_service_that_is_down_silences_its_symptoms_and_not_its_rollout(alertmanager: str) -> None:
    fire(alertmanager, "LLMRequestLatencyHigh", "LLMRolloutRolledBack", service="search", revision="r3")
    fire(alertmanager, "LLMServiceDown", service="search")

    expect(
        alertmanager,
        "r3",
        {("LLMRequestLatencyHigh", "search"): "suppressed", ("LLMRolloutRolledBack", "search"): "active"},
    )
