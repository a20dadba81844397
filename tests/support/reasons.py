"""Owns the list of every reason that the code can give, read from its syntax: holds, conditions, rejections, events.

It runs nothing and must not know a reason by itself: whoever documents reasons compares with it.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CODE = Path(__file__).parents[2] / "operator" / "serinus"


def held() -> frozenset[str]:
    """Reasons of Held: of Hold(…), of a ProbeSet that cannot be asked, of refused objects, of pods without a place."""
    found = {r for call in _calls("Hold", "ProbeSetSeen") for r in _keyword(call, "reason")}
    refusal = next(n for n in _nodes() if isinstance(n, ast.FunctionDef) and n.name == "refusal_reason")
    for node in ast.walk(refusal):
        if isinstance(node, ast.Return) and node.value is not None:
            found |= set(_texts(node.value))
    for node in _nodes():
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_unread":
            found |= {text for argument in node.args for text in _texts(argument)}
    trouble = next(n for n in _nodes() if isinstance(n, ast.FunctionDef) and n.name == "_pod_trouble")
    for node in ast.walk(trouble):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            found |= set(_texts(node.value.elts[0]))
    return frozenset(found - {""})


def conditions() -> dict[str, frozenset[str]]:
    """Reasons of each condition, by its type; those that are reasons of Held or of a ProbeSet are left out."""
    found: dict[str, set[str]] = {}
    for call in _calls("Condition"):
        kind, _, reason = call.args[:3]
        for text in _texts(kind):
            found.setdefault(text, set()).update(_texts(reason))
    for call in (call for call in _calls("Problem") if call.args):
        found.setdefault("MonitoringReady", set()).update(_texts(call.args[0]))
    for call in _calls("_problem"):
        found.setdefault(next(_texts(call.args[0])), set()).update(_texts(call.args[2]))
    return {kind: frozenset(reasons - held() - {""}) for kind, reasons in found.items()}


def rejections() -> frozenset[str]:
    """Reasons for which a revision is rejected."""
    return frozenset({r for call in _calls("_abort") for r in _keyword(call, "reason")} - {""})


def verdicts() -> dict[str, str]:
    """The sentence of each reason of a verdict."""
    for node in _nodes():
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "_REASONS" for t in node.targets):
            return dict(ast.literal_eval(node.value))
    raise LookupError("core/verdict.py has no table _REASONS")


def events() -> frozenset[str]:
    """Reasons of Kubernetes events."""
    told = {r for call in _calls("Story") for r in _keyword(call, "reason")}
    happened = {r for call in _calls("Happening") if len(call.args) > 2 for r in _texts(call.args[2])}
    local = {r for node in _nodes() if _assigns(node, "reason") for r in _texts(node.value)}  # type: ignore[attr-defined]
    return frozenset((told | happened | local) - {""})


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets)


@cache
def _trees() -> tuple[ast.Module, ...]:
    folders = ("core", "resources", "shell", ".")
    files = [path for folder in folders for path in sorted((CODE / folder).glob("*.py"))]
    return tuple(ast.parse(path.read_text(encoding="utf-8")) for path in files)


def _nodes() -> Iterator[ast.AST]:
    for tree in _trees():
        yield from ast.walk(tree)


def _calls(*names: str) -> Iterator[ast.Call]:
    for node in _nodes():
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
            yield node


def _keyword(call: ast.Call, name: str) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg == name:
            yield from _texts(keyword.value)


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression can be: a constant, a named constant, either side of a choice."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(), attr=name):
            yield from _constant(name)
        case ast.IfExp(body=body, orelse=orelse):
            yield from _texts(body)
            yield from _texts(orelse)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _texts(value)
        case ast.Subscript(value=table):
            yield from _texts(table)
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
            for part in (table, *default):
                yield from _texts(part)
        case _:
            pass


def _constant(name: str) -> Iterator[str]:
    """The text, or the values of the table, that a constant of a module stands for."""
    value = _constants().get(name)
    if isinstance(value, ast.Constant):
        yield from _texts(value)
    elif isinstance(value, ast.Dict):
        for part in value.values:
            yield from _texts(part)


@cache
def _constants() -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in (n for tree in _trees() for n in tree.body):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case _:
                pass
    return found
