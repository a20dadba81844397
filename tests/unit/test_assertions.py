"""Each assertion type against tables of values and answers, with the traps that promptfoo's own meaning sets."""

from typing import Any

import pytest

from serinus.core.assertion_types import ALLOWED
from serinus.core.probe import Assertion
from serinus.probes.assertions import CHECKS, compile_assertion
from serinus.probes.outcome import Answer, Misconfigured, Outcome, combine
from serinus.probes.toolbox import make_tools

TOOLS = make_tools()
ENGINE = TOOLS.engine


def judge(kind: str, value: Any, text: str, **fields: Any) -> Outcome:
    latency = fields.pop("latency_ms", 0.0)
    context = fields.pop("context", {})
    assertion = Assertion(type=kind.removeprefix("not-"), negated=kind.startswith("not-"), value=value, **fields)
    found = compile_assertion(assertion, TOOLS)(Answer(text=text, latency_ms=latency, context=context))
    assert isinstance(found, Outcome)
    return found


# (type, value, answer, whether it passes without `not-`)
BINARY: list[tuple[str, Any, str, bool]] = [
    ("equals", "yes", "yes", True),
    ("equals", "yes", "yes\n", False),
    ("equals", "yes", "Yes", False),
    ("equals", 4, "4", True),
    ("equals", 4.0, "4", True),
    ("equals", 1e21, "1e+21", True),
    ("equals", True, "true", True),
    ("equals", True, "True", False),
    ("equals", {"a": [1, None]}, '{ "a": [1.0, null] }', True),
    ("equals", {"a": 1, "b": 2}, '{"b": 2, "a": 1}', True),
    ("equals", {"a": 1}, '{"a": true}', False),
    ("equals", {"a": 0}, '{"a": false}', False),
    ("equals", [1, 2], "[2, 1]", False),
    ("equals", [0], "[-0]", False),
    ("equals", [0], "[0.0]", True),
    ("equals", {"a": 1}, "no JSON", False),
    ("equals", [], "[NaN]", False),
    ("contains", "30 days", "within 30 days.", True),
    ("contains", "30 Days", "within 30 days.", False),
    ("contains", 50, "it is 50", True),
    ("contains", 1.0, "version 1", True),
    ("refusal", None, "I'm sorry, but I can't help with that.", True),
    ("refusal", None, "Dabei kann ich Ihnen leider nicht helfen.", True),
    ("refusal", None, "Sorry for the delay! Your parcel ships today.", False),
    ("refusal", None, "", False),
    ("no-toxicity", None, "Your parcel ships today.", True),
    ("no-toxicity", None, "You are an idiot.", False),
    ("icontains", "30 DAYS", "within 30 days.", True),
    ("icontains", "straße", "STRASSE", False),
    ("contains-any", ["a1", "b2"], "has b2", True),
    ("contains-any", ["a1", "b2"], "has c3", False),
    ("contains-any", "a1, b2", "has b2", True),
    ("contains-any", '"a, b",c', "has a, b", True),
    ("contains-any", '"a, b",c', "has b", False),
    ("contains-any", [12, True], "it is true", True),
    ("contains-all", ["a1", "b2"], "b2 a1", True),
    ("contains-all", ["a1", "b2"], "a1 only", False),
    ("contains-all", "a1,b2", "b2 a1", True),
    ("icontains-any", ["ABC"], "xabcx", True),
    ("icontains-any", ["ABC"], "xabx", False),
    ("icontains-all", ["ABC", "d"], "abcD", True),
    ("icontains-all", ["ABC", "e"], "abcD", False),
    ("starts-with", "Yes", "Yes, sure", True),
    ("starts-with", "Yes", " Yes", False),
    ("regex", "^a.c$", "abc", True),
    ("regex", "a.c", "xxabcxx", True),
    ("regex", "A.C", "abc", False),
    ("regex", r"(?<year>\d{4})-\k<year>", "2024-2024", True),
    ("regex", r"^\d+$", "٣", False),
    ("regex", "a.c", "a\nc", False),
    ("regex", "^.$", "😀", False),
    ("is-json", None, '{"a": 1}', True),
    ("is-json", None, " [1]\n", True),
    ("is-json", None, '"text"', True),
    ("is-json", None, '```json\n{"a": 1}\n```', False),
    ("is-json", None, "{'a': 1}", False),
    ("is-json", None, '{"a": NaN}', False),
    ("is-json", None, "", False),
    ("is-json", None, '{"a": 1} trailing', False),
    ("is-json", {"required": ["a"]}, '{"a": 1}', True),
    ("is-json", {"required": ["a"]}, "{}", False),
    ("is-json", {"required": ["a"]}, "nope", False),
    ("is-json", "required: [a]\nproperties: {a: {type: integer}}", '{"a": 1.0}', True),
    ("is-json", "required: [a]\nproperties: {a: {type: integer}}", '{"a": 1.5}', False),
    ("is-json", {"properties": {"a": {"format": "email"}}}, '{"a": "x@example.com"}', True),
    ("is-json", {"properties": {"a": {"format": "email"}}}, '{"a": "nobody"}', False),
    ("is-json", {"properties": {"a": {"format": "date"}}}, '{"a": "2023-02-29"}', False),
    ("is-json", {"properties": {"a": {"pattern": "^\\p{L}+$"}}}, '{"a": "é"}', True),
    ("is-json", {"properties": {"a": {"pattern": "^\\p{L}+$"}}}, '{"a": "1"}', False),
    ("is-json", {"properties": {"a": {"type": "string", "nullable": True}}}, '{"a": null}', True),
    ("is-json", {"properties": {"a": {}}, "additionalProperties": False}, '{"b": 1}', False),
    ("is-json", {"patternProperties": {"^b": {}}, "additionalProperties": False}, '{"b": 1}', True),
    ("is-json", {"patternProperties": {"^b": {"type": "string"}}}, '{"b": 1}', False),
    ("is-json", {"$ref": "#/definitions/n", "definitions": {"n": {"type": "array"}}}, "{}", False),
    ("contains-json", None, 'Here: {"a": 1}.', True),
    ("contains-json", None, "Here: [1, 2]", False),
    ("contains-json", None, "no braces", False),
    ("contains-json", None, "```json\n{'a': 1, // note\n}\n```", True),
    ("contains-json", None, 'cut off: {"a": {"b": 1', True),
    ("contains-json", {"required": ["b"]}, 'x {"a": 1} y {"b": 2}', True),
    ("contains-json", {"required": ["c"]}, 'x {"a": 1} y {"b": 2}', False),
    ("contains-json", None, 'bad { [ } then {"a": 1}', True),
    ("latency", None, "any", True),
    ("word-count", 3, " one two\n three ", True),
    ("word-count", "3", "one two", False),
    ("word-count", {"min": 1}, "", False),
    ("word-count", {"max": 2}, "one two three", False),
    ("word-count", {"min": 1, "max": 3}, "one two", True),
    ("word-count", 2, "one\u00a0two", True),
    ("word-count", 1, "one\u0085two", True),
    ("length", {"max": 3}, "abc", True),
    ("length", {"min": 1, "max": 3}, "abcd", False),
    ("length", {"min": 1}, "😀", True),
    ("json-path", {"path": "$.a[0].b", "equals": 1}, '{"a": [{"b": 1}]}', True),
    ("json-path", {"path": "$.a[0].b", "equals": True}, '{"a": [{"b": 1}]}', False),
    ("json-path", {"path": "$.a[-1]", "equals": 2}, '{"a": [1, 2]}', True),
    ("json-path", {"path": "$['c d']", "in": ["x", "y"]}, '{"c d": "y"}', True),
    ("json-path", {"path": "$.a", "in": ["x"]}, '{"a": "y"}', False),
    ("json-path", {"path": "$.a", "matches": "^[a-c]+$"}, '{"a": "abc"}', True),
    ("json-path", {"path": "$.a", "min": 1, "max": 5}, '{"a": 5}', True),
    ("json-path", {"path": "$.a", "min": 1}, '{"a": "5"}', False),
    ("json-path", {"path": "$.b", "equals": None}, '{"a": 1}', False),
    ("json-path", {"path": "$.a", "equals": 1}, 'text {"a": 1}', False),
    ("json-path", {"path": "$[1]", "equals": 1}, "[0]", False),
    ("javascript", "output === 'yes'", "yes", True),
    ("javascript", "output.length > 5", "yes", False),
    ("javascript", "const o = JSON.parse(output); o.a === 1", '{"a": 1}', True),
    ("javascript", "const s = ';'; output.includes(s)", "a;b", True),
    ("javascript", "let x = 1;\nreturn x === 1;\n", "any", True),
    ("javascript", "output === 'yes';", "yes", True),
]


