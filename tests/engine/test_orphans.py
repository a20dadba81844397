"""Evidence that has outlived its service: looked at with every resync, deleted by uid when its time is over."""

import copy
from dataclasses import dataclass, field
from typing import Any, cast

from serinus.core.views import timestamp
from serinus.shell.api_errors import Answer, Conflict, NotFound
from serinus.shell.intake import Intake, Key
from serinus.shell.kinds import Ref
from serinus.shell.reconcile import Reconciler, Tools
from serinus.shell.world import LLMSERVICE, PROBERUN, Customs
from tests.support import objects
from tests.unit.fake_world import surroundings

NOW = 1_800_000_000.0
DAY = 86_400.0


@dataclass
class Api:
    """A stand-in for the client: what was deleted, by uid; `other`: objects that are somebody else's by now."""

    deleted: list[tuple[str, str | None]] = field(default_factory=list)
    other: set[str] = field(default_factory=set)

    async def delete(self, ref: Ref, *, uid: str | None = None) -> dict[str, Any]:
        if ref.name in self.other:
            raise Conflict("delete", Answer(409, "Conflict", "the UID is another"))
        self.deleted.append((ref.name, uid))
        return {"kind": "Status"}

    async def get(self, _ref: Ref) -> dict[str, Any]:
        raise NotFound("get", Answer(404, "NotFound", "not found"))


class Voice:
    """Says nothing."""

    def forget(self, *_: object) -> None:
        """A service that is gone has no series."""


def run_of(name: str, age: float, **spec: Any) -> dict[str, Any]:
    made = objects.proberun(name, **spec)
    made["metadata"] |= {"uid": f"uid-{name}", "resourceVersion": "1", "creationTimestamp": timestamp(NOW - age * DAY)}
    made["status"] = {"phase": "Finished", "verdict": "Passed"}
    return made


def tools(api: Api, customs: Customs) -> Tools:
    parts: dict[str, Any] = {"api": api, "voice": Voice(), "applier": None, "observer": None, "watches": None}
    return Tools(**parts, customs=customs, around=surroundings(), installed=lambda _: True, clock=lambda: NOW)


async def test_evidence_that_outlived_its_service_goes_when_its_time_is_over() -> None:
    api, customs = Api(other={"replaced"}), Customs()
    for run in (run_of("old", 91), run_of("young", 89), run_of("mine", 91, purpose="Manual"), run_of("replaced", 92)):
        customs.offer(PROBERUN, run)
    reconciler = Reconciler(tools(api, customs))

    assert await reconciler.run("default", "chat") is not None
    assert api.deleted == [("old", "uid-old")]
    assert {name for _, name in customs.keys(PROBERUN)} == {"young", "mine"}
    assert await reconciler.run("default", "chat") is None


class Queue:
    """Remembers what was asked for."""

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def add(self, key: Key, *_: object) -> None:
        self.keys.append(key)


def test_echo_of_our_own_write_is_no_news_and_another_object_of_that_name_is() -> None:
    customs = Customs()
    intake = Intake(customs, cast("Any", Queue()))
    body = run_of("a", 1, llmServiceRef={"name": "chat"})
    body["metadata"]["resourceVersion"] = "5"
    assert intake.is_news(PROBERUN, body)
    customs.offer(PROBERUN, body)
    older, newer, another = (copy.deepcopy(body) for _ in range(3))
    older["metadata"]["resourceVersion"] = "4"
    newer["metadata"]["resourceVersion"] = "6"
    another["metadata"]["uid"] = "another"
    assert [intake.is_news(PROBERUN, b) for b in (body, older, newer, another)] == [False, False, True, True]


async def test_a_resync_looks_at_services_that_only_their_evidence_remembers() -> None:
    customs, queue = Customs(), Queue()
    customs.offer(PROBERUN, run_of("a", 1, llmServiceRef={"name": "gone"}))
    customs.offer(PROBERUN, run_of("b", 1, llmServiceRef={"name": "chat"}))
    service = objects.llmservice()
    service["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    customs.offer(LLMSERVICE, service)
    Intake(customs, cast("Any", queue)).resync()

    assert sorted(key.name for key in queue.keys) == ["chat", "gone"]
