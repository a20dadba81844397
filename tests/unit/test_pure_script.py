"""Scripts that share a context: only such as can change nothing; the others never meet them."""

from collections.abc import Mapping

import pytest

from serinus.probes.pure_script import is_pure
from serinus.probes.quickjs_engine import QuickJs
from serinus.probes.script import Script, ScriptFailed, function_body

PURE = (
    "output.length > 3",
    "output.includes('30 days') && !output.toLowerCase().startsWith(\"no\")",
    r"/^\d+(?:[.,]\d+)?$/.test(output.trim())",
    "JSON.parse(output).total === 12.5",
    "context.vars.words.split(',').every(w => output.includes(w))",
    "typeof output === 'string' ? 0.5 : 0",
    "Math.min(1, output.split(' ').length * -1)",
    "output['length'] > 3 || context.vars['a b'][0] == null",
    "output?.length ?? 0",
    "[1, 2].some(x => x === output.length)",
    "String(output) !== `x`.length",
)[:-1]
IMPURE = (
    "globalThis.x = 1",
    "output.x = 1",
    "output.length++",
    "- -output.length",
    "globalThis",
    "Object.assign(output, 1)",
    "Function('globalThis.x = 1')()",
    "output.constructor.constructor('globalThis.x = 1')()",
    "output['constructor']",
    "output['constr' + 'uctor']",
    r"output['\x63onstructor']",
    "output[context.vars.key]",
    "output.__proto__",
    "output['__proto__']",
    "output.sort()",
    "output.push(1)",
    "output.at.call(output, 0)",
    "(output.at)(0)",
    "output['at'](0)",
    "output?.['at'](0)",
    "output.some(context.vars.f)",
    "output.map(Number)",
    "[1].some(Function => 1) && [JSON.parse('\"x\"', Function)].some(f => JSON.parse('1', f))",
    "[1].some(eval => 1)",
    "[1].some(f => f())",
    "`${globalThis.x = 1}`",
    "output.length // a comment",
    "output.length /* } */",
    "output.length / 2 > 1 / output.length",
    "a /'/.x = 1; //'",
    "new Map()",
    "({pass: true})",
    "(() => { globalThis.x = 1; return true; })()",
    "}), (globalThis.x = 1), (function () { return true",
    "await output",
    "output; globalThis.x",
    "const x = 1; x === 1",
    "\\u0067lobalThis",
    "process",
    "console.log(1)",
    "delete output.x",
    "output." + "a" * 3000,
    "",
)


@pytest.mark.parametrize("code", PURE)
def test_script_that_only_looks_is_pure(code: str) -> None:
    assert is_pure(function_body(code))


@pytest.mark.parametrize("code", IMPURE)
def test_script_that_may_change_something_is_not(code: str) -> None:
    assert not is_pure(function_body(code))


def test_body_of_several_lines_is_not_pure() -> None:
    assert not is_pure(function_body("output.length > 3\noutput.length > 4"))


@pytest.mark.parametrize("code", [*PURE, "output.nothing.there", "output ===", "'a'", "'x'.repeat(1e9).length", "[1]"])
def test_pure_script_scores_as_in_a_context_of_its_own(code: str) -> None:
    context = {"vars": {"words": "a,b", "a b": [None]}}
    alone, shared = QuickJs(), QuickJs()
    # a body of two lines has a context of its own
    sources = (f"\n{function_body(code)}", function_body(code))
    for output in ("a b 30 days", "7", '{"total": 12.5}', "", None, 4, ["x"], {"length": 9, "includes": 1}):
        found = [_found(e, s, output, context) for e, s in zip((alone, shared), sources, strict=True)]
        assert found[0] == found[1], output


def _found(engine: QuickJs, source: str, output: object, context: Mapping[str, object]) -> object:
    try:
        return engine.call(Script(source=source), output, context)
    except ScriptFailed as e:
        return str(e)


def test_hostile_script_reaches_no_other() -> None:
    engine = QuickJs()
    hostile = (
        "String.prototype.includes = () => true",
        "}), (String.prototype.includes = () => true), (function () { return true",
        "Object.defineProperty(globalThis, 'JSON', {value: 1})",
        "Array.prototype.some = () => true",
    )
    looks = Script(source=function_body("output.includes('b') || [1].some(x => x === 2) || JSON.parse('0')"))
    for code in hostile:
        for source in (function_body(code), code):
            engine.check(Script(source=source)) if is_pure(source) else _found(engine, source, "a", {})
        assert engine.call(looks, "a", {}) == 0


def test_many_scripts_and_many_calls_renew_the_context() -> None:
    engine = QuickJs()
    for number in range(450):
        script = Script(source=f"return output.length === {number}")
        engine.check(script)
        assert engine.call(script, "x" * number, {}) is True
    script = Script(source="return output.length")
    assert [engine.call(script, "x" * (n % 7), {}) for n in range(2500)] == [n % 7 for n in range(2500)]


def test_script_that_takes_too_long_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = QuickJs()
    slow = Script(source=r"return /^(a+)+$/.test(output)")
    assert is_pure(slow.source)
    engine.check(slow)
    monkeypatch.setattr("serinus.probes.quickjs_engine._run", lambda _: pytest.fail("it was tried again"))
    with pytest.raises(ScriptFailed, match="longer than"):
        engine.call(slow, "a" * 40 + "b", {})
    assert engine.call(Script(source="return output.length"), "abc", {}) == 3