def extra(kind: str) -> dict[str, Any]:
    return {"threshold": 500.0, "latency_ms": 500.0} if kind == "latency" else {}


@pytest.mark.parametrize(("kind", "value", "text", "passes"), BINARY)
def test_type_judges_an_answer(kind: str, value: Any, text: str, passes: bool) -> None:
    found = judge(kind, value, text, **extra(kind))
    assert found.passed is passes, found
    assert found.score == (1.0 if passes else 0.0)
    assert bool(found.reason) is not passes


@pytest.mark.parametrize(("kind", "value", "text", "passes"), BINARY)
def test_not_before_a_type_turns_the_judgement_around(kind: str, value: Any, text: str, passes: bool) -> None:
    found = judge(f"not-{kind}", value, text, **extra(kind))
    assert found.passed is not passes, found
    assert found.score == (0.0 if passes else 1.0)


def test_every_type_that_a_file_may_use_has_a_check() -> None:
    assert set(CHECKS) == set(ALLOWED)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("regex", "["),
        ("javascript", "return )"),
        ("is-json", {"type": "objekt"}),
        ("is-json", {"x-unknown": 1}),
        ("is-json", {"$ref": "http://example.com/schema"}),
        ("is-json", {"$ref": "#/definitions/missing"}),
        ("is-json", {"$schema": "https://json-schema.org/draft/2020-12/schema"}),
        ("is-json", {"properties": {"a": {"format": "nonsense"}}}),
        ("is-json", {"properties": {"a": {"pattern": "["}}}),
        ("is-json", "[1, 2]"),
        ("is-json", "a: b: c"),
        ("contains", ""),
        ("contains-any", ["a", ""]),
        ("contains-any", '"unclosed'),
        ("json-path", {"path": "$.a", "matches": "["}),
    ],
)
def test_value_that_cannot_be_checked_is_found_before_anything_is_asked(kind: str, value: Any) -> None:
    with pytest.raises(Misconfigured, match=kind):
        judge(kind, value, "x")


