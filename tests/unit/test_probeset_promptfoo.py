"""promptfoo's configurations and tests into probes: what merges, what multiplies, and what is refused with its line."""

from typing import Any

import pytest

from serinus.core.probe import Assertion, ProbeSet
from serinus.core.probeset import parse_probe_set
from tests.support.refusals import is_documented

ASSERT = "assert: [{type: contains, value: x}]"


def parse(text: str, files: dict[str, str] | None = None, **spec: Any) -> ProbeSet:
    return parse_probe_set({"prompts": ["{{q}}"], **spec, "source": {"inline": text}}, files or {})


def good(text: str, files: dict[str, str] | None = None, **spec: Any) -> ProbeSet:
    found = parse(text, files, **spec)
    assert not found.problems
    return found


def only_problem(found: ProbeSet) -> tuple[int, str, str]:
    (problem,) = found.problems
    assert found.probes == ()
    assert found.digest == ""
    return problem.line, problem.field, problem.message


def test_list_of_tests_uses_the_prompts_of_the_spec() -> None:
    (probe,) = good(f"- description: one\n  vars: {{q: hi}}\n  {ASSERT}\n").probes
    assert (probe.id, probe.prompt, probe.variables) == ("one", "{{q}}", {"q": "hi"})
    assert probe.assertions == (Assertion(type="contains", value="x"),)


def test_configuration_has_its_own_prompts_and_each_test_is_asked_with_each() -> None:
    text = f"prompts: ['A {{{{q}}}}', 'B {{{{q}}}}']\nproviders: [openai:gpt]\ntests:\n- vars: {{q: hi}}\n  {ASSERT}\n"
    found = good(text)
    assert [(p.id, p.prompt) for p in found.probes] == [("test-1", "A {{q}}"), ("test-1-2", "B {{q}}")]
    assert [n.field for n in found.notes] == ["providers", "spec.prompts"]


def test_single_test_and_json_are_read_too() -> None:
    assert len(good('{"vars": {"q": "\\ud83d\\ude00"}, "assert": [{"type": "is-json"}]}').probes) == 1
    assert good('[{"vars": {"q": "\\ud83d\\ude00"}, "assert": [{"type": "is-json"}]}]').probes[0].variables["q"] == "😀"


def test_variables_that_are_lists_of_texts_multiply_and_other_lists_do_not() -> None:
    text = f"- vars: {{q: [a, b], r: [c, d], n: [1, 2]}}\n  {ASSERT}\n"
    found = [p.variables for p in good(text).probes]
    assert found == [{"q": q, "r": r, "n": [1, 2]} for q in "ab" for r in "cd"]


def test_expansion_can_be_turned_off() -> None:
    text = f"- vars: {{q: [a, b]}}\n  options: {{disableVarExpansion: true}}\n  {ASSERT}\n"
    assert [p.variables for p in good(text).probes] == [{"q": ["a", "b"]}]


def test_default_assertions_come_first_and_can_be_turned_off() -> None:
    text = f"""
- vars: {{q: hi}}
  {ASSERT}
- vars: {{q: hi}}
  options: {{disableDefaultAsserts: true}}
  {ASSERT}
"""
    default = {"assert": [{"type": "latency", "threshold": 100}], "vars": {"q": "no", "z": 1}, "threshold": 0.5}
    first, second = good(text, defaultTest=default).probes
    assert [a.type for a in first.assertions] == ["latency", "contains"]
    assert [a.type for a in second.assertions] == ["contains"]
    assert first.variables == {"q": "hi", "z": 1}
    assert first.threshold == second.threshold == 0.5


def test_own_threshold_metadata_and_options_win_over_the_defaults() -> None:
    text = f"""
defaultTest:
  threshold: 0.5
  metadata: {{weight: 2, critical: true, team: a}}
  options: {{prefix: '>', suffix: '<'}}
tests:
- vars: {{q: hi}}
  threshold: 0.9
  metadata: {{weight: 3, tags: [t]}}
  options: {{prefix: '#'}}
  {ASSERT}
"""
    (probe,) = good(text).probes
    assert (probe.threshold, probe.weight, probe.critical, probe.prompt) == (0.9, 3, True, "#{{q}}<")
    assert probe.metadata == {"weight": 3, "critical": True, "team": "a", "tags": ["t"]}


def test_own_assertion_types_may_stand_under_metadata_where_promptfoo_ignores_them() -> None:
    text = """
- vars: {q: hi}
  assert: [{type: is-json}]
  metadata:
    gate: {assert: [{type: json-path, value: {path: $.a, equals: 1}}]}
"""
    (probe,) = good(text).probes
    assert [a.type for a in probe.assertions] == ["is-json", "json-path"]
    assert "gate" not in probe.metadata


