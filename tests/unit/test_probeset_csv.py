"""CSV rows into probes: promptfoo's special columns and its small language of expectations."""

from typing import Any

import pytest

from serinus.core.probe import ProbeSet
from serinus.core.probeset import parse_probe_set


def parse(text: str, **spec: Any) -> ProbeSet:
    return parse_probe_set({"format": "csv", "prompts": ["{{q}}"], **spec, "source": {"inline": text}}, {})


def assertion(cell: str) -> tuple[str, Any, float | None]:
    quoted = cell.replace('"', '""')
    found = parse(f'q,__expected\nhi,"{quoted}"\n')
    assert not found.problems, found.problems
    (only,) = found.probes[0].assertions
    return ("not-" if only.negated else "") + only.type, only.value, only.threshold


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("hello world", ("equals", "hello world", None)),
        ("Note: this", ("equals", "Note: this", None)),
        ("length:5", ("equals", "length:5", None)),
        ("contains:yes", ("contains", "yes", None)),
        ("contains: yes ", ("contains", "yes", None)),
        ("not-icontains:no", ("not-icontains", "no", None)),
        ("contains-any:a, b", ("contains-any", ["a", "b"], None)),
        ('contains-all:"a, b",c', ("contains-all", ["a, b", "c"], None)),
        ("latency(500)", ("latency", None, 500.0)),
        ("latency(0.5):", ("latency", None, 0.5)),
        ("is-json", ("is-json", None, None)),
        ('is-json:{"type": "object"}', ("is-json", '{"type": "object"}', None)),
        ("javascript: output.length > 3", ("javascript", "output.length > 3", None)),
        ("fn:output == 1", ("javascript", "output == 1", None)),
        ("eval:true", ("javascript", "true", None)),
        ("starts-with(0.9):x", ("starts-with", "x", None)),
        ("regex:a:b", ("regex", "a:b", None)),
        ("word-count:3", ("word-count", "3", None)),
        ("equals:contains:x", ("equals", "contains:x", None)),
        ("contains:a\nb", ("contains", "a\nb", None)),
    ],
)
def test_cell_is_an_expectation(cell: str, expected: tuple[str, Any, float | None]) -> None:
    assert assertion(cell) == expected


def test_special_columns_describe_the_test_and_others_are_variables() -> None:
    text = (
        "\ufeffq, other ,__expected,__expected2,__description,__threshold,__metric,__prefix,__metadata:critical,"
        "__metadata:weight,__metadata:tags[],__config:__expected2:threshold\n"
        '"say ""hi""",2,contains:a,javascript:0.5,first,0.5,tone,> ,true,3,"a, b\\, c",0.25\n'
    )
    (probe,) = parse(text).probes
    assert (probe.id, probe.prompt, probe.threshold) == ("first", "> {{q}}", 0.5)
    assert probe.variables == {"q": 'say "hi"', "other": "2"}
    assert (probe.critical, probe.weight, probe.metadata["tags"]) == (True, 3, ["a", "b, c"])
    assert [(a.type, a.threshold, a.metric) for a in probe.assertions] == [
        ("contains", None, "tone"),
        ("javascript", 0.25, "tone"),
    ]


def test_empty_expectation_leaves_the_other_one_and_default_assertions() -> None:
    found = parse("q,__expected,__expected2\nhi,,x\nho,,\n", defaultTest={"assert": [{"type": "is-json"}]})
    assert [[a.type for a in p.assertions] for p in found.probes] == [["is-json", "equals"], ["is-json"]]


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("q,__expected\nhi\n", 2, "found 1 cells"),
        ('q,__expected\n"a\nb",x\nhi,x,y\n', 4, "found 3 cells"),
        ("q,_expected\nhi,x\n", 1, "__expected"),
        ("q,__expect\nhi,x\n", 1, "allowed are"),
        ("q,q,__expected\na,b,x\n", 1, "twice"),
        ("q,__expected,__threshold\nhi,x,high\n", 2, "a number"),
        ("q,__expected\nhi,llm-rubric:good\n", 2, "needs spec.judges"),
        ("q,__expected\nhi,grade:good\n", 2, "needs spec.judges"),
        ("q,__expected\nhi,is-xml\n", 2, "allowed are"),
        ("q,__expected\nhi,latency\n", 2, "milliseconds"),
        ("q,__expected\nhi,contains\n", 2, "not empty"),
        ('q,__expected\nhi,"contains-any:""a"\n', 2, "not closed"),
        ('q,__expected\n"hi,x\n', 2, "not CSV"),
        ("q,__expected\nfile://x.txt,y\n", 2, "file://x.txt"),
        ("q\nhi\n", 2, "no assertion"),
        ("q,__expected\n", 1, "no tests"),
        ("q,__expected,__metadata:weight\nhi,x,many\n", 2, "from 1 to 100"),
    ],
)
def test_row_that_cannot_be_read_is_a_problem_with_its_line(text: str, line: int, word: str) -> None:
    problems = parse(text).problems
    assert any(p.line == line and word in p.message for p in problems), problems
