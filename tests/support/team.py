"""Owns what a team does in its namespace of the bed, and what it can see: one service `chat`, its questions, its pods.

It plays people and the node; it must not do anything that the operator does.
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from serinus.core import views
from serinus.core.naming import LABEL_PROBE_FOR, LABEL_REVISION, LABEL_SERVICE
from serinus.core.revision import revision_of
from tests.support import promises
from tests.support.apibed import ApiBed
from tests.support.bedclient import ApiError, Client
from tests.support.history import History
from tests.support.objects import API_VERSION, decision, gate, llmservice, merged, pod_template, probeset
from tests.support.operatorproc import Operator
from tests.support.podfaker import PodFaker
from tests.support.podlife import ANNOTATION
from tests.support.probeplay import Script
from tests.support.processes import eventually

Manifest = dict[str, Any]
SECONDS = 60.0
QUICK: Manifest = {
    "steps": [{"trafficPercent": 50, "bake": "1s"}],
    "bake": "1s",
    "drainTimeout": "1s",
    "readyTimeout": "30s",
}
NAME = "chat"
_LOOK = "tests.serinus.dev/look"
Now = Callable[[Manifest], Any]


@dataclass
class Team:
    """A namespace with a service, its history, and the script of its pods."""

    bed: ApiBed
    namespace: str
    script: Script
    history: History
    operator: Operator
    replicas: int = 3
    spec: Manifest | None = None

    @property
    def client(self) -> Client:
        """The administrator."""
        return self.bed.client

    def ask(self, **spec: Any) -> None:
        """Apply the ProbeSet."""
        self.client.apply(probeset(namespace=self.namespace, **spec))

    def deploy(self, model: str, *, behaviour: str = "", **spec: Any) -> str:
        """Apply the service with this model (and what it was given before); the name of its revision."""
        template = pod_template(model=f"/models/{model}")
        if behaviour:
            template["metadata"]["annotations"] = {ANNOTATION: behaviour}
        wanted = {"workload": {"replicas": self.replicas, "template": template}, "rollout": QUICK}
        self.spec = merged(merged(self.spec or wanted, wanted), spec)
        return self.apply(self.spec)

    def apply(self, spec: Manifest) -> str:
        """Apply this spec of the service."""
        body = self.client.apply(llmservice(NAME, self.namespace, **spec))
        return revision_of(body).name

    def begin(self, model: str = "one", **spec: Any) -> str:
        """The first revision, good and promoted."""
        self.ask()
        name = self.deploy(model, **spec)
        self.until_stable(name)
        return name

    def scale(self, replicas: int) -> None:
        """Change the number of replicas, as an autoscaler does."""
        self.replicas = replicas
        body = self.body()
        path = f"{self.client.path_of(body)}/scale"
        self.client.patch(path, {"spec": {"replicas": replicas}})

    def decide(self, action: str, revision: str) -> str:
        """Create a Decision; its name."""
        name = f"{action.lower()}-{secrets.token_hex(3)}"
        uid = self.body()["metadata"]["uid"]
        made = decision(
            name, self.namespace, action=action, revision=revision, llmServiceRef={"name": NAME, "uid": uid}
        )
        self.client.create(made)
        return name

    def until_decided(self, name: str, state: str = "Applied") -> None:
        """Wait until a Decision is told what became of it."""

        def told() -> bool:
            found = self.client.get(API_VERSION, "Decision", name, self.namespace)
            return bool((found.get("status") or {}).get("state") == state)

        eventually(told, f"decision {name} {state}", seconds=SECONDS)

    def body(self) -> Manifest:
        """The service as it is."""
        return self.client.get(API_VERSION, "LLMService", NAME, self.namespace)

    def status(self) -> Manifest:
        """Its status."""
        return self.body().get("status") or {}

    def objects(self, kind: str, version: str, **labels: str) -> list[Manifest]:
        """Objects of the namespace."""
        selector = ",".join(f"{k}={v}" for k, v in labels.items())
        return self.client.list(version, kind, self.namespace, labelSelector=selector)

    def pods(self, revision: str = "") -> list[Manifest]:
        """Serving pods, of one revision or all."""
        labels = {LABEL_SERVICE: NAME} | ({LABEL_REVISION: revision} if revision else {})
        return self.objects("Pod", "v1", **labels)

    def runs(self, revision: str = "") -> list[Manifest]:
        """ProbeRuns of a revision, or all, by the time of their creation and attempt."""
        found = [r for r in self.objects("ProbeRun", API_VERSION) if revision in ("", r["spec"]["revision"])]
        return sorted(found, key=lambda r: (r["metadata"]["creationTimestamp"], r["spec"]["attempt"]))

    def until(self, condition: Now, what: str, *, seconds: float = SECONDS) -> Manifest:
        """Wait until something holds of the status; the status."""

        def holds() -> Manifest | None:
            status = self.status()
            return status if condition(status) else None

        try:
            return eventually(holds, what, seconds=seconds)
        except AssertionError as e:
            raise AssertionError(f"{e}\nstatus: {_short(self.status())}\nlog: {self.operator.tail()}") from None

    def until_stage(self, stage: str, *, seconds: float = SECONDS) -> Manifest:
        """Wait for a stage of the rollout."""
        return self.until(lambda s: stage_of(s) == stage, f"stage {stage}", seconds=seconds)

    def until_stable(self, revision: str, *, seconds: float = SECONDS) -> Manifest:
        """Wait until this revision alone serves, and everything is done."""
        return self.until(lambda s: self._rests(s, revision), f"{revision} stable and alone", seconds=seconds)

    def until_held(self, reason: str, *, seconds: float = SECONDS) -> Manifest:
        """Wait until the rollout is held for this reason."""
        return self.until(lambda s: held_of(s) == reason, f"held: {reason}", seconds=seconds)

    def until_retry_waits(self, retries: int = 0) -> Manifest:
        """Wait until a broken run's next attempt is planned, after so many retries."""

        def waits(status: Manifest) -> bool:
            rollout = status["rollout"]
            return rollout["brokenRetries"] == retries and bool(rollout["intent"].get("retryAt"))

        return self.until(waits, f"the attempt after {retries} retries is planned")

    def until_rejected(self, revision: str, *, stable: str = "", seconds: float = SECONDS) -> Manifest:
        """Wait until this revision is rejected and gone, and the stable one serves alone."""

        def holds(status: Manifest) -> bool:
            gone = not self.pods(revision) and stage_of(status) == "Stable"
            return gone and revision in rejected_of(status) and (not stable or self._rests(status, stable))

        return self.until(holds, f"{revision} rejected", seconds=seconds)

    def is_at_rest(self, revision: str) -> bool:
        """Whether this revision alone serves now, and everything is done."""
        return self._rests(self.status(), revision)

    def turn_clock(self, seconds: int) -> None:
        """Move the times of the rollout's waits back by so many seconds: as if they had passed."""

        def turned() -> bool:
            body = self.body()
            rollout = body["status"]["rollout"]
            for where in (rollout, rollout["intent"]):
                for key in ("since", "retryAt"):
                    if key in where:
                        where[key] = views.timestamp(views.seconds(where[key]) - seconds)
            return self._replaced(body)

        eventually(turned, "the clock turned")

    def touch(self, pod: Manifest) -> None:
        """Make the node look again at a pod."""
        self.client.patch(self.client.path_of(pod), {"metadata": {"annotations": {_LOOK: secrets.token_hex(3)}}})

    def look_again(self) -> None:
        """Make the node look again at the pods of probe Jobs that go on."""
        for pod in self.objects("Pod", "v1", **{LABEL_PROBE_FOR: NAME}):
            with contextlib.suppress(ApiError):  # a pod whose Job was ended meanwhile
                self.client.patch(
                    self.client.path_of(pod), {"metadata": {"annotations": {_LOOK: secrets.token_hex(3)}}}
                )

    def check(self, *, free: tuple[str, ...] = ()) -> None:
        """Nobody reached a revision that had not passed, at any instant."""
        assert promises.check_users(self.history.events(), self.script, free=frozenset(free)) > 0

    def least(self, since: int, until: int = 0) -> int:
        """The smallest number of serving pods since a moment of the history."""
        return promises.least_serving(self.history.events(), self.script, since=since, until=until)

    def _replaced(self, body: Manifest) -> bool:
        try:
            self.client.replace(body, subresource="status")
        except ApiError as e:
            if e.code != 409:
                raise
            return False
        return True

    def _rests(self, status: Manifest, revision: str) -> bool:
        if stage_of(status) != "Stable" or (status.get("stable") or {}).get("revision") != revision:
            return False
        pods = [p for p in self.pods() if p["status"].get("phase") not in ("Failed", "Succeeded")]
        mine = [p for p in pods if promises.revision_of(p) == revision and promises.is_ready(p)]
        serves = len(pods) == len(mine) == self.replicas == int(status.get("readyReplicas", 0))
        return serves and all(self._selects(f"{NAME}-{side}", revision) for side in ("stable", "canary"))

    def _selects(self, service: str, revision: str) -> bool:
        found = self.client.find("v1", "Service", service, self.namespace)
        return found is not None and found["spec"]["selector"].get(LABEL_REVISION) == revision


