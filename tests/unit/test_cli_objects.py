"""Owns the proof that `validate` finds what is wrong, and that `render` prints the same bytes every time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.__main__ import main
from serinus.core.support import ignored_fields, restraining_fields
from tests.golden import render as goldens
from tests.support import objects

QUICK_START = Path(__file__).parents[2] / "docs" / "quick-start.md"
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "manifests" / "examples" / "vllm.yaml"
RENDER = ["render", "-f", str(EXAMPLE), "--monitor-label", "release=monitoring"]
RENDER += ["--probe-image", goldens.SETTINGS.probe_image]
SERVING = ", ".join(name for name, runtime in goldens.library().runtimes.items() if runtime.serves)
NO_RUNTIME = f"spec.runtime: found 'vlm', allowed are {SERVING}"


def written(folder: Path, *found: dict[str, Any]) -> str:
    """A file of these objects."""
    path = folder / "given.yaml"
    path.write_text(yaml.safe_dump_all(found))
    return str(path)


def problems(path: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What `validate -o json` says; its exit code fits."""
    code = main(["validate", "-o", "json", path])
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["problems"]
    assert code == (1 if found else 0)
    return found


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("a field that is unknown", {"replicas": 4}, "spec.replicas", "is unknown, allowed are access, "),
    ("a field that is missing", {"owner": {"team": None}}, "spec.owner.team", "is required"),
    ("a type", {"service": {"port": "x"}}, "spec.service.port", "found 'x', allowed is a whole number"),
    ("a choice", {"rollout": {"mode": "Off"}}, "spec.rollout.mode", "found 'Off', allowed are Enforce, "),
    ("a runtime", {"runtime": "vlm"}, "spec.runtime", f"found 'vlm', allowed are {SERVING}"),
    ("no gate", {"gates": None}, "spec.gates.quality", "found no gate with when: [BeforeTraffic]"),
    ("a port", {"workload": {"port": "grpc"}}, "spec.workload.port", "found 'grpc', which no container"),
    ("an alert", {"alerts": {"disabled": ["X"]}}, "spec.alerts.disabled", "found 'X', allowed are LLM"),
    (
        "a threshold in another unit",
        {"alerts": {"overrides": [{"alert": "LLMErrorRatioHigh", "thresholdDuration": "2s"}]}},
        "spec.alerts.overrides[alert=LLMErrorRatioHigh]",
        "found",
    ),
    (
        "a ProbeSet that is not there",
        {"gates": {"quality": [objects.gate("other")]}},
        "spec.gates.quality[other].probeSetRef.name",
        "found 'other', allowed is a ProbeSet of this namespace",
    ),
]


