"""Entries of `assert` into assertions: every key and value is either understood or a problem. It checks no answer."""

from typing import Any, Final

from serinus.core.assertion_types import ALLOWED, is_template, split_type, why_refused, why_wrong
from serinus.core.findings import Place
from serinus.core.probe import MAX_ASSERTIONS, Assertion, Origin
from serinus.core.sources import Sources, is_other_script, is_reference, is_script, split_function

_KEYS: Final = ("type", "value", "threshold", "weight", "metric")
_NOT_YET: Final = ("transform", "contextTransform", "config", "provider", "rubricPrompt", "assert")
_MAX_WEIGHT: Final = 1000.0


def read_assertions(sources: Sources, where: Place) -> tuple[Assertion, ...]:
    """All assertions of a list; problems go to the findings."""
    if where.node.value is None:
        return ()
    if not isinstance(where.node.value, tuple):
        sources.findings.problem(where, f"found {where.node.kind()}, allowed is a list of assertions")
        return ()
    if len(where.node.items) > MAX_ASSERTIONS:
        sources.findings.problem(where, f"found {len(where.node.items)} assertions, allowed are {MAX_ASSERTIONS}")
        return ()
    found = (_read(sources, place) for place in where.each())
    return tuple(a for a in found if a is not None)


def _read(sources: Sources, where: Place) -> Assertion | None:
    name = where.at("type")
    if not isinstance(where.node.value, dict) or not isinstance(name.node.value, str):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a mapping with a type")
        return None
    refused = why_refused(name.node.value)
    if refused:
        sources.findings.problem(name, refused)
        return None
    for key in where.node.fields:
        if key not in _KEYS:
            when = "is not supported yet by this version" if key in _NOT_YET else "is not known"
            sources.findings.problem(where.at(key), f"found {key!r}, which {when}; allowed are {', '.join(_KEYS)}")
    base, negated = split_type(name.node.value)
    value, literal, module = _value(sources, where.at("value"), base)
    wrong = "" if module else why_wrong(base, value)
    if wrong:
        sources.findings.problem(where.at("value"), f"{base}: found {where.at('value').node.shown()}, {wrong}")
    weight = read_number(sources, where.at("weight"), low=0, high=_MAX_WEIGHT)
    return Assertion(
        type=base,
        negated=negated,
        value=value,
        literal=literal,
        module=module,
        threshold=_threshold(sources, where.at("threshold"), base),
        weight=1.0 if weight is None else weight,
        metric=read_text(sources, where.at("metric")),
        origin=Origin(line=name.node.line, file=where.file),
    )


def _value(sources: Sources, where: Place, base: str) -> tuple[Any, bool, str]:
    """The value, whether it is literal, and the module's name where it is one."""
    value = where.node.plain()
    if isinstance(value, list) and any(is_reference(v) for v in value):
        sources.findings.problem(where, "found file:// in a list, which is not supported; allowed is one file:// alone")
    if not is_reference(value):
        return value, False, ""
    if is_script(value) and base == "javascript":
        path, function = split_function(value)
        found = sources.text(where, path)
        return ("", False, path) if found is None else (found[1], True, f"{found[0]}:{function}".removesuffix(":"))
    if is_script(value) or is_other_script(value) or base == "javascript":
        sources.findings.problem(where, f"found {value[:100]!r}, allowed are data files, and .js files for javascript")
        return "x", True, "refused"
    content = sources.literal(where, value)
    return ("x", True, "refused") if content is None else (content.node.plain(), True, "")


def _threshold(sources: Sources, where: Place, base: str) -> float | None:
    rule = ALLOWED[base].threshold
    value = read_number(sources, where, low=-1e9, high=1e9)
    if value is None and rule == "must" and where.node.value is None:
        sources.findings.problem(where, f"{base}: found no threshold, allowed is a number (milliseconds for latency)")
    if value is not None and rule == "none":
        sources.findings.note(where, f"a threshold of {base} is ignored")
        return None
    return value


def read_number(sources: Sources, where: Place, *, low: float, high: float) -> float | None:
    """A number in [low, high]; None where it is absent, or wrong (then it is a problem)."""
    value = where.node.value
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a number from {low:g} to {high:g}")
        return None
    return float(value)


def read_text(sources: Sources, where: Place) -> str:
    """A text without templates; empty where it is absent, or wrong (then it is a problem)."""
    value = where.node.value
    if value is None:
        return ""
    if not isinstance(value, str) or is_template(value):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a text without templates")
        return ""
    return value
