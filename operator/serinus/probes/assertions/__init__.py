"""What an answer must satisfy: one function for each type, and the table of them. Pure; scripts run behind `Scripts`.

Meanings are those of promptfoo 0.123.1. A new type is a function in a module here with its row in the module's table,
and a row in the table of allowed types (`core/assertion_types.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from serinus.core.probe import Assertion
from serinus.probes.assertions.asked import JUDGED, SIMILAR
from serinus.probes.assertions.json_checks import JSON
from serinus.probes.assertions.measures import MEASURE
from serinus.probes.assertions.scripts import SCRIPT, compile_transform
from serinus.probes.assertions.texts import TEXT
from serinus.probes.outcome import Answer, Ask, Check, Misconfigured, Outcome
from serinus.probes.script import ScriptFailed, Tools

CHECKS: Final[Mapping[str, Callable[[Assertion, Tools], Check]]] = {
    **TEXT,
    **JSON,
    **SCRIPT,
    **MEASURE,
    **JUDGED,
    **SIMILAR,
}


def compile_assertion(assertion: Assertion, tools: Tools) -> Check:
    """A function that judges answers; raises Misconfigured. The value must be rendered already."""
    try:
        check = CHECKS[assertion.type](assertion, tools)
        transform = compile_transform(assertion.transform, assertion.transform_module, tools)
    except (ScriptFailed, ValueError) as e:
        raise Misconfigured(f"{assertion.type}: {e}") from e
    if not assertion.transform and assertion.weight > 0:
        return check

    def judge(answer: Answer) -> Outcome | Ask:
        try:
            found = check(transform(answer))
        except ScriptFailed as e:
            return Outcome(passed=False, score=0.0, reason=f"{assertion.type}: transform: {e}")
        return weighed(assertion, found) if isinstance(found, Outcome) else found

    return judge


def weighed(assertion: Assertion, found: Outcome) -> Outcome:
    """An outcome as its weight lets it count: weight 0 measures and decides nothing."""
    return found if assertion.weight > 0 else replace(found, passed=True)
