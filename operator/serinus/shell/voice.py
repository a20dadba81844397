"""What the engine tells of a service: Kubernetes events, and the gauges and counters of its metrics."""

from collections.abc import Sequence
from dataclasses import dataclass

from serinus.core import gauges
from serinus.core.byhand import BY_PEOPLE
from serinus.core.status import Output
from serinus.plan import Plan
from serinus.shell.events import EventType, Happening, Recorder
from serinus.shell.kinds import Object, Ref
from serinus.shell.telemetry import ServiceMetrics
from serinus.shell.world import LLMSERVICE

_OUTCOMES = {"Promoted": "promoted", "RolledBack": "rolled_back"}


@dataclass(frozen=True, slots=True)
class Voice:
    """Events and metrics of all services."""

    events: Recorder
    metrics: ServiceMetrics

    def tell(self, body: Object, planned: Plan, outputs: Sequence[Output]) -> None:
        """Tell what happened, and how things stand."""
        metadata = body["metadata"]
        self.metrics.replace(metadata["namespace"], metadata["name"], gauges.samples(planned.view, outputs))
        lasting = not planned.moved  # a story without a step is of a state, which every life of ours finds again
        for story in planned.stories:
            kind: EventType = "Warning" if story.warning else "Normal"
            ref = Ref.of(LLMSERVICE, body)
            told = (story.reason, story.message, story.key, kind)
            self.events.record(Happening(ref, metadata["uid"], *told, lasting=lasting))
            if story.reason in _OUTCOMES:
                self.metrics.count(ref.namespace or "", ref.name, "rollouts", _OUTCOMES[story.reason])
        for run in (r for r in planned.runs if r.run.purpose not in BY_PEOPLE):
            self._answers(body, run.run.gate, run.status.get("answers") or {})

    def invalid(self, body: Object) -> None:
        """Tell that a spec cannot be acted on."""
        metadata = body["metadata"]
        message = str((body.get("status") or {}).get("message", ""))
        self.metrics.replace(metadata["namespace"], metadata["name"], gauges.invalid_samples(body))
        key = f"{metadata.get('generation')}"
        ref = Ref.of(LLMSERVICE, body)
        self.events.record(Happening(ref, metadata["uid"], "InvalidSpec", message, key, "Warning", lasting=True))

    def forget(self, namespace: str, name: str) -> None:
        """A service that is gone has no series."""
        self.metrics.remove(namespace, name)

    def _answers(self, body: Object, gate: str, answers: Object) -> None:
        """Count the canary's judged answers of a run that has just been recorded."""
        metadata = body["metadata"]
        canary = answers.get("canary") or {}
        for result, passed in (("passed", "true"), ("failed", "false")):
            if canary.get(result):
                self.metrics.count(
                    metadata["namespace"], metadata["name"], "probe_answers", gate, passed, by=float(canary[result])
                )
