"""The variables of a test: files read in, lists multiplied. It renders nothing."""

import itertools
from collections.abc import Iterator
from typing import Any, Final

from serinus.core.findings import Place
from serinus.core.jstext import WHITESPACE, js_json
from serinus.core.probe import MAX_PROBES
from serinus.core.sources import YAML_ENDINGS, Sources, is_other_script, is_reference, is_script

_BINARY_ENDINGS: Final = (".pdf", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp3", ".wav", ".m4a", ".mp4", ".xlsx")


def read_variables(sources: Sources, where: Place) -> dict[str, Any]:
    """The variables of a test or defaultTest, lists still in one; problems go to the findings."""
    if where.node.value is None:
        return {}
    if is_reference(where.node.value):
        document = sources.document(where, where.node.value)
        if document is None:
            return {}
        where = document
    if not isinstance(where.node.value, dict):
        sources.findings.problem(where, f"found {where.node.kind()}, allowed are a mapping and one file://")
        return {}
    return {name: _read(sources, where.at(name)) for name in where.node.fields}


def multiply(sources: Sources, where: Place, variables: dict[str, Any], *, expand: bool) -> Iterator[dict[str, Any]]:
    """Every combination of the variables that are lists of texts; other lists stay values."""
    choices = {k: v if expand and _multiplies(v) else [v] for k, v in variables.items()}
    total = 1
    for options in choices.values():
        total *= len(options)
    if total > MAX_PROBES:
        sources.findings.problem(where, f"found lists that make {total} tests of one, allowed are {MAX_PROBES} probes")
        return
    for combination in itertools.product(*choices.values()):
        yield {name: _clean(sources, where, v) for name, v in zip(choices, combination, strict=True)}


def _multiplies(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _read(sources: Sources, where: Place) -> Any:
    if where.node.value is None:
        sources.findings.problem(where, "found null, allowed are a text, a number, a boolean, a list and a mapping")
    return where.node.plain()


def _clean(sources: Sources, where: Place, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if is_reference(value):
        return _from_file(sources, where, value)
    return value.removesuffix("\n")


def _from_file(sources: Sources, where: Place, reference: str) -> str:
    if is_script(reference) or is_other_script(reference) or reference.endswith(_BINARY_ENDINGS):
        sources.findings.problem(where, f"found {reference[:100]!r}, allowed are files of text, YAML and JSON")
        return ""
    if reference.endswith(YAML_ENDINGS):
        document = sources.document(where, reference)
        return "" if document is None else js_json(document.node.plain())
    found = sources.text(where, reference)
    return "" if found is None else found[1].strip(WHITESPACE)
