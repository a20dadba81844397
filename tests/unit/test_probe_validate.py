"""Files of probes checked on a laptop: a manifest or promptfoo's own, with lines that an editor can jump to."""

import json
from pathlib import Path

import pytest

from serinus.__main__ import main
from serinus.cli.validate_probes import validate_probeset_file
from tests.support.modelserver.knowledge import DEFAULT_KNOWLEDGE, load
from tests.support.modelserver.probeset import render

ASSERT = "assert: [{type: contains, value: x}]"
MANIFEST = """apiVersion: serinus.dev/v1alpha1
kind: ProbeSet
metadata: {name: support}
spec:
  prompts: ["{{q}}"]
  request: {timeout: 60s}
  source:
    inline: |
      - vars: {q: hi}
        assert:
        - {type: contains, value: x}
"""


def lines(path: Path, *prompts: str) -> list[tuple[str, int, str]]:
    return [(p.file, p.line, p.field) for p in validate_probeset_file(path, prompts)]


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_probe_set_of_the_demo_is_valid(tmp_path: Path) -> None:
    assert validate_probeset_file(write(tmp_path, "support.yaml", render(load(DEFAULT_KNOWLEDGE)))) == []


def test_manifest_is_valid(tmp_path: Path) -> None:
    assert validate_probeset_file(write(tmp_path, "set.yaml", MANIFEST)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("{type: contains, value: x}", "{type: nonsense}", 11, "[0].assert[0].type"),
        ("{type: contains, value: x}", "{type: regex, value: '['}", 11, "test-1"),
        ("timeout: 60s", "timeout: 60m", 6, "spec.request.timeout"),
        ("  prompts:", "  promps:", 5, "spec.promps"),
        ('["{{q}}"]', "['']", 5, "spec.prompts[0]"),
        ("kind: ProbeSet", "kind: LLMService", 2, "kind"),
    ],
)
def test_problem_has_its_line_in_the_manifest(tmp_path: Path, old: str, new: str, line: int, field: str) -> None:
    assert ("set.yaml", line, field) in lines(write(tmp_path, "set.yaml", MANIFEST.replace(old, new)))


def test_manifest_that_names_a_config_map_says_which_file_to_check(tmp_path: Path) -> None:
    text = MANIFEST.split("  source:", maxsplit=1)[0] + "  source: {configMapRef: {name: probes}}\n"
    (problem,) = validate_probeset_file(write(tmp_path, "set.yaml", text))
    assert problem.field == "spec.source.configMapRef"


def test_tests_without_prompts_need_some_from_the_caller(tmp_path: Path) -> None:
    path = write(tmp_path, "tests.yaml", f"- vars: {{q: hi}}\n  {ASSERT}\n")
    assert lines(path) == [("tests.yaml", 0, "spec.prompts")]
    assert lines(path, "{{q}}") == []


def test_what_only_rendering_and_compiling_finds_is_found_with_its_line(tmp_path: Path) -> None:
    text = f"""
- vars: {{q: hi}}
  assert:
  - {{type: contains, value: x}}
  - {{type: javascript, value: "output ="}}
- vars: {{q: hi}}
  assert:
  - {{type: contains, value: "{{{{missing}}}}"}}
- vars: {{r: hi}}
  {ASSERT}
- vars: {{q: hi}}
  assert: [{{type: is-json, value: {{type: nonsense}}}}]
- vars: {{q: hi}}
  assert: [{{type: javascript, value: file://check.js}}]
"""
    write(tmp_path, "check.js", "module.exports = 3;")
    found = lines(write(tmp_path, "tests.yaml", text), "{{q}}")
    assert found == [("tests.yaml", n, f"test-{i}") for i, n in ((1, 5), (2, 8), (3, 9), (4, 12), (5, 14))]


def test_references_resolve_beside_the_file_and_problems_name_the_other_file(tmp_path: Path) -> None:
    write(
        tmp_path, "more.yaml", f"- vars: {{q: file://q.txt}}\n  {ASSERT}\n- vars: {{q: b}}\n  nonsense: 1\n  {ASSERT}\n"
    )
    write(tmp_path, "q.txt", "what?")
    write(tmp_path, "unrelated.yaml", "x" * 2_000_000)
    path = write(tmp_path, "promptfooconfig.yaml", "prompts: ['{{q}}']\nproviders: [x]\ntests: file://more.yaml\n")
    assert lines(path) == [("more.yaml", 4, "[1].nonsense")]


def test_csv_is_told_by_its_name(tmp_path: Path) -> None:
    assert lines(write(tmp_path, "a.csv", "q,__expected\nhi,contains:x\nho,regex:[\n"), "{{q}}") == [
        ("a.csv", 3, "test-2")
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * 1_000_000])
def test_file_that_cannot_be_read_is_a_problem(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    (problem,) = validate_probeset_file(path)
    assert "cannot be read" in problem.message
    assert validate_probeset_file(tmp_path / "missing.yaml")[0].file == "missing.yaml"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["validate", *arguments])
    return code, capsys.readouterr().out


CONFIG = f"prompts: ['{{{{q}}}}']\ntests:\n- vars: {{q: hi}}\n  {ASSERT}\n"


def test_command_checks_files_folders_and_rows_with_lines_and_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write(tmp_path, "promptfooconfig.yaml", CONFIG)
    assert run(capsys, str(good)) == (0, "")
    assert run(capsys, str(tmp_path)) == (0, "")
    bad = write(tmp_path, "bad.yaml", CONFIG.replace("contains", "select-best"))
    code, text = run(capsys, str(bad))
    assert code == 1
    assert f"{bad}: tests: line 4: tests[0].assert[0].type: " in text
    code, text = run(capsys, "-o", "json", str(good), str(bad))
    assert code == 1
    found = json.loads(text)
    assert (found["objects"], [(p["file"], p["line"]) for p in found["problems"]]) == (2, [(str(bad), 4)])
    rows = write(tmp_path, "rows.jsonl", '{"vars": {"input": "a"}, "assert": [{"type": "is-json"}]}\n')
    assert run(capsys, str(rows)) == (0, "")
    tests = write(tmp_path, "tests.csv", "q,__expected\nhi,x\n")
    assert run(capsys, str(tests))[0] == 1
    assert run(capsys, "--prompt", "{{q}}", str(tests)) == (0, "")


def test_judged_assertions_of_a_file_need_no_judge_while_it_is_checked(tmp_path: Path) -> None:
    text = CONFIG.replace("type: contains", "type: llm-rubric").replace(
        "value: x}", "value: x}, {type: similar, value: y}"
    )
    assert lines(write(tmp_path, "promptfooconfig.yaml", text)) == []
