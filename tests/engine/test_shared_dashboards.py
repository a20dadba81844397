"""Owns the proof of when the shared dashboards are written and pruned. The applier itself is proven elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from serinus.core import naming
from serinus.resources.dashboard import GRAFANA_API
from serinus.shell.kinds import Ref
from serinus.shell.outcomes import Outcome, Result, Sweep, Wanted
from serinus.shell.records import NotSettled
from serinus.shell.shared_dashboards import SharedDashboards
from serinus.shell.world import CONFIGMAP, DASHBOARD, LLMSERVICE, Customs
from tests.golden import render


@dataclass
class World:
    """Objects of the operator's namespace, written by an applier that always succeeds, unless `result` says so."""

    there: list[str] = field(default_factory=list)
    result: Result = Result.APPLIED
    customs: Customs = field(default_factory=Customs)
    apis: frozenset[str] = frozenset()
    settings: dict[str, Any] = field(default_factory=dict)

    async def apply_all(self, owner: object, wanted: Sequence[Wanted], sweep: Sweep) -> list[Outcome]:
        assert owner is None
        assert (sweep.namespace, sweep.service) == ("serinus-system", naming.DASHBOARDS)
        assert list(sweep.kinds) == [CONFIGMAP, DASHBOARD]
        if self.result is Result.APPLIED:
            self.there = [f"{w.child.manifest['kind']} {w.child.manifest['metadata']['name']}" for w in wanted]
        return [Outcome(Ref.of(CONFIGMAP, w.child.manifest), self.result, "taken by Helm") for w in wanted]

    def service(self, name: str, **outputs: Any) -> None:
        spec = {"servedModelName": "m", "runtime": "vllm", "monitoring": {"outputs": outputs}}
        metadata = {"name": name, "namespace": "team-a", "uid": name, "resourceVersion": "1"}
        self.customs.remove(LLMSERVICE, "team-a", name)
        self.customs.offer(LLMSERVICE, {"metadata": metadata, "spec": spec})

    async def run(self) -> list[str]:
        settings = replace(render.SETTINGS, **self.settings)
        runtimes = render.library().runtimes
        await SharedDashboards(self, self.customs, runtimes, settings, self.apis.__contains__).run()  # type: ignore[arg-type]
        return self.there


async def test_dashboards_come_with_the_first_service_and_go_with_the_last() -> None:
    world = World()
    assert await world.run() == []

    world.service("a")
    assert await world.run() == ["ConfigMap serinus-services", "ConfigMap serinus-fleet"]

    world.service("a", dashboard="PerService")
    assert await world.run() == ["ConfigMap serinus-services", "ConfigMap serinus-fleet"]

    world.service("a", dashboard="None")
    assert await world.run() == []


async def test_a_service_whose_choice_cannot_be_read_has_the_shared_one() -> None:
    world = World()
    world.service("a", dashboard={"nonsense": 1})

    assert await world.run() == ["ConfigMap serinus-services", "ConfigMap serinus-fleet"]


async def test_grafana_operators_kind_is_written_once_its_api_is_there() -> None:
    world = World(settings={"grafanas": {"dashboards": "grafana"}})
    world.service("a")
    assert await world.run() == []

    world.apis = frozenset({GRAFANA_API})
    assert await world.run() == ["GrafanaDashboard serinus-services", "GrafanaDashboard serinus-fleet"]


async def test_an_object_that_is_not_ours_is_tried_again() -> None:
    world = World(result=Result.NAME_CONFLICT)
    world.service("a")

    with pytest.raises(NotSettled, match="taken by Helm"):
        await world.run()
