"""A fake cluster in memory: takes what a plan writes, and plays controllers, kubelet and probe runner. No API server.

Objects are kept as Kubernetes has them and read through `core.views`, as the engine does. It checks nothing.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from serinus.core import naming, views
from serinus.core import status as statuses
from serinus.core.alert import AlertGroup
from serinus.core.decisions import Trust
from serinus.core.model import Manifest
from serinus.core.naming import LABEL_DRAIN, LABEL_REVISION, LABEL_TRAFFIC
from serinus.core.questions import read_probe_set
from serinus.core.report import Pairs, Report, Side, Usage, encode
from serinus.core.runspec import ENV_RUN, RunSpec, from_json
from serinus.core.runtime import Catalogue
from serinus.core.seen import JobSeen, ProbeSetSeen, Snapshot
from serinus.core.status import Output
from serinus.plan import Plan, Surroundings, plan
from serinus.resources import BUILDERS
from serinus.resources.context import Settings
from serinus.shell.catalogue import RUNTIMES, load
from serinus.shell.kinds import Kind, Ref
from serinus.shell.obstacles import with_obstacle
from serinus.shell.outcomes import Outcome, Result
from tests.golden.render import ROOT
from tests.support import objects

Key = tuple[str, str]
START = 1_700_000_000.0
ONCE = {b.kind for b in BUILDERS if b.once}
PRUNED = {b.kind for b in BUILDERS if b.prune}
OUTPUTS = {b.kind for b in BUILDERS if b.output}


@cache
def surroundings() -> Surroundings:
    library = load(RUNTIMES, ROOT / "alert-rules")
    runtimes: Catalogue = library.runtimes
    alerts: tuple[AlertGroup, ...] = library.alerts
    settings, trust = Settings(probe_image="example/serinus:1"), Trust(verified=True)
    return Surroundings(catalogue=runtimes, settings=settings, alerts=alerts, trust=trust)


def good(spec: RunSpec) -> Report | str:
    """Answer every question on both sides."""
    return counted(spec, passed=100, failed=0, lost=0)


def bad(spec: RunSpec) -> Report | str:
    """Answer a third of the questions wrongly that stable answers."""
    return counted(spec, passed=67, failed=33, lost=33)


def counted(spec: RunSpec, *, passed: int, failed: int, lost: int) -> Report:
    paired = bool(spec.identity.baseline)
    both = passed + failed
    return Report(
        identity=spec.identity,
        pairs=Pairs(lost=lost, tied=both - lost) if paired else Pairs(),
        canary=Side(passed=passed, failed=failed),
        stable=Side(passed=both) if paired else Side(),
        probes_seen=2,
        usage=Usage(calls=2 * both if paired else both),
        end="Decided",
    )


@dataclass
class FakeWorld:
    """One service and everything around it."""

    body: Manifest
    now: float = START
    objects: dict[Key, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    job_pods: dict[str, list[Manifest]] = field(default_factory=dict)
    probe_sets: dict[str, ProbeSetSeen] = field(default_factory=dict)
    answer: Callable[[RunSpec], Report | str | None] = good  # None: the probe goes on
    ready: Callable[[Manifest], bool] = lambda _pod: True
    refused: Callable[[Manifest], str] = lambda _manifest: ""  # what the API server has against an object
    around: Surroundings = field(default_factory=surroundings)
    writes: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    _count: int = 0

    def number(self) -> int:
        self._count += 1
        return self._count

    # What the operator sees

    def snapshot(self) -> Snapshot:
        def of(kind: str) -> list[Manifest]:
            return [o for (k, _), o in sorted(self.objects.items()) if k == kind]

        runs = (views.run_seen(r) for r in of("ProbeRun"))
        reachable = {s["metadata"]["name"]: self.endpoints(s) for s in of("Service")}
        selected = {s["metadata"]["name"]: s["spec"]["selector"].get(LABEL_REVISION, "") for s in of("Service")}
        name = self.body["metadata"]["name"]
        stable = self.objects.get(("Service", naming.stable_service(name)))
        return Snapshot(
            body=copy.deepcopy(self.body),
            sets=tuple(views.set_seen(s) for s in of("ReplicaSet")),
            pods=tuple(views.pod_seen(p) for _, p in sorted(self.pods.items())),
            routed=reachable.get(name, frozenset()),
            reachable=reachable,
            selected=selected,
            revisions=tuple(views.revision_seen(r) for r in of("ControllerRevision")),
            jobs=tuple(self.job(j) for j in of("Job")),
            runs=tuple(r for r in runs if r),
            decisions=tuple(views.decision_seen(d) for d in of("Decision")),
            probe_sets=dict(self.probe_sets),
            stable_selector=stable["spec"]["selector"].get(LABEL_REVISION, "") if stable else "",
        )

    def endpoints(self, service: Manifest) -> frozenset[str]:
        wanted = service["spec"]["selector"].items()
        return frozenset(
            n for n, p in self.pods.items() if wanted <= p["metadata"]["labels"].items() and views.pod_seen(p).ready
        )

    def job(self, job: Manifest) -> JobSeen:
        return views.job_seen(job, [views.job_pod_seen(p) for p in self.job_pods.get(job["metadata"]["name"], [])])

    # What the operator does

    def look(self) -> Plan:
        return plan(self.snapshot(), self.around, self.now)

    def reconcile(self, *, killed_after: int = 99) -> Plan:
        """Plan once and take everything that the plan writes, in the order of the engine, unless it is killed before.

        1: after the intent, 2: after the children, 3: after the labels of pods, 4: after runs and Decisions.
        """
        planned = self.look()
        shown = [
            Output(**{f: str(o.get(f, "")) for f in ("kind", "name", "state")}) for o in self.status("outputs", [])
        ]
        if planned.moved:
            self.write_status(planned, shown)
        if killed_after <= 1:
            return planned
        outcomes = self.apply(planned.manifests, prune=not planned.invalid)
        if killed_after <= 2:
            return planned
        planned, _ = with_obstacle(planned, outcomes)
        for patch in planned.patches:
            self.relabel(patch.pod, live=patch.live, drain=patch.drain)
        if killed_after <= 3:
            return planned
        for run in planned.runs:
            self.objects["ProbeRun", run.run.name]["status"] = json.loads(json.dumps(run.status))
            self.writes.append(f"ProbeRun {run.run.name} status")
            if run.unwanted:
                self.objects.pop(("Job", run.run.name), None)
        for old in planned.expired:
            del self.objects["ProbeRun", old.name]
            self.writes.append(f"delete ProbeRun {old.name}")
        for decision in planned.decisions:
            self.objects["Decision", decision.decision.name]["status"] = dict(decision.status)
            self.writes.append(f"Decision {decision.decision.name} status")
        if killed_after <= 4:
            return planned
        made = [m for m in planned.manifests if m["kind"] in OUTPUTS]
        self.write_status(planned, [Output(kind=m["kind"], name=m["metadata"]["name"], state="Applied") for m in made])
        self.told += [s.reason for s in planned.stories]
        return planned

    def write_status(self, planned: Plan, outputs: list[Output]) -> None:
        old = self.body.get("status") or {}
        new = json.loads(json.dumps(statuses.build(planned.view, outputs, old, views.timestamp(self.now))))
        if new != old:
            self.body["status"] = new
            self.writes.append("status")

    def apply(self, manifests: tuple[Manifest, ...], *, prune: bool = True) -> list[Outcome]:
        outcomes: list[Outcome] = []
        wanted: set[Key] = set()
        for manifest in manifests:
            key = manifest["kind"], manifest["metadata"]["name"]
            wanted.add(key)
            old = self.objects.get(key)
            if old is not None and (manifest["kind"] in ONCE or self.same(old, manifest)):
                continue
            if words := self.refused(manifest):
                ref = Ref(Kind("", manifest["apiVersion"], key[0].lower(), key[0]), "default", key[1])
                outcomes.append(Outcome(ref, Result.REFUSED, words))
                continue
            self.objects[key] = self.admitted(manifest, old)
            self.writes.append(" ".join(key))
        for key in [k for k in self.objects if prune and k[0] in PRUNED and k not in wanted]:
            del self.objects[key]
            self.writes.append(f"delete {' '.join(key)}")
        return outcomes

    def same(self, old: Manifest, new: Manifest) -> bool:
        kept = {k: v for k, v in old["metadata"].items() if k in new["metadata"]}
        return {**old, "metadata": kept, "status": None} == {**new, "status": None}

    def admitted(self, manifest: Manifest, old: Manifest | None) -> Manifest:
        """What an API server makes of a manifest: metadata, and an owner."""
        made: Manifest = json.loads(json.dumps(manifest))
        number = self.number()
        metadata = made["metadata"]
        metadata["uid"] = old["metadata"]["uid"] if old else f"uid-{number}"
        metadata["resourceVersion"] = str(number)
        metadata["generation"] = number
        metadata["creationTimestamp"] = old["metadata"]["creationTimestamp"] if old else views.timestamp(self.now)
        metadata.setdefault("ownerReferences", [{"uid": self.body["metadata"]["uid"]}])
        made["status"] = {"observedGeneration": number} if made["kind"] == "ReplicaSet" else None
        return made

    def relabel(self, name: str, *, live: bool | None, drain: bool | None) -> None:
        metadata = self.pods[name]["metadata"]
        if live is not None:
            metadata["labels"][LABEL_TRAFFIC] = "live" if live else "idle"
        if drain is not None:
            metadata["labels"][LABEL_DRAIN] = "true" if drain else "false"
            metadata["annotations"] = {naming.ANNOTATION_DRAIN_SINCE: views.timestamp(self.now)} if drain else {}
        self.writes.append(f"Pod {name}")

    # What the others do

    def tick(self, seconds: float = 5.0) -> None:
        """Let time pass: pods come and go, probe Jobs answer."""
        self.now += seconds
        for (kind, _), found in list(self.objects.items()):
            if kind == "ReplicaSet":
                self.run_replica_set(found)
            elif kind == "Job":
                self.run_job(found)

    def run_replica_set(self, found: Manifest) -> None:
        template = found["spec"]["template"]
        mine = [
            p
            for p in self.pods.values()
            if p["metadata"]["labels"][LABEL_REVISION] == template["metadata"]["labels"][LABEL_REVISION]
            and (p.get("status") or {}).get("phase") != "Failed"
        ]
        for _ in range(found["spec"]["replicas"] - len(mine)):
            name = f"{found['metadata']['name']}-{self.number():04}"
            metadata = copy.deepcopy(template["metadata"]) | {"name": name, "uid": f"uid-{name}", "annotations": {}}
            self.pods[name] = {"metadata": metadata, "status": {}}
            mine.append(self.pods[name])
        mine.sort(key=lambda p: p["metadata"]["labels"][LABEL_DRAIN] != "true")
        for pod in mine[: max(0, len(mine) - found["spec"]["replicas"])]:
            del self.pods[pod["metadata"]["name"]]
        for pod in mine:
            if self.ready(pod):
                pod["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}

    def run_job(self, job: Manifest) -> None:
        name = job["metadata"]["name"]
        env: list[dict[str, Any]] = job["spec"]["template"]["spec"]["containers"][0]["env"]
        answer = self.answer(from_json(next(e["value"] for e in env if e["name"] == ENV_RUN)))
        message = encode(answer) if isinstance(answer, Report) else answer
        ended = {"terminated": {"exitCode": 0, "message": message}} if message is not None else {"running": {}}
        owner = {"apiVersion": "batch/v1", "kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
        created = job["metadata"]["creationTimestamp"]
        self.job_pods[name] = [
            {
                "metadata": {"name": name, "uid": name, "creationTimestamp": created, "ownerReferences": [owner]},
                "spec": copy.deepcopy(job["spec"]["template"]["spec"]),
                "status": {"containerStatuses": [{"name": "probe", "state": ended}]},
            }
        ]

    # What people do, and questions

    def status(self, field_name: str, default: Any = None) -> Any:
        return (self.body.get("status") or {}).get(field_name, default)

    @property
    def stage(self) -> str:
        return str(self.status("rollout", {}).get("stage", ""))

    @property
    def stable(self) -> str:
        return str(self.status("rollout", {}).get("intent", {}).get("stable", ""))

    def change(self, image: str) -> None:
        self.body["spec"]["workload"]["template"]["spec"]["containers"][0]["image"] = image
        self.body["metadata"]["generation"] += 1

    def decide(self, action: str, revision: str, name: str = "decision-1") -> None:
        made = objects.decision(name, action=action, revision=revision, llmServiceRef={"name": "chat", "uid": None})
        self.objects["Decision", name] = self.admitted(made, None)

    def run_until(self, done: Callable[["FakeWorld"], bool], *, turns: int = 400) -> "FakeWorld":
        for _ in range(turns):
            if done(self):
                return self
            self.reconcile()
            self.tick()
        raise AssertionError(f"not reached: {self.status('rollout')} {self.status('message')} {self.told[-8:]}")

    def rest(self) -> "FakeWorld":
        """Go on until a rollout is over and nothing is written any more."""
        return self.run_until(lambda w: w.stage == "Stable" and w.idle())

    def idle(self) -> bool:
        """Reconcile once more: whether nothing was written."""
        self.writes.clear()
        self.reconcile()
        return not self.writes

    def users(self) -> set[str]:
        """Revisions that users reach now."""
        service = self.objects.get(("Service", self.body["metadata"]["name"]))
        names = self.endpoints(service) if service else frozenset()
        return {self.pods[n]["metadata"]["labels"][LABEL_REVISION] for n in names}


def world(**spec: Any) -> FakeWorld:
    """A service that does not exist yet, with its ProbeSet of two questions."""
    body = objects.llmservice(**spec)
    body["metadata"] |= {"uid": "uid-service", "generation": 1}
    made = FakeWorld(body)
    found, _ = read_probe_set("support", objects.probeset()["spec"], {})
    made.probe_sets["support"] = found
    return made


def changed_questions(text: str) -> ProbeSetSeen:
    """A ProbeSet of the same name with other questions."""
    spec = objects.probeset(source={"inline": objects.PROBES.replace("30 days", text)})["spec"]
    return read_probe_set("support", spec, {})[0]


FAST = {"rollout": {"steps": [{"trafficPercent": 50, "bake": "10s"}], "bake": "20s", "drainTimeout": "5s"}}
