"""What a probe Job is given to reach the judges: addresses, keys, network rules; and what is recorded of them."""

import dataclasses
import json
from typing import Any

import pytest

from serinus.core import runspec
from serinus.core.judge import JudgeService
from serinus.core.judge_quality import Quality
from serinus.core.questions import read_probe_set
from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from tests.support import objects
from tests.unit.fake_world import FAST, FakeWorld, good, world
from tests.unit.rollouts import check, condition

SOURCE = json.dumps(
    {
        "prompts": ["{{q}}"],
        "tests": [{"vars": {"q": f"q{i}"}, "assert": [{"type": "llm-rubric", "value": "kind"}]} for i in range(2)],
    }
)
LOCAL = {"name": "local", "model": "qwen", "serviceRef": {"name": "qwen", "port": 8000}}
OUTSIDE = {"name": "out", "model": "big", "endpointRef": {"name": "outside"}}
KEY = {"secretKeyRef": {"name": "judge-key", "key": "token"}}
QWEN = JudgeService(name="qwen", port=8000, selector=(("app", "qwen"),), target="http")


def judged(*judges: dict[str, Any], endpoints: dict[str, str] | None = None, **settings: Any) -> FakeWorld:
    """A world whose questions are judged, where the Service `qwen` leads to the pods `app: qwen`."""
    found = world(**FAST)
    spec = objects.probeset(source={"inline": SOURCE})["spec"] | {"judges": list(judges)}
    seen, parsed = read_probe_set("support", spec, {})
    assert not parsed.problems, parsed.problems
    assert seen.questions is not None
    assert seen.questions.judged is not None
    with_services = dataclasses.replace(seen.questions.judged, services=(QWEN,))
    found.probe_sets["support"] = dataclasses.replace(
        seen, questions=dataclasses.replace(seen.questions, judged=with_services)
    )
    around = dataclasses.replace(found.around.settings, endpoints=endpoints or {}, **settings)
    found.around = dataclasses.replace(found.around, settings=around)
    return found


def job_of(found: FakeWorld) -> dict[str, Any]:
    found.run_until(lambda w: any(kind == "Job" for kind, _ in w.objects))
    job = next(o for (kind, _), o in found.objects.items() if kind == "Job")
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def egress(found: FakeWorld) -> list[dict[str, Any]]:
    job_of(found)
    policy = next(o for (kind, _), o in found.objects.items() if kind == "NetworkPolicy")
    rules: list[dict[str, Any]] = policy["spec"]["egress"]
    return rules


def run_of(pod: dict[str, Any]) -> RunSpec:
    env = {e["name"]: e["value"] for e in pod["containers"][0]["env"]}
    return runspec.from_json(env[runspec.ENV_RUN])


def test_judge_of_the_namespace_is_reached_by_its_pods_and_their_port() -> None:
    found = judged(LOCAL)
    assert {
        "to": [{"podSelector": {"matchLabels": {"app": "qwen"}}}],
        "ports": [{"protocol": "TCP", "port": "http"}],
    } in egress(found)
    (endpoint,) = run_of(job_of(found)).judges
    assert (endpoint.name, endpoint.url, endpoint.token_path) == ("local", "http://qwen.default.svc:8000", "")


def test_key_of_a_judge_is_mounted_and_never_written_down() -> None:
    pod = job_of(judged(LOCAL | KEY))
    volume = next(v for v in pod["volumes"] if v["name"] == "judge-local")
    assert volume["secret"] == {"secretName": "judge-key", "items": [{"key": "token", "path": "token"}]}
    mount = next(m for m in pod["containers"][0]["volumeMounts"] if m["name"] == "judge-local")
    assert (mount["mountPath"], mount["readOnly"]) == ("/var/run/serinus-judges/local", True)
    assert run_of(pod).judges[0].token_path == "/var/run/serinus-judges/local/token"
    assert "judge-key" not in json.dumps(pod["containers"])


PUBLIC = ["0.0.0.0/0", "::/0"]


