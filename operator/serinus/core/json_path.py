"""The part of JSONPath (RFC 9535) that names one place in a document. It must not search."""

import re
from collections.abc import Mapping
from typing import Any, Final

Path = tuple[str | int, ...]
MISSING: Final = object()
"""What `at` gives where the path leads nowhere."""
_STEP: Final = re.compile(
    r"""
    \.(?P<name>[^\W\d][\w-]*) | \[(?P<index>-?(?:0|[1-9]\d{0,8}))\]
    | \['(?P<single>[^']*)'\] | \["(?P<double>[^"]*)"\]
    """,
    re.VERBOSE,
)


def parse_path(text: str) -> Path:
    """Read `$.a.b[0]['c d'][-1]`; raises ValueError that says what is allowed."""
    allowed = "allowed are $, .name, ['name'] and [index], without wildcards"
    if not text.startswith("$"):
        raise ValueError(f"found {text[:60]!r}, {allowed}")
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        match = _STEP.match(text, position)
        if match is None:
            raise ValueError(f"found {text[position:][:60]!r}, {allowed}")
        index = match["index"]
        names = (match["name"], match["single"], match["double"])
        steps.append(int(index) if index is not None else next(n for n in names if n is not None))
        position = match.end()
    return tuple(steps)


def at(document: Any, path: Path) -> Any:
    """The value at a path, or MISSING. A negative index counts from the end."""
    for step in path:
        if isinstance(step, str):
            if not isinstance(document, Mapping) or step not in document:
                return MISSING
            document = document[step]
        else:
            if not isinstance(document, list) or not -len(document) <= step < len(document):
                return MISSING
            document = document[step]
    return document
