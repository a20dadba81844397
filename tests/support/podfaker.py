"""Owns a faker of a node in the API bed: it reports of every pod what a kubelet would, and runs nothing.

Where no kubelet can run it takes the parts of scheduler and kubelet that controllers look at: binding, status, the end
of a deleted pod. It must not touch any other object but its Node. It runs in a thread of its own.
"""

import asyncio
import json
import ssl
import threading
import time
from typing import Any

import aiohttp

from tests.support.apibed import ApiBed
from tests.support.lastwords import connections_ended
from tests.support.podkubelet import CONNECTIONS, Behave, Kubelet, Life
from tests.support.podlife import HOST_IP, NODE, Manifest, by_annotation, pod_ip, timestamp

_USER = "pod-faker"
_START_SECONDS = 10.0


class PodFaker:
    """Plays the node for every pod of a bed, or of one namespace. `behave` says what becomes of a pod, and is quick.

    A pod's behaviour is asked when the pod appears, when its labels or annotations change, and by `use`.
    """

    def __init__(self, bed: ApiBed, behave: Behave = by_annotation, *, namespace: str = "", grace: float = 0.0) -> None:
        self._bed = bed
        self._path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        self._token = bed.token(_USER)
        self._behave = behave
        self._grace = grace
        self._lives: dict[str, Life] = {}
        self._number = 0
        self._started = threading.Event()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problem: Exception | None = None
        _make_node(bed)
        self._thread = threading.Thread(target=self._run, name="pod-faker", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_SECONDS):
            raise RuntimeError("the pod faker did not start")
        self._raise()

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread.is_alive()

    def use(self, behave: Behave) -> None:
        """Ask this function from now on, for pods that are there too."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._change, behave)

    def close(self) -> None:
        """End the thread; raises RuntimeError when it had ended by itself before."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(_START_SECONDS)
        self._raise()

    def _raise(self) -> None:
        if self._problem is not None:
            raise RuntimeError("the pod faker ended by itself") from self._problem

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve())
        except Exception as e:  # noqa: BLE001 -- told by close, in the caller's thread
            self._problem = e
        self._started.set()

    async def _serve(self) -> None:
        trusted = ssl.create_default_context(cafile=str(self._bed.ca))
        connector = aiohttp.TCPConnector(ssl=trusted, limit=CONNECTIONS + 1)
        headers = {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        async with aiohttp.ClientSession(
            self._bed.url, connector=connector, headers=headers, timeout=timeout, read_bufsize=2**22
        ) as session:
            self._kubelet = Kubelet(session, self._grace)
            watching: asyncio.Future[Any] = asyncio.ensure_future(self._watch(session))
            stopping: asyncio.Future[Any] = asyncio.ensure_future(self._stop.wait())
            ends = (watching, stopping, self._kubelet.broken)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            done = [end for end in ends if end.done()]
            work = [watching, stopping, *(life.task for life in self._lives.values())]
            for task in work:
                task.cancel()
            await asyncio.wait(work)
        await connections_ended()
        for end in done:
            end.result()

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        """List and watch again and again; what fell between two streams is in the next list."""
        while True:
            async with session.get(self._path, raise_for_status=True) as answer:
                listed = await answer.json()
            for uid in self._lives.keys() - {p["metadata"]["uid"] for p in listed["items"]}:
                self._lives.pop(uid).task.cancel()
            for pod in listed["items"]:
                self._see(pod)
            self._started.set()
            query = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
            async with session.get(self._path, params=query, raise_for_status=True) as stream:
                async for line in stream.content:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        break
                    if event["type"] == "DELETED":
                        self._forget(event["object"])
                    else:
                        self._see(event["object"])

    def _see(self, pod: Manifest) -> None:
        uid = pod["metadata"]["uid"]
        life = self._lives.get(uid)
        if life is None:
            self._number += 1
            ip = pod.get("status", {}).get("podIP") or pod_ip(self._number)
            life = self._lives[uid] = Life(pod, ip, self._kubelet)
        life.see(pod, self._behave)

    def _forget(self, pod: Manifest) -> None:
        life = self._lives.pop(pod["metadata"]["uid"], None)
        if life is not None:
            life.task.cancel()

    def _change(self, behave: Behave) -> None:
        self._behave = behave
        try:
            for life in self._lives.values():
                life.known = None
                life.see(life.pod, behave)
        except Exception as e:  # noqa: BLE001 -- a test's function; its error ends the faker and is told by close
            self._kubelet.fail(e)


def _make_node(bed: ApiBed) -> None:
    """The Node that pods are bound to; without it the pod collector and the EndpointSlice controller object."""
    client = bed.client_of(_USER)
    node = client.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}})
    ready = {"type": "Ready", "status": "True", "reason": "Faked", "message": "no kubelet runs here"}
    times = {"lastHeartbeatTime": timestamp(time.time()), "lastTransitionTime": timestamp(time.time())}
    addresses = [{"type": "InternalIP", "address": HOST_IP}]
    client.set_status(node, {"conditions": [ready | times], "addresses": addresses})
