"""Owns the oracle of the rollouts' tests: the product's promises, checked at every instant of a history.

It knows the API's objects and the reports that the test's script gave, and nothing of how the operator decides.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from serinus.core.naming import (
    LABEL_DRAIN,
    LABEL_OUTCOME,
    LABEL_PROBE_FOR,
    LABEL_REVISION,
    LABEL_SERVICE,
    LABEL_TRAFFIC,
)
from tests.support.history import Event
from tests.support.probeplay import Script

Manifest = dict[str, Any]


@dataclass
class Instant:
    """The namespace as it was at one resourceVersion."""

    version: int = 0
    pods: dict[str, Manifest] = field(default_factory=dict)
    slices: dict[str, Manifest] = field(default_factory=dict)
    services: dict[str, Manifest] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)

    def live(self) -> list[Manifest]:
        """Pods that the users' Service selects."""
        return [p for p in self.pods.values() if _label(p, LABEL_TRAFFIC) == "live"]

    def serving(self) -> list[Manifest]:
        """Pods that users can be sent to: live, Ready, not drained, not on their way out."""
        return [p for p in self.live() if _label(p, LABEL_DRAIN) == "false" and is_ready(p) and not _ending(p)]

    def endpoints(self, service: str) -> set[str]:
        """Names of the ready endpoints of a Service."""
        return {
            e["targetRef"]["name"]
            for s in self.slices.values()
            if s["metadata"]["labels"].get("kubernetes.io/service-name") == service
            for e in s.get("endpoints") or []
            if (e.get("conditions") or {}).get("ready") is not False
        }


def is_ready(pod: Manifest) -> bool:
    """Whether a pod's condition Ready is True."""
    found = pod.get("status", {}).get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in found)


def revision_of(pod: Manifest) -> str:
    """The revision of a serving pod."""
    return _label(pod, LABEL_REVISION)


def instants(events: list[Event], script: Script) -> Iterator[Instant]:
    """Replay: the same Instant after each event, with the revisions that had passed by then."""
    now = Instant()
    evidence: set[tuple[str, str]] = set()  # job and report; a verdict counts only with a good report of that Job
    for event in events:
        now.version = event.version
        where = {"Pod": now.pods, "EndpointSlice": now.slices, "Service": now.services}.get(event.kind)
        if event.kind == "Pod" and LABEL_PROBE_FOR in (event.body["metadata"].get("labels") or {}):
            evidence |= {(_owner(event.body), "good") for m in _messages(event.body) if script.is_good(m)}
            continue
        if where is not None and event.deleted:
            where.pop(event.name, None)
        elif where is not None:
            where[event.name] = event.body
        elif event.kind == "ProbeRun" and _passed(event.body) and (event.name, "good") in evidence:
            now.proven.add(event.body["spec"]["revision"])
        yield now


def check_users(
    events: list[Event], script: Script, *, service: str = "chat", free: frozenset[str] = frozenset()
) -> int:
    """Nobody reaches a revision without a good report and a verdict Passed before it, unless it is one of `free`.

    Checks labels of pods and ready endpoints of the users' Service at every instant; returns how many there were.
    """
    count = 0
    for now in instants(events, script):
        count += 1
        allowed = now.proven | free
        for pod in now.live():
            found = revision_of(pod)
            assert found in allowed, (
                f"at {now.version} pod {pod['metadata']['name']} of {found} was live; passed: {allowed}"
            )
        for name in now.endpoints(service) & now.pods.keys():
            found = revision_of(now.pods[name])
            assert found in allowed, f"at {now.version} users reached {name} of {found}; passed: {allowed}"
    return count


def least_serving(events: list[Event], script: Script, *, since: int, until: int = 0) -> int:
    """The smallest number of pods that served, over every instant from `since` (a resourceVersion) on."""
    counts = [
        len(now.serving())
        for now in instants(events, script)
        if now.version >= since and (not until or now.version <= until)
    ]
    return min(counts) if counts else len(_last(events, script).serving())


def most_pods(events: list[Event], script: Script) -> int:
    """The largest number of serving pods that were there at once, ended ones apart."""
    return max(sum(_held(p) for p in now.pods.values()) for now in instants(events, script))


def made(events: list[Event]) -> Counter[str]:
    """How many objects of each kind were created and deleted, EndpointSlices apart (their controller's choice)."""
    count: Counter[str] = Counter()
    seen: set[str] = set()
    for event in events:
        uid = event.body["metadata"]["uid"]
        if event.kind == "EndpointSlice":
            continue
        if uid not in seen:
            seen.add(uid)
            count[f"create {_kind(event)}"] += 1
        if event.deleted:
            count[f"delete {_kind(event)}"] += 1
    return count


def _kind(event: Event) -> str:
    probe = event.kind == "Pod" and LABEL_PROBE_FOR in (event.body["metadata"].get("labels") or {})
    return "probe Pod" if probe else event.kind


def outcomes(events: list[Event]) -> dict[str, str]:
    """What the ControllerRevisions say in the end, by revision: Proven, Rejected or nothing."""
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "ControllerRevision":
            found[_label(event.body, LABEL_REVISION)] = "" if event.deleted else _label(event.body, LABEL_OUTCOME)
    return found


def end_state(events: list[Event], script: Script) -> Manifest:
    """What is left in the end, without names that chance gives: pods and Services, by revision, and outcomes."""
    last = _last(events, script)
    pods = Counter((revision_of(p), _label(p, LABEL_TRAFFIC), _label(p, LABEL_DRAIN)) for p in last.pods.values())
    selectors = {name: s["spec"].get("selector") for name, s in last.services.items()}
    return {"pods": dict(pods), "services": selectors, "outcomes": outcomes(events)}


def _last(events: list[Event], script: Script) -> Instant:
    return max(instants(events, script), key=lambda now: now.version, default=Instant())


def _label(body: Manifest, label: str) -> str:
    return str((body["metadata"].get("labels") or {}).get(label, ""))


def _ending(pod: Manifest) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp")) or pod["status"].get("phase") in ("Failed", "Succeeded")


def _held(pod: Manifest) -> bool:
    return bool(_label(pod, LABEL_SERVICE)) and pod["status"].get("phase") not in ("Failed", "Succeeded")


def _passed(run: Manifest) -> bool:
    return run["spec"]["purpose"] == "BeforeTraffic" and (run.get("status") or {}).get("verdict") == "Passed"


def _owner(pod: Manifest) -> str:
    return next((o["name"] for o in pod["metadata"].get("ownerReferences") or [] if o["kind"] == "Job"), "")


def _messages(pod: Manifest) -> list[str]:
    states = [c.get("state") or {} for c in pod.get("status", {}).get("containerStatuses") or []]
    return [s["terminated"].get("message", "") for s in states if "terminated" in s]
