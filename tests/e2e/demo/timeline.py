"""How long each part of a decision took, from the timestamps of the objects; it reads no clock and no cluster.

Kubernetes writes whole seconds, so a part may be off by one; the sum is exact to a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from serinus.core.views import seconds as parse_time

Manifest = Mapping[str, Any]
PARTS = ("Job made", "Job's container started", "questions asked", "verdict recorded", "traffic decided")
_CONTAINER = "probe"


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Seconds from Ready of the canary, at the end of each part in the order of PARTS."""

    ends: tuple[float, ...]

    @property
    def total(self) -> float:
        """From Ready to the decision."""
        return self.ends[-1]

    @property
    def parts(self) -> tuple[float, ...]:
        """How long each part took; a Job may be made a moment before a pod's Ready is written."""
        before = (0.0, *self.ends)
        return tuple(end - start for start, end in zip(before, self.ends, strict=False))


def timeline(*, ready: float, run: Manifest, job: Manifest, pods: Sequence[Manifest], decided: float) -> Timeline:
    """Read the times of one gate's run; raises ValueError that names the object and the field that is missing."""
    name = run.get("metadata", {}).get("name", "?")
    if not ready:
        raise ValueError(f"ProbeRun {name}: its canary was never seen Ready")
    made = _time(job, f"Job {name}", "metadata", "creationTimestamp")
    container = _container(pods, name)
    started = _time(container, f"the container {_CONTAINER} of Job {name}", "state", "terminated", "startedAt")
    ended = _time(container, f"the container {_CONTAINER} of Job {name}", "state", "terminated", "finishedAt")
    finished = _time(run, f"ProbeRun {name}", "status", "finishedAt")
    return Timeline(ends=tuple(at - ready for at in (made, started, ended, finished, decided)))


def _container(pods: Sequence[Manifest], name: str) -> Manifest:
    for pod in pods:
        for container in pod.get("status", {}).get("containerStatuses") or []:
            if container.get("name") == _CONTAINER:
                return dict(container)
    raise ValueError(f"Job {name}: found {len(pods)} pods, none with a container {_CONTAINER}")


def _time(found: Any, what: str, *path: str) -> float:
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    at = parse_time(found) if isinstance(found, str) else 0.0
    if not at:
        raise ValueError(f"{what}: {'.'.join(path)}: found none, needed is a time")
    return at


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed (nearest rank)."""
    if not values or not 0 < percent <= 100:
        raise ValueError(f"found {len(values)} values and {percent} percent, allowed are one or more and up to 100")
    rank = -(-len(values) * percent // 100)
    return sorted(values)[int(rank) - 1]


def table(lines: Sequence[Timeline]) -> str:
    """Median and 95th percentile of each part and of the whole, over all repetitions."""
    columns = [*zip(*(line.parts for line in lines), strict=True), tuple(line.total for line in lines)]
    names = (*PARTS, "Ready to decision")
    width = max(map(len, names))
    rows = [f"{'seconds':<{width}}  median   p95  largest"]
    for name, values in zip(names, columns, strict=True):
        numbers = (percentile(values, 50), percentile(values, 95), max(values))
        rows.append(f"{name:<{width}}  {numbers[0]:>6.1f}  {numbers[1]:>4.1f}  {numbers[2]:>7.1f}")
    return "\n".join(rows)
