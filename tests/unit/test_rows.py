"""Rows of other tools' data sets into probes, by one table of names."""

import json
from typing import Any

import pytest

from serinus.core.probe import Probe, ProbeSet
from serinus.core.probeset import parse_probe_set
from serinus.probes.prepared import prepare
from serinus.probes.templates import Templates
from serinus.probes.toolbox import make_tools

DEFAULT = {"assert": [{"type": "icontains", "value": "{{expected}}"}]}
TOOLS = make_tools()

# the tool, its row as it exports it, what the model is asked, what is expected
ROWS: list[tuple[str, dict[str, Any], list[dict[str, str]], str]] = [
    (
        "openai/evals",
        {
            "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}],
            "ideal": ["4", "four"],
        },
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2+2?"}],
        "4",
    ),
    (
        "deepeval",
        {"input": "Refunds?", "actual_output": None, "expected_output": "30 days", "context": ["c1", "c2"]},
        [{"role": "user", "content": "Refunds?"}],
        "30 days",
    ),
    (
        "deepeval in camel case",
        {"input": "Refunds?", "expectedOutput": "30 days", "retrievalContext": ["c1"], "additionalMetadata": {"a": 1}},
        [{"role": "user", "content": "Refunds?"}],
        "30 days",
    ),
    (
        "Inspect",
        {"input": "Which?", "choices": ["a", "b"], "target": "B", "id": 7, "metadata": {"level": 2}},
        [{"role": "user", "content": "Which?"}],
        "B",
    ),
    (
        "Braintrust",
        {
            "input": {"question": "Refunds?"},
            "expected": {"days": 30},
            "tags": ["a"],
            "metadata": {"k": "v"},
            "id": "r1",
        },
        [{"role": "user", "content": '{"question":"Refunds?"}'}],
        '{"days":30}',
    ),
    (
        "Langfuse",
        {"id": "l1", "input": {"messages": [{"role": "user", "content": "Hi {{x}}"}]}, "expectedOutput": "Hello"},
        [{"role": "user", "content": "Hi {{x}}"}],
        "Hello",
    ),
    (
        "ragas",
        {"user_input": "Refunds?", "reference": "30 days", "retrieved_contexts": ["c1", "c2"], "response": "x"},
        [{"role": "user", "content": "Refunds?"}],
        "30 days",
    ),
    (
        "ragas with turns",
        {"user_input": [{"content": "Hi", "type": "human"}, {"content": "Hello", "type": "ai"}], "reference": "x"},
        [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}],
        "x",
    ),
]


def parse(text: str, **spec: Any) -> ProbeSet:
    return parse_probe_set({"format": "jsonl", "defaultTest": DEFAULT, "source": {"inline": text}, **spec}, {})


def one(row: dict[str, Any], **spec: Any) -> Probe:
    found = parse(json.dumps(row) + "\n", **spec)
    assert found.problems == ()
    (probe,) = found.probes
    return probe


@pytest.mark.parametrize(("tool", "row", "messages", "expected"), ROWS, ids=[r[0] for r in ROWS])
def test_row_of_a_tool_becomes_a_question_and_its_expectation(
    tool: str, row: dict[str, Any], messages: list[dict[str, str]], expected: str
) -> None:
    probe = one(row)
    ready = prepare(probe, Templates(), TOOLS)
    assert [dict(m) for m in ready.messages] == messages
    assert ready.assertions[0].value == expected, tool


def test_fields_stay_variables_beside_the_common_names() -> None:
    probe = one({"question": "q?", "answer": "a", "context": ["x", "y"], "level": 3, "id": 12, "tags": ["t", 1]})
    assert probe.variables["input"] == probe.variables["question"] == "q?"
    assert (probe.variables["context"], probe.variables["level"]) == ("x\n\ny", 3)
    assert (probe.id, probe.metadata) == ("12", {"tags": ["t", "1"]})


def test_every_expected_answer_is_in_a_list_that_contains_any_understands() -> None:
    default = {"assert": [{"type": "contains-any", "value": "{{expected_list}}"}]}
    probe = one({"input": "q", "ideal": ['say "yes", please', "ok"]}, defaultTest=default)
    ready = prepare(probe, Templates(), TOOLS)
    assert ready.assertions[0].value == '"say ""yes"", please","ok"'


def test_lists_of_texts_do_not_multiply_a_row() -> None:
    assert len(parse('{"input": "q", "target": ["a", "b"], "choices": ["c", "d"]}\n').probes) == 1


def test_rows_may_be_a_list_or_stand_under_a_usual_name_and_may_be_tests() -> None:
    row = {"input": "q", "expected": "a"}
    assert len(parse(json.dumps([row, row])).probes) == 2
    files = {"data.json": json.dumps({"goldens": [row, row, row]})}
    spec = {"format": "jsonl", "defaultTest": DEFAULT, "source": {"configMapRef": {"name": "x"}}}
    assert len(parse_probe_set(spec, files).probes) == 3
    assert len(parse_probe_set(spec, {"data.csv": "question,answer\nq1,a1\nq2,a2\n"}).probes) == 2
    test = {"vars": {"input": "q"}, "assert": [{"type": "equals", "value": "a"}]}
    assert [a.type for a in one(test).assertions] == ["icontains", "equals"]


def test_tests_of_promptfoo_may_stand_in_json_lines() -> None:
    lines = "\n\n".join(json.dumps({"vars": {"q": q}, "assert": [{"type": "is-json"}]}) for q in "ab")
    files = {"promptfooconfig.yaml": "prompts: ['{{q}}']\ntests: file://t.jsonl\n", "t.jsonl": lines}
    found = parse_probe_set({"source": {"configMapRef": {"name": "x"}}}, files)
    assert [p.variables for p in found.probes] == [{"q": "a"}, {"q": "b"}]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ('{"input": "q", "expected": "a"}\n{"input": \n', 2, "not JSON"),
        ('{"input": "q", "expected": "a"}\n{"expected": "a"}\n', 2, "no question"),
        ("\n\n[1]\n", 3, "no question"),
        ("", 1, "no tests"),
    ],
)
def test_row_that_cannot_be_used_is_a_problem_with_its_line(text: str, line: int, word: str) -> None:
    problems = parse(text).problems
    assert any(p.line == line and word in p.message for p in problems), problems


def test_rows_without_a_way_to_score_them_are_refused() -> None:
    problems = parse('{"input": "q", "expected": "a"}\n', defaultTest={}).problems
    assert "no assertion" in problems[0].message