def stage_of(status: Manifest) -> str:
    """The stage of the rollout."""
    return str((status.get("rollout") or {}).get("stage", ""))


def held_of(status: Manifest) -> str:
    """Why the rollout is held; empty if it is not."""
    return str(((status.get("rollout") or {}).get("held") or {}).get("reason", ""))


def rejected_of(status: Manifest) -> list[str]:
    """The rejected revisions."""
    return [str(r["revision"]) for r in status.get("rejected") or []]


def with_gate(**fields: Any) -> Manifest:
    """A spec's gates: the one gate, with other fields."""
    return {"quality": [gate(**fields)]}


@contextlib.contextmanager
def a_team(bed: ApiBed, operator: Operator, *, namespace: str = "") -> Iterator[Team]:
    """A namespace with its node and its history, cleared away afterwards."""
    where = namespace or bed.new_namespace()
    script = Script()
    history = History(bed, where)
    faker = PodFaker(bed, script, namespace=where)
    try:
        yield Team(bed, where, script, history, operator)
    finally:
        history.close()
        _clear(bed.client, where)
        faker.close()


def _clear(client: Client, namespace: str) -> None:
    """End the service, then its pods at once: no kubelet would."""
    client.request("DELETE", client.path(API_VERSION, "LLMService", namespace))
    client.request("DELETE", client.path("apps/v1", "ReplicaSet", namespace))
    client.request("DELETE", client.path("v1", "Pod", namespace), query={"gracePeriodSeconds": "0"})
    client.delete({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})


def _short(status: Manifest) -> Manifest:
    return {k: status.get(k) for k in ("phase", "message", "rollout", "stable", "canary", "readyReplicas", "rejected")}
