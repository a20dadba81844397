"""Scripts of assertions and transforms: inline, or a file of the ProbeSet. It runs nothing and checks no syntax."""

from serinus.core.findings import Place
from serinus.core.probe import PYTHON_ENDING
from serinus.core.sources import Sources, is_reference, is_script, split_function


def read_code(sources: Sources, where: Place, language: str) -> tuple[str, str]:
    """Text of the file that `file://…` names, and `file:function`; both empty, and a problem, when it is no script."""
    reference = where.node.value
    path, function = split_function(reference)
    fits = path.endswith(PYTHON_ENDING) if language == "python" else is_script(path)
    if not fits:
        endings = "files .py" if language == "python" else "files .js, .cjs and .mjs"
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
    language = "python" if split_function(value)[0].endswith(PYTHON_ENDING) else "javascript"
    return read_code(sources, where, language)
