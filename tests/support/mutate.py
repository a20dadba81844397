"""`python -m tests.support.mutate MODULE… --tests TEST…`: changes one operator or number at a time and runs the tests.

It works on a copy of the source root in a temporary folder and never writes into the tree. Docstrings, messages and
type annotations are not changed.
"""

import argparse
import ast
import copy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ENOUGH = 0.85
"""Share of mutants that the tests must kill."""
ROOT = Path("operator")
_TIMEOUT = 180

_SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.USub: ast.UAdd,
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Every mutant of a module: the line and what was changed, and the new source."""
    tree = ast.parse(source)
    for index, node in enumerate(ast.walk(tree)):
        if _mutated(copy.deepcopy(node)) is None:
            continue
        changed = copy.deepcopy(tree)
        target = next(n for i, n in enumerate(ast.walk(changed)) if i == index)
        what = _mutated(target)
        yield f"line {getattr(node, 'lineno', '?')}: {what}", ast.unparse(changed)


def _mutated(node: ast.AST) -> str | None:
    """Change the node in place and say how; None if it is not of a kind that is changed."""
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.UnaryOp() if type(node.op) in _SWAPS:
            before, node.op = type(node.op), _SWAPS[type(node.op)]()  # type: ignore[assignment]
            return f"{before.__name__} -> {type(node.op).__name__}"
        case ast.Compare(ops=[op, *_]) if type(op) in _SWAPS:
            node.ops[0] = _SWAPS[type(op)]()  # type: ignore[call-overload]
            return f"{type(op).__name__} -> {type(node.ops[0]).__name__}"
        case ast.Constant(value=bool() as value):
            node.value = not value
            return f"{value} -> {node.value}"
        case ast.Constant(value=int() | float() as value):
            node.value = value + 1
            return f"{value} -> {node.value}"
        case _:
            return None


def survivors(module: Path, tests: list[str]) -> tuple[int, list[str]]:
    """How many mutants of a module there are, and those that no test notices."""
    count, alive = 0, []
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder) / ROOT
        shutil.copytree(ROOT, copied, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for what, source in mutants(module.read_text(encoding="utf-8")):
            (copied / module.relative_to(ROOT)).write_text(source, encoding="utf-8")
            count += 1
            if _tests_pass(copied, tests):
                alive.append(f"{module}, {what}")
    return count, alive


def _tests_pass(root: Path, tests: list[str]) -> bool:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-o", f"pythonpath={root} ."]
    try:
        return subprocess.run([*command, *tests], capture_output=True, timeout=_TIMEOUT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False  # a mutant that never ends is noticed


def main() -> int:
    """Print the survivors and the share of mutants killed; 1 if it is below 85 %, or if the tests fail unchanged."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.mutate", description=__doc__)
    parser.add_argument("modules", nargs="+", type=Path)
    parser.add_argument("--tests", nargs="+", required=True)
    arguments = parser.parse_args()
    if not _tests_pass(ROOT, arguments.tests):
        sys.stderr.write("the tests fail without any change\n")
        return 1
    results = [survivors(module, arguments.tests) for module in arguments.modules]
    count, alive = sum(n for n, _ in results), [line for _, lines in results for line in lines]
    killed = 1 - len(alive) / count
    sys.stdout.write("".join(f"alive: {line}\n" for line in alive))
    sys.stdout.write(f"{count - len(alive)} of {count} mutants killed, {killed:.1%}\n")
    return 0 if killed >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main())
