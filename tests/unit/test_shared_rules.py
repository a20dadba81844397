"""Owns the proof of which rules the operator keeps for the whole cluster, by what services use and what is set."""

from dataclasses import replace
from typing import Any, cast

import pytest

from serinus.core.datafile import InvalidCatalogue
from serinus.core.model import Manifest
from serinus.shell.apply import Applier, Sweep, Wanted
from serinus.shell.shared import Shared, check_observers
from serinus.shell.world import LLMSERVICE, Customs
from tests.golden import render

RUNTIMES = render.library().runtimes


class Recorder:
    """An applier that keeps what it is asked for."""

    def __init__(self) -> None:
        self.manifests: list[Manifest] = []

    async def apply_all(self, _owner: None, wanted: list[Wanted], _sweep: Sweep) -> list[Any]:
        """Keep the objects."""
        self.manifests = [w.child.manifest for w in wanted]
        return []


async def made(*specs: Manifest, **settings: Any) -> list[Manifest]:
    customs, recorder = Customs(), Recorder()
    for i, spec in enumerate(specs):
        metadata = {"name": f"s{i}", "namespace": "a", "uid": str(i), "resourceVersion": "1"}
        customs.offer(LLMSERVICE, {"metadata": metadata, "spec": spec})
    chosen = replace(render.SETTINGS, **settings)
    await Shared(cast("Applier", recorder), customs, RUNTIMES, chosen, lambda _: True, render.library().alerts).run()
    return recorder.manifests


async def kept(*runtimes: str, **settings: Any) -> list[str]:
    return [m["metadata"]["name"] for m in await made(*({"runtime": name} for name in runtimes), **settings)]


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
@pytest.mark.parametrize(
    ("asked", "base", "linked"),
    [
        ((), "https://g/d/serinus-services", True),
        (("None", "None"), "https://g/d/serinus-services", False),
        (("None", "None"), "https://g/d/serinus-services/llm-services?orgId=1", False),
        (("None", "None"), "https://g/d/of-the-user", True),
        (("None", "Shared"), "https://g/d/serinus-services", True),
        (("None", "PerService"), "https://g/d/serinus-services", True),
        (("None", "not known"), "https://g/d/serinus-services", True),
    ],
)
async def test_shared_alerts_lead_to_the_shared_dashboard_only_while_it_is_there(
    asked: tuple[str, ...], base: str, linked: bool
) -> None:
    specs = ({"runtime": "vllm", "monitoring": {"outputs": {"dashboard": value}}} for value in asked)
    [alerts] = [m for m in await made(*specs, dashboard_base=base) if m["metadata"]["name"] == "serinus-alerts"]

    rules = [rule for group in alerts["spec"]["groups"] for rule in group["rules"]]
    assert len(rules) > 5
    assert {"dashboard_url" in rule["annotations"] for rule in rules} == {linked}


@pytest.mark.asyncio
async def test_an_operator_of_some_namespaces_leaves_signals_and_alerts_to_each_service() -> None:
    assert await kept("vllm", cluster_wide=False) == ["serinus-services"]


def test_a_name_that_observes_nothing_is_refused_with_those_that_do() -> None:
    check_observers(("dcgm", "litellm"), RUNTIMES)
    for wrong in ("vllm", "dgcm"):
        with pytest.raises(InvalidCatalogue, match=f"SERINUS_OBSERVERS: found '{wrong}', allowed are dcgm, envoy-ai"):
            check_observers(("dcgm", wrong), RUNTIMES)
