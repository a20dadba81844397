"""Owns the proof of which rules the operator keeps for the whole cluster, by what services use and what is set."""

from dataclasses import replace
from typing import Any, cast

import pytest

from serinus.core.datafile import InvalidCatalogue
from serinus.shell.apply import Applier, Sweep, Wanted
from serinus.shell.shared import Shared, check_observers
from serinus.shell.world import LLMSERVICE, Customs
from tests.golden import render

RUNTIMES = render.library().runtimes


class Recorder:
    """An applier that keeps what it is asked for."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def apply_all(self, _owner: None, wanted: list[Wanted], _sweep: Sweep) -> list[Any]:
        """Keep the names."""
        self.names = [w.manifest["metadata"]["name"] for w in wanted]
        return []


async def kept(*runtimes: str, **settings: Any) -> list[str]:
    customs, recorder = Customs(), Recorder()
    for i, runtime in enumerate(runtimes):
        metadata = {"name": f"s{i}", "namespace": "a", "uid": str(i), "resourceVersion": "1"}
        customs.offer(LLMSERVICE, {"metadata": metadata, "spec": {"runtime": runtime}})
    chosen = replace(render.SETTINGS, **settings)
    await Shared(cast("Applier", recorder), customs, RUNTIMES, chosen, lambda _: True, render.library().alerts).run()
    return recorder.names


@pytest.mark.asyncio
async def test_rules_are_kept_of_runtimes_in_use_and_of_no_other() -> None:
    assert await kept() == ["serinus-services", "serinus-alerts"]
    assert await kept("vllm", "sglang", "vllm", "ollama", "unheard-of") == [
        "serinus-services",
        "serinus-alerts",
        "serinus-signals-sglang",
        "serinus-signals-vllm",
    ]


@pytest.mark.asyncio
async def test_second_observers_are_those_that_are_set() -> None:
    assert await kept(observers=("dcgm", "litellm")) == [
        "serinus-services",
        "serinus-alerts",
        "serinus-observer-dcgm",
        "serinus-observer-litellm",
    ]


@pytest.mark.asyncio
async def test_an_operator_of_some_namespaces_leaves_signals_and_alerts_to_each_service() -> None:
    assert await kept("vllm", cluster_wide=False) == ["serinus-services"]


def test_a_name_that_observes_nothing_is_refused_with_those_that_do() -> None:
    check_observers(("dcgm", "litellm"), RUNTIMES)
    for wrong in ("vllm", "dgcm"):
        with pytest.raises(InvalidCatalogue, match=f"SERINUS_OBSERVERS: found '{wrong}', allowed are dcgm, envoy-ai"):
            check_observers(("dcgm", wrong), RUNTIMES)
