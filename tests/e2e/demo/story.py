"""One change after the other: apply it, wait for what becomes of it, measure; every new thing is told in a line."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from serinus.core.views import seconds as parse_time
from tests.cluster import clusters, stack
from tests.cluster.kubectl import wait_for
from tests.cluster.progress import StepError
from tests.e2e.demo import cluster, manifests, settings
from tests.e2e.demo.settings import Change

_ROLLOUT_SECONDS = 420.0
_PAGE_SECONDS = 120.0


@dataclass(frozen=True)
class Row:
    """What became of one change, as it was measured."""

    change: Change
    revision: str
    verdict: str
    phase: str
    calls: int
    evidence: str
    decided: float  # seconds from Ready to the decision
    users: int
    failed: int
    unproven: int
    message: str
    ready: float  # when the canary was first Ready: seconds since the epoch

    @property
    def problems(self) -> list[str]:
        """What differs from what is promised."""
        found = []
        if self.verdict != self.change.verdict:
            found.append(f"verdict {self.verdict}, promised {self.change.verdict}")
        if not 0 <= self.decided <= self.change.decided_within:
            found.append(f"decided after {self.decided:.0f} s, promised {self.change.decided_within:.0f} s")
        if self.failed:
            found.append(f"{self.failed} user requests failed, promised 0")
        if self.unproven:
            found.append(f"{self.unproven} user requests answered by an unproven revision, promised 0")
        return found


def tell(text: str) -> None:
    """Narrate."""
    print(text, flush=True)


def make(change: Change, *, on_stage: Callable[[str], None] = lambda _stage: None) -> Row:
    """Apply a change and follow it to its end; `on_stage` is called with the stage at every look."""
    before = cluster.users_summary() if change is not settings.CHANGES[0] else {}
    stable = (cluster.status().get("stable") or {}).get("revision", "")
    cluster.apply(manifests.llm_service(clusters.image("serinus-modelserver"), change.arguments))
    revision = _begun(stable)
    tell(f"  {change.name}: revision {revision}, {' '.join(change.arguments)}")
    times = _follow(revision, change, on_stage)
    after = cluster.users_summary() if before else {}
    return _row(change, revision, times, before=before, after=after)


def _begun(stable: str) -> str:
    """Wait until a rollout of another revision has begun; its name."""
    found: list[str] = []

    def begun() -> bool:
        rollout = cluster.status().get("rollout") or {}
        name = rollout.get("revision", "")
        if name and name != stable:
            found.append(name)
        return bool(found)

    wait_for(begun, 60, "the rollout to begin")
    return found[0]


@dataclass
class Times:
    """When the canary was first Ready and when its traffic was decided on: seconds since the epoch, by the cluster."""

    ready: float = 0.0
    decided: float = 0.0

    def look(self, revision: str, status: dict[str, Any]) -> None:
        """Take over what a look shows for the first time."""
        rollout = status.get("rollout") or {}
        if not self.ready:
            self.ready = _ready_at(revision)
        if not self.decided and self.ready and rollout.get("stage") not in ("Stable", "Starting", "Probing"):
            self.decided = parse_time(rollout["since"])


def _ready_at(revision: str) -> float:
    pods = cluster.get("pods", selector=f"serinus.dev/revision={revision}").get("items", [])
    conditions = (c for pod in pods for c in pod["status"].get("conditions", []))
    times = (parse_time(c["lastTransitionTime"]) for c in conditions if (c["type"], c["status"]) == ("Ready", "True"))
    return min(times, default=0.0)


def _follow(revision: str, change: Change, on_stage: Callable[[str], None]) -> Times:
    """Print every new sentence of the status until the rollout has ended."""
    said, times = "", Times()
    deadline = time.monotonic() + _ROLLOUT_SECONDS
    while time.monotonic() < deadline:
        status = cluster.status()
        message = f"{status.get('phase', '')}: {status.get('message', '')}"
        if message != said:
            tell(f"    {message[:240]}")
            said = message
        times.look(revision, status)
        if _ended(status, revision):
            return times
        on_stage(str((status.get("rollout") or {}).get("stage", "")))
        time.sleep(0.3)
    raise StepError(f"{change.name}: the rollout of {revision} has not ended after {_ROLLOUT_SECONDS:.0f} s: {said}")


def _ended(status: dict[str, Any], revision: str) -> bool:
    if (status.get("rollout") or {}).get("stage") != "Stable":
        return False
    promoted = (status.get("stable") or {}).get("revision") == revision
    return promoted or any(r["revision"] == revision for r in status.get("rejected", []))


def _row(change: Change, revision: str, times: Times, *, before: dict[str, Any], after: dict[str, Any]) -> Row:
    run = first_run(revision)
    status = run.get("status") or {}
    served = after.get("revisions", {}).get(revision, {})
    finished = parse_time(status.get("finishedAt"))
    promoted = (cluster.status().get("stable") or {}).get("revision") == revision
    early = bool(served) and (not promoted or float(served["first"]) < finished)
    evidence = status.get("evidence") or {}
    return Row(
        change=change,
        revision=revision,
        verdict=status.get("verdict", "none"),
        phase="promoted" if promoted else "rolled back",
        calls=(status.get("usage") or {}).get("calls", 0),
        evidence=_evidence(evidence, status.get("pairs") or {}, paired="baseline" in run["spec"]),
        decided=times.decided - times.ready,
        users=after.get("total", 0) - before.get("total", 0),
        failed=after.get("failed", 0) - before.get("failed", 0),
        unproven=int(served["total"]) if early else 0,
        message=status.get("message", ""),
        ready=times.ready,
    )


def first_run(revision: str) -> dict[str, Any]:
    """The first ProbeRun of a revision; StepError if there is none."""
    runs = cluster.get("proberuns", selector=f"serinus.dev/revision={revision}").get("items", [])
    if not runs:
        raise StepError(f"no ProbeRun of {revision}: nothing was asked")
    return dict(min(runs, key=lambda r: r["spec"]["attempt"]))


def _evidence(evidence: dict[str, float], pairs: dict[str, int], *, paired: bool) -> str:
    if not paired:
        return f"floor {evidence.get('floorPromotion', 0):g} (limit 10)"
    counts = f"lost {pairs.get('lost', 0)}, won {pairs.get('won', 0)}"
    return f"{counts}: back {evidence.get('rollback', 0):g} (20), on {evidence.get('promotion', 0):g} (10)"


@dataclass(frozen=True)
class Page:
    """What the person on call reads, and the receiver of Alertmanager by whose route it came."""

    text: str
    route: str


def page_of(revision: str) -> Page:
    """Wait until the service's owner is told that a revision was rolled back, by the route of the service's own."""
    found: list[Page] = []

    def arrived() -> bool:
        for alert in stack.pages():
            labels = alert["labels"]
            told = tuple(labels.get(name) for name in ("alertname", "namespace", "revision"))
            if told == ("LLMRolloutRolledBack", settings.NAMESPACE, revision) and alert["receiver"] == settings.OWNER:
                text = f"{labels.get('severity')} {labels['alertname']}: {alert['annotations'].get('summary', '')}"
                found.append(Page(text, alert["receiver"]))
        return bool(found)

    wait_for(arrived, _PAGE_SECONDS, f"the page about {revision} at {settings.OWNER}")
    return found[-1]
