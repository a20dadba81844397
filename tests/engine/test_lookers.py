"""What a run does when the world moved under it, or when a child cannot be read: without a server."""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any

import pytest

from serinus.core.model import InvalidSpec
from serinus.shell.api_errors import Answer, Conflict
from serinus.shell.informer import Informer, Scope
from serinus.shell.kinds import Object, Ref
from serinus.shell.observe import NotReadable, Observer
from serinus.shell.reconcile import Reconciler, Tools
from serinus.shell.records import Outdated, Recorder
from serinus.shell.watches import Watches
from serinus.shell.world import LLMSERVICE, MARK, POD, Customs
from tests.engine.scripted import ScriptedApi, listing, thing
from tests.engine.waiting import running
from tests.support import objects

NAMESPACE = "team-a"


def service(version: int) -> Object:
    body = objects.llmservice("chat", NAMESPACE)
    body["metadata"] |= {"uid": "uid-chat", "resourceVersion": str(version), "generation": version}
    return body


@dataclass
class Moved:
    """A client for which every status write comes too late."""

    reads: list[str] = field(default_factory=list)

    async def get(self, ref: Ref) -> Object:
        self.reads.append(ref.text)
        return service(2)

    async def patch_status(self, ref: Ref, *_: Any, **__: Any) -> Object:
        raise Conflict(f"patch {ref.text}", Answer(409, "Conflict", "the object has been modified"))


@dataclass
class Finding:
    """An observer that fails with this."""

    error: Exception

    async def observe(self, _body: Object) -> Any:
        raise self.error


def reconciler(customs: Customs, error: Exception) -> Reconciler:
    """A reconciler whose look at the world fails with this."""
    nothing: Any = None
    return Reconciler(
        Tools(
            api=nothing, applier=nothing, observer=Finding(error), customs=customs, watches=nothing,  # type: ignore[arg-type]
            around=nothing, voice=nothing, installed=lambda _: True,
        )
    )  # fmt: skip


def test_status_write_that_comes_too_late_takes_over_the_newer_object_and_asks_for_another_look() -> None:
    api, customs = Moved(), Customs()
    customs.offer(LLMSERVICE, service(1))
    recorder = Recorder(api, customs, Watches([]), clock=lambda: 0.0)  # type: ignore[arg-type]
    with pytest.raises(Outdated, match="LLMService team-a/chat: changed while it was looked at"):
        asyncio.run(recorder.invalid(service(1), InvalidSpec("spec.x", "is wrong")))
    known = customs.get(LLMSERVICE, NAMESPACE, "chat")
    assert known is not None
    assert (known["metadata"]["resourceVersion"], api.reads) == ("2", ["LLMService team-a/chat"])


def test_conflict_is_looked_at_again_at_once_and_warns_nobody(caplog: pytest.LogCaptureFixture) -> None:
    customs = Customs()
    customs.offer(LLMSERVICE, service(1))
    with caplog.at_level(logging.INFO):
        again = asyncio.run(reconciler(customs, Outdated("LLMService team-a/chat: changed")).run(NAMESPACE, "chat"))
    assert again is not None
    assert 0 < again <= 0.5
    assert caplog.records == []


def test_nothing_is_decided_on_a_world_of_which_a_child_cannot_be_read() -> None:
    def project(body: Object) -> str:
        return str(body["spec"]["missing"])

    async def look(customs: Customs) -> None:
        api: Any = ScriptedApi([listing(5, thing("pod-1", 2))])
        scope = Scope(POD, NAMESPACE, "serinus.dev/service", "serinus.dev/service")
        pods = Informer[str](api, scope, MARK, on_change=lambda *_: None, project=project)
        async with running(pods.run()):
            await pods.synced.wait()
            await Observer(api, Watches([pods]), customs).observe(service(1))

    with pytest.raises(NotReadable, match="Pod team-a/pod-1: is there, but cannot be read"):
        asyncio.run(look(Customs()))
