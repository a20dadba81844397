"""Checks of answers that are JSON: the whole of it, objects within it, single values of it. Pure."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from serinus.core.json_path import MISSING, at, parse_path
from serinus.core.jstext import js_text
from serinus.core.probe import Assertion
from serinus.core.tree import UnreadableDocument
from serinus.probes.answer_json import NoJson, deep_equal, objects_in, parse_json
from serinus.probes.assertions.texts import bounds
from serinus.probes.outcome import Answer, Check, binary, shown
from serinus.probes.script import Engine, Tools


def _is_json(assertion: Assertion, tools: Tools) -> Check:
    accepts = _schema(assertion, tools.engine)

    def holds(answer: Answer) -> bool:
        try:
            return accepts(parse_json(answer.text))
        except NoJson:
            return False

    return binary(assertion, "be JSON" + (" that fits the schema" if assertion.value else ""), holds)


def _contains_json(assertion: Assertion, tools: Tools) -> Check:
    accepts = _schema(assertion, tools.engine)
    words = "contain JSON" + (" that fits the schema" if assertion.value else "")
    return binary(assertion, words, lambda answer: any(accepts(found) for found in objects_in(answer.text)))


def _schema(assertion: Assertion, engine: Engine) -> Callable[[Any], bool]:
    value = assertion.value
    if not value:
        return lambda _: True
    if isinstance(value, str):
        from serinus.core.yaml12 import read_yaml  # noqa: PLC0415 - few probes need it, and it takes long to import

        try:
            value = read_yaml(value).plain()
        except UnreadableDocument as e:
            raise ValueError(f"the schema is not YAML: {e}") from e
    from serinus.probes.json_schema import compile_schema  # noqa: PLC0415 - takes 0.2 s to import, and 8 MB

    return compile_schema(value, engine)


def _json_path(assertion: Assertion, tools: Tools) -> Check:
    value, path = assertion.value, parse_path(assertion.value["path"])
    if "matches" in value:
        tools.engine.check_pattern(value["matches"])

    def holds(answer: Answer) -> bool:
        try:
            found = at(parse_json(answer.text), path)
        except NoJson:
            return False
        return found is not MISSING and _fits(found, value, tools.engine)

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
    low, high = bounds(wanted)
    number = isinstance(found, int | float) and not isinstance(found, bool)
    return number and low <= found <= high


JSON: Final = {"is-json": _is_json, "contains-json": _contains_json, "json-path": _json_path}
