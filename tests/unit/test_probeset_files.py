"""Prompts, tests and values in files of their own: where references lead, and that they lead nowhere else."""

from typing import Any

import pytest

from serinus.core.probe import ProbeSet
from serinus.core.probeset import parse_probe_set
from tests.unit.test_probeset_promptfoo import ASSERT, only_problem, parse


def from_files(files: dict[str, str], **spec: Any) -> ProbeSet:
    return parse_probe_set({"source": {"configMapRef": {"name": "probes"}}, **spec}, files)


def test_files_are_resolved_and_what_comes_from_them_is_not_rendered() -> None:
    files = {
        "promptfooconfig.yaml": """
prompts: [file://prompt.txt]
defaultTest: file://default.yaml
tests: file://tests.yaml
""",
        "prompt.txt": "First {{q}}\n---\n\nSecond {{q}}\n",
        "default.yaml": "vars: {r: file://long.txt, y: file://data.yaml}\n",
        "long.txt": "  a long text \n",
        "data.yaml": "a: [1, yes]",
        "tests.yaml": """
- vars: {q: hi}
  assert:
  - {type: is-json, value: file://schema.json}
  - {type: contains, value: file://long.txt}
  - {type: javascript, value: "file://check.js:fn"}
- vars: file://vars.yaml
  assert: [{type: contains, value: x}]
""",
        "schema.json": '{"type": "object"}',
        "check.js": "module.exports.fn = () => true",
        "vars.yaml": "q: from file",
    }
    found = from_files(files)
    assert not found.problems
    assert [p.prompt for p in found.probes[:2]] == ["First {{q}}", "Second {{q}}"]
    first = found.probes[0]
    assert first.variables == {"q": "hi", "r": "a long text", "y": '{"a":[1,"yes"]}'}
    schema, text, script = first.assertions
    assert (schema.value, schema.literal) == ({"type": "object"}, True)
    assert (text.value, text.literal) == ("a long text", True)
    assert (script.module, script.value) == ("check.js:fn", files["check.js"])
    assert found.probes[2].variables["q"] == "from file"


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "sub/../tests.yaml", "missing.txt"])
def test_reference_leads_nowhere_but_to_the_files_that_were_given(path: str) -> None:
    line, field, message = only_problem(parse(f"- vars: {{q: 'file://{path}'}}\n  {ASSERT}\n"))
    assert (line, field) == (1, "[0].vars")
    assert path in message


def test_problem_in_another_file_names_that_file_and_its_line() -> None:
    found = from_files(
        {"tests.yaml": "- file://more.yaml\n", "more.yaml": "- vars: {q: a}\n  asert: []\n"}, prompts=["x"]
    )
    assert [(p.file, p.line, p.field) for p in found.problems] == [
        ("more.yaml", 2, "[0].asert"),
        ("more.yaml", 1, "[0]"),
    ]


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ("'one {{q}}'", ["one {{q}}"]),
        ("{'file://a.md': label, 'two': other}", ["# {{q}}\n", "two"]),
        ("[{id: x, raw: 'raw {{q}}', label: l}, {id: file://a.md}]", ["raw {{q}}", "# {{q}}\n"]),
        ("[a.md]", ["# {{q}}\n"]),
        ("[file://chat.yaml]", ['[{"role":"user","content":"{{q}}"}]']),
        ("[file://chat.json]", ['[{"role": "user", "content": "{{q}}"}]\n']),
    ],
)
def test_prompts_are_texts_objects_or_files(prompts: str, expected: list[str]) -> None:
    files = {
        "tests.yaml": f"prompts: {prompts}\ntests:\n- vars: {{q: hi}}\n  {ASSERT}\n",
        "a.md": "# {{q}}\n",
        "chat.yaml": "- role: user\n  content: '{{q}}'\n",
        "chat.json": '[{"role": "user", "content": "{{q}}"}]\n',
    }
    found = from_files(files)
    assert not found.problems
    assert [p.prompt for p in found.probes] == expected


@pytest.mark.parametrize(
    ("prompts", "field", "word"),
    [
        ("3", "prompts", "a list of texts"),
        ("[3]", "prompts[0]", "not empty"),
        ("[{raw: x, function: {}}]", "prompts[0].function", "not supported"),
        ("[file://data.csv]", "prompts[0]", "allowed are files"),
        ("[file://missing.txt]", "prompts[0]", "missing.txt"),
        (f"[{', '.join('x' for _ in range(101))}]", "prompts", "allowed are 100"),
    ],
)
def test_prompts_that_cannot_be_used_are_problems(prompts: str, field: str, word: str) -> None:
    text = f"prompts: {prompts}\ntests:\n- vars: {{q: hi}}\n  {ASSERT}\n"
    problems = from_files({"tests.yaml": text, "data.csv": "a"}).problems
    assert any(p.field == field and p.line == 1 and word in p.message for p in problems), problems


def test_tests_may_be_spread_over_files_of_several_kinds() -> None:
    files = {
        "tests.yaml": "prompts: ['{{q}}']\ntests: [file://a.csv, b.json, file://c.yaml]\n",
        "a.csv": "q,__expected\nfrom csv,x\n",
        "b.json": '{"vars": {"q": "from json"}, "assert": [{"type": "is-json"}]}',
        "c.yaml": f"- vars: {{q: from yaml}}\n  {ASSERT}\n",
    }
    assert [p.variables["q"] for p in from_files(files).probes] == ["from csv", "from json", "from yaml"]
    wrong = from_files({**files, "tests.yaml": "prompts: ['{{q}}']\ntests: [file://x.py]\n", "x.py": ""})
    assert "allowed are files" in wrong.problems[0].message


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("file://missing.json", "missing.json"),
        ("file://check.py", "allowed are data files"),
        ("file://data.csv", "allowed are .txt"),
        ("file://bad.json", "not JSON"),
    ],
)
def test_value_from_a_file_that_cannot_be_used_is_a_problem(value: str, word: str) -> None:
    files = {
        "tests.yaml": f"- vars: {{q: hi}}\n  assert: [{{type: is-json, value: '{value}'}}]\n",
        "check.py": "",
        "data.csv": "",
        "bad.json": "{",
    }
    found = from_files(files, prompts=["x"])
    assert any(word in p.message for p in found.problems), found.problems
