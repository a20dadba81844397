"""Owns the proof of what is generated for the log agents, and that a wrong profile costs nobody else anything."""

import dataclasses
from typing import Any

import pytest
import yaml

from serinus.core import naming
from serinus.core.logs import Profile, Redact
from serinus.core.model import Manifest, Service
from serinus.core.runtime import LogFormat
from serinus.resources import BUILDERS, log_pipeline, loki_rules, output_of, promtail
from serinus.resources.context import Context, LogSettings, Settings
from serinus.resources.log_source import LogSource, read_source, source_of
from serinus.shell import shown
from serinus.shell.kinds import Ref
from serinus.shell.outcomes import Outcome, Result
from serinus.shell.world import CONFIGMAP, POD_LOGS
from tests.support import log_corpus

URL = "http://loki/loki/api/v1/push"
SETTINGS = LogSettings(loki_url=URL)
JSON, TEXT = Profile(parser=LogFormat.JSON), Profile()
CATALOGUE = {"vllm": log_corpus.service("vllm").runtime}


def context(service: Service, **logs: Any) -> Context:
    return Context(service=service, settings=Settings(probe_image="x", logs=LogSettings(loki_url=URL, **logs)))


def service(**changes: Any) -> Service:
    return dataclasses.replace(log_corpus.service("vllm"), **changes)


def source(name: str, profile: Profile = TEXT, **changes: Any) -> LogSource:
    one = LogSource(namespace="team-a", name=name, model="m", runtime="vllm", role="server", profile=profile)
    return dataclasses.replace(one, **changes)


def body(name: str = "chat", **logs: Any) -> Manifest:
    spec = {"servedModelName": "m", "runtime": "vllm", "monitoring": {"logs": logs}}
    return {"metadata": {"name": name, "namespace": "team-a"}, "spec": spec}


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """A profile whose pipeline is wrong, as after an upgrade that brought a bad pattern."""
    kept = log_pipeline._section

    def section(profile: Profile, *, per_node: bool) -> tuple[str, str]:
        return ("broken {", "stage.x: found an unknown block") if profile == JSON else kept(profile, per_node=per_node)

    monkeypatch.setattr(log_pipeline, "_section", section)
    return JSON


