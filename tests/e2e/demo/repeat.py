"""`python -m tests.e2e.demo.repeat`: one change again and again on a kept cluster; counts what the gate did to it.

A good change differs from stable in nothing that its answers show, so every rollback is a false one; the published rate
is at most 2 % (docs/gate-error-rates.md). Garbage must be undone every time within 90 seconds of Ready, before a user
sees it; where the time went is told by part.
"""

import argparse
import sys
from collections.abc import Sequence

from tests.cluster.progress import StepError
from tests.e2e.demo import cluster, story
from tests.e2e.demo.settings import Change
from tests.e2e.demo.timeline import Timeline, table, timeline

_FIRST = 1000
_SECONDS = 90.0
_CHANGES = {"good": ("--mode=good", "Passed"), "garbage": ("--mode=garbage", "Failed")}


def main(arguments: list[str]) -> int:
    """Roll out; returns 1 if anything differs from what is promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.demo.repeat", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=20)
    parser.add_argument("--change", choices=tuple(_CHANGES), default="good")
    parser.add_argument("--allowed", type=int, default=2, help="false rollbacks that are still luck")
    options = parser.parse_args(arguments)
    if options.rollouts < 1:
        parser.error(f"--rollouts: found {options.rollouts}, allowed is 1 or more")
    rows, lines = [], []
    try:
        for number in range(options.rollouts):
            rows.append(story.make(change(options.change, number)))
            lines.append(_timeline(rows[-1]))
            told = ", ".join(f"{part:.0f}" for part in lines[-1].parts)
            story.tell(f"    seconds by part: {told}; {lines[-1].total:.0f} in all")
    except (StepError, ValueError) as problem:
        print(f"repeat: {problem}", file=sys.stderr)
        return 1
    print(summary(rows))
    print(table(lines))
    problems = judged(rows, promoted=options.change == "good", allowed=options.allowed)
    print("".join(f"  {problem}\n" for problem in problems) or "As promised.\n", end="")
    return 1 if problems else 0


def change(kind: str, number: int) -> Change:
    """The change of one repetition; an argument that no answer shows makes each a new revision."""
    mode, verdict = _CHANGES[kind]
    extra = f"--max-queued={_FIRST + number}"
    return Change(f"{kind} change {number + 1}", (mode, extra), verdict, verdict == "Passed", _SECONDS)


def _timeline(row: story.Row) -> Timeline:
    run = story.first_run(row.revision)
    name = run["metadata"]["name"]
    pods = cluster.get("pods", selector=f"batch.kubernetes.io/job-name={name}").get("items", [])
    job = cluster.get("job", name)
    return timeline(ready=row.ready, run=run, job=job, pods=pods, decided=row.ready + row.decided)


def summary(rows: Sequence[story.Row]) -> str:
    """What became of the changes, and what users saw."""
    back = sum(row.phase == "rolled back" for row in rows)
    users, failed, unproven = (sum(getattr(row, name) for row in rows) for name in ("users", "failed", "unproven"))
    calls = sorted(row.calls for row in rows)
    return (
        f"{len(rows)} changes: {back} rolled back, {len(rows) - back} promoted; calls: median "
        f"{calls[len(calls) // 2]}, largest {calls[-1]}\n"
        f"users: {users} requests, {failed} failed, {unproven} answered by an unproven revision"
    )


def judged(rows: Sequence[story.Row], *, promoted: bool, allowed: int) -> list[str]:
    """What differs from what is promised: of good changes some false rollbacks are luck, of garbage nothing is."""
    found = [f"{row.change.name}: {problem}" for row in rows for problem in row.problems]
    if not promoted:
        return found + [f"{row.change.name}: it was promoted" for row in rows if row.phase == "promoted"]
    back = [row for row in rows if row.phase == "rolled back"]
    excused = {row.change.name for row in back} if len(back) <= allowed else set()
    others = [f"{len(back)} false rollbacks, allowed are {allowed}"] if len(back) > allowed else []
    lucky = tuple(f"{name}: verdict " for name in excused)
    return others + [problem for problem in found if not (lucky and problem.startswith(lucky))]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