REFUSED = [
    ("- vars: {q: a}\n", 1, "[0]", "no assertion"),
    ("- vars: {q: a}\n  assert: []\n", 1, "[0]", "no assertion"),
    ("- vars: {q: a}\n  assert: [{type: contains, value: x, weight: 0}]\n", 1, "[0]", "weight 0"),
    ("- vars: {q: a}\n  assert:\n  - type: nonsense\n", 3, "[0].assert[0].type", "allowed are bleu"),
    ("- vars: {q: a}\n  assert:\n  - type: llm-rubric\n    value: x\n", 3, "assert", "spec.judges"),
    ("- vars: {q: a}\n  assert:\n  - type: select-best\n", 3, "[0].assert[0].type", "compares outputs"),
    ("- vars: {q: a}\n  assert:\n  - type: not-trajectory:step-count\n", 3, "[0].assert[0].type", "traces"),
    ("- vars: {q: a}\n  assert:\n  - value: x\n", 3, "[0].assert[0]", "type"),
    ("- vars: {q: a}\n  assert: {type: contains}\n", 2, "[0].assert", "list"),
    (
        "- vars: {q: a}\n  assert:\n  - {type: contains, value: x, transform: []}\n",
        3,
        "[0].assert[0].transform",
        "one file://",
    ),
    ("- vars: {q: a}\n  assert:\n  - type: contains\n    value: ''\n", 4, "[0].assert[0].value", "not empty"),
    ("- vars: {q: a}\n  assert:\n  - type: contains\n    value: true\n", 4, "[0].assert[0].value", "number or a text"),
    ("- vars: {q: a}\n  assert:\n  - type: equals\n", 3, "[0].assert[0].value", "any value"),
    ("- vars: {q: a}\n  assert:\n  - {type: contains-all, value: []}\n", 3, "[0].assert[0].value", "at least one"),
    ("- vars: {q: a}\n  assert:\n  - {type: contains-any, value: [a, '']}\n", 3, "[0].assert[0].value", "not empty"),
    ("- vars: {q: a}\n  assert:\n  - {type: contains-any, value: '\"a'}\n", 3, "[0].assert[0].value", "not closed"),
    ("- vars: {q: a}\n  assert:\n  - {type: latency}\n", 3, "[0].assert[0].threshold", "milliseconds"),
    ("- vars: {q: a}\n  assert:\n  - {type: latency, threshold: fast}\n", 3, "[0].assert[0].threshold", "a number"),
    ("- vars: {q: a}\n  assert:\n  - {type: latency, threshold: 1, value: 2}\n", 3, "[0].assert[0].value", "no value"),
    ("- vars: {q: a}\n  assert:\n  - {type: word-count, value: {min: 3, max: 1}}\n", 3, "[0].assert[0].value", "above"),
    ("- vars: {q: a}\n  assert:\n  - {type: word-count, value: many}\n", 3, "[0].assert[0].value", "min and max"),
    ("- vars: {q: a}\n  assert:\n  - {type: length, value: 3}\n", 3, "[0].assert[0].value", "min and max"),
    ("- vars: {q: a}\n  assert:\n  - {type: length, value: {words: 3}}\n", 3, "[0].assert[0].value", "words"),
    ("- vars: {q: a}\n  assert:\n  - {type: is-json, value: 3}\n", 3, "[0].assert[0].value", "JSON Schema"),
    (
        "- vars: {q: a}\n  assert:\n  - {type: json-path, value: {path: $.a}}\n",
        3,
        "[0].assert[0].value",
        "at least one",
    ),
    (
        "- vars: {q: a}\n  assert:\n  - {type: json-path, value: {path: $..a, min: 1}}\n",
        3,
        "[0].assert[0].value",
        "without wildcards",
    ),
    ("- vars: {q: a}\n  assert:\n  - {type: contains, value: x, weight: -1}\n", 3, "[0].assert[0].weight", "from 0"),
    ("- vars: {q: a}\n  assert:\n  - {type: contains, value: [file://x]}\n", 3, "[0].assert[0].value", "file://"),
    ("- vars: {q: a}\n  assert:\n  - {type: python, value: file://x.js}\n", 3, "[0].assert[0].value", "files .py"),
    ("- vars: {q: a}\n  assert:\n  - {type: ruby, value: x}\n", 3, "[0].assert[0].type", "no Ruby"),
    ("- vars: {q: a}\n  assert:\n  - {type: is-sql}\n", 3, "[0].assert[0].type", "no SQL parser"),
    ("- vars: {q: a}\n  assert:\n  - {type: cost}\n", 3, "[0].assert[0].threshold", "USD"),
    (
        "- vars: {q: a}\n  assert:\n  - {type: llm-rubric, value: x, rubricPrompt: y}\n",
        3,
        "[0].assert[0].rubricPrompt",
        "fixed",
    ),
    ("- vars: {q: a}\n  assert:\n  - {type: assert-set, assert: []}\n", 3, "[0].assert[0].assert", "at least one"),
    (
        "- vars: {q: a}\n  assert:\n  - {type: assert-set, assert: [{type: assert-set}]}\n",
        3,
        "[0].assert[0].assert[0].type",
        "one level",
    ),
    (
        "- vars: {q: a}\n  assert:\n  - {type: assert-set, value: x, assert: [{type: is-json}]}\n",
        3,
        "[0].assert[0].value",
        "not supported",
    ),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  provider: x\n  prompts: [a]\n", 4, "[0].prompts", "refused"),
    (f"- vars: {{q: null}}\n  {ASSERT}\n", 1, "[0].vars.q", "null"),
    (f"- vars: 3\n  {ASSERT}\n", 1, "[0].vars", "mapping"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  options: {{transform: 3}}\n", 3, "[0].options.transform", "an expression"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  options: 3\n", 3, "[0].options", "mapping"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  metadata: {{critical: 'yes'}}\n", 3, "[0].metadata.critical", "true and false"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  metadata: {{weight: 101}}\n", 3, "[0].metadata.weight", "1 to 100"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  metadata: {{tags: t}}\n", 3, "[0].metadata.tags", "list"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  metadata: {{gate: {{x: 1}}}}\n", 3, "[0].metadata.gate.x", "assert"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  metadata: []\n", 3, "[0].metadata", "mapping"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  threshold: high\n", 3, "[0].threshold", "a number"),
    (f"- vars: {{q: a}}\n  {ASSERT}\n  description: [a]\n", 3, "[0].description", "a text"),
    (f"tests:\n- vars: {{q: a}}\n  {ASSERT}\nscenarios: [{{}}]\n", 4, "scenarios", "write their tests out"),
    (f"tests:\n- vars: {{q: a}}\n  {ASSERT}\nredteam: {{purpose: x}}\n", 4, "redteam", "red-team"),
    (f"tests:\n- vars: {{q: a}}\n  {ASSERT}\nextensions: [x]\n", 4, "extensions", "hooks"),
    ("tests: file://tests.py\n", 1, "tests", "a program makes"),
    ("tests: https://example.com/tests.csv\n", 1, "tests", "nothing is downloaded"),
    (f"prompts: [file://p.js]\ntests:\n- vars: {{q: a}}\n  {ASSERT}\n", 1, "prompts[0]", "not run"),
    (f"prompts: [a.py]\ntests:\n- vars: {{q: a}}\n  {ASSERT}\n", 1, "prompts[0]", "a.py"),
    (f"prompts: ['']\ntests:\n- vars: {{q: a}}\n  {ASSERT}\n", 1, "prompts[0]", "not empty"),
    ("tests: []\n", 1, "tests", "list of tests"),
    ("tests: 3\n", 1, "tests", "list of tests"),
    ("3\n", 1, "", "configuration"),
    ("- 3\n", 1, "[0]", "a test"),
    ("- a.yaml\n", 1, "[0]", "references"),
    ("a: b: c\n", 1, "", "not YAML"),
]


