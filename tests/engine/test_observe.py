"""ProbeSets read beside the loop, whatever becomes of their ConfigMap; runs and Decisions found by their service."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from serinus.shell import probe_process
from serinus.shell.api_errors import Answer, ApiError, NotFound, Refused, Unavailable
from serinus.shell.observe import ProbeSets
from serinus.shell.probe_process import SMALL, CannotRead, ProbeReader, Result
from serinus.shell.probe_reader import pack, pack_result, read, unpack_result
from serinus.shell.probe_sets import READ_AGAIN, TRY_AGAIN, Patience
from serinus.shell.world import DECISION, PROBERUN, PROBESET, Customs
from tests.engine.waiting import eventually
from tests.support import objects

NAMESPACE = "team-a"
Manifest = dict[str, Any]


def questions(count: int) -> str:
    """A promptfoo file of so many questions."""

    def line(i: int) -> str:
        asserts = ", ".join(f"{{type: icontains, value: a{i}_{j}}}" for j in range(12))
        return f"- vars: {{q: 'question {i}'}}\n  assert: [{asserts}]\n"

    return "prompts: ['{{q}}']\ntests:\n" + "".join(line(i) for i in range(count))


LARGE = questions(60)
USUAL = Patience()


def probe_set(name: str = "support", *, generation: int = 1, **source: Any) -> Manifest:
    body = objects.probeset(name, NAMESPACE)
    body["spec"]["source"] = source or {"configMapRef": {"name": "questions"}}
    body["metadata"] |= {"uid": f"uid-{name}", "resourceVersion": str(generation), "generation": generation}
    return body


@dataclass
class ConfigMaps:
    """A stand-in for the client: one ConfigMap, or what the server says instead of it."""

    text: str = objects.PROBES
    version: int = 1
    error: ApiError | None = None
    reads: int = 0

    async def get(self, _ref: object) -> Manifest:
        self.reads += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return {"metadata": {"resourceVersion": str(self.version)}, "data": {"probes.yaml": self.text}}


@dataclass
class Held:
    """A reader that reads when it is told to, and counts."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    reads: int = 0

    async def read(self, name: str, spec: Manifest, files: dict[str, str], labelled: dict[str, str]) -> Result:
        self.reads += 1
        await self.go.wait()
        return read(pack(name, spec, files, labelled))


class World:
    """ProbeSets over a stand-in, with a clock that is set by hand."""

    def __init__(self, reader: Any = None, patience: Patience = USUAL) -> None:
        self.now = 1000.0
        self.api = ConfigMaps()
        self.customs = Customs()
        api: Any = self.api
        self.sets = ProbeSets(api, self.customs, reader=reader, clock=lambda: self.now, patience=patience)

    def offer(self, **options: Any) -> None:
        assert self.customs.offer(PROBESET, probe_set(**options))

    async def resolve(self, name: str = "support") -> tuple[str, str]:
        """The reason and the problem; both empty if the questions can be asked."""
        seen = await self.sets.resolve(NAMESPACE, name)
        assert seen is not None
        assert (seen.questions is None) == bool(seen.reason)
        return seen.reason, seen.problem


def forbidden() -> Refused:
    return Refused("get configmaps", Answer(403, "Forbidden", "serinus cannot get configmaps"))


def missing() -> NotFound:
    return NotFound("get configmaps", Answer(404, "NotFound", "not found"))


def down() -> Unavailable:
    return Unavailable("get configmaps", Answer(503, "ServiceUnavailable", "etcd is down"))


