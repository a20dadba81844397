"""Owns the proof of when the log agents' files are written and pruned. The applier itself is proven elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from serinus.core import naming
from serinus.core.logs import Profile
from serinus.core.runtime import LogFormat
from serinus.resources import log_pipeline, promtail
from serinus.resources.context import LogSettings, Settings
from serinus.shell.api_errors import Answer, NotFound
from serinus.shell.kinds import Object, Ref
from serinus.shell.outcomes import Outcome, Result, Sweep, Wanted
from serinus.shell.records import NotSettled
from serinus.shell.shared_logs import SharedLogs
from serinus.shell.world import CONFIGMAP, LLMSERVICE, Customs
from tests.support import log_corpus

CATALOGUE = {"vllm": log_corpus.service("vllm").runtime}
LOGS = LogSettings(loki_url="http://loki/loki/api/v1/push")


@dataclass
class World:
    """ConfigMaps of the operator's namespace, written by an applier that always succeeds, unless `result` says so."""

    there: dict[str, Object] = field(default_factory=dict)
    result: Result = Result.APPLIED
    customs: Customs = field(default_factory=Customs)
    logs: LogSettings = LOGS

    async def get(self, ref: Ref) -> Object:
        if ref.name not in self.there:
            raise NotFound(ref.text, Answer(404))
        return self.there[ref.name]

    async def apply_all(self, owner: object, wanted: Sequence[Wanted], sweep: Sweep) -> list[Outcome]:
        assert owner is None
        assert (sweep.namespace, sweep.service, list(sweep.kinds)) == ("serinus-system", naming.LOGS, [CONFIGMAP])
        if self.result is Result.APPLIED:
            self.there = {w.child.manifest["metadata"]["name"]: w.child.manifest for w in wanted}
        return [Outcome(Ref.of(CONFIGMAP, w.child.manifest), self.result, "taken by Helm") for w in wanted]

    def service(self, name: str, logs: dict[str, Any], **outputs: bool) -> None:
        spec = {"servedModelName": "m", "runtime": "vllm", "monitoring": {"logs": logs, "outputs": outputs}}
        metadata = {"name": name, "namespace": "team-a", "uid": name, "resourceVersion": "1"}
        self.customs.remove(LLMSERVICE, "team-a", name)
        self.customs.offer(LLMSERVICE, {"metadata": metadata, "spec": spec})

    async def run(self) -> None:
        settings = Settings(probe_image="x", logs=self.logs)
        await SharedLogs(self, self, self.customs, CATALOGUE, settings).run()  # type: ignore[arg-type]

    def profiles(self) -> list[str]:
        """Names of the profiles in config.alloy."""
        return sorted(log_pipeline.sections(self.there[naming.ALLOY_CONFIG]["data"]["config.alloy"]))

    def jobs(self) -> list[str]:
        """Names of the jobs in Promtail's file."""
        return sorted(promtail.jobs(self.there[naming.PROMTAIL_CONFIG]["data"][promtail.KEY]))


JSON, TEXT = Profile(parser=LogFormat.JSON).name, Profile().name


async def test_each_profile_in_use_has_its_pipeline_and_one_that_is_not_goes() -> None:
    world = World()
    world.service("a", {})
    world.service("b", {"parser": "json"})
    await world.run()
    assert (world.profiles(), world.jobs()) == ([JSON, TEXT], [f"serinus/{JSON}", f"serinus/{TEXT}"])

    world.customs.remove(LLMSERVICE, "team-a", "b")
    await world.run()
    assert (world.profiles(), world.jobs()) == ([TEXT], [f"serinus/{TEXT}"])


async def test_the_shared_files_belong_to_no_service_and_carry_our_mark() -> None:
    world = World()
    world.service("a", {})
    await world.run()

    for made in world.there.values():
        assert made["metadata"]["namespace"] == "serinus-system"
        assert "ownerReferences" not in made["metadata"]
        assert made["metadata"]["labels"][naming.LABEL_MANAGED_BY] == "serinus"
        assert made["metadata"]["labels"][naming.LABEL_COMPONENT] == naming.LOGS


async def test_a_second_run_writes_the_same_bytes() -> None:
    world = World()
    for name in ("b", "a"):
        world.service(name, {"samplePercent": 10})
    await world.run()
    before = yaml.safe_dump(world.there)
    await world.run()

    assert yaml.safe_dump(world.there) == before


async def test_alloys_file_stays_without_a_service_and_promtails_goes() -> None:
    world = World()
    world.service("a", {}, promtail=False)
    await world.run()
    assert world.there.keys() == {naming.ALLOY_CONFIG}

    world.customs.remove(LLMSERVICE, "team-a", "a")
    await world.run()
    assert set(world.there) == {naming.ALLOY_CONFIG}
    assert world.profiles() == []


async def test_without_an_address_for_lines_nothing_is_made() -> None:
    world = World(logs=LogSettings())
    world.service("a", {})
    await world.run()

    assert world.there == {}


async def test_a_service_whose_logs_became_wrong_keeps_the_pipeline_that_it_had() -> None:
    world = World()
    world.service("a", {"parser": "json"})
    await world.run()
    world.service("a", {"parser": "xml"})
    world.service("b", {})
    await world.run()

    assert (world.profiles(), world.jobs()) == ([JSON, TEXT], [f"serinus/{JSON}", f"serinus/{TEXT}"])


async def test_while_a_services_profile_is_unknown_no_pipeline_is_pruned() -> None:
    world = World()
    world.service("a", {"parser": "json"}, promtail=False)
    await world.run()
    world.service("a", {"parser": "xml"}, promtail=False)
    await world.run()

    assert world.profiles() == [JSON]


async def test_a_config_map_of_somebody_else_is_left_alone_and_said() -> None:
    world = World(result=Result.NAME_CONFLICT)
    world.service("a", {})

    with pytest.raises(NotSettled, match="taken by Helm"):
        await world.run()

    assert world.there == {}
