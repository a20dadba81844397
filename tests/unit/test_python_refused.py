"""A cluster that refuses Python: a ProbeSet with some says where, and its gates are held before any Job starts."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.__main__ import main
from serinus.core.probeset import resolve_probe_set
from serinus.core.questions import read_probe_set
from serinus.shell.probe_process import SMALL, ProbeReader
from tests.support import objects
from tests.unit.fake_world import changed_questions
from tests.unit.rollouts import check, condition, held, served

WITH_PYTHON = """\
prompts: ["{{q}}"]
tests:
- vars: {q: When?}
  assert:
  - {type: icontains, value: "30"}
  - {type: python, value: "len(output) < 80"}
  - type: assert-set
    assert:
    - type: not-python
      value: file://check.py
- vars: {q: Why?}
  options: {transform: "file://clean.py:tidy"}
  assert:
  - {type: javascript, value: "output.length > 3", transform: "file://clean.py:tidy"}
"""
FILES = {
    "probes.yaml": WITH_PYTHON,
    "check.py": "def get_assert(o, c): return True",
    "clean.py": "def tidy(o, c): return o",
}
PLAIN = """\
prompts: ["{{q}}"]
tests:
- vars: {q: "python: what is it?"}
  assert:
  - {type: javascript, value: "output.includes('python')", transform: "output.trim()"}
  - {type: icontains, value: file://python.txt}
"""


def spec(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = {**objects.probeset()["spec"], "source": {"configMapRef": {"name": "files"}}}
    return found | {"prompts": [], "defaultTest": {}} | changes


def test_every_use_of_python_is_a_problem_with_its_field_and_line() -> None:
    found, text = resolve_probe_set(spec(), FILES, {}, python=False)
    assert text == ""
    assert [(p.file, p.line, p.field) for p in found.problems] == [
        ("probes.yaml", 6, "tests[0].assert[1].type"),
        ("probes.yaml", 9, "tests[0].assert[2].assert[0].type"),
        ("probes.yaml", 14, "tests[1].assert[0].transform"),
        ("probes.yaml", 12, "tests[1].options.transform"),
    ]
    assert found.problems[0].message == (
        "found 'python', which is Python: the operator's setting allowPython refuses it; "
        "allowed is JavaScript, or another type of assertion"
    )


def test_where_python_is_allowed_nothing_is_wrong_with_it() -> None:
    found, text = resolve_probe_set(spec(), FILES, {})
    assert (found.problems, len(found.probes), bool(text)) == ((), 2, True)


def test_other_scripts_and_the_word_alone_are_no_python() -> None:
    files = {"probes.yaml": PLAIN, "python.txt": "python"}
    found, text = resolve_probe_set(spec(), files, {}, python=False)
    assert found.problems == ()
    assert found == resolve_probe_set(spec(), files, {})[0]
    assert text


@pytest.mark.parametrize("more", [0, 60])
async def test_operator_says_so_in_the_status_of_the_probe_set(more: int) -> None:
    tests = "".join(
        f"- vars: {{q: '{i}'}}\n  assert: [{{type: contains, value: '{'x' * 300}'}}]\n" for i in range(more)
    )
    files = {"probes.yaml": WITH_PYTHON + tests, **{k: v for k, v in FILES.items() if k != "probes.yaml"}}
    assert (len(json.dumps(files)) > SMALL) is bool(more)  # the longer one is read by a process of its own
    seen, status = await ProbeReader(python=False).read("support", spec(), files, {})
    assert seen.reason == "ProbeSetInvalid"
    assert seen.problem.startswith("probes.yaml: line 6: tests[0].assert[1].type: found 'python', which is Python")
    assert seen.problem.endswith("(and 3 more)")
    assert [p["line"] for p in status["problems"]] == [6, 9, 14, 12]
    seen, status = await ProbeReader().read("support", spec(), files, {})
    assert (seen.reason, "problems" in status) == ("", False)


def test_service_whose_gate_needs_it_is_held_and_no_job_starts() -> None:
    found = served()
    jobs = [name for kind, name in found.objects if kind == "Job"]
    found.probe_sets["support"], _ = read_probe_set("support", spec(), FILES, python=False)
    found.change("registry.example/vllm:2")
    held(found, "ProbeSetInvalid")
    assert found.status("message") == (
        "Held (ProbeSetInvalid): spec.gates.quality[support].probeSetRef: ProbeSet support: probes.yaml: line 6: "
        "tests[0].assert[1].type: found 'python', which is Python: the operator's setting allowPython refuses it; "
        "allowed is JavaScript, or another type of assertion (and 3 more)"
    )
    assert condition(found, "ProbesReady") == ("False", "ProbeSetInvalid")
    assert [name for kind, name in found.objects if kind == "Job"] == jobs
    assert found.users() == {found.stable}
    check(found)
    found.probe_sets["support"] = changed_questions("31 days")
    found.rest()
    assert found.status("phase") == "Stable"


def test_validate_reads_the_setting_of_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    body = objects.probeset(
        source={"inline": WITH_PYTHON.replace("file://check.py", "'1'").replace("file://clean.py:tidy", "output")}
    )
    body["spec"] |= {"prompts": [], "defaultTest": {}}
    file = tmp_path / "set.yaml"
    file.write_text(yaml.safe_dump({**body, "spec": {k: v for k, v in body["spec"].items() if v}}))
    assert main(["validate", str(file)]) == 0
    monkeypatch.setenv("SERINUS_ALLOW_PYTHON", "false")
    capsys.readouterr()
    assert main(["validate", str(file)]) == 1
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert "tests[0].assert[1].type: found 'python', which is Python" in said[0]
