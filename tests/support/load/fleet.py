"""Owns many services at once in the bed, their pods played, and waiting for all of them. It measures nothing."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from tests.support.apibed import ApiBed
from tests.support.objects import API_VERSION, llmservice, pod_template, probeset
from tests.support.podfaker import PodFaker
from tests.support.probeplay import Script
from tests.support.processes import eventually
from tests.support.team import QUICK
from tests.support.waits import Deadline

Manifest = dict[str, Any]
_LOOK = 1.0
_QUIET = 5.0


class Fleet:
    """Services `chat-0`, `chat-1`, … spread over namespaces, each with a gate on the one ProbeSet of its namespace."""

    def __init__(self, bed: ApiBed, namespaces: Sequence[str], services: int, *, replicas: int = 1) -> None:
        self._bed = bed
        self._namespaces = list(namespaces)
        self._replicas = replicas
        self.services = services
        self.script = Script()
        self._fakers = [PodFaker(bed, self.script, namespace=n) for n in self._namespaces]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        for faker in self._fakers:
            faker.close()

    def deploy(self, model: str = "one") -> None:
        """Apply every ProbeSet and service."""
        for namespace in self._namespaces:
            self._bed.client.apply(probeset(namespace=namespace))
        workload = {"replicas": self._replicas, "template": pod_template(model=f"/models/{model}")}
        for number in range(self.services):
            namespace = self._namespaces[number % len(self._namespaces)]
            self._bed.client.apply(llmservice(f"chat-{number}", namespace, workload=workload, rollout=QUICK))

    def statuses(self) -> list[Manifest]:
        """The status of every service that has one."""
        found = [s for n in self._namespaces for s in self._bed.client.list(API_VERSION, "LLMService", n)]
        return [s["status"] for s in found if s.get("status")]

    def stable(self) -> int:
        """How many services have nothing to do: a stable revision with all of its pods, or no replica to judge."""
        wanted = ("Stable", self._replicas) if self._replicas else ("Held", 0)
        return sum(
            (s["phase"], s["readyReplicas"]) == wanted and s["rollout"]["stage"] == "Stable" for s in self.statuses()
        )

    def wait_stable(self, *, seconds: float) -> None:
        """Wait until every service is stable."""

        def all_stable() -> bool:
            time.sleep(_LOOK)  # a list of all services is not free, and not what is measured
            return self.stable() == self.services

        eventually(all_stable, f"{self.services} stable services", seconds=seconds)

    def wait_quiet(self, writes: Callable[[], Sequence[object]], *, seconds: float) -> None:
        """Wait until no write was made for five seconds: events come a little later than what they tell."""
        deadline = Deadline(seconds, lambda: f"five seconds without a write; so far {len(writes())}")
        count, since = -1, time.monotonic()
        while time.monotonic() - since < _QUIET:
            if len(writes()) != count:
                count, since = len(writes()), time.monotonic()
            deadline.wait(_LOOK)
