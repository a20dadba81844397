"""Owns the hard limits of size: lines of a file, lines of a function, parameters.

It must not fix anything, and it does not know the smaller numbers of good style (250, 40, 5): those are for review.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 7

Function = ast.FunctionDef | ast.AsyncFunctionDef


def problems(path: Path) -> Iterator[str]:
    """Yield one line for each limit that a Python file exceeds, as `path:line: what`."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > FILE_LINES:
        yield f"{path}:1: the file has {lines} lines, at most {FILE_LINES} are allowed"
    for node in ast.walk(ast.parse(text, filename=str(path))):
        if isinstance(node, Function):
            yield from _function_problems(path, node)


def _function_problems(path: Path, node: Function) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{path}:{node.lineno}: {node.name} has {lines} lines, at most {FUNCTION_LINES} are allowed"
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    if len(names) > PARAMETERS:
        yield f"{path}:{node.lineno}: {node.name} has {len(names)} parameters, at most {PARAMETERS} are allowed"


def main(folders: list[str]) -> int:
    """Print what is too large below the folders; return 1 if anything is."""
    found = [line for folder in folders for path in sorted(Path(folder).rglob("*.py")) for line in problems(path)]
    print("\n".join(found) if found else f"sizes: every Python file below {', '.join(folders)} is within the limits")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
