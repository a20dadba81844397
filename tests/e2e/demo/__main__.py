"""`make demo`: narrates each step in a line, prints a table, and exits with 1 if anything differs from the promises."""

import argparse
import os
import sys
import time

from tests.cluster import clusters, state
from tests.cluster.progress import StepError
from tests.e2e.demo import cluster, monitoring, settings, story, table


def main(arguments: list[str]) -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the cluster up (KEEP=1)")
    parser.add_argument("--use-kubeconfig", action="store_true", help="use the cluster of the current kubeconfig")
    options = parser.parse_args(arguments)
    keep = options.keep or os.environ.get("KEEP") == "1"
    started = time.monotonic()
    try:
        rows, page = play(use_kubeconfig=options.use_kubeconfig)
        found = monitoring.look()
    except StepError as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    problems = [f"{row.change.name}: {p}" for row in rows for p in row.problems] + found.problems
    print(table.render(rows))
    print(f"The page that arrived: {page.text}")
    print(found.line(page.route))
    print(f"{time.monotonic() - started:.0f} s in all. " + ("As promised." if not problems else "NOT as promised:"))
    print("".join(f"  {p}\n" for p in problems), end="")
    if keep:
        print(table.what_next(str(state.kubeconfig())))
    else:
        with clusters.exclusive():
            clusters.down(state.read_mode(), keep=False)
    return 1 if problems else 0


def play(*, use_kubeconfig: bool) -> tuple[list[story.Row], story.Page]:
    """Play all changes; the rows of the table and the page."""
    story.tell("1. a real Kubernetes with prometheus-operator, Prometheus, Alertmanager and a receiver of pages")
    cluster.prepare(use_kubeconfig=use_kubeconfig)
    story.tell("2. helm install serinus")
    cluster.remove()
    cluster.install()
    story.tell("3. kubectl apply: the team's 100 questions and an LLMService")
    cluster.apply_team()
    first, *others = settings.CHANGES
    rows = [story.make(first)]
    story.tell(f"4. users come: {settings.USERS_PER_SECOND} requests a second from now on")
    cluster.start_users()
    page = None
    for number, change in enumerate(others, start=5):
        story.tell(f"{number}. a change is applied")
        rows.append(story.make(change))
        if not change.promoted and page is None:
            page = story.page_of(rows[-1].revision)
            story.tell(f"    page: {page.text}")
    assert page is not None, "no change of the demo is rolled back"
    return rows, page


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