@pytest.mark.parametrize(("text", "line", "field", "word"), REFUSED)
def test_what_cannot_be_acted_on_is_a_problem_with_its_line(text: str, line: int, field: str, word: str) -> None:
    problems = parse(text).problems
    assert any(p.line == line and p.field == field and word in p.message for p in problems), problems


@pytest.mark.parametrize("text", [row[0] for row in REFUSED])
def test_every_refusal_has_a_reason_that_the_docs_list(text: str) -> None:
    undocumented = [p.message for p in parse(text).problems if not is_documented(p.message)]
    assert undocumented == []


def test_reason_that_nobody_wrote_down_is_seen() -> None:
    assert not is_documented("something went wrong")


def test_references_within_the_document_are_followed_and_those_of_schemas_are_left() -> None:
    text = """
assertionTemplates:
  short: {type: length, value: {max: 9}}
tests:
- vars: {q: a}
  assert:
  - $ref: '#/assertionTemplates/short'
  - type: is-json
    value: {$ref: '#/definitions/a', definitions: {a: {type: object}}}
"""
    (probe,) = good(text).probes
    assert [a.type for a in probe.assertions] == ["length", "is-json"]
    assert probe.assertions[1].value["$ref"] == "#/definitions/a"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("tests:\n- $ref: '#/missing'\n", "not in the document"),
        ("a: {$ref: '#/a'}\ntests: []\n", "without end"),
    ],
)
def test_reference_that_leads_nowhere_is_a_problem(text: str, word: str) -> None:
    assert word in only_problem(parse(text))[2]


def test_note_says_what_is_ignored_and_stops_nothing() -> None:
    text = f"- vars: {{q: a}}\n  provider: x\n  {ASSERT}\n  options: {{repeat: 3}}\n"
    found = good(text)
    assert [(n.line, n.field) for n in found.notes] == [(2, "[0].provider"), (4, "[0].options.repeat")]


def test_threshold_that_a_type_does_not_have_is_dropped_with_a_note() -> None:
    found = good("- vars: {q: a}\n  assert: [{type: contains, value: x, threshold: 0.5}]\n")
    assert found.probes[0].assertions[0].threshold is None
    assert "ignored" in found.notes[0].message


def test_default_test_in_both_places_is_refused() -> None:
    text = f"defaultTest: {{threshold: 1}}\ntests:\n- vars: {{q: hi}}\n  {ASSERT}\n"
    assert only_problem(parse(text, defaultTest={"threshold": 0.5}))[1] == "spec.defaultTest"
