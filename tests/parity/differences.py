"""Where Serinus differs from promptfoo on purpose. Each entry is explained in docs/reference/promptfoo-parity.md."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]
Covers = Callable[[Mapping[str, Any], Result, Result], bool]


@dataclass(frozen=True)
class Difference:
    """One deliberate difference: what it is, and which rows it covers, by the case and both results."""

    what: str
    covers: Covers


def _early(words: str) -> Covers:
    """Rows that are an error here before anything is asked, for this reason."""
    return lambda _, mine, __: mine["class"] == "error" and re.search(words, mine.get("why", "")) is not None


def _no_verdict(case: Mapping[str, Any], mine: Result, _: Result) -> bool:
    return mine["class"] == "error" and "judge" in case


def _negated_choice(case: Mapping[str, Any], mine: Result, theirs: Result) -> bool:
    kinds = ("not-factuality", "not-model-graded-factuality", "not-model-graded-closedqa")
    return case["assert"][0]["type"] in kinds and mine["pass"] is not theirs["pass"]


def _synonyms(case: Mapping[str, Any], mine: Result, theirs: Result) -> bool:
    return "meteor" in json.dumps(case["assert"]) and mine["class"] != "error" and theirs["class"] != "error"


DIFFERENCES: dict[str, Difference] = {
    "undefined-variable": Difference(
        "a template with a variable that no test has is an error, not an empty text", _early("'missing' is undefined")
    ),
    "empty-entry": Difference(
        "an empty entry in a list of substrings is an error: every answer contains it", _early("empty")
    ),
    "invalid-script": Difference(
        "a script that does not compile is found before anything is asked", _early("javascript: ")
    ),
    "invalid-pattern": Difference(
        "a pattern that is not valid is found before anything is asked", _early("regex: invalid")
    ),
    "weight-zero-only": Difference(
        "a test whose assertions all have weight 0 is refused: it never fails", _early("only assertions of weight 0")
    ),
    "no-verdict": Difference(
        "a judge's reply without `pass`, or without yes or no, is no score instead of a pass or a failure", _no_verdict
    ),
    "negated-judge": Difference(
        "`not-` turns factuality and model-graded-closedqa around, as every other type", _negated_choice
    ),
    "meteor-synonyms": Difference("meteor matches words and stems, not synonyms", _synonyms),
}