def is_running(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_large_probe_sets_that_arrive_together_do_not_stop_the_loop() -> None:
    world = World(patience=Patience(first=120.0))
    world.api.text = questions(500)
    names = [f"set-{i}" for i in range(4)]
    for name in names:
        world.offer(name=name)
    before = time.thread_time()
    found = await asyncio.gather(*(world.resolve(name) for name in names))
    spent = time.thread_time() - before
    assert found == [("", "")] * 4
    whole = time.thread_time()
    read(pack("support", probe_set()["spec"], {"probes.yaml": world.api.text}, {}))
    assert spent < time.thread_time() - whole, "four readings took the loop less than one would"


async def test_the_process_reads_what_the_loop_would_have_read() -> None:
    spec = probe_set()["spec"]
    for text in (LARGE, LARGE.replace("icontains", "vibes")):
        files = {"probes.yaml": text}
        packed = pack("support", spec, files, {})
        assert len(packed) > SMALL
        assert await ProbeReader().read("support", spec, files, {}) == read(packed)


async def test_a_small_source_needs_no_process() -> None:
    spec = probe_set()["spec"]
    seen, status = await ProbeReader(command=("-c", "raise SystemExit(3)")).read("s", spec, {"probes.yaml": "- {}"}, {})
    assert seen.reason == "ProbeSetInvalid"
    assert status["problems"]


def test_a_result_survives_its_journey() -> None:
    result = read(pack("support", probe_set()["spec"], {"probes.yaml": LARGE}, {}))
    assert result[0].questions is not None
    assert unpack_result(pack_result(*result)) == result


async def test_a_source_that_takes_too_long_is_invalid_and_its_process_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    endless = f"import os, pathlib\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\nwhile True: pass"
    world = World(ProbeReader(command=("-c", endless), limit=3.0))
    world.api.text = LARGE
    world.offer()
    reason, problem = await world.resolve()
    assert reason == "ProbeSetInvalid"
    assert "more than 3 s to read, allowed are 3 s" in problem
    assert not is_running(pid.read_text())
    reads = world.api.reads
    assert await world.resolve() == (reason, problem)
    assert world.api.reads == reads


async def test_a_reader_that_dies_is_started_once_more(tmp_path: Path) -> None:
    first = tmp_path / "first"
    script = (
        f"import os, pathlib, signal\nfirst = pathlib.Path({str(first)!r})\n"
        "if not first.exists():\n    first.touch()\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "from serinus.shell.probe_reader import main\nmain()"
    )
    seen, _ = await ProbeReader(command=("-c", script)).read("support", probe_set()["spec"], {"probes.yaml": LARGE}, {})
    assert first.exists()
    assert seen.questions is not None


async def test_a_reader_that_dies_again_says_how() -> None:
    spec = probe_set()["spec"]
    with pytest.raises(CannotRead, match=r"in 2 tries: the reader ended with 1: MemoryError$"):
        await ProbeReader(command=("-c", "raise MemoryError")).read("support", spec, {"probes.yaml": LARGE}, {})


async def test_concurrent_callers_share_one_reading() -> None:
    reader = Held()
    world = World(reader)
    world.offer()
    callers = [asyncio.create_task(world.resolve()) for _ in range(16)]
    await eventually(lambda: reader.reads, "the reading begins")
    reader.go.set()
    assert set(await asyncio.gather(*callers)) == {("", "")}
    assert (reader.reads, world.api.reads) == (1, 1)


async def test_a_newer_generation_ends_the_reading_of_the_older() -> None:
    reader = Held()
    world = World(reader)
    world.offer()
    old = asyncio.create_task(world.resolve())
    await eventually(lambda: reader.reads == 1, "the first reading begins")
    world.offer(generation=2, inline="- {}")
    new = asyncio.create_task(world.resolve())
    await eventually(lambda: reader.reads == 2, "the second reading begins")
    reader.go.set()
    assert await old == await new
    assert (await new)[0] == "ProbeSetInvalid"


async def test_a_caller_does_not_wait_for_ever_for_a_reading_that_goes_on() -> None:
    reader = Held()
    world = World(reader, Patience(first=0.01, newer=0.01))
    world.offer()
    assert await world.resolve() == ("ProbesUnreadable", "its questions are still being read")
    assert world.sets.again(NAMESPACE, "support") == TRY_AGAIN
    reader.go.set()
    await eventually(lambda: world.sets.again(NAMESPACE, "support") is None, "the reading is over")
    assert await world.resolve() == ("", "")
    assert reader.reads == 1


async def test_what_is_being_read_ends_with_the_leader() -> None:
    reader = Held()
    world = World(reader, Patience(first=0.01))
    world.offer()
    await world.resolve()
    await world.sets.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not others


@pytest.mark.parametrize(
    ("error", "reason", "says"),
    [
        (missing(), "ProbesNotFound", "found 'questions', allowed is a ConfigMap of this namespace"),
        (forbidden(), "ProbesNotFound", "found 'questions', which the operator may not read: serinus cannot get"),
        (down(), "ProbesUnreadable", "found 'questions', which could not be read: etcd is down"),
    ],
)
async def test_a_config_map_that_cannot_be_read_is_a_reason_and_is_tried_again(
    error: ApiError, reason: str, says: str
) -> None:
    world = World()
    world.api.error = error
    world.offer()
    found, problem = await world.resolve()
    assert found == reason
    assert problem.startswith(f"spec.source.configMapRef.name: {says}")
    assert world.sets.again(NAMESPACE, "support") == TRY_AGAIN
    world.api.error = None
    assert (await world.resolve())[0] == reason, "not yet asked again"
    world.now += TRY_AGAIN
    assert await world.resolve() == ("", "")
    assert world.sets.again(NAMESPACE, "support") is None


async def test_questions_that_were_read_stay_while_the_config_map_cannot_be_read() -> None:
    world = World()
    world.offer()
    await world.resolve()
    world.api.error = down()
    world.now += READ_AGAIN
    assert await world.resolve() == ("", "")
    assert world.sets.again(NAMESPACE, "support") == TRY_AGAIN
    world.api.error = forbidden()
    world.now += TRY_AGAIN
    assert (await world.resolve())[0] == "ProbesNotFound"


async def test_questions_that_were_replaced_do_not_stand_in_for_those_that_cannot_be_read() -> None:
    world = World()
    world.offer()
    await world.resolve()
    world.api.error = down()
    world.offer(generation=2)
    assert (await world.resolve())[0] == "ProbesUnreadable"


async def test_a_config_map_is_read_every_half_minute_and_parsed_when_it_changed() -> None:
    reader = Held()
    reader.go.set()
    world = World(reader)
    world.offer()
    for _ in range(5):
        assert await world.resolve() == ("", "")
    assert (world.api.reads, reader.reads) == (1, 1)
    world.now += READ_AGAIN
    await world.resolve()
    assert (world.api.reads, reader.reads) == (2, 1)
    world.api.version, world.api.text = 2, "- {}"
    world.now += READ_AGAIN
    assert (await world.resolve())[0] == "ProbeSetInvalid"
    assert (world.api.reads, reader.reads) == (3, 2)


async def test_a_probe_set_that_changed_is_read_at_once() -> None:
    world = World()
    world.offer()
    await world.resolve()
    world.offer(generation=2)
    assert await world.resolve() == ("", "")
    assert world.api.reads == 2


async def test_a_probe_set_that_is_gone_is_forgotten() -> None:
    world = World()
    world.api.error = down()
    world.offer()
    await world.resolve()
    world.customs.remove(PROBESET, NAMESPACE, "support")
    assert await world.sets.resolve(NAMESPACE, "support") is None
    assert world.sets.again(NAMESPACE, "support") is None


def test_the_process_takes_nothing_from_the_environment() -> None:
    assert set(probe_process._ENVIRONMENT) == {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}


def run_of(service: str, name: str, version: int = 1, namespace: str = NAMESPACE) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": metadata, "spec": {"llmServiceRef": {"name": service}}}


def names(customs: Customs, service: str) -> list[str]:
    return [body["metadata"]["name"] for body in customs.of_service(PROBERUN, NAMESPACE, service)]


def test_runs_are_found_by_their_service_in_the_order_of_their_names() -> None:
    customs = Customs()
    for service, name in (("chat", "b"), ("chat", "a"), ("search", "c")):
        customs.offer(PROBERUN, run_of(service, name))
    customs.offer(PROBERUN, run_of("chat", "d", namespace="team-b"))
    customs.offer(DECISION, run_of("chat", "e"))
    assert names(customs, "chat") == ["a", "b"]
    assert names(customs, "search") == ["c"]
    assert [d["metadata"]["name"] for d in customs.of_service(DECISION, NAMESPACE, "chat")] == ["e"]


def test_a_run_that_is_newer_or_gone_is_so_for_its_service_too() -> None:
    customs = Customs()
    customs.offer(PROBERUN, run_of("chat", "a", 1))
    customs.offer(PROBERUN, run_of("chat", "a", 3))
    assert not customs.offer(PROBERUN, run_of("chat", "a", 2))
    assert [b["metadata"]["resourceVersion"] for b in customs.of_service(PROBERUN, NAMESPACE, "chat")] == ["3"]
    customs.offer(PROBERUN, {**run_of("search", "a", 1), "metadata": run_of("", "a")["metadata"] | {"uid": "another"}})
    assert (names(customs, "chat"), names(customs, "search")) == ([], ["a"])
    customs.remove(PROBERUN, NAMESPACE, "a")
    assert names(customs, "search") == []
    customs.remove(PROBERUN, NAMESPACE, "a")


class Untouchable(dict[str, Any]):
    """An object that may be kept but not looked into."""

    def get(self, *_: object) -> Any:  # type: ignore[explicit-override]
        raise AssertionError("an object of another service was looked at")


def test_runs_of_other_services_are_not_looked_at() -> None:
    customs = Customs()
    customs.offer(PROBERUN, run_of("chat", "a"))
    customs.offer(PROBERUN, run_of("search", "b"))
    customs._objects[PROBERUN][(NAMESPACE, "b")] = Untouchable()
    assert names(customs, "chat") == ["a"]