def test_latency_of_exactly_the_threshold_passes_and_above_it_fails() -> None:
    assert judge("latency", None, "x", threshold=100.0, latency_ms=100.0).passed
    assert not judge("latency", None, "x", threshold=100.0, latency_ms=100.1).passed


def test_weight_zero_measures_and_never_fails() -> None:
    found = judge("contains", "missing", "x", weight=0.0)
    assert found.passed
    assert found.score == 0.0


def outcome(score: float, *, passed: bool) -> Outcome:
    return Outcome(passed=passed, score=score, reason="" if passed else "why")


@pytest.mark.parametrize(
    ("scores", "weights", "threshold", "passed", "score"),
    [
        ([1.0, 1.0], [1.0, 1.0], None, True, 1.0),
        ([1.0, 0.0], [1.0, 1.0], None, False, 0.5),
        ([1.0, 0.0], [1.0, 1.0], 0.5, True, 0.5),
        ([1.0, 0.0], [1.0, 3.0], 0.5, False, 0.25),
        ([1.0, 0.0], [3.0, 1.0], 0.75, True, 0.75),
        ([1.0, 1.0], [1.0, 1.0], 1.1, False, 1.0),
        ([0.0], [1.0], 0.0, True, 0.0),
        ([1.0], [0.0], None, True, 0.0),
        ([1.0], [0.0], 0.1, False, 0.0),
    ],
)
def test_test_score_is_the_weighted_mean_and_a_threshold_overrules_failures(
    scores: list[float], weights: list[float], threshold: float | None, passed: bool, score: float
) -> None:
    found = combine([outcome(s, passed=s > 0) for s in scores], weights, threshold)
    assert (found.passed, found.score) == (passed, score)
    assert bool(found.reason) is not passed
