"""What an answer must satisfy: one function for each type, and the table of them. Pure; scripts run behind `Engine`.

Meanings are those of promptfoo 0.123.1. A new type is a function here, a row in CHECKS, and a row in the table of
allowed types (`core/assertion_types.py`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from serinus.core.comma_list import split_commas
from serinus.core.json_path import MISSING, at, parse_path
from serinus.core.jstext import WHITESPACE, js_text
from serinus.core.probe import Assertion
from serinus.core.tree import UnreadableDocument
from serinus.core.yaml12 import read_yaml
from serinus.probes.answer_json import NoJson, deep_equal, objects_in, parse_json
from serinus.probes.json_schema import Accepts, InvalidSchema, compile_schema
from serinus.probes.outcome import Answer, Judge, Misconfigured, Outcome, binary, shown
from serinus.probes.script import Engine, Graded, Script, ScriptFailed, function_body

_MAX_PATTERN: Final = 100
_TO_SPACE: Final = dict.fromkeys(map(ord, WHITESPACE), " ")


def compile_assertion(assertion: Assertion, engine: Engine) -> Judge:
    """A function that judges answers; raises Misconfigured. The value must be rendered already."""
    try:
        judge = CHECKS[assertion.type](assertion, engine)
    except (ScriptFailed, InvalidSchema, ValueError) as e:
        raise Misconfigured(f"{assertion.type}: {e}") from e
    if assertion.weight > 0:
        return judge

    def measure(answer: Answer) -> Outcome:
        found = judge(answer)
        return Outcome(passed=True, score=found.score, reason=found.reason)

    return measure


def _equals(assertion: Assertion, _: Engine) -> Judge:
    value = assertion.value
    if not isinstance(value, dict | list):
        wanted = js_text(value)
        return binary(assertion, f"equal {shown(value)}", lambda answer: answer.text == wanted)

    def holds(answer: Answer) -> bool:
        try:
            return deep_equal(value, parse_json(answer.text))
        except NoJson:
            return False

    return binary(assertion, f"equal {shown(value)}", holds)


def _contains(assertion: Assertion, _: Engine) -> Judge:
    wanted = _needle(assertion)
    return binary(assertion, f"contain {shown(wanted)}", lambda answer: wanted in answer.text)


def _icontains(assertion: Assertion, _: Engine) -> Judge:
    wanted = _needle(assertion).lower()
    return binary(assertion, f"contain {shown(wanted)} in any case", lambda answer: wanted in answer.text.lower())


def _starts_with(assertion: Assertion, _: Engine) -> Judge:
    wanted = _needle(assertion)
    return binary(assertion, f"start with {shown(wanted)}", lambda answer: answer.text.startswith(wanted))


def _contains_any(assertion: Assertion, _: Engine) -> Judge:
    wanted = _needles(assertion)
    return binary(assertion, f"contain any of {shown(wanted)}", lambda a: any(w in a.text for w in wanted))


def _contains_all(assertion: Assertion, _: Engine) -> Judge:
    wanted = _needles(assertion)
    return binary(assertion, f"contain all of {shown(wanted)}", lambda a: all(w in a.text for w in wanted))


def _icontains_any(assertion: Assertion, _: Engine) -> Judge:
    wanted = [w.lower() for w in _needles(assertion)]
    words = f"contain any of {shown(wanted)} in any case"
    return binary(assertion, words, lambda a: any(w in a.text.lower() for w in wanted))


def _icontains_all(assertion: Assertion, _: Engine) -> Judge:
    wanted = [w.lower() for w in _needles(assertion)]
    words = f"contain all of {shown(wanted)} in any case"
    return binary(assertion, words, lambda a: all(w in a.text.lower() for w in wanted))


def _needle(assertion: Assertion) -> str:
    text = js_text(assertion.value)
    if not text:
        raise ValueError("the value is empty once it is rendered, and every answer contains nothing")
    return text


def _needles(assertion: Assertion) -> list[str]:
    value = assertion.value
    texts = split_commas(value) if isinstance(value, str) else [js_text(v) for v in value]
    if not texts or not all(texts):
        raise ValueError("an entry of the value is empty once it is rendered, and every answer contains nothing")
    return texts


def _regex(assertion: Assertion, engine: Engine) -> Judge:
    pattern = _needle(assertion)
    engine.check_pattern(pattern)
    return binary(assertion, f"match /{pattern[:_MAX_PATTERN]}/", lambda answer: engine.matches(pattern, answer.text))


def _is_json(assertion: Assertion, engine: Engine) -> Judge:
    accepts = _schema(assertion, engine)

    def holds(answer: Answer) -> bool:
        try:
            return accepts(parse_json(answer.text))
        except NoJson:
            return False

    return binary(assertion, "be JSON" + (" that fits the schema" if assertion.value else ""), holds)


def _contains_json(assertion: Assertion, engine: Engine) -> Judge:
    accepts = _schema(assertion, engine)
    words = "contain JSON" + (" that fits the schema" if assertion.value else "")
    return binary(assertion, words, lambda answer: any(accepts(found) for found in objects_in(answer.text)))


def _schema(assertion: Assertion, engine: Engine) -> Accepts:
    value = assertion.value
    if not value:
        return lambda _: True
    if isinstance(value, str):
        try:
            value = read_yaml(value).plain()
        except UnreadableDocument as e:
            raise ValueError(f"the schema is not YAML: {e}") from e
    return compile_schema(value, engine)


def _javascript(assertion: Assertion, engine: Engine) -> Judge:
    source = assertion.value if assertion.module else function_body(assertion.value)
    script = Script(source=source, module=assertion.module)
    engine.check(script)

    def judge(answer: Answer) -> Outcome:
        try:
            found = engine.call(script, answer.text, answer.context)
        except ScriptFailed as e:
            return Outcome(passed=False, score=0.0, reason=f"the script failed: {e}")
        return _of_script(assertion, found)

    return judge


def _of_script(assertion: Assertion, found: float | Graded) -> Outcome:
    if isinstance(found, Graded):
        passed = found.passed != assertion.negated
        return Outcome(passed=passed, score=found.score, reason="" if passed else found.reason or "the script said no")
    if isinstance(found, bool):
        passed, score = found != assertion.negated, 1.0 if found != assertion.negated else 0.0
    else:
        limit = assertion.threshold
        passed = (found > 0 if limit is None else found >= limit) != assertion.negated
        score = float(found)  # a number is not turned around by `not-`
    return Outcome(passed=passed, score=score, reason="" if passed else f"the script returned {js_text(found)}")


def _latency(assertion: Assertion, _: Engine) -> Judge:
    limit = math.inf if assertion.threshold is None else assertion.threshold
    return binary(assertion, f"take at most {limit:g} ms", lambda answer: answer.latency_ms <= limit)


def _word_count(assertion: Assertion, _: Engine) -> Judge:
    value = assertion.value
    if not isinstance(value, dict):
        exact = float(value)
        return binary(assertion, f"have {exact:g} words", lambda answer: _words(answer.text) == exact)
    low, high = _bounds(value)
    return binary(assertion, f"have {low:g} to {high:g} words", lambda answer: low <= _words(answer.text) <= high)


def _words(text: str) -> int:
    return sum(1 for word in text.translate(_TO_SPACE).split(" ") if word)


def _length(assertion: Assertion, _: Engine) -> Judge:
    low, high = _bounds(assertion.value)
    return binary(assertion, f"have {low:g} to {high:g} characters", lambda answer: low <= len(answer.text) <= high)


def _bounds(value: Mapping[str, Any]) -> tuple[float, float]:
    low, high = value.get("min"), value.get("max")
    return -math.inf if low is None else low, math.inf if high is None else high


def _json_path(assertion: Assertion, engine: Engine) -> Judge:
    value, path = assertion.value, parse_path(assertion.value["path"])
    if "matches" in value:
        engine.check_pattern(value["matches"])

    def holds(answer: Answer) -> bool:
        try:
            found = at(parse_json(answer.text), path)
        except NoJson:
            return False
        return found is not MISSING and _fits(found, value, engine)

    return binary(assertion, f"be JSON where {shown(value)}", holds)


def _fits(found: Any, wanted: Mapping[str, Any], engine: Engine) -> bool:
    """Whether a value of a document meets every condition that is set."""
    if "equals" in wanted and not deep_equal(found, wanted["equals"]):
        return False
    if "in" in wanted and not any(deep_equal(found, choice) for choice in wanted["in"]):
        return False
    if "matches" in wanted and not engine.matches(wanted["matches"], js_text(found)):
        return False
    if "min" not in wanted and "max" not in wanted:
        return True
    low, high = _bounds(wanted)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return number and low <= found <= high


CHECKS: Final[Mapping[str, Callable[[Assertion, Engine], Judge]]] = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _icontains,
    "contains-any": _contains_any,
    "contains-all": _contains_all,
    "icontains-any": _icontains_any,
    "icontains-all": _icontains_all,
    "starts-with": _starts_with,
    "regex": _regex,
    "is-json": _is_json,
    "contains-json": _contains_json,
    "javascript": _javascript,
    "latency": _latency,
    "word-count": _word_count,
    "json-path": _json_path,
    "length": _length,
}
