"""Which assertion types there are and what values they take. How they are checked is in the probe Job, not here.

A new type is one row in ALLOWED, beside its row in the Job's table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.comma_list import split_commas
from serinus.core.json_path import parse_path
from serinus.core.jstext import js_text
from serinus.core.refused_types import refusal

NEGATION: Final = "not-"
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class TypeRule:
    """What a type takes: `check` says what is wrong with a value, or nothing. `threshold` is none, may or must."""

    check: Callable[[Any], str]
    threshold: str = "none"


def is_template(text: Any) -> bool:
    """Whether a text holds template syntax, so that its value is known only when it is rendered."""
    return isinstance(text, str) and any(sign in text for sign in ("{{", "{%", "{#"))


def _anything(value: Any) -> str:
    return "allowed is any value" if value is None else ""


def _nothing(value: Any) -> str:
    return "" if value is None else "allowed is no value"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) and value else "allowed is a text that is not empty"


def _text_or_number(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if number or (isinstance(value, str) and value) else "allowed is a number or a text that is not empty"


def _list(value: Any) -> str:
    if is_template(value):
        return ""
    if isinstance(value, str):
        try:
            value = split_commas(value)
        except ValueError as e:
            return str(e)
    scalars = isinstance(value, list) and all(isinstance(v, str | int | float) for v in value)
    if not scalars or not value:
        return "allowed is a list of texts and numbers, or one text with commas, with at least one entry"
    return (
        ""
        if all(js_text(v) for v in value)
        else "allowed are entries that are not empty: every answer contains nothing"
    )


def _texts(value: Any) -> str:
    if isinstance(value, list):
        return "" if value and all(isinstance(v, str) and v for v in value) else "allowed are texts that are not empty"
    return "" if isinstance(value, str) and value else "allowed is a text or a list of texts that are not empty"


def _rubric(value: Any) -> str:
    return "" if value and isinstance(value, str | dict | list) else "allowed is a rubric that is not empty"


def _options(value: Any) -> str:
    return "" if value is None or isinstance(value, str | list | dict) else "allowed are options, or nothing"


def _schema(value: Any) -> str:
    return "" if value is None or isinstance(value, str | dict) else "allowed is a JSON Schema, or nothing"


def _word_count(value: Any) -> str:
    if isinstance(value, dict):
        return _range(value, {"min", "max"})
    if is_template(value):
        return ""
    try:
        fits = not isinstance(value, bool) and float(value) >= 0
    except (TypeError, ValueError):
        fits = False
    return "" if fits else "allowed is a number, or min and max"


def _length(value: Any) -> str:
    return _range(value, {"min", "max"}) if isinstance(value, dict) else "allowed are min and max, in characters"


def _range(value: Mapping[str, Any], keys: set[str]) -> str:
    unknown = set(value) - keys
    if unknown:
        return f"found {', '.join(sorted(unknown))}, allowed are {', '.join(sorted(keys))}"
    low, high = value.get("min"), value.get("max")
    given = [v for v in (low, high) if v is not None]
    if not given or any(isinstance(v, bool) or not isinstance(v, int | float) for v in given):
        return "allowed are the numbers min and max, at least one of them"
    return "" if low is None or high is None or low <= high else f"min {low} is above max {high}"


def _json_path(value: Any) -> str:
    keys = {"path", "equals", "in", "matches", "min", "max"}
    if not isinstance(value, dict) or not isinstance(value.get("path"), str) or len(value) < 2:
        return "allowed are path and at least one of equals, in, matches, min, max"
    if set(value) - keys:
        return f"found {', '.join(sorted(set(value) - keys))}, allowed are {', '.join(sorted(keys))}"
    try:
        parse_path(value["path"])
    except ValueError as e:
        return f"path: {e}"
    if "in" in value and not (isinstance(value["in"], list) and value["in"]):
        return "in: allowed is a list with at least one entry"
    if "matches" in value and _text(value["matches"]):
        return f"matches: {_text(value['matches'])}"
    bounds = {k: value[k] for k in ("min", "max") if k in value}
    return _range(bounds, {"min", "max"}) if bounds else ""


ALLOWED: Final[Mapping[str, TypeRule]] = {
    "equals": TypeRule(_anything),
    "contains": TypeRule(_text_or_number),
    "icontains": TypeRule(_text_or_number),
    "contains-any": TypeRule(_list),
    "contains-all": TypeRule(_list),
    "icontains-any": TypeRule(_list),
    "icontains-all": TypeRule(_list),
    "starts-with": TypeRule(_text),
    "regex": TypeRule(_text),
    "is-json": TypeRule(_schema),
    "contains-json": TypeRule(_schema),
    "javascript": TypeRule(_text, threshold="may"),
    "python": TypeRule(_text, threshold="may"),
    "latency": TypeRule(_nothing, threshold="must"),
    "cost": TypeRule(_nothing, threshold="must"),
    "word-count": TypeRule(_word_count),
    "levenshtein": TypeRule(_text, threshold="may"),
    "rouge-n": TypeRule(_text, threshold="may"),
    "bleu": TypeRule(_texts, threshold="may"),
    "gleu": TypeRule(_texts, threshold="may"),
    "meteor": TypeRule(_texts, threshold="may"),
    "is-refusal": TypeRule(_nothing),
    "finish-reason": TypeRule(_text),
    "perplexity": TypeRule(_nothing, threshold="may"),
    "perplexity-score": TypeRule(_nothing, threshold="may"),
    "similar": TypeRule(_texts, threshold="may"),
    "similar:cosine": TypeRule(_texts, threshold="may"),
    "similar:dot": TypeRule(_texts, threshold="may"),
    "similar:euclidean": TypeRule(_texts, threshold="may"),
    "llm-rubric": TypeRule(_rubric, threshold="may"),
    "g-eval": TypeRule(_texts, threshold="may"),
    "factuality": TypeRule(_text),
    "model-graded-factuality": TypeRule(_text),
    "model-graded-closedqa": TypeRule(_text),
    "json-path": TypeRule(_json_path),
    "length": TypeRule(_length),
    "refusal": TypeRule(_nothing),
    "language": TypeRule(_texts),
    "no-pii": TypeRule(_options),
    "no-secrets": TypeRule(_options),
    "no-repetition": TypeRule(_options),
    "no-toxicity": TypeRule(_options),
}

ASSERT_SET: Final = "assert-set"
"""Not in ALLOWED: it has children instead of a value."""

OWN: Final = frozenset(
    {"json-path", "length", "refusal", "language", "no-pii", "no-secrets", "no-repetition", "no-toxicity"}
)
"""Types that promptfoo does not know."""


def split_type(name: str) -> tuple[str, bool]:
    """`not-equals` as (`equals`, True)."""
    return name.removeprefix(NEGATION), name.startswith(NEGATION)


def why_refused(name: str) -> str:
    """Why a type cannot be used, in words; empty when it can."""
    base, _ = split_type(name)
    if base in ALLOWED:
        return ""
    why = refusal(base)
    name = name[:_SHOWN]
    if why:
        return f"found {name!r}, which is refused because {why}; allowed are {_names()}"
    return f"found {name!r}, allowed are {_names()}, and {NEGATION} before each"


def why_wrong(name: str, value: Any) -> str:
    """What is wrong with the value of an allowed type, in words; empty when nothing is."""
    base, _ = split_type(name)
    return ALLOWED[base].check(value)


def _names() -> str:
    return ", ".join((*sorted(ALLOWED), ASSERT_SET))
