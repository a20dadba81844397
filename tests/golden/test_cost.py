"""Owns the bound of what one service costs: 50 ms of CPU for everything that `serinus render` makes of it.

`python -m tests.golden.test_cost` prints the milliseconds of every example.
"""

import statistics
import time

import pytest

from serinus.cli.context import probe_sets, surroundings
from serinus.cli.documents import read
from serinus.steady import plan_steady
from tests.golden import render

MOST = 50.0
_AGAIN = 5


def milliseconds(name: str) -> float:
    """CPU of one rendering of an example, the median of five; files and catalogue are read already."""
    found = read([str(render.EXAMPLES / f"{name}.yaml")])
    around = surroundings(probe_image=render.SETTINGS.probe_image, monitor_labels={})
    service = next(d for d in found if d.kind == "LLMService")
    sets = probe_sets(found, service.namespace)
    spent = []
    for _ in range(_AGAIN + 1):
        began = time.process_time()
        assert plan_steady(service.body, around, sets).manifests
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent[1:])


@pytest.mark.parametrize("name", ["vllm", "sglang", "custom"])
def test_a_service_is_rendered_in_50_ms_of_cpu(name: str) -> None:
    assert milliseconds(name) <= MOST


if __name__ == "__main__":
    for example in render.examples():
        print(f"{example:26} {milliseconds(example):6.1f} ms")
