"""Judges expressions by evaluating them, with promtool, on what runtimes expose today.

It owns the verdicts and the words of their reasons. An expression that gives nothing is searched for the innermost part
that gives nothing; what rests on a metric that nobody here knows is not judged.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import promql_parser

from serinus.core.promql import InvalidQuery, Selected, check
from tests.alerts import promtool
from tests.alerts.sample import MINUTES
from tests.golden import render
from tests.support.side_by_side.exposed import COMPLETE, PARTS, TARGET, Exposed, exposed
from tests.support.side_by_side.read import Expression
from tests.support.side_by_side.shape import (
    absents,
    children,
    decided,
    growths_of_gauges,
    hits,
    kept,
    nodes,
    out_of_range,
    shaped,
)

_RECORDED: Final = re.compile(r"\bexpression_(\d+)\b")
_SCALARS: Final = (promql_parser.NumberLiteral, promql_parser.StringLiteral)
_RANGES: Final = (promql_parser.MatrixSelector, promql_parser.SubqueryExpr)


class Verdict(StrEnum):
    """What can be said of an expression."""

    ANSWERS = "can"
    NEVER = "cannot"
    ALWAYS = "always"
    UNKNOWN = "not judged"
    UNREADABLE = "not read"


@dataclass(frozen=True)
class Judged:
    """An expression with its verdict; `reasons` make it, `notes` are what else is wrong."""

    expression: Expression
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def judge(found: Iterable[Expression]) -> list[Judged]:
    """Judge expressions, in their order."""
    read = [(e, _parsed(e)) for e in found]
    world = exposed()
    trees = [tree for _, tree in read if not isinstance(tree, str)]
    wanted = {text for tree in trees for text in [shaped(tree, kept(world))] if check(text)}
    full = answering(sorted(wanted), world)
    return [
        Judged(e, Verdict.UNREADABLE, (tree,)) if isinstance(tree, str) else _judged(e, tree, world, full)
        for e, tree in read
    ]


def _parsed(expression: Expression) -> promql_parser.Expr | str:
    try:
        check(expression.text)
        return promql_parser.parse(expression.text)
    except (InvalidQuery, ValueError) as e:
        return str(e)


def answering(texts: list[str], world: Exposed) -> set[str]:
    """Which of these queries give anything, by promtool, at the end of the samples; RuntimeError if it cannot tell."""
    rules = [{"record": f"expression_{i}", "expr": f"count({text})"} for i, text in enumerate(texts)]
    test = {
        "interval": "1m",
        "input_series": world.inputs,
        "promql_expr_test": [{"expr": '{__name__=~"expression_.+"}', "eval_time": f"{MINUTES}m", "exp_samples": []}],
    }
    groups = [{"name": "expressions", "rules": rules}]
    with tempfile.TemporaryDirectory() as folder:
        told = promtool.test({"spec": {"groups": groups}}, [test], Path(folder)) if rules else ""
    if told and "got:" not in told:
        raise RuntimeError(told)
    return {texts[int(i)] for i in _RECORDED.findall(told.partition("got:")[2])}


def _judged(expression: Expression, tree: promql_parser.Expr, world: Exposed, full: set[str]) -> Judged:
    selectors = check(expression.text)
    missing = [s for s in selectors if s.metric not in world.labels]
    gone = [s for s in missing if s.metric.startswith(COMPLETE) or world.today(s.metric) is not None]
    notes = tuple(f"{name}() of {metric}, a gauge" for name, metric in growths_of_gauges(tree, world))
    reasons = tuple(dict.fromkeys(_reasons(selectors, gone, expression, world)))
    beyond = out_of_range(tree, _ratios()) if expression.kind == "alert" else None
    if any(s in gone for s in absents(tree)):
        return Judged(expression, Verdict.ALWAYS, reasons, notes)
    if beyond:
        name, asked = beyond
        return Judged(expression, Verdict.NEVER, (f"`{name}` is 0 to 1, never above {asked:g}",), notes)
    text = shaped(tree, kept(world))
    if not check(text) or text in full:
        unknown = expression.label and expression.label not in _labels(selectors, world)
        return Judged(expression, Verdict.NEVER if unknown and reasons else Verdict.ANSWERS, reasons, notes)
    unknown_metrics = [s for s in missing if s not in gone]
    if not reasons and unknown_metrics:
        names = dict.fromkeys(s.metric or "no metric named" for s in unknown_metrics)
        return Judged(expression, Verdict.UNKNOWN, tuple(f"`{n}` is of no runtime here" for n in names), notes)
    return Judged(expression, Verdict.NEVER, reasons or (_innermost(tree, world),), notes)


def _labels(selectors: Iterable[Selected], world: Exposed) -> set[str]:
    return {label for s in selectors for label in world.labels.get(s.metric, {})}


def _reasons(
    selectors: tuple[Selected, ...], gone: list[Selected], expression: Expression, world: Exposed
) -> Iterator[str]:
    for one in gone:
        yield _gone(one.metric, world)
    for one in selectors:
        labels = world.labels.get(one.metric, {})
        for matcher in one.matchers if one.metric in world.labels else ():
            if decided(matcher, labels) and matcher.label not in labels and not hits(matcher, set()):
                yield _no_label(one.metric, matcher.label, labels)
    asked = [s for s in selectors if s.metric in world.labels]
    if expression.label and asked and expression.label not in {*TARGET, *_labels(asked, world)}:
        yield _no_label(asked[0].metric, expression.label, world.labels[asked[0].metric])


def _gone(metric: str, world: Exposed) -> str:
    part = next((p for p in PARTS if metric.endswith(p)), "")
    bare, now = metric.removesuffix(part), world.today(metric)
    if world.type_of(bare) == "summary":
        return f"`{bare}` is a summary and has no buckets"
    if now and part and now.endswith(part):
        metric, now = bare, now.removesuffix(part)
    return f"`{metric}` is not exposed" + (f", today `{now}`" if now else "")


def _no_label(metric: str, label: str, labels: dict[str, set[str]]) -> str:
    has = ", ".join(f"`{name}`" for name in sorted(labels) if name != "le") or "none of its own"
    return f"`{metric}` has no label `{label}`; it has {has}"


def _innermost(tree: promql_parser.Expr, world: Exposed) -> str:
    """What can be said of the innermost part that gives nothing though its own parts give something."""
    parts = [n for n in nodes(tree) if not isinstance(n, (*_SCALARS, *_RANGES))]
    texts = {id(n): shaped(n, kept(world)) for n in parts}
    full = answering(sorted({t for t in texts.values() if check(t)}), world)
    for node in parts:
        if check(texts[id(node)]) and texts[id(node)] not in full:
            return _why(node, world)
    return "gives nothing on the samples"


def _why(node: promql_parser.Expr, world: Exposed) -> str:
    if isinstance(node, promql_parser.Call) and node.func.name == "histogram_quantile":
        kinds = {s.metric: world.type_of(s.metric) for s in check(node.prettify())}
        others = [f"`{name}`, a {kind}" for name, kind in kinds.items() if kind != "histogram"]
        return f"histogram_quantile() of {others[0]}" if others else "histogram_quantile() without the label `le`"
    if isinstance(node, promql_parser.BinaryExpr):
        left, right = (" and ".join(f"`{s.metric}`" for s in check(c.prettify())) for c in children(node))
        return f"`{node.op}` finds no pair: {left} and {right} differ in labels"
    return "gives nothing on the samples"


@cache
def _ratios() -> frozenset[str]:
    """Gauges between 0 and 1."""
    usages = [r.signals["kv_cache_usage"] for r in render.library().runtimes.values() if "kv_cache_usage" in r.signals]
    of_pools = {"llm_d_epp_average_kv_cache_utilization", "inference_pool_average_kv_cache_utilization"}
    return frozenset(m for s in usages for m in s.source.metrics) | of_pools
