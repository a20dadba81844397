"""Owns the proof that no recorded series is one for each pod: their number does not grow with replicas."""

import promql_parser
import pytest

from serinus.core.model import Manifest
from serinus.resources import prometheus_rule, service_rules, signal_rules
from tests.alerts import cases
from tests.golden import render

POD = "pod"


def kept(node: promql_parser.Expr) -> bool:
    """Whether what an expression gives can have the label `pod`."""
    if isinstance(node, promql_parser.AggregateExpr):
        listed = node.modifier is not None and POD in node.modifier.labels
        if node.modifier is not None and node.modifier.type == promql_parser.AggModifierType.Without:
            return not listed and kept(node.expr)
        return listed and kept(node.expr)
    if isinstance(node, promql_parser.BinaryExpr):
        return kept(node.lhs) or kept(node.rhs)
    if isinstance(node, promql_parser.Call):
        return any(kept(argument) for argument in node.args)
    if isinstance(node, promql_parser.MatrixSelector):
        return kept(node.vector_selector)
    if isinstance(node, (promql_parser.ParenExpr, promql_parser.UnaryExpr, promql_parser.SubqueryExpr)):
        return kept(node.expr)
    return isinstance(node, promql_parser.VectorSelector) and not (node.name or "").startswith("llm:")


def recorded() -> dict[str, list[str]]:
    """Every recorded series with its expressions."""
    runtimes = render.library().runtimes.values()
    rules = [r for runtime in runtimes for r in (*signal_rules.rules(runtime), *signal_rules.attached_rules(runtime))]
    rules += service_rules.rules(cases.context().settings.prices)
    pairs = [(r.record, r.expr) for r in rules]
    built: list[Manifest] = prometheus_rule.build(cases.context())
    pairs += [(r["record"], r["expr"]) for m in built for g in m["spec"]["groups"] for r in g["rules"] if "record" in r]
    found: dict[str, list[str]] = {}
    for record, expr in pairs:
        found.setdefault(record, []).append(expr)
    return found


def test_no_recorded_series_is_one_for_each_pod() -> None:
    found = recorded()

    assert len(found) > 60
    assert {name for name, made in found.items() if any(kept(promql_parser.parse(e)) for e in made)} == set()


@pytest.mark.parametrize(
    ("expr", "pod"),
    [
        ("x", True),
        ("rate(x[5m]) * 2", True),
        ("max by (namespace, pod) (x)", True),
        ("sum without (engine) (x)", True),
        ("label_replace(x, 'a', '$1', 'b', '(.*)')", True),
        ("sum(x)", False),
        ("sum without (pod) (x)", False),
        ("sum by (namespace) (max by (namespace, pod) (x))", False),
        ("-(histogram_quantile(0.9, sum by (le) (rate(x[5m]))))", False),
        ("max by (pod) (sum by (namespace) (x))", False),
        ("llm:up > 0", False),
    ],
)
def test_an_expression_that_keeps_the_pod_is_seen(expr: str, *, pod: bool) -> None:
    assert kept(promql_parser.parse(expr)) is pod
