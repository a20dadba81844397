"""The rule that docs/gate.md gives computes in Prometheus what the operator computes: promtool says so."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.core import evidence
from tests.alerts import promtool

PAGE = Path(__file__).parents[2] / "docs" / "gate.md"
COUNTS = ((20, 176, 4, 0), (18, 183, 5, 0), (2, 191, 3, 0), (0, 0, 0, 0), (7, 100, 2, 5), (30, 60, 1, 0))
"""Lost, tied, won, and won because stable answered with an error."""


def rules() -> dict[str, Any]:
    """The rules as the page has them."""
    [block] = re.findall(r"```yaml\n(groups:.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return {"spec": yaml.safe_load(block)}


def case(lost: int, tied: int, won: int, fault_won: int, expected: float) -> dict[str, Any]:
    labels = 'namespace="team-a", llmservice="chat", gate="support"'
    counts = {"lost": lost, "tied": tied, "won": won, "fault_won": fault_won, "fault_tied": 3, "unscored": 9}
    return {
        "interval": "1m",
        "input_series": [
            {"series": f'serinus_gate_pairs{{{labels}, outcome="{name}"}}', "values": f"{n}x5"}
            for name, n in counts.items()
        ],
        "promql_expr_test": [
            {
                # Powers and logarithms round differently: equal but for the last digits that a float has.
                "expr": f"abs(serinus:gate_evidence_rollback / {expected!r} - 1) < bool 1e-12",
                "eval_time": "4m",
                "exp_samples": [{"labels": f"{{{labels}}}", "value": 1}],
            }
        ],
    }


def cases(factor: float = 1.0) -> list[dict[str, Any]]:
    return [case(*c, factor * evidence.rollback(c[0], c[1] + 3, c[2] + c[3])) for c in COUNTS]


def test_prometheus_computes_the_operators_evidence(tmp_path: Path) -> None:
    assert promtool.test(rules(), cases(), tmp_path) == ""


def test_the_published_figure_is_met_to_the_last_digit(tmp_path: Path) -> None:
    exact = case(20, 173, 4, 0, 1.0)
    [asked] = exact["promql_expr_test"]
    asked["expr"] = "sum(serinus:gate_evidence_rollback)"
    asked["exp_samples"] = [{"labels": "{}", "value": 136.37049360036548}]
    assert promtool.test(rules(), [exact], tmp_path) == ""


@pytest.mark.parametrize("factor", [1 + 1e-9, 1 - 1e-9])
def test_a_billionth_more_or_less_would_be_noticed(tmp_path: Path, factor: float) -> None:
    assert "serinus:gate_evidence_rollback" in promtool.test(rules(), cases(factor), tmp_path)
