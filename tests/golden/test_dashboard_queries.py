"""Owns the proof that every query of every panel is taken by a real Prometheus and finds data, its rules loaded."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.dashboards import store
from tests.support.dashboards.boards import Asked, boards, filled, queries
from tests.support.dashboards.store import Store

ELSEWHERE = {"llm:ready", "llm:unpriced_tokens:rate5m"}
"""Series that the service `chat` cannot have: of a runtime that says when it is ready, of a model without a price."""
ASKED = [(uid, asked) for uid, board in boards().items() for asked in queries(board) if not asked.logs]
pytestmark = pytest.mark.xdist_group("dashboards")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    found = store.fill(tmp_path_factory.mktemp("dashboards"))
    yield found
    found.stop()


def numbers(answer: list[dict[str, Any]]) -> list[float]:
    """Every finite number of an answer."""
    pairs = [pair for series in answer for pair in series.get("values", [series.get("value")])]
    return [float(value) for _, value in pairs if math.isfinite(float(value))]


def test_every_query_of_every_panel_finds_data(prometheus: Store) -> None:
    empty = []
    for uid, asked in ASKED:
        if not numbers(prometheus.answer(asked)):
            empty.append((uid, asked.panel, asked.expr))

    mine = [(uid, panel, expr) for uid, panel, expr in empty if not any(f"{s}{{" in expr for s in ELSEWHERE)]
    assert mine == []
    assert len(ASKED) > 150


def test_what_one_service_cannot_have_another_one_has(prometheus: Store) -> None:
    for series in sorted(ELSEWHERE):
        found = {asked.expr for _, asked in ASKED if f'{series}{{namespace="team-a"' in asked.expr}
        assert found
        for expr in found:
            assert numbers(prometheus.over(expr.replace('llmservice="chat"', 'llmservice="draft"'))), expr


def test_the_values_are_those_of_the_story(prometheus: Store) -> None:
    def last(panel: str) -> dict[str, float]:
        asked = next(a for _, a in ASKED if a.panel == panel)
        return {str(s["metric"].get("revision", "")): numbers([s])[-1] for s in prometheus.answer(asked)}

    assert last("Users by revision") == {"r8d21bb77f0": 0.9, "r5f9c1a03be": 0.1}
    # Rules are evaluated up to a step before the end: each group has an offset of its own.
    assert last("Probes that pass")["r5f9c1a03be"] == pytest.approx(0.93 + 0.02 * math.sin(20), abs=0.002)
    assert all(0.5 < share <= 1 for share in last("GPU at work").values())


def test_a_rollout_is_marked_where_its_stage_changes(prometheus: Store) -> None:
    notes = {n["name"]: n["expr"] for n in boards()["serinus-services"]["annotations"]["list"]}
    marks = prometheus.over(filled(notes["Rollout"], {"$namespace": "team-a", "$service": "chat"}))
    begins = {s["metric"]["stage"]: (int(s["values"][0][0]) - store.BEGIN) // 60 for s in marks}

    assert {stage: begins[stage] for stage in ("Starting", "Probing", "Shifting", "Baking")} == {
        "Starting": 20,
        "Probing": 24,
        "Shifting": 32,
        "Baking": 36,
    }
    assert prometheus.over(filled(notes["Alert"], {"$namespace": "team-a", "$service": "chat"}))


def test_a_query_over_nothing_and_one_that_is_wrong_are_seen(prometheus: Store) -> None:
    wrong = Asked("Drift", "max by (", "", logs=False, target={"instant": True})

    assert numbers(prometheus.answer(Asked("Drift", "serinus_drift", "", logs=False, target={"instant": True}))) == []
    with pytest.raises(AssertionError, match="parse error"):
        prometheus.answer(wrong)
