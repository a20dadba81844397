"""JavaScript of assertions: what it may return, what it sees, and that nothing it does goes on for ever."""

import math

import pytest

from serinus.core.probe import Assertion
from serinus.probes.assertions import compile_assertion
from serinus.probes.outcome import Answer, Outcome
from tests.unit.test_assertions import TOOLS, judge


@pytest.mark.parametrize(
    ("script", "threshold", "negated", "passed", "score"),
    [
        ("0.7", None, False, True, 0.7),
        ("0", None, False, False, 0.0),
        ("0", None, True, True, 0.0),
        ("0.7", 0.8, False, False, 0.7),
        ("0.7", 0.7, False, True, 0.7),
        ("0", 0.0, False, True, 0.0),
        ("0.7", None, True, False, 0.7),
        ("3", None, False, True, 3.0),
        ("-1", None, False, False, -1.0),
        ("({pass: true, score: 0.2, reason: 'ok'})", None, False, True, 0.2),
        ("({pass: true, score: 0.2, reason: 'ok'})", 0.9, False, True, 0.2),
        ("({pass: false, score: 0.9, reason: 'bad'})", None, True, True, 0.9),
        ("({pass: true, score: 1})", None, False, False, 0.0),
        ("({pass: true, score: 1})", None, True, False, 0.0),
        ("'true'", None, False, False, 0.0),
        ("undefined", None, False, False, 0.0),
        ("null", None, True, False, 0.0),
        ("Promise.resolve(0.5)", None, False, True, 0.5),
        ("Promise.reject(new Error('no'))", None, True, False, 0.0),
        ("(() => { throw new Error('boom') })()", None, True, False, 0.0),
        ("nothing.here", None, False, False, 0.0),
    ],
)
def test_script_gives_a_boolean_a_number_or_a_grade(
    script: str, threshold: float | None, negated: bool, passed: bool, score: float
) -> None:
    found = judge("not-javascript" if negated else "javascript", script, "x", threshold=threshold)
    assert (found.passed, found.score) == (passed, score), found


def test_script_that_gives_no_number_fails_a_threshold() -> None:
    found = judge("javascript", "NaN", "x", threshold=0.0)
    assert not found.passed
    assert math.isnan(found.score)


def test_script_sees_the_variables_the_prompt_the_test_and_metadata() -> None:
    context = {"vars": {"q": "1"}, "prompt": "p", "test": {"description": "t"}, "metadata": {}}
    script = "context.vars.q + context.prompt + context.test.description + typeof context.metadata === '1ptobject'"
    assert judge("javascript", script, "x", context=context).passed


@pytest.mark.parametrize(
    ("module", "source", "passed"),
    [
        ("a.js", "module.exports = (output, context) => output === 'x' && context.vars.q === 1;", True),
        ("a.js:check", "module.exports = { check: (output) => output.length };", True),
        ("a.js:other", "module.exports = { other: () => ({pass: false, score: 0, reason: 'no'}) };", False),
        ("a.js", "exports.default = async () => true;", True),
        ("a.js", "const fs = undefined; module.exports = () => { require('fs'); return true; };", False),
    ],
)
def test_module_exports_the_function_that_is_called(module: str, source: str, passed: bool) -> None:
    found = judge("javascript", source, "x", module=module, literal=True, context={"vars": {"q": 1}})
    assert found.passed is passed, found


def test_no_call_sees_what_an_earlier_one_left_behind() -> None:
    script = "globalThis.count = (globalThis.count || 0) + 1;\nString.prototype.x = 1;\nreturn globalThis.count === 1;"
    assertion = compile_assertion(Assertion(type="javascript", value=script), TOOLS)
    found = [assertion(Answer(text="x")) for _ in range(3)]
    assert [isinstance(o, Outcome) and o.passed for o in found] == [True, True, True]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("while (true) {}\nreturn true", "longer"),
        ("/^(a+)+$/.test('a'.repeat(40) + 'b')", "longer"),
        ("const a = [];\nfor (;;) a.push('x'.repeat(100000) + a.length);", "memory"),
        ("new Uint8Array(1e9).length", "memory"),
        ("(function f() { return f() + 1 })()", "stack"),
        ("\n;throw { get message() { for (;;) {} } }", "longer"),
        ("\n;return (async () => { for (;;) {} })()", "longer"),
        ("new Promise(() => {})", "never settled"),
    ],
)
def test_hostile_script_fails_within_its_limits(script: str, why: str) -> None:
    found = judge("not-javascript", script, "x")
    assert not found.passed
    assert why in found.reason


def test_catastrophic_pattern_fails_in_both_directions_and_the_next_one_works() -> None:
    for kind in ("regex", "not-regex"):
        found = judge(kind, "^(a+)+$", "a" * 40 + "b")
        assert not found.passed
        assert "longer" in found.reason
    assert judge("regex", "^a+$", "aaa").passed


def test_script_has_no_file_no_network_and_no_process() -> None:
    names = "typeof fetch + typeof process + typeof std + typeof os + typeof XMLHttpRequest"
    assert judge("javascript", f"{names} === 'undefined'.repeat(5)", "x").passed


def test_text_that_is_no_unicode_reaches_the_engine_whole() -> None:
    assert judge("javascript", "output.length === 3", "\ud800\x00é").passed
    assert judge("regex", "\\u0000", "\ud800\x00").passed
