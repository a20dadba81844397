"""Entries of `assert` into assertions: every key and value is either understood or a problem. It checks no answer."""

from typing import Any, Final

from serinus.core.assertion_types import ALLOWED, ASSERT_SET, split_type, why_refused, why_wrong
from serinus.core.code_reader import PYTHON, check_python, read_code, read_transform
from serinus.core.findings import Place
from serinus.core.probe import MAX_ASSERTIONS, Assertion, Origin
from serinus.core.sources import Sources, is_other_script, is_reference, is_script

_KEYS: Final = ("type", "value", "threshold", "weight", "metric", "transform", "config")
_SET_KEYS: Final = ("type", "assert", "threshold", "weight", "metric")
_IGNORED: Final = frozenset({"provider", "contextTransform", "description", "comment", "label", "name", "id"})
_REFUSED: Final = {
    "rubricPrompt": "the judge's prompt is fixed, because it guards against answers that speak to the judge; "
    "the criterion belongs into value",
}
_SCRIPTS: Final = ("javascript", PYTHON)
_MAX_WEIGHT: Final = 1000.0


def read_assertions(sources: Sources, where: Place) -> tuple[Assertion, ...]:
    """All assertions of a list; problems go to the findings."""
    if where.node.value is None:
        return ()
    if not isinstance(where.node.value, tuple):
        sources.findings.problem(where, f"found {where.node.kind()}, allowed is a list of assertions")
        return ()
    found = tuple(a for a in (_read(sources, place) for place in where.each()) if a is not None)
    total = sum(max(1, len(a.children)) for a in found)
    if total > MAX_ASSERTIONS:
        sources.findings.problem(where, f"found {total} assertions, allowed are {MAX_ASSERTIONS}")
        return ()
    return found


def _read(sources: Sources, where: Place) -> Assertion | None:
    name = where.at("type")
    if not isinstance(where.node.value, dict) or not isinstance(name.node.value, str):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a mapping with a type")
        return None
    if name.node.value == ASSERT_SET:
        return _read_set(sources, where)
    refused = why_refused(name.node.value)
    if refused:
        sources.findings.problem(name, refused)
        return None
    _check_keys(sources, where, _KEYS)
    base, negated = split_type(name.node.value)
    if base == PYTHON:
        check_python(sources, name)
    value, literal, module = _value(sources, where.at("value"), base)
    wrong = "" if module else why_wrong(base, value)
    if wrong:
        sources.findings.problem(where.at("value"), f"{base}: found {where.at('value').node.shown()}, {wrong}")
    transform, transform_module = read_transform(sources, where.at("transform"))
    return Assertion(
        type=base,
        negated=negated,
        value=value,
        literal=literal,
        module=module,
        threshold=_threshold(sources, where.at("threshold"), base),
        weight=_weight(sources, where),
        metric=_metric(sources, where.at("metric")),
        transform=transform,
        transform_module=transform_module,
        config=_config(sources, where.at("config"), base),
        origin=Origin(line=name.node.line, file=where.file),
    )


def _read_set(sources: Sources, where: Place) -> Assertion | None:
    _check_keys(sources, where, _SET_KEYS)
    entries = where.at("assert")
    for place in entries.each():
        if place.at("type").node.value == ASSERT_SET:
            sources.findings.problem(place.at("type"), "found an assert-set within an assert-set, allowed is one level")
            return None
    children = read_assertions(sources, entries)
    if not children and not entries.node.items:
        sources.findings.problem(entries, "assert-set: found no assertion, allowed is at least one")
    return Assertion(
        type=ASSERT_SET,
        threshold=read_number(sources, where.at("threshold"), low=-1e9, high=1e9),
        weight=_weight(sources, where),
        metric=_metric(sources, where.at("metric")),
        children=children,
        origin=Origin(line=where.at("type").node.line, file=where.file),
    )


def _check_keys(sources: Sources, where: Place, allowed: tuple[str, ...]) -> None:
    for key in where.node.fields:
        if key in _REFUSED:
            sources.findings.problem(where.at(key), f"found {key!r}, which is refused: {_REFUSED[key]}")
        elif key in _IGNORED:
            sources.findings.note(where.at(key), f"{key} is ignored: it changes no score here")
        elif key not in allowed:
            message = f"found {key!r}, which is not supported; allowed are {', '.join(allowed)}"
            sources.findings.problem(where.at(key), message)


def _value(sources: Sources, where: Place, base: str) -> tuple[Any, bool, str]:
    """The value, whether it is literal, and the module's name where it is one."""
    value = where.node.plain()
    if isinstance(value, list) and any(is_reference(v) for v in value):
        return [_entry(sources, where, v) for v in value], True, ""
    if not is_reference(value):
        return value, False, ""
    if base in _SCRIPTS:
        source, module = read_code(sources, where, base)
        return source, True, module or "refused"
    if is_script(value) or is_other_script(value):
        message = "allowed are data files here: only javascript and python take scripts"
        sources.findings.problem(where, f"found {value[:100]!r}, {message}")
        return "x", True, "refused"
    content = sources.literal(where, value)
    return ("x", True, "refused") if content is None else (content.node.plain(), True, "")


def _entry(sources: Sources, where: Place, entry: Any) -> Any:
    """An entry of a list; lists with files are used as they are, so a template beside a file is a problem."""
    if not is_reference(entry):
        if isinstance(entry, str) and "{{" in entry:
            sources.findings.problem(where, "found file:// beside a template, allowed is either in one list")
        return entry
    content = sources.literal(where, entry)
    return "x" if content is None else content.node.plain()


def _threshold(sources: Sources, where: Place, base: str) -> float | None:
    rule = ALLOWED[base].threshold
    value = read_number(sources, where, low=-1e9, high=1e9)
    if value is None and rule == "must" and where.node.value is None:
        unit = "USD" if base == "cost" else "milliseconds"
        sources.findings.problem(where, f"{base}: found no threshold, allowed is a number ({unit})")
    if value is not None and rule == "none":
        sources.findings.note(where, f"a threshold of {base} is ignored")
        return None
    return value


def _weight(sources: Sources, where: Place) -> float:
    weight = read_number(sources, where.at("weight"), low=0, high=_MAX_WEIGHT)
    return 1.0 if weight is None else weight


def _config(sources: Sources, where: Place, base: str) -> Any:
    if where.node.value is None:
        return None
    if base not in _SCRIPTS or not isinstance(where.node.value, dict):
        sources.findings.note(where, "config is ignored: only the mapping of a script is handed on")
        return None
    return where.node.plain()


def _metric(sources: Sources, where: Place) -> str:
    if where.node.value is not None and not isinstance(where.node.value, str):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a text")
    return where.node.value if isinstance(where.node.value, str) else ""


def read_number(sources: Sources, where: Place, *, low: float, high: float) -> float | None:
    """A number in [low, high]; None where it is absent, or wrong (then it is a problem)."""
    value = where.node.value
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is a number from {low:g} to {high:g}")
        return None
    return float(value)