@pytest.mark.parametrize(("spec", "field", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_validate_says_field_found_and_allowed(
    spec: dict[str, Any], field: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [problem] = problems(written(tmp_path, objects.llmservice(**spec), objects.probeset()), capsys)

    assert problem["object"] == "LLMService default/chat"
    assert problem["field"].startswith(field)
    assert problem["message"].startswith(said)


def test_what_is_right_has_no_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = (objects.llmservice(), objects.probeset(), objects.decision(), objects.proberun())
    assert problems(written(tmp_path, *right), capsys) == []


def test_a_bound_that_is_not_allowed_itself_is_refused_and_what_is_below_it_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slo = {"name": "up", "signal": "availability", "objectivePercent": 100}

    [found] = problems(written(tmp_path, objects.llmservice(slos=[slo]), objects.probeset()), capsys)
    assert (found["field"], "100" in found["message"]) == ("spec.slos[0].objectivePercent", True)
    below = objects.llmservice(slos=[{**slo, "objectivePercent": 99.99}])
    assert problems(written(tmp_path, below, objects.probeset()), capsys) == []


def test_the_objects_of_the_quick_start_are_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", QUICK_START.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path / "all.yaml"
    path.write_text("---\n".join(blocks))

    assert problems(str(path), capsys) == []
    service = next(o for o in yaml.safe_load_all(path.read_text()) if o["kind"] == "LLMService")
    assert (restraining_fields(service["spec"]), ignored_fields(service["spec"])) == ((), ())


def test_the_objects_of_a_list_are_checked_one_by_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = [objects.llmservice(), objects.probeset(format="xml")]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}

    found = problems(written(tmp_path, listed), capsys)

    assert {(p["object"], p["field"]) for p in found} == {
        ("LLMService default/chat", "spec.gates.quality[support].probeSetRef"),
        ("ProbeSet default/support", "spec.format"),
    }


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        (
            {**objects.llmservice(), "kind": "LLMservice"},
            "kind",
            "found 'LLMservice', allowed are Decision, ",
        ),
        ({**objects.llmservice(), "apiVersion": "serinus.dev/v1"}, "apiVersion", "found 'serinus.dev/v1', allowed is "),
        ({**objects.llmservice(), "apiVersion": "v1"}, "apiVersion", "found 'v1', allowed is serinus.dev/v1alpha1"),
        ({**objects.llmservice(), "metadata": {}}, "metadata.name", "is required"),
        ({**objects.llmservice(), "spec": None}, "spec", "found None, allowed is an object"),
        (objects.decision(action="Maybe"), "spec.action", "found 'Maybe', allowed are "),
    ],
)
def test_an_object_that_the_api_has_not_is_a_problem(
    body: dict[str, Any], field: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [problem] = problems(written(tmp_path, body), capsys)

    assert problem["field"] == field
    assert problem["message"].startswith(said)


def test_a_script_that_cannot_be_compiled_is_found_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = 'tests:\n- vars: {question: "?"}\n  assert:\n  - type: javascript\n    value: "output ==="\n'
    [problem] = problems(written(tmp_path, objects.probeset(source={"inline": source})), capsys)

    assert (problem["object"], problem["line"]) == ("ProbeSet default/support", 4)


def test_a_config_map_that_was_not_given_is_a_problem_of_the_probe_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe_set = objects.probeset(source={"inline": None, "configMapRef": {"name": "questions"}})
    [problem] = problems(written(tmp_path, probe_set), capsys)

    assert problem["field"] == "spec.source.configMapRef.name"
    assert problem["message"].startswith("found 'questions', which is not among the files given")


def test_a_time_stays_a_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "given.yaml"
    text = yaml.safe_dump(objects.llmservice(workload={"restartAt": "2026-11-21T10:00:00Z"})).replace("'2026", "2026")
    path.write_text(text.replace("00Z'", "00Z"))

    assert main(["render", "-f", str(path)]) == 0
    assert capsys.readouterr().err == ""


def test_text_output_has_the_findings_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, objects.llmservice(runtime="vlm"))

    assert main(["validate", path]) == 1

    found = capsys.readouterr()
    assert found.out == f"{path}: LLMService default/chat: {NO_RUNTIME}\n"
    assert found.err == "1 checked, 1 problem\n"


def test_a_service_that_is_wrong_renders_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, objects.llmservice(), objects.probeset(), objects.llmservice("other", runtime="vlm"))

    assert main(["render", "-f", path]) == 1

    found = capsys.readouterr()
    assert found.out == ""
    assert found.err == f"serinus: {path}: LLMService default/other: {NO_RUNTIME}\n"


def test_rendered_bytes_are_the_golden_whatever_the_hash_seed() -> None:
    golden = (goldens.EXPECTED / "vllm" / "steady.yaml").read_bytes()
    for seed in ("0", "4711"):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "operator"), "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "serinus", *RENDER]
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        assert (done.stdout, done.stderr) == (golden, b""), f"seed {seed}"


def test_json_holds_what_yaml_holds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(RENDER) == 0
    as_yaml = list(yaml.safe_load_all(capsys.readouterr().out))
    assert main([*RENDER, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["items"] == as_yaml


def test_an_output_without_its_api_is_left_out_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*RENDER, "--api", "apps/v1"]) == 0

    found = capsys.readouterr()
    kinds = {manifest["kind"] for manifest in yaml.safe_load_all(found.out)}
    assert {"ReplicaSet", "Service", "PodDisruptionBudget", "NetworkPolicy"} <= kinds
    assert not kinds & {"ServiceMonitor", "PrometheusRule"}
    assert found.err.splitlines() == [
        "serinus: NamespacedValidatingPolicy chat-policy: skipped, policies.kyverno.io/v1 is not installed",
        "serinus: ServiceMonitor chat: skipped, monitoring.coreos.com/v1 is not installed",
        "serinus: PrometheusRule chat: skipped, monitoring.coreos.com/v1 is not installed",
        "serinus: PodLogs chat: skipped, monitoring.grafana.com/v1alpha2 is not installed",
    ]
