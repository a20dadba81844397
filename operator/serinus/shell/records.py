"""The writer of status: of services, ProbeSets, ProbeRuns and Decisions, each at the version that was read."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serinus.core import invalidstatus, judge_quality, status, views
from serinus.core.conditions import Condition, merge
from serinus.core.model import InvalidSpec
from serinus.core.seen import RunSeen
from serinus.core.status import Output
from serinus.plan import Plan
from serinus.shell import logs
from serinus.shell.api_errors import Conflict, NotFound
from serinus.shell.kinds import Object, Ref
from serinus.shell.kube import Api
from serinus.shell.observe import ProbeSets
from serinus.shell.watches import Watches
from serinus.shell.world import DECISION, JOB, LLMSERVICE, PROBERUN, PROBESET, Customs

_log = logging.getLogger(__name__)


class NotSettled(Exception):
    """The world refused a change; the next run looks again."""


class Outdated(Exception):
    """An object changed between the look at it and the write: nothing went wrong, look again at once."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes status where it differs."""

    api: Api
    customs: Customs
    watches: Watches
    clock: Callable[[], float]

    async def service(self, body: Object, planned: Plan, outputs: list[Output]) -> Object:
        """Write the status of a service if it differs; returns the object as it is then."""
        at = views.timestamp(self.clock())
        return await self._write(body, status.build(planned.view, outputs, body.get("status") or {}, at))

    async def invalid(self, body: Object, error: InvalidSpec) -> Object:
        """Say what is wrong with a spec; everything that runs stays as it is."""
        at = views.timestamp(self.clock())
        generation = int(body["metadata"].get("generation", 0))
        found = invalidstatus.invalid(body.get("status") or {}, str(error), generation, at)
        return await self._write(body, found)

    async def _write(self, body: Object, wanted: Object) -> Object:
        """A Conflict means that another operator acts or that the spec is newer: stop, and look again."""
        if (body.get("status") or {}) == wanted:
            return body
        ref = Ref.of(LLMSERVICE, body)
        version = body["metadata"]["resourceVersion"]
        try:
            written = await self.api.patch_status(ref, wanted, resource_version=version)
        except Conflict as e:
            await self._refresh(ref)
            raise Outdated(f"{ref.text}: changed while it was looked at") from e
        except NotFound:
            self.customs.remove(LLMSERVICE, ref.namespace or "", ref.name)
            return body
        self.customs.offer(LLMSERVICE, written)
        return written

    async def _refresh(self, ref: Ref) -> None:
        try:
            self.customs.offer(ref.kind, await self.api.get(ref))
        except NotFound:
            self.customs.remove(ref.kind, ref.namespace or "", ref.name)

    async def runs(self, namespace: str, planned: Plan) -> None:
        """Record results before they count, end Jobs that nobody waits for, answer Decisions."""
        for run in planned.runs:
            await self._record(Ref(PROBERUN, namespace, run.run.name), run.status, run.run.resource_version)
            if "j" in run.status.get("judge", {}):
                await self._tell_probe_set(namespace, run.run.spec["probeSet"]["name"])
            if run.unwanted:
                await self._end_job(Ref(JOB, namespace, run.run.name))
        for decision in planned.decisions:
            found = decision.decision
            await self._record(Ref(DECISION, namespace, found.name), decision.status, found.resource_version)

    async def _record(self, ref: Ref, found: Object, version: str) -> None:
        try:
            body = await self.api.patch_status(ref, found, resource_version=version)
        except NotFound:
            self.customs.remove(ref.kind, ref.namespace or "", ref.name)
            return
        except Conflict as e:
            await self._refresh(ref)
            raise Outdated(f"{ref.text}: changed while it was looked at") from e
        self.customs.offer(ref.kind, body)
        logs.event(_log, "recorded", object=ref.text, phase=found.get("phase", ""), verdict=found.get("verdict", ""))

    async def forget(self, namespace: str, runs: Sequence[RunSeen]) -> None:
        """Delete old evidence: these very objects, and not one that was made again under the same name."""
        for run in runs:
            ref = Ref(PROBERUN, namespace, run.name)
            try:
                await self.api.delete(ref, uid=run.uid)
            except (NotFound, Conflict):
                await self._refresh(ref)
                continue
            self.customs.remove(PROBERUN, namespace, run.name)
            logs.event(_log, "forgotten", object=ref.text, finished=run.status.get("finishedAt", ""))

    async def _end_job(self, ref: Ref) -> None:
        job = self.watches.get(ref)
        if job is None or job.deleting:
            return
        try:
            await self.api.delete(ref, uid=job.uid)
        except (NotFound, Conflict):
            return
        logs.event(_log, "ended", object=ref.text)

    async def probe_set(self, probe_sets: ProbeSets, namespace: str, name: str) -> None:
        """Bring the status of a ProbeSet up to date."""
        resolved = await probe_sets.resolve_with_status(namespace, name)
        body = self.customs.get(PROBESET, namespace, name)
        if resolved is None or body is None:
            return
        seen, found = resolved
        valid = Condition("Valid", "False" if seen.problem else "True", seen.reason or "Resolved", seen.problem)
        previous = (body.get("status") or {}).get("conditions") or []
        generation = int(body["metadata"].get("generation", 0))
        at = views.timestamp(self.clock())
        wanted = {**self._measured(namespace, name, found), "conditions": merge([valid], previous, generation, at)}
        if (body.get("status") or {}) != wanted:
            await self._record(Ref(PROBESET, namespace, name), wanted, body["metadata"]["resourceVersion"])

    async def _tell_probe_set(self, namespace: str, name: str) -> None:
        """A run has measured the judges: their ProbeSet says so without waiting for its next look."""
        body = self.customs.get(PROBESET, namespace, name)
        if body is None or not body.get("status"):
            return
        wanted = self._measured(namespace, name, body["status"])
        if body["status"] != wanted:
            await self._record(Ref(PROBESET, namespace, name), wanted, body["metadata"]["resourceVersion"])

    def _measured(self, namespace: str, name: str, found: Object) -> Object:
        """The status of a ProbeSet with what runs have measured of its judges; without judges it stays."""
        if "judge" not in found:
            return found
        runs = (self.customs.get(PROBERUN, *key) or {} for key in self.customs.keys(PROBERUN) if key[0] == namespace)
        return {**found, "judge": found["judge"] | judge_quality.newest(runs, name, str(found.get("digest", "")))}
