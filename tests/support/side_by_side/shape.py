"""Rewrites an expression so that it tells whether there is data, and finds what can be proved of its selectors.

It owns the rewriting: comparisons give 0 or 1 instead of filtering, ranges are as long as the samples, what a target or
a dashboard's user decides is left out. It must not evaluate anything.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import promql_parser

from serinus.core.promql import Matcher, Op, Selected, check, quote
from tests.support.side_by_side.exposed import TARGET, Exposed
from tests.support.side_by_side.read import VARIABLE

RANGE: Final = "5m"
_COMPARISONS: Final = ("==", "!=", "<", ">", "<=", ">=")
_ABSENT: Final = ("absent", "absent_over_time")
_GROWTH: Final = ("rate", "irate", "increase")
_KEEP_RANGE: Final = ("avg", "max", "min", "avg_over_time", "max_over_time", "min_over_time", "last_over_time")
Keep = Callable[[Selected], tuple[Matcher, ...]]


def selected(node: promql_parser.VectorSelector) -> Selected:
    """A selector as ours; raises InvalidQuery."""
    [found] = check(node.prettify().partition(" offset ")[0].partition(" @ ")[0])
    return found


def children(node: promql_parser.Expr) -> list[promql_parser.Expr]:
    """What an expression is made of, selectors of a range as instant ones."""
    if isinstance(node, promql_parser.BinaryExpr):
        return [node.lhs, node.rhs]
    if isinstance(node, promql_parser.Call):
        return list(node.args)
    if isinstance(node, promql_parser.MatrixSelector):
        return [node.vector_selector]
    if isinstance(node, promql_parser.AggregateExpr):
        return [*([node.param] if node.param else []), node.expr]
    one = (promql_parser.ParenExpr, promql_parser.UnaryExpr, promql_parser.SubqueryExpr)
    return [node.expr] if isinstance(node, one) else []


def nodes(node: promql_parser.Expr) -> Iterator[promql_parser.Expr]:
    """An expression and all below it, the innermost first."""
    for child in children(node):
        yield from nodes(child)
    yield node


def shaped(node: promql_parser.Expr, keep: Keep) -> str:
    """The expression as it is evaluated on samples; `keep` says which matchers of a selector stay."""
    if isinstance(node, promql_parser.VectorSelector):
        found = selected(node)
        inside = ",".join(f"{m.label}{m.op}{quote(m.value)}" for m in keep(found) if m.label != "__name__")
        return f"{found.metric}{{{inside}}}"
    if isinstance(node, promql_parser.MatrixSelector):
        return f"{shaped(node.vector_selector, keep)}[{RANGE}]"
    if isinstance(node, promql_parser.BinaryExpr):
        return _binary(node, keep)
    if isinstance(node, promql_parser.Call):
        name, inside = node.func.name, ", ".join(shaped(argument, keep) for argument in node.args)
        return "vector(1)" if name in _ABSENT else f"{name}({inside})"
    if isinstance(node, promql_parser.AggregateExpr):
        inside = ", ".join(shaped(part, keep) for part in children(node))
        return f"{node.op} {node.modifier or ''} ({inside})"
    if isinstance(node, promql_parser.SubqueryExpr):
        return f"({shaped(node.expr, keep)})[{RANGE}:1m]"
    if isinstance(node, (promql_parser.ParenExpr, promql_parser.UnaryExpr)):
        return f"{'-' if isinstance(node, promql_parser.UnaryExpr) else ''}({shaped(node.expr, keep)})"
    return str(node.prettify())


def _binary(node: promql_parser.BinaryExpr, keep: Keep) -> str:
    operator, left = str(node.op), shaped(node.lhs, keep)
    if operator == "unless":
        return f"({left})"
    boolean = "bool " if operator in _COMPARISONS and not (node.modifier and node.modifier.return_bool) else ""
    return f"({left} {operator} {boolean}{node.modifier or ''} {shaped(node.rhs, keep)})"


def kept(exposed: Exposed) -> Keep:
    """Matchers that say something on samples: on labels of the series, with a value that a sample could have."""

    def keep(found: Selected) -> tuple[Matcher, ...]:
        values = exposed.labels.get(found.metric, {})
        said = (m for m in found.matchers if decided(m, values))
        return tuple(m for m in said if m.label not in values or hits(m, values[m.label]))

    return keep


def decided(matcher: Matcher, labels: Collection[str]) -> bool:
    """Whether a matcher says the same wherever it is installed, on a series with these labels.

    A value that somebody chooses can be one of those that there are; no choice equals a label that is not there.
    """
    if VARIABLE in matcher.value:
        return matcher.label not in {*TARGET, *labels} and matcher.op is Op.EQUAL
    return matcher.label not in TARGET


def hits(matcher: Matcher, values: set[str]) -> bool:
    """Whether one of the values, or none where the label is not there, fits a matcher."""
    return any(_fits(matcher, value) for value in values or {""})


def _fits(matcher: Matcher, value: str) -> bool:
    if matcher.op in (Op.EQUAL, Op.NOT_EQUAL):
        return (matcher.value == value) is (matcher.op is Op.EQUAL)
    return bool(re.fullmatch(matcher.value, value)) is (matcher.op is Op.REGEX)


def absents(node: promql_parser.Expr) -> list[Selected]:
    """Selectors whose absence an expression asks for."""
    calls = [n for n in nodes(node) if isinstance(n, promql_parser.Call) and n.func.name in _ABSENT]
    return [s for call in calls for s in check(call.prettify())]


def growths_of_gauges(node: promql_parser.Expr, exposed: Exposed) -> list[tuple[str, str]]:
    """Functions for counters that are given a gauge, with its name."""
    calls = [n for n in nodes(node) if isinstance(n, promql_parser.Call) and n.func.name in _GROWTH]
    pairs = [(call.func.name, s.metric) for call in calls for s in check(call.prettify())]
    return list(dict.fromkeys(p for p in pairs if exposed.type_of(p[1]) == "gauge"))


def out_of_range(node: promql_parser.Expr, ratios: frozenset[str]) -> tuple[str, float] | None:
    """A ratio, 0 to 1, of which an expression asks more than it can be: its name, and what is asked."""
    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    if not isinstance(node, promql_parser.BinaryExpr) or str(node.op) not in (">", ">=", "=="):
        return None
    found, asked = _most(node.lhs, ratios), node.rhs
    if found is None or not isinstance(asked, promql_parser.NumberLiteral):
        return None
    name, most = found
    beyond = asked.val > most or (asked.val == most and str(node.op) == ">")
    return (name, asked.val) if beyond else None


def _most(node: promql_parser.Expr, ratios: frozenset[str]) -> tuple[str, float] | None:
    """The greatest value that an expression over a ratio can have."""
    if isinstance(node, promql_parser.VectorSelector):
        return (node.name, 1.0) if node.name in ratios else None
    if isinstance(node, promql_parser.BinaryExpr):
        return _times(node, ratios)
    keeps: Any = node.func.name if isinstance(node, promql_parser.Call) else str(getattr(node, "op", ""))
    plain = isinstance(node, (promql_parser.ParenExpr, promql_parser.MatrixSelector))
    return _most(children(node)[-1], ratios) if plain or keeps in _KEEP_RANGE else None


def _times(node: promql_parser.BinaryExpr, ratios: frozenset[str]) -> tuple[str, float] | None:
    for side, other in ((node.lhs, node.rhs), (node.rhs, node.lhs)):
        found = _most(side, ratios)
        if found and str(node.op) == "*" and isinstance(other, promql_parser.NumberLiteral):
            return found[0], found[1] * other.val
    return None
