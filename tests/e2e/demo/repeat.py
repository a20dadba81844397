"""`python -m tests.e2e.demo.repeat`: good changes again and again on a kept cluster; counts what the gate did to them.

A good change differs from stable in nothing that its answers show, so every rollback is a false one. The published
rate is at most 2 % (docs/gate-error-rates.md).
"""

import argparse
import sys

from tests.cluster.progress import StepError
from tests.e2e.demo import story
from tests.e2e.demo.settings import Change

_FIRST = 1000


def main(arguments: list[str]) -> int:
    """Roll out; returns 1 if a user noticed, or if more were rolled back than allowed."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.demo.repeat", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=20)
    parser.add_argument("--allowed", type=int, default=2, help="false rollbacks that are still luck")
    options = parser.parse_args(arguments)
    rows = []
    try:
        for number in range(options.rollouts):
            # An argument that no answer shows makes a new revision of the same quality.
            extra = f"--max-queued={_FIRST + number}"
            rows.append(story.make(Change(f"good change {number + 1}", ("--mode=good", extra), "Passed", True, 90)))
    except StepError as problem:
        print(f"repeat: {problem}", file=sys.stderr)
        return 1
    back = sum(row.phase == "rolled back" for row in rows)
    failed, unproven = sum(row.failed for row in rows), sum(row.unproven for row in rows)
    calls = sorted(row.calls for row in rows)
    decided = sorted(row.decided for row in rows)
    print(f"{len(rows)} good changes: {back} rolled back (allowed {options.allowed}); ", end="")
    users = sum(row.users for row in rows)
    print(f"users: {users} requests, {failed} failed, {unproven} answered by an unproven revision")
    print(f"calls: median {calls[len(calls) // 2]}, largest {calls[-1]}; ", end="")
    print(f"seconds from Ready to decision: median {decided[len(decided) // 2]:.0f}, largest {decided[-1]:.0f}")
    return int(back > options.allowed or failed > 0 or unproven > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