@pytest.mark.parametrize(
    ("url", "cidrs", "blocks", "port"),
    [
        ("https://judge.example.com/v1", {}, PUBLIC, 443),
        ("https://judge.example.com/v1", {"outside": ("192.0.2.0/24",)}, ["192.0.2.0/24"], 443),
        ("http://192.0.2.7:8080", {}, ["192.0.2.7/32"], 8080),
        ("http://[2001:db8::7]", {}, ["2001:db8::7/128"], 80),
    ],
)
def test_judge_outside_is_reached_by_its_addresses(url: str, cidrs: Any, blocks: list[str], port: int) -> None:
    found = judged(OUTSIDE, endpoints={"outside": url}, endpoint_cidrs=cidrs)
    rule = next(r for r in egress(found) if "ipBlock" in r["to"][0] and r["to"][0]["ipBlock"]["cidr"] in blocks)
    assert [peer["ipBlock"]["cidr"] for peer in rule["to"]] == blocks
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]
    assert run_of(job_of(found)).judges[0].url == url


def test_name_outside_reaches_no_private_address() -> None:
    found = judged(OUTSIDE, endpoints={"outside": "https://judge.example.com"})
    blocks = [peer["ipBlock"] for rule in egress(found) for peer in rule["to"] if "ipBlock" in peer]
    first = next(b for b in blocks if b["cidr"] == "0.0.0.0/0")
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"} <= set(first["except"])


def test_judge_of_another_namespace_is_reached_there_alone() -> None:
    found = judged(OUTSIDE, endpoints={"outside": "http://judge.models.svc.cluster.local:8000"})
    wanted = {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "models"}}}]}
    assert wanted in egress(found)


def test_endpoint_that_the_settings_do_not_name_holds_the_rollout() -> None:
    found = judged(OUTSIDE, endpoints={"other": "https://other.example.com"})
    for _ in range(5):
        found.reconcile()
        found.tick()
    status, reason = condition(found, "ProbesReady")
    assert (status, reason) == ("False", "ProbeSetInvalid")
    assert "out: endpointRef.name: found 'outside', allowed are other" in json.dumps(found.body["status"])
    assert not any(kind == "Job" for kind, _ in found.objects)


def test_endpoint_that_leaves_the_settings_breaks_what_needs_it_and_moves_no_user() -> None:
    found = judged(OUTSIDE, endpoints={"outside": "https://judge.example.com"})
    job_of(found)
    gone = dataclasses.replace(found.around.settings, endpoints={})
    found.around = dataclasses.replace(found.around, settings=gone)
    for _ in range(10):
        found.reconcile()
        found.tick()
        check(found)
    assert found.users() == set()


def test_service_without_judges_has_neither_their_rules_nor_their_words() -> None:
    found = world(**FAST)
    pod = job_of(found)
    assert not any(v["name"].startswith("judge") for v in pod["volumes"])
    assert "judges" not in json.loads({e["name"]: e["value"] for e in pod["containers"][0]["env"]}[runspec.ENV_RUN])


def test_status_says_what_judging_will_cost_and_that_nobody_measured_the_judge() -> None:
    found = judged(LOCAL)
    job_of(found)
    (gate,) = found.status("gates")
    assert gate["judge"]["expectedCalls"] > 0
    assert gate["judge"]["expectedTokens"] > 100 * gate["judge"]["expectedCalls"]
    assert "not calibrated" in gate["judge"]["warning"]


def test_run_records_how_good_its_judges_were_and_is_judged_by_it_again() -> None:
    poor = Quality(good_passed=18, good_failed=2, bad_passed=8, bad_failed=12)

    def answer(spec: RunSpec) -> Report | str | None:
        found = good(spec)
        assert isinstance(found, Report)
        return dataclasses.replace(found, judge=poor, judge_digest="sha256:" + "1" * 64)

    found = judged(LOCAL)
    found.answer = answer
    found.run_until(
        lambda w: any((w.objects[k].get("status") or {}).get("judge") for k in w.objects if k[0] == "ProbeRun")
    )
    check(found)
    run = next(o for (kind, _), o in found.objects.items() if kind == "ProbeRun")
    assert run["status"]["verdict"] == "Inconclusive"
    assert run["status"]["reason"] == "JudgeUnfit"
    assert run["status"]["judge"]["j"] == 0.5
    assert run["status"]["digests"]["judge"] == "sha256:" + "1" * 64
    assert found.users() == set()
