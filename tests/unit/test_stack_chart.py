"""Owns what the stack's chart promises: profiles, keys of the joined charts, receivers, links between the stores."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.binaries import ensure
from tests.support import stackcharts
from tests.support.helm import HelmError, Manifest, run, template
from tests.support.stackcharts import PROFILES, STACK

RECEIVERS = {
    "slack": {"url": "https://hooks.example.com/x", "channel": "#night"},
    "pagerduty": {"routingKey": "0123"},
    "webhook": {"url": "http://receiver:8080/"},
}
PARTS = {
    "minimal": {"kube-prometheus-stack"},
    "quality": {"kube-prometheus-stack", "loki", "alloy"},
    "full": {"kube-prometheus-stack", "loki", "alloy", "tempo", "kyverno"},
}


@pytest.fixture(scope="module")
def stubbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The chart with the real operator's chart and stubs of the others."""
    return stackcharts.stack(tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def profiles(stubbed: Path) -> dict[str, list[Manifest]]:
    """What each profile renders to."""
    files = {name: yaml.safe_load((STACK / "profiles" / f"{name}.yaml").read_text("utf-8")) for name in PROFILES}
    return {name: template(values, chart=stubbed, namespace="mon") for name, values in files.items()}


def named(objects: list[Manifest], name: str) -> Manifest | None:
    return next((o for o in objects if o["metadata"]["name"] == name), None)


def alertmanager(objects: list[Manifest]) -> str:
    secret = named(objects, "serinus-alertmanager")
    assert secret is not None
    return str(secret["stringData"]["alertmanager.yaml"])


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_installs_its_parts_and_no_others(profiles: dict[str, list[Manifest]], profile: str) -> None:
    stubs = {o["metadata"]["name"] for o in profiles[profile] if o["metadata"]["name"].startswith("stub-")}
    assert stubs == {f"stub-{part}" for part in PARTS[profile]}
    assert named(profiles[profile], "canary-serinus"), "the operator"


def test_the_versions_that_were_read_are_those_that_are_pinned() -> None:
    assert {name: found["version"] for name, found in stackcharts.record().items()} == stackcharts.foreign()


def test_every_key_that_is_set_is_one_of_its_chart() -> None:
    for name, found in stackcharts.record().items():
        known = tuple(found["keys"])
        for path in stackcharts.set_keys(name):
            assert any(path == key or path.startswith(f"{key}.") for key in known), f"{name}: {path}"


def test_a_misspelt_key_is_refused(stubbed: Path) -> None:
    with pytest.raises(HelmError, match="fullnameOverwrite"):
        template({"loki": {"fullnameOverwrite": "x"}}, chart=stubbed)


def test_every_address_that_is_wired_is_a_service_of_a_joined_chart(profiles: dict[str, list[Manifest]]) -> None:
    services = {service for found in stackcharts.record().values() for service in found["services"]}
    text = yaml.safe_dump_all(profiles["full"])
    wired = {f"{name}:{port}" for name, port in re.findall(r"http://(serinus-[a-z-]+)(?:\.mon)?:([0-9]+)", text)}
    assert len(wired) >= 4
    assert wired <= services


def test_helm_lint_finds_nothing(stubbed: Path) -> None:
    assert "0 chart(s) failed" in run("lint", "--strict", str(stubbed))


@pytest.mark.parametrize("used", [[], ["slack"], ["pagerduty"], ["webhook"], ["slack", "pagerduty", "webhook"]])
def test_alertmanager_takes_the_configuration_of_every_choice_of_receivers(
    stubbed: Path, tmp_path: Path, used: list[str]
) -> None:
    objects = template({"alerting": {name: RECEIVERS[name] for name in used}}, chart=stubbed)
    path = tmp_path / "alertmanager.yaml"
    path.write_text(alertmanager(objects), encoding="utf-8")
    command = [str(ensure("amtool")), "check-config", str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert f"{len(used) + 1} receivers" in checked.stdout


def routed(path: Path, *labels: str) -> list[str]:
    command = [str(ensure("amtool")), "config", "routes", "test", f"--config.file={path}", *labels]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().split(",")


def test_severities_go_where_the_values_say(stubbed: Path, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yaml"
    path.write_text(alertmanager(template({"alerting": RECEIVERS}, chart=stubbed)), encoding="utf-8")
    assert routed(path, "severity=critical", "alertname=LLMServiceDown") == ["slack", "pagerduty", "webhook"]
    assert routed(path, "severity=warning", "alertname=LLMRolloutRolledBack") == ["slack", "webhook"]
    assert routed(path, "severity=info", "alertname=LLMServiceUngated") == ["webhook"]
    assert routed(path, "severity=none", "alertname=Watchdog") == ["nobody"]


def test_secrets_of_receivers_stand_in_no_configuration(stubbed: Path) -> None:
    objects = template({"alerting": RECEIVERS}, chart=stubbed)
    text = alertmanager(objects)
    assert not any(secret in text for secret in ("hooks.example.com", "0123", "receiver:8080"))
    receivers = named(objects, "serinus-alert-receivers")
    assert receivers is not None
    assert receivers["stringData"]["slack-url"] == "https://hooks.example.com/x"


def test_a_secret_of_the_users_own_is_used_and_not_made(stubbed: Path) -> None:
    objects = template({"alerting": {"existing": ["slack"]}}, chart=stubbed)
    assert named(objects, "serinus-alert-receivers") is None
    assert "receiver: slack" in alertmanager(objects)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"alerting": {"existing": ["email"]}}, "existing"),
        ({"alerting": {"slack": {"severities": ["page"]}}}, "severities"),
        ({"alerting": {"slack": {"url": "hooks.slack.com"}}}, "url"),
        ({"components": {"grafana": True}}, "grafana"),
        ({"lokki": {}}, "lokki"),
    ],
)
def test_wrong_values_are_refused_by_name(stubbed: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(HelmError, match=words):
        template(values, chart=stubbed)


def datasources(objects: list[Manifest]) -> dict[str, Any]:
    found = named(objects, "serinus-datasources")
    if found is None:
        return {}
    return {d["uid"]: d for d in yaml.safe_load(found["data"]["serinus.yaml"])["datasources"]}


def test_logs_lead_to_traces_and_back_where_both_are_there(profiles: dict[str, list[Manifest]]) -> None:
    both = datasources(profiles["full"])
    assert both["loki"]["jsonData"]["derivedFields"][0]["datasourceUid"] == "tempo"
    assert both["tempo"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert "jsonData" not in datasources(profiles["quality"])["loki"]
    assert datasources(profiles["minimal"]) == {}


def test_the_installer_is_told_when_nobody_would_be_paged(stubbed: Path) -> None:
    silent = run("install", "canary", str(stubbed), "--dry-run=client", "--namespace", "mon")
    assert "NOBODY IS TOLD OF ALERTS YET" in silent
    told = run(
        "install", "canary", str(stubbed), "--dry-run=client", "--set", "alerting.webhook.url=http://receiver:8080/"
    )
    assert "Alerts go to: webhook." in told
