"""One reconcile: observe, plan, write the intent, apply, write what was observed.

The order is the design: a crash between any two writes leaves a world from which the next run goes on.
"""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from serinus.core import naming, views
from serinus.core.arrange import PodPatch
from serinus.core.child import Head
from serinus.core.model import InvalidSpec
from serinus.core.retention import old_runs
from serinus.plan import Plan, Surroundings, plan
from serinus.resources import BUILDERS
from serinus.shell import logs
from serinus.shell.api_errors import Conflict, NotFound, Refused
from serinus.shell.apply import Applier, Owner, Result, Sweep, Wanted
from serinus.shell.kinds import Object, Ref
from serinus.shell.kube import Api
from serinus.shell.observe import Observation, Observer
from serinus.shell.obstacles import unsettled, vital, with_obstacle
from serinus.shell.outcomes import Outcome
from serinus.shell.rebuild import with_lost_revisions
from serinus.shell.records import NotSettled, Outdated, Recorder
from serinus.shell.shown import needless, output, shown_outputs, skipped
from serinus.shell.voice import Voice
from serinus.shell.watches import Watches
from serinus.shell.world import JOB, LLMSERVICE, POD, PROBERUN, PRUNED, REPLICASET, Customs

_log = logging.getLogger(__name__)
_REFUSED_AGAIN = 60.0
"""Seconds until a template that the API server refused is tried again: a webhook may have been the reason."""
_SOON = 0.2
"""Seconds until the next look after a change of our own: long enough for a controller to have seen it."""
_NEXT = 0.1
"""Seconds until the look after a step: in them the watches tell what the writes of the step have made."""
_CHEAPEST = str(-(2**31))
"""Deletion cost of a drained pod: below any that a template gives its pods, or others would go before it."""
_ONCE_KINDS = frozenset(b.kind for b in BUILDERS if b.once)
_TRAFFIC_KINDS = frozenset({"ReplicaSet", "Service"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a reconcile works with."""

    api: Api
    applier: Applier
    observer: Observer
    customs: Customs
    watches: Watches
    around: Surroundings
    voice: Voice
    installed: Callable[[str], bool]  # whether an API (`monitoring.coreos.com/v1`) is there
    clock: Callable[[], float] = time.time


class Reconciler:
    """Brings one service a step further; every trigger calls the same `run`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._recorder = Recorder(tools.api, tools.customs, tools.watches, tools.clock)

    async def run(self, namespace: str, name: str) -> float | None:
        """Run once; returns seconds until the clock alone can change something. Raises what is to be retried."""
        try:
            return await self._run(namespace, name)
        except Outdated as e:
            _log.debug("again: %s", e)
            return _SOON

    async def _run(self, namespace: str, name: str) -> float | None:
        tools = self._tools
        body = tools.customs.get(LLMSERVICE, namespace, name)
        if body is None or body["metadata"].get("deletionTimestamp"):
            tools.voice.forget(namespace, name)
            return await self._forget_orphans(namespace, name) if body is None else None
        observation = await tools.observer.observe(body)
        whole = await with_lost_revisions(tools.api, observation.snapshot)
        observation = dataclasses.replace(observation, snapshot=whole)
        try:
            planned, refused = await self._plan(observation)
        except InvalidSpec as e:
            tools.voice.invalid(await self._recorder.invalid(body, e))
            return None
        again = await self._act(body, planned, observation)
        if again is not None:
            return again
        return _soonest(_REFUSED_AGAIN if refused else planned.requeue_after, observation.again)

    async def _forget_orphans(self, namespace: str, name: str) -> float | None:
        """Evidence that has outlived its service is kept for its time, and no longer."""
        runs = (views.run_seen(r) for r in self._tools.customs.of_service(PROBERUN, namespace, name))
        before = self._tools.clock() - self._tools.around.evidence_max_age
        gone = old_runs([r for r in runs if r is not None], before=before)
        await self._recorder.forget(namespace, gone)
        return _SOON if gone else None

    async def run_probe_set(self, namespace: str, name: str) -> float | None:
        """Bring the status of a ProbeSet up to date; returns seconds until a failed reading is worth another look."""
        probe_sets = self._tools.observer.probe_sets
        try:
            await self._recorder.probe_set(probe_sets, namespace, name)
        except Outdated as e:
            _log.debug("again: %s", e)
            return _SOON
        return probe_sets.again(namespace, name)

    async def _plan(self, observation: Observation) -> tuple[Plan, bool]:
        """Plan; a revision that is new to the API server is tried with a dry run, and planned again if refused."""
        now = self._tools.clock()
        planned = plan(observation.snapshot, self._tools.around, now)
        if planned.check is None:
            return planned, False
        try:
            await self._tools.api.apply(planned.check, dry_run=True)
        except Refused as e:
            snapshot = dataclasses.replace(observation.snapshot, refused=f"spec.workload.template: {e.message}"[:1000])
            return plan(snapshot, self._tools.around, now), True
        return planned, False

    async def _act(self, body: Object, planned: Plan, observation: Observation) -> float | None:
        """Write: intent, children, pods' labels, runs, then status. Returns seconds if another look is due soon."""
        namespace = body["metadata"]["namespace"]
        if planned.moved:
            body = await self._recorder.service(body, planned, shown_outputs(body))
        outcomes = await self._apply(body, planned, observation)
        outcomes += await self._relabel(namespace, planned.patches)
        await self._recorder.runs(namespace, planned)
        await self._recorder.forget(namespace, planned.expired)
        told, changed = with_obstacle(planned, outcomes)
        outputs = [output(o, planned.notes) for o in outcomes if not vital(o) and o.result is not Result.PRUNED]
        outputs += skipped(planned, self._tools.installed)
        outputs = shown_outputs(body) if planned.invalid else outputs
        if changed or not planned.moved or any(o.failed for o in outcomes):
            # After a step the next look, which is due at once, writes the intent that follows and this in one.
            body = await self._recorder.service(body, told, outputs)
        self._tools.voice.tell(body, told, outputs)
        _raise_failures(planned, outcomes)
        if planned.moved:
            return _NEXT
        busy = (
            changed
            or planned.patches
            or planned.runs
            or planned.decisions
            or planned.expired
            or any(_soon_again(o) for o in outcomes)
        )
        return _SOON if busy else None

    async def _apply(self, body: Object, planned: Plan, observation: Observation) -> list[Outcome]:
        """Write the children that differ; what bears traffic only at the version that was decided on."""
        namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
        wanted = []
        installed = self._tools.installed
        for child in planned.children:
            head = child.head
            if not installed(head.api_version) or needless(head, installed) or self._made_already(head):
                continue
            version = observation.versions.get((head.kind, head.name)) if head.kind in _TRAFFIC_KINDS else None
            wanted.append(Wanted(child, resource_version=version))
        kinds = [k for k in PRUNED if installed(k.api_version)]
        busy = {s.name for s in observation.snapshot.sets if s.replicas}
        # What has pods is drained first, whatever a plan forgot: pruning would cut them off.
        sweep = Sweep(namespace, name, kinds, keep=lambda ref, _: ref.kind == REPLICASET and ref.name in busy)
        return await self._tools.applier.apply_all(_owner(body), wanted, None if planned.invalid else sweep)

    def _made_already(self, head: Head) -> bool:
        """Runs and Jobs are evidence: one that exists is never written again, whoever made it."""
        if head.kind not in _ONCE_KINDS:
            return False
        if head.kind == PROBERUN.kind:
            return self._tools.customs.get(PROBERUN, head.namespace or "", head.name) is not None
        return self._tools.watches.get(Ref(JOB, head.namespace, head.name)) is not None

    async def _relabel(self, namespace: str, patches: tuple[PodPatch, ...]) -> list[Outcome]:
        """Patch pods at the version that was read; returns what was refused: admission may know an older revision."""
        refused = []
        for patch in patches:
            ref = Ref(POD, namespace, patch.pod)
            wanted = _pod_patch(patch, self._tools.clock())
            try:
                changed = await self._tools.api.patch_merge(ref, wanted, resource_version=patch.resource_version)
            except (Conflict, NotFound):
                continue  # it changed since it was read: the next look decides anew
            except Refused as e:
                refused.append(Outcome(ref, Result.REFUSED, e.message, e.reason))
                continue
            self._tools.watches.learn(POD, changed)
            logs.event(_log, "relabelled", object=ref.text, live=patch.live, drain=patch.drain)
        return refused


def _soonest(*seconds: float | None) -> float | None:
    return min((s for s in seconds if s is not None), default=None)


def _owner(body: Object) -> Owner:
    metadata = body["metadata"]
    return Owner(naming.API_VERSION, LLMSERVICE.kind, metadata["name"], metadata["uid"])


def _pod_patch(patch: PodPatch, now: float) -> Object:
    labels: dict[str, str] = {}
    metadata: Object = {"uid": patch.uid, "labels": labels}
    if patch.live is not None:
        labels[naming.LABEL_TRAFFIC] = naming.TRAFFIC_LIVE if patch.live else naming.TRAFFIC_IDLE
    if patch.drain is not None:
        labels[naming.LABEL_DRAIN] = "true" if patch.drain else "false"
        metadata["annotations"] = {
            naming.ANNOTATION_DELETION_COST: _CHEAPEST if patch.drain else None,
            naming.ANNOTATION_DRAIN_SINCE: views.timestamp(now) if patch.drain else None,
        }
    return {"metadata": metadata}


def _soon_again(outcome: Outcome) -> bool:
    """Whether an outcome calls for another look at once: the world was newer, or a Job waits to be recorded."""
    return outcome.result is Result.STALE or (outcome.result is Result.CREATED and outcome.ref.kind == JOB)


def _raise_failures(planned: Plan, outcomes: list[Outcome]) -> None:
    """A child that could not be written is tried again with backoff; a refused output stands in status."""
    if any(o.result is Result.STALE for o in outcomes):
        return  # the world was newer than what was decided on: the next look, which is soon, decides anew
    if failed := unsettled(planned, outcomes):
        raise NotSettled("; ".join(o.message for o in failed[:3]))
