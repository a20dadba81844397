"""Owns the calls that a scheduler and a kubelet would make for one pod, in the order in which they would make them.

It must not choose a pod's behaviour: `podfaker` asks for it. What is reported comes from `podlife`.
"""

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from tests.support.podlife import (
    NODE,
    Behaviour,
    CrashLoop,
    Evicted,
    Finish,
    ImagePull,
    Manifest,
    NeverReady,
    Ready,
    Silent,
    Unschedulable,
    crashing_status,
    evicted_status,
    finished_status,
    pulling_status,
    running_status,
    unschedulable_status,
)

Behave = Callable[[Manifest], Behaviour]
CONNECTIONS = 16
"""Calls at the same time."""
_ENDING = "NamespaceTerminating"
"""Cause of a 403: nothing may be made any more in a namespace that is being deleted."""
_STRATEGIC = "application/strategic-merge-patch+json"


class Life:
    """One pod: what it shall do, and the task that does it."""

    def __init__(self, pod: Manifest, ip: str, kubelet: "Kubelet") -> None:
        self.pod = pod
        self.ip = ip
        self.known: tuple[object, object] | None = None
        self.task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._kubelet = kubelet
        self._behaviour: Behaviour | None = None
        self._ending = False

    def see(self, pod: Manifest, behave: Behave) -> None:
        """Note the pod's newest state; begin anew when it shall do something else."""
        self.pod = pod
        meta = pod["metadata"]
        if self._ending:
            return
        if meta.get("deletionTimestamp"):
            self._ending = True
            self._begin(self._kubelet.end(self))
            return
        known = (meta.get("labels"), meta.get("annotations"))
        if known == self.known:
            return
        self.known = known
        behaviour = behave(pod)
        if behaviour != self._behaviour:
            self._behaviour = behaviour
            self._begin(self._kubelet.live(self, behaviour))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.task.cancel()
        self.task = asyncio.ensure_future(work)
        self.task.add_done_callback(self._kubelet.note)


class Kubelet:
    """The calls that a scheduler and a kubelet would make for a pod."""

    def __init__(self, session: aiohttp.ClientSession, grace: float) -> None:
        self._session = session
        self._grace = grace
        self._slots = asyncio.Semaphore(CONNECTIONS)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(self, task: "asyncio.Future[None]") -> None:
        """Keep the first error of a pod's task, which ends the faker."""
        if not task.cancelled() and task.exception() is not None:
            self.fail(task.exception())

    def fail(self, problem: BaseException | None) -> None:
        """End the faker with this error."""
        if not self.broken.done():
            self.broken.set_exception(problem or RuntimeError("unknown"))

    async def live(self, life: Life, behaviour: Behaviour) -> None:
        """Report what the behaviour says, until nothing is left to report."""
        if isinstance(behaviour, Silent):
            return
        if isinstance(behaviour, Unschedulable):
            await self._report(life, unschedulable_status(time.time()))
            return
        await self._bind(life)
        match behaviour:
            case Ready(after, restarts):
                if after:
                    await self._running(life, ready=False, restarts=restarts)
                    await asyncio.sleep(after)
                await self._running(life, ready=True, restarts=restarts)
            case NeverReady():
                await self._running(life, ready=False)
            case CrashLoop(restarts, every, code):
                for count in range(restarts if not every else 1, restarts + 1):
                    now = time.time()
                    await self._report(life, crashing_status(life.pod, life.ip, now, restarts=count, exit_code=code))
                    await asyncio.sleep(every)
            case ImagePull():
                await self._report(life, pulling_status(life.pod, time.time()))
            case Evicted():
                await self._report(life, evicted_status(time.time()))
            case Finish(after=after):
                if after:
                    await self._running(life, ready=True)
                    await asyncio.sleep(after)
                await self._report(life, finished_status(life.pod, life.ip, time.time(), behaviour))

    async def end(self, life: Life) -> None:
        """End a deleted pod: not Ready at once, gone after the grace (that of the pod at most)."""
        if life.pod["status"].get("phase") not in ("Succeeded", "Failed"):
            await self._running(life, ready=False)
        await asyncio.sleep(min(self._grace, life.pod["metadata"].get("deletionGracePeriodSeconds", 0)))
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": life.pod["metadata"]["uid"]}}
        await self._call("DELETE", _path(life.pod), body)

    async def _running(self, life: Life, *, ready: bool, restarts: int = 0) -> None:
        status = running_status(life.pod, life.ip, time.time(), ready=ready, restarts=restarts)
        await self._report(life, status)

    async def _bind(self, life: Life) -> None:
        if life.pod["spec"].get("nodeName"):
            return
        meta = {"name": life.pod["metadata"]["name"], "uid": life.pod["metadata"]["uid"]}
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": meta, "target": target}
        await self._call("POST", f"{_path(life.pod)}/binding", body)

    async def _report(self, life: Life, status: Manifest) -> None:
        patch = {"metadata": {"uid": life.pod["metadata"]["uid"]}, "status": status}
        await self._call("PATCH", f"{_path(life.pod)}/status", patch)

    async def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Call once; a pod that is gone, was bound or replaced meanwhile, or whose namespace is ending, is no error."""
        kind = _STRATEGIC if method == "PATCH" else "application/json"
        async with (
            self._slots,
            self._session.request(method, path, data=json.dumps(body), headers={"Content-Type": kind}) as answer,
        ):
            if answer.status < 400 or answer.status in (404, 409):
                return
            told = await answer.text()
            if answer.status != 403 or _ENDING not in told:
                raise RuntimeError(f"{method} {path}: {answer.status} {told[:500]}")


def _path(pod: Manifest) -> str:
    return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"
