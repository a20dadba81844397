"""Every case of the comparison with promptfoo as one list, deterministic: what `golden.mjs` reads, and the test."""

import itertools
from collections.abc import Iterator
from typing import Any

from tests.parity.tables import JSON, MEASURES, OVERLAP, REFUSALS, SCRIPTS, TEXT, Row

VARIABLES = {"word": "blue", "n": 7}
PROMPT = "What colour?"
_RESPONSE = ("latencyMs", "cost", "finishReason", "logProbs")
_STEPS = '{"steps": ["look", "grade"]}'


def all_cases() -> list[dict[str, Any]]:
    """All cases, each with an id that names what it is about."""
    return [{"id": f"{i:03d}-{case.pop('about')}", **case} for i, case in enumerate(_cases())]


def _cases() -> Iterator[dict[str, Any]]:
    for row in itertools.chain(TEXT, JSON, SCRIPTS, MEASURES, OVERLAP, REFUSALS):
        for negation in ("", "not-"):
            yield _single(row, negation)
    yield from _judged()
    yield from _similar()
    yield from _tests()


def _single(row: Row, negation: str) -> dict[str, Any]:
    kind, value, output = row[:3]
    extra = dict(row[3]) if len(row) > 3 else {}
    response = {key: extra.pop(key) for key in _RESPONSE if key in extra}
    assertion = {"type": negation + kind, **extra}
    if value is not None:
        assertion["value"] = value
    return {"about": assertion["type"], "output": output, "response": response, "assert": [assertion]}


def _judged() -> Iterator[dict[str, Any]]:
    replies: list[tuple[str, Any, dict[str, Any], list[str]]] = [
        ("llm-rubric", "is it blue, {{word}}?", {}, ['{"pass": true, "score": 1, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {}, ['{"pass": false, "score": 0, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {"threshold": 0.8}, ['{"pass": true, "score": 0.7, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {"threshold": 0.8}, ['{"pass": true, "score": 0.8, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {"threshold": 0.2}, ['{"pass": false, "score": 0.7, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {}, ['{"score": 1, "reason": "r"}']),
        ("llm-rubric", "is it blue?", {}, ["no verdict at all"]),
        ("llm-rubric", "is it blue?", {"weight": 0}, ['{"pass": false, "score": 0, "reason": "r"}']),
        ("g-eval", "is it blue?", {}, [_STEPS, '{"score": 7, "reason": "r"}']),
        ("g-eval", "is it blue?", {}, [_STEPS, '{"score": 6, "reason": "r"}']),
        ("g-eval", "is it blue?", {"threshold": 0.5}, [_STEPS, '{"score": 5, "reason": "r"}']),
        ("g-eval", ["a?", "b?"], {}, [_STEPS, '{"score": 9, "reason": "r"}', _STEPS, '{"score": 6, "reason": "r"}']),
        ("g-eval", ["a?", "b?"], {}, [_STEPS, '{"score": 9, "reason": "r"}', _STEPS, '{"score": 3, "reason": "r"}']),
        *(("factuality", "it is {{word}}", {}, [f'{{"category": "{c}", "reason": "r"}}']) for c in "ABCDE"),
        ("model-graded-factuality", "it is blue", {}, ['{"category": "D", "reason": "r"}']),
        ("model-graded-closedqa", "is it blue?", {}, ["reasons. Y"]),
        ("model-graded-closedqa", "is it blue?", {}, ["reasons. N"]),
        ("model-graded-closedqa", "is it blue?", {}, ["who knows"]),
    ]
    for kind, value, extra, judge in replies:
        for negation in ("", "not-"):
            assertion = {"type": negation + kind, "value": value, **extra}
            yield {"about": assertion["type"], "output": "It is blue.", "judge": judge, "assert": [assertion]}


def _similar() -> Iterator[dict[str, Any]]:
    vectors = {"near": [1.0, 0.2], "far": [0.0, 1.0], "answer": [1.0, 0.0], "zero": [0.0, 0.0]}
    for kind, value, threshold in itertools.product(
        ("similar", "similar:cosine", "similar:dot", "similar:euclidean"),
        ("near", "far", ["far", "near"], ["far", "zero"]),
        (None, 0.5, 1.2),
    ):
        for negation in ("", "not-"):
            assertion: dict[str, Any] = {"type": negation + kind, "value": value}
            if threshold is not None:
                assertion["threshold"] = threshold
            yield {"about": assertion["type"], "output": "answer", "vectors": vectors, "assert": [assertion]}


def _tests() -> Iterator[dict[str, Any]]:
    yes, no = {"type": "contains", "value": "blue"}, {"type": "contains", "value": "red"}
    lists: list[tuple[list[dict[str, Any]], float | None]] = [
        ([yes, no], None),
        ([yes, no], 0.5),
        ([yes, no], 0.51),
        ([yes, {**no, "weight": 3}], 0.3),
        ([{**yes, "weight": 3}, no], 0.75),
        ([yes, {**no, "weight": 0}], None),
        ([{**no, "weight": 0}, {**yes, "weight": 0}], None),
        ([{"type": "javascript", "value": "0.4"}, yes], 0.7),
        ([yes, {"type": "assert-set", "assert": [yes, no]}], None),
        ([yes, {"type": "assert-set", "assert": [yes, no], "threshold": 0.5}], None),
        ([yes, {"type": "assert-set", "assert": [yes, no], "threshold": 0.5, "weight": 3}], 0.9),
        ([yes, {"type": "assert-set", "assert": [no, {**yes, "weight": 4}], "threshold": 0.8}], None),
        ([{"type": "assert-set", "assert": [yes, no], "threshold": 0.9, "weight": 0}, yes], None),
        ([{**yes, "metric": "colour"}, {**no, "metric": "colour"}, {**yes, "metric": "{{word}}"}], 0.1),
        ([{**yes, "metric": "m", "weight": 2}, {**no, "metric": "m", "weight": 1}], 0.1),
        ([{**no, "metric": "m", "weight": 0}, {**yes, "metric": "k"}], None),
        ([no, no], 0),
    ]
    for number, (assertions, threshold) in enumerate(lists):
        case: dict[str, Any] = {"about": f"test-{number}", "output": "blue", "assert": assertions}
        if threshold is not None:
            case["threshold"] = threshold
        yield case
