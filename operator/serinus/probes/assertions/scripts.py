"""Checks that scripts make, JavaScript and Python, and transforms. Pure: they run behind `Scripts`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from serinus.core.jstext import js_json, js_text
from serinus.core.probe import PYTHON_ENDING, Assertion
from serinus.probes.outcome import Answer, Check, Outcome
from serinus.probes.script import Graded, Script, ScriptFailed, Scripts, Tools, commonjs, function_body, returned

_EXPLAINED: Final = "the script failed: "


def compile_transform(code: str, module: str, tools: Tools) -> Callable[[Answer], Answer]:
    """A function that makes another output of an answer; raises ScriptFailed, at once if the code does not compile."""
    if not code:
        return lambda answer: answer
    python = module.partition(":")[0].endswith(PYTHON_ENDING)
    scripts: Scripts = tools.python if python else tools.engine
    if module and not python:
        code = commonjs(code)
    script = Script(source=code if module else returned(code), module=module)
    scripts.check(script)

    def apply(answer: Answer) -> Answer:
        value = scripts.transform(script, answer.output, answer.context)
        return replace(answer, value=value, text=value if isinstance(value, str) else js_json(value))

    return apply


def _javascript(assertion: Assertion, tools: Tools) -> Check:
    source = commonjs(assertion.value) if assertion.module else function_body(assertion.value)
    return _scripted(assertion, tools.engine, Script(source=source, module=assertion.module))


def _python(assertion: Assertion, tools: Tools) -> Check:
    return _scripted(assertion, tools.python, Script(source=assertion.value, module=assertion.module))


def _scripted(assertion: Assertion, scripts: Scripts, script: Script) -> Check:
    scripts.check(script)

    def judge(answer: Answer) -> Outcome:
        try:
            found = scripts.call(script, answer.output, _context(assertion, answer))
        except ScriptFailed as e:
            return Outcome(passed=False, score=0.0, reason=f"{_EXPLAINED}{e}")
        return _of_script(assertion, found)

    return judge


def _context(assertion: Assertion, answer: Answer) -> Mapping[str, Any]:
    return answer.context if assertion.config is None else {**answer.context, "config": assertion.config}


def _of_script(assertion: Assertion, found: float | Graded) -> Outcome:
    limit = assertion.threshold
    if isinstance(found, Graded):
        # only of Python does promptfoo hold a grade against the threshold
        enough = limit is None or assertion.type != "python" or found.score >= limit
        passed = (found.passed and enough) != assertion.negated
        return Outcome(passed=passed, score=found.score, reason="" if passed else found.reason or "the script said no")
    if isinstance(found, bool):
        passed, score = found != assertion.negated, 1.0 if found != assertion.negated else 0.0
    else:
        passed = (found > 0 if limit is None else found >= limit) != assertion.negated
        score = float(found)  # a number is not turned around by `not-`
    return Outcome(passed=passed, score=score, reason="" if passed else f"the script returned {js_text(found)}")


SCRIPT: Final = {"javascript": _javascript, "python": _python}
