"""The committed golden table of the npm package against this implementation, row by row."""

import json
from functools import cache
from pathlib import Path

import pytest

from tests.parity import cases, compare
from tests.parity.differences import DIFFERENCES

LEAST = 300


@cache
def found() -> tuple[list[str], dict[str, list[str]], list[str]]:
    return compare.compared()


def test_every_row_is_equal_to_promptfoo_or_a_documented_difference() -> None:
    same, documented, others = found()
    rows = len(same) + sum(map(len, documented.values())) + len(others)
    print(f"{rows} rows, {len(same)} equal, {rows - len(same) - len(others)} documented, {len(others)} others")
    assert others == []
    assert len(same) >= LEAST


@pytest.mark.parametrize("name", DIFFERENCES)
def test_documented_difference_exists_and_is_explained_in_the_docs(name: str) -> None:
    assert found()[1][name], "no row shows it any more: strike it from the list"
    page = Path(__file__).parents[2] / "docs/reference/promptfoo-parity.md"
    assert f"`{name}`" in page.read_text(encoding="utf-8")


def test_row_that_promptfoo_judges_otherwise_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    golden = json.loads(compare.GOLDEN.read_text(encoding="utf-8"))
    wanted = cases.all_cases()[:3]
    golden[wanted[0]["id"]]["pass"] ^= True
    golden[wanted[1]["id"]]["score"] += 0.5
    golden[wanted[2]["id"]]["class"] = "error"
    changed = tmp_path / "golden.json"
    changed.write_text(json.dumps(golden))
    monkeypatch.setattr(compare, "GOLDEN", changed)
    monkeypatch.setattr(compare, "all_cases", lambda: wanted)
    assert len(compare.compared()[2]) == 3
