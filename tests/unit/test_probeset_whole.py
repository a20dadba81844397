"""A whole ProbeSet: its ids, bounds, digest and canonical text; and that no text whatever breaks the parser."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.core.probe import Api, Probe, ProbeSet, Request
from serinus.core.probejson import UnreadableProbes, digest_of, from_json, to_json
from serinus.core.probeset import parse_probe_set

ASSERT = {"type": "contains", "value": "x"}


def parse(tests: list[dict[str, Any]], **spec: Any) -> ProbeSet:
    return parse_probe_set({"prompts": ["{{q}}"], **spec, "source": {"inline": json.dumps(tests)}}, {})


def case(**fields: Any) -> dict[str, Any]:
    return {"vars": {"q": "hi"}, "assert": [ASSERT], **fields}


def test_ids_are_the_descriptions_made_unique_printable_and_bounded() -> None:
    names = ["a", "a", "", 'say "x"\n\\now', "é" * 60, "é" * 60, "a-2", "  ", "b" * 64, "b" * 64]
    found = [p.id for p in parse([case(description=n) for n in names]).probes]
    assert found[:4] == ["a", "a-2", "test-3", "say 'x' /now"]
    assert found[6:8] == ["a-2-2", "test"]
    assert len(set(found)) == len(found)
    assert all(len(i.encode()) <= 64 for i in found)
    assert found == [p.id for p in parse([case(description=n) for n in names]).probes]


def test_request_has_defaults_and_bounds() -> None:
    assert parse([case()]).request == Request()
    spec = {"temperature": 0, "maxTokens": 5, "timeout": "90s", "concurrency": 1, "api": "completions"}
    assert parse([case()], request=spec).request == Request(
        temperature=0.0, max_tokens=5, timeout=90, concurrency=1, api=Api.COMPLETIONS
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 3),
        ("temperature", "hot"),
        ("maxTokens", 0),
        ("timeout", "0s"),
        ("timeout", "11m"),
        ("concurrency", 0),
        ("concurrency", 1000),
        ("api", "rest"),
    ],
)
def test_request_out_of_bounds_is_a_problem_with_its_path(field: str, value: object) -> None:
    (problem,) = parse([case()], request={field: value}).problems
    assert problem.field == f"spec.request.{field}"


@pytest.mark.parametrize(
    ("spec", "field", "word"),
    [
        ({"format": "xml"}, "spec.format", "allowed are promptfoo, csv, jsonl"),
        ({"judges": [{"name": "x"}]}, "spec.judges[0]", "serviceRef"),
        ({"other": 1}, "spec.other", "allowed are"),
        ({"prompts": []}, "spec.prompts", "no prompts"),
        ({"prompts": None}, "spec.prompts", "no prompts"),
        ({"request": 3}, "spec.request", "an object"),
        ({"source": {}}, "spec.source", "no source"),
        ({"source": {"inline": 3}}, "spec.source.inline", "a number"),
        ({"source": {"inline": "x" * 300_000}}, "spec.source.inline", "204800"),
    ],
)
def test_spec_that_cannot_be_acted_on_is_a_problem_with_its_path(spec: dict[str, Any], field: str, word: str) -> None:
    whole = {"prompts": ["x"], "source": {"inline": json.dumps([case()])}, **spec}
    problems = parse_probe_set(whole, {}).problems
    assert any(p.field == field and word in p.message and p.line == 0 for p in problems), problems


def test_main_file_is_the_only_one_or_has_a_known_name_or_is_named() -> None:
    text = json.dumps([case()])
    spec = {"prompts": ["x"], "source": {"configMapRef": {"name": "probes"}}}
    assert parse_probe_set(spec, {"anything.json": text}).probes
    assert parse_probe_set(spec, {"a.txt": "", "tests.json": text}).probes
    assert parse_probe_set(spec, {"a.txt": "", "tests.csv": "q,__expected\na,b\n"}).probes
    named = {**spec, "source": {"configMapRef": {"name": "probes", "key": "mine.yaml"}}}
    assert parse_probe_set(named, {"a.txt": "", "mine.yaml": text}).probes
    assert "a.txt, b.json" in parse_probe_set(spec, {"a.txt": "", "b.json": text}).problems[0].message
    assert parse_probe_set(named, {"a.txt": ""}).problems
    assert parse_probe_set(spec, {}).problems


def test_twenty_one_critical_probes_are_refused_at_the_line_of_the_last() -> None:
    text = "".join(f"- {{vars: {{q: a{i}}}, metadata: {{critical: true}}}}\n" for i in range(21))
    spec = {"prompts": ["{{q}}"], "defaultTest": {"assert": [ASSERT]}, "source": {"inline": text}}
    (problem,) = parse_probe_set(spec, {}).problems
    assert (problem.line, problem.message) == (21, "found 21 critical probes, allowed are 20")
    assert (
        parse_probe_set(
            {**spec, "source": {"inline": text.replace("q: a20}, metadata: {critical: true}", "q: b}")}}, {}
        ).critical
        == 20
    )


def test_bounds_on_probes_weights_assertions_and_size_are_kept() -> None:
    many = [str(i) for i in range(50)]
    assert "2500 tests of one" in parse([case(vars={"q": many, "r": many})]).problems[0].message
    assert "more than 2000 probes" in parse([case(vars={"q": many})] * 41).problems[0].message
    assert "weighted" in parse([case(metadata={"weight": 100})] * 101).problems[0].message
    assert "51 assertions" in parse([case(**{"assert": [ASSERT] * 51})]).problems[0].message
    spec = {"prompts": ["x"], "source": {"configMapRef": {"name": "n"}}}
    assert "921600" in parse_probe_set(spec, {"tests.yaml": "x" * 1_000_000}).problems[0].message
    files = {"tests.json": json.dumps([case(vars={"q": many, "v": "file://v.txt"})]), "v.txt": "x" * 20_000}
    assert "bytes of probes" in parse_probe_set({**spec, "prompts": ["{{q}}"]}, files).problems[0].message


def test_more_than_fifty_problems_are_counted() -> None:
    problems = parse([case(nonsense=1)] * 60).problems
    assert len(problems) == 51
    assert problems[-1].message == "and 10 more problems"


def test_canonical_text_is_read_back_and_has_the_digest() -> None:
    found = parse([case(), case(description="b", metadata={"critical": True, "tags": ["t"]})])
    text = to_json(found)
    assert digest_of(text) == found.digest
    assert from_json(text) == found
    assert len(json.loads(text)["assertions"]) == 1


def test_digest_changes_with_everything_that_changes_a_score_and_with_nothing_else() -> None:
    base = parse([case()])
    changed = [
        parse([case(vars={"q": "other"})]),
        parse([case(**{"assert": [{"type": "icontains", "value": "x"}]})]),
        parse([case(**{"assert": [{**ASSERT, "weight": 2}]})]),
        parse([case(threshold=0.5)]),
        parse([case(metadata={"critical": True})]),
        parse([case()], prompts=["{{q}}?"]),
        parse([case()], request={"temperature": 0}),
        parse([case()], request={"timeout": "30s"}),
    ]
    assert len({base.digest, *(p.digest for p in changed)}) == len(changed) + 1
    spaced = {"prompts": ["{{q}}"], "source": {"inline": json.dumps([case()], indent=4)}}
    assert parse_probe_set(spaced, {}).digest == base.digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "nope",
        '{"format":2}',
        '{"format":1,"scoring":1}',
        '{"format":1,"scoring":99,"probes":[]}',
        "[" * 9000,
    ],
)
def test_text_that_is_no_resolved_set_is_refused(text: str) -> None:
    with pytest.raises(UnreadableProbes):
        from_json(text)


SIGNS = st.text(alphabet="[]{}:,-&*!|>'\"#% \n.01axy<_$/", max_size=80)
PIECES = (
    "- |vars: |assert: |type: |contains|value: |{q: a}|\n|  |[|]|{|}|, |tests: |metadata: |critical: |true|weight: |3"
)
REST = ["file://a.txt", "options: ", "null", "x", "*a", "&a "]
WORDS = st.lists(st.sampled_from([*PIECES.split("|"), *REST]), max_size=40).map("".join)


@settings(max_examples=200)
@given(st.text() | SIGNS | WORDS, st.sampled_from(["promptfoo", "csv"]))
def test_parser_gives_probes_or_problems_for_any_text(text: str, kind: str) -> None:
    spec = {"format": kind, "prompts": ["{{q}}"], "source": {"inline": text}}
    found = parse_probe_set(spec, {})
    assert bool(found.probes) is not bool(found.problems)
    assert bool(found.digest) is bool(found.probes)
    assert found == parse_probe_set(spec, {})


NAMES = st.text(min_size=1, max_size=8)
VALUES = st.recursive(
    st.text(max_size=20) | st.integers(-1000, 1000) | st.booleans() | st.floats(-1e6, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TESTS = st.lists(
    st.fixed_dictionaries(
        {"vars": st.dictionaries(NAMES, VALUES, max_size=3), "assert": st.just([ASSERT])},
        optional={
            "description": st.text(max_size=90),
            "threshold": st.floats(0, 1),
            "metadata": st.fixed_dictionaries({"weight": st.integers(1, 5), "critical": st.booleans()}),
        },
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=200)
@given(TESTS)
def test_any_tests_survive_their_canonical_text_and_give_the_same_bytes_twice(tests: list[dict[str, Any]]) -> None:
    found = parse(tests)
    if found.problems:
        assert all(p.message for p in found.problems)
        return
    text = to_json(found)
    assert from_json(text) == found
    assert to_json(from_json(text)) == text == to_json(parse(tests))


def test_probe_set_counts_its_weighted_and_critical_probes() -> None:
    probes = (Probe(id="a", prompt="x", weight=3, critical=True), Probe(id="b", prompt="x"))
    assert (ProbeSet(probes=probes).weighted, ProbeSet(probes=probes).critical) == (4, 1)
