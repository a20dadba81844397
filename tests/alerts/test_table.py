"""Owns the proof that the table of runtimes and signals has a value, a gap or n/a in every cell, and the right one."""

import pytest

from serinus.core.signals import VOCABULARY
from serinus.resources import signal_rules
from tests.alerts import table
from tests.golden import render


def test_no_cell_is_empty_and_every_gap_is_one_that_the_catalogue_names() -> None:
    found = table.columns()

    assert set(found) == set(render.library().runtimes)
    for name, cells in found.items():
        assert all(cells.values()), name
        gaps = {row for row, cell in cells.items() if cell == table.GAP and row in VOCABULARY}
        assert gaps == set(signal_rules.gaps(render.library().runtimes[name])), name


def test_a_few_cells_are_as_read_in_the_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert table.main() == 0

    head, *rows = capsys.readouterr().out.splitlines()
    by_row = {row.split()[0]: dict(zip(head.split(), row.split(), strict=True)) for row in rows[: len(table.SERIES)]}
    assert by_row["requests_waiting"]["sglang"] == "4"
    assert by_row["e2e_latency"]["triton-tensorrtllm"] == "~3.095"
    assert by_row["kv_cache_usage"]["dynamo"] == "0.412"
    assert by_row["ttft"]["tgi"] == "gap"
    assert by_row["gpu_util"]["dcgm"] == "0.91"
    assert by_row["gpu_util"]["vllm"] == "n/a"