def test_pod_logs_select_the_pods_of_one_service_and_name_its_profile() -> None:
    [made] = log_pipeline.build(context(service()))

    assert made["metadata"]["labels"][naming.LABEL_LOG_PROFILE] == Profile().name
    assert made["spec"]["selector"] == {"matchLabels": {naming.LABEL_SERVICE: "vllm"}}
    assert made["spec"]["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "team-a"}}
    fixed = {r["targetLabel"]: r["replacement"] for r in made["spec"]["relabelings"] if "replacement" in r}
    assert fixed == source_of(service()).labels


def test_a_dollar_in_a_models_name_is_no_reference() -> None:
    [made] = log_pipeline.build(context(service(model="a$1b")))
    whole = yaml.safe_load(promtail.merged([source("chat", model="a$1b")], SETTINGS))

    assert {"targetLabel": "model", "replacement": "a$$1b"} in made["spec"]["relabelings"]
    assert "a$$1b" in [r.get("replacement") for r in whole["scrape_configs"][0]["relabel_configs"]]


def test_text_of_a_service_cannot_leave_its_value() -> None:
    evil = 'm"\nclients: [{url: http://evil}]\n{{ .Secret }}'
    whole = yaml.safe_load(promtail.merged([source("chat", model=evil)], SETTINGS))
    config = log_pipeline.configuration([TEXT], SETTINGS).text

    assert whole["clients"] == [{"url": URL}]
    assert evil in [r.get("replacement") for r in whole["scrape_configs"][0]["relabel_configs"]]
    assert "evil" not in config


def test_another_service_of_a_profile_changes_no_text_of_alloy() -> None:
    one, two = [source("a")], [source("a"), source("b")]

    assert (
        log_pipeline.configuration((s.profile for s in one), SETTINGS).text
        == log_pipeline.configuration((s.profile for s in two), SETTINGS).text
    )


def test_a_thousand_services_fit_into_a_config_map() -> None:
    profiles = [Profile(parser=p, sample_percent=n) for p in LogFormat for n in (1, 10, 100)]
    sources = [source(f"service-{i}", profiles[i % 9], model=f"org/model-{i}") for i in range(1000)]

    assert len(promtail.merged(sources, SETTINGS)) < 700_000
    assert len(log_pipeline.configuration(profiles, SETTINGS).text) < 200_000


def test_the_whole_file_has_one_discovery_for_each_profile() -> None:
    whole = yaml.safe_load(promtail.merged([source("a"), source("b"), source("c", JSON)], SETTINGS))

    assert [job["job_name"] for job in whole["scrape_configs"]] == [f"serinus/{JSON.name}", f"serinus/{TEXT.name}"]
    keep = [job["relabel_configs"][0]["regex"] for job in whole["scrape_configs"]]
    assert keep == ["team-a;c", "team-a;a|team-a;b"]
    assert promtail.profiles_in(yaml.safe_dump(whole)) == {"team-a;a": TEXT, "team-a;b": TEXT, "team-a;c": JSON}


def test_a_fragment_is_made_unless_it_is_switched_off() -> None:
    [made] = promtail.build(context(service()))
    monitoring = service().monitoring
    off = dataclasses.replace(monitoring, outputs=dataclasses.replace(monitoring.outputs, promtail=False))

    assert made["metadata"]["name"] == "vllm-promtail"
    [[job]] = map(yaml.safe_load, made["data"].values())
    assert job["kubernetes_sd_configs"][0]["namespaces"] == {"names": ["team-a"]}
    whole = yaml.safe_load(promtail.merged([source_of(service())], SETTINGS))
    assert job["pipeline_stages"] == whole["scrape_configs"][0]["pipeline_stages"]
    assert promtail.build(context(service(monitoring=off))) == []


def test_the_settings_alone_say_where_lines_are_read_and_sent() -> None:
    settings = LogSettings(
        loki_url=URL, loki_tenant="llm", pod_logs="/logs", promtail_positions="/p.yaml", push_port=3500
    )
    whole = yaml.safe_load(promtail.merged([source("a")], settings))
    config = log_pipeline.configuration([TEXT], settings).text

    assert whole["clients"] == [{"url": URL, "tenant_id": "llm"}]
    assert whole["positions"] == {"filename": "/p.yaml"}
    assert "/logs/*$1/*.log" in [r.get("replacement") for r in whole["scrape_configs"][0]["relabel_configs"]]
    assert all(text in config for text in (f'url = "{URL}"', 'tenant_id = "llm"', "listen_port = 3500"))
    assert "node_filter" in config
    once = LogSettings(loki_url=URL, alloy_per_node=False)
    assert "node_filter" not in log_pipeline.configuration([TEXT], once).text


def test_a_wrong_profile_keeps_its_last_good_text_and_others_go_on(broken: Profile) -> None:
    last = f"// begin {broken.name}\nthe last good text\n// end {broken.name}\n"

    found = log_pipeline.configuration([broken, TEXT], SETTINGS, last)

    assert log_pipeline.sections(found.text)[broken.name] == "the last good text\n"
    assert "loki.process" in log_pipeline.sections(found.text)[TEXT.name]
    assert found.wrong == {broken.name: "stage.x: found an unknown block"}


def test_a_wrong_profile_without_a_last_text_is_left_out(broken: Profile) -> None:
    assert log_pipeline.sections(log_pipeline.configuration([broken], SETTINGS).text) == {}


def test_promtail_keeps_the_last_job_of_a_wrong_profile(broken: Profile) -> None:
    last = promtail.file([{"job_name": f"serinus/{broken.name}", "kept": True}], SETTINGS)

    whole = yaml.safe_load(promtail.merged([source("a", broken), source("b")], SETTINGS, last))

    assert [job.get("kept") for job in whole["scrape_configs"]] == [True, None]


def test_services_of_a_wrong_profile_say_so(broken: Profile) -> None:
    logs = dataclasses.replace(service().monitoring, logs=broken)

    assert log_pipeline.problems_of(context(service(monitoring=logs))) == (
        f"spec.monitoring.logs: profile {broken.name}: stage.x: found an unknown block",
    )
    assert log_pipeline.problems_of(context(service())) == ()


def test_a_service_that_is_wrong_elsewhere_keeps_its_logs() -> None:
    wrong = body(parser="json")
    wrong["spec"]["rollout"] = {"maxSurge": "many"}

    found = read_source(wrong, CATALOGUE, {})

    assert found == source("chat", JSON)


def test_a_service_whose_logs_are_wrong_keeps_the_profile_that_it_had() -> None:
    last = promtail.profiles_in(promtail.merged([source("chat", JSON)], SETTINGS))

    assert read_source(body(parser="xml"), CATALOGUE, last) == source("chat", JSON)
    assert read_source(body(parser="xml"), CATALOGUE, {}) is None
    assert read_source({"metadata": {"name": "x", "namespace": "y"}}, CATALOGUE, {}) is None


@pytest.mark.parametrize("text", ["", "not: [yaml", "42", "scrape_configs: {}", "scrape_configs: [{job_name: x}]"])
def test_a_file_that_is_not_ours_tells_nothing(text: str) -> None:
    assert promtail.profiles_in(text) == {}


def test_loki_rules_are_made_when_asked_for_and_look_for_what_is_redacted() -> None:
    [made] = loki_rules.build(context(service(), rule_labels={"rules": "yes"}, rule_folder="/rules/fake"))
    [group] = yaml.safe_load(made["data"]["serinus.team-a.vllm.yaml"])["groups"]

    assert made["metadata"]["labels"]["rules"] == "yes"
    assert made["metadata"]["annotations"] == {"k8s-sidecar-target-directory": "/rules/fake"}
    found = [(r["alert"], r["labels"].get("redact")) for r in group["rules"]]
    assert found == [("LLMLogErrorBurst", None)] + [
        ("LLMLogRedactionMiss", word) for word in ("email", "card", "secret", "prompt")
    ]
    monitoring = dataclasses.replace(service().monitoring, logs=Profile(redact=(Redact.EMAIL,)))
    assert len(loki_rules.rules(service(monitoring=monitoring))) == 2
    off = dataclasses.replace(monitoring, outputs=dataclasses.replace(monitoring.outputs, loki_rules=False))
    assert loki_rules.build(context(service(monitoring=off))) == []


def test_a_team_with_braces_is_no_template_in_an_alert() -> None:
    owner = dataclasses.replace(service().owner, team="{{ .Values }}")

    assert all("{{ .V" not in r["labels"]["team"] for r in loki_rules.rules(service(owner=owner)))


def test_status_says_at_promtails_fragment_alone_that_its_life_has_ended() -> None:
    refs = [
        Ref(POD_LOGS, "team-a", "chat"),
        *(Ref(CONFIGMAP, "team-a", f"chat-{n}") for n in ("promtail", "loki-rules")),
    ]

    notes = {b: b.note for b in BUILDERS}
    told = [shown.output(Outcome(ref, Result.APPLIED), notes) for ref in refs]
    failed = shown.output(Outcome(refs[1], Result.REFUSED, "no room"), notes)

    assert [o.message for o in told] == ["", promtail.END_OF_LIFE, ""]
    assert {o.state for o in told} == {"Applied"}
    assert (failed.state, failed.message) == ("Failed", "no room")


def test_outputs_are_told_from_other_objects_of_their_kind() -> None:
    for name in ("chat-promtail", "chat-loki-rules"):
        assert output_of("ConfigMap", name) is not None
    assert output_of("ConfigMap", "chat-probes-0123456789") is None
    assert output_of("Service", "chat-promtail") is None
    fragment = output_of("ConfigMap", "chat-promtail")
    assert fragment is not None
    assert "2026-03-02" in fragment.note
