"""Scripts of assertions and transforms: inline, or a file of the ProbeSet. It runs nothing and checks no syntax."""

from typing import Final

from serinus.core.findings import Place
from serinus.core.probe import PYTHON_ENDING
from serinus.core.sources import Sources, is_reference, is_script, split_function

PYTHON: Final = "python"


def check_python(sources: Sources, where: Place) -> None:
    """Find a problem with Python where it is switched off."""
    if not sources.python:
        found = f"found {where.node.value!r:.100}, which is Python: the operator's setting allowPython refuses it"
        sources.findings.problem(where, f"{found}; allowed is JavaScript, or another type of assertion")


def read_code(sources: Sources, where: Place, language: str) -> tuple[str, str]:
    """Text of the file that `file://…` names, and `file:function`; both empty, and a problem, when it is no script."""
    reference = where.node.value
    path, function = split_function(reference)
    fits = path.endswith(PYTHON_ENDING) if language == PYTHON else is_script(path)
    if not fits:
        endings = "files .py" if language == PYTHON else "files .js, .cjs and .mjs"
        sources.findings.problem(where, f"found {reference[:100]!r}, allowed for {language} are {endings}")
        return "", ""
    found = sources.text(where, path)
    return ("", "") if found is None else (found[1], f"{found[0]}:{function}".removesuffix(":"))


def read_transform(sources: Sources, where: Place) -> tuple[str, str]:
    """A transform's code and, where it is a file, `file:function`; empty where there is none."""
    value = where.node.value
    if value is None:
        return "", ""
    if not isinstance(value, str) or not value:
        sources.findings.problem(where, f"found {where.node.shown()}, allowed is an expression or one file://")
        return "", ""
    if not is_reference(value):
        return value, ""
    language = PYTHON if split_function(value)[0].endswith(PYTHON_ENDING) else "javascript"
    if language == PYTHON:
        check_python(sources, where)
    return read_code(sources, where, language)
