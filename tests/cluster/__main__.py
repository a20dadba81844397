"""Owns the command line `python -m tests.cluster up|down|status`.

It must not know how a cluster is made: it chooses the mode and calls it.
"""

import argparse
import sys

from tests.cluster import clusters, progress, stack, state


def main(arguments: list[str]) -> int:
    """Run one command; the result is on standard output, progress and errors are on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except progress.StepError as problem:
        progress.say(str(problem))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="bring a cluster up, or do nothing when it runs")
    up.add_argument("--use-kubeconfig", action="store_true", help="use the cluster of the current kubeconfig")
    up.add_argument("--stack", action="store_true", help="install Prometheus, Alertmanager and the receiver, too")
    up.set_defaults(run=_up)
    down = commands.add_parser("down", help="remove the cluster")
    down.add_argument("--keep", action="store_true", help="end the processes, keep the data for the next up")
    down.set_defaults(run=_down)
    status = commands.add_parser("status", help="say what runs and what is left on the host")
    status.set_defaults(run=_status)
    return parser


def _up(options: argparse.Namespace) -> int:
    kubeconfig = clusters.ensure(use_kubeconfig=options.use_kubeconfig)
    if options.stack:
        stack.install()
    print(kubeconfig)
    return 0


def _down(options: argparse.Namespace) -> int:
    with clusters.exclusive():
        clusters.down(state.read_mode(), keep=options.keep)
    return 0


def _status(_: argparse.Namespace) -> int:
    lines, ready = clusters.status(state.read_mode())
    print("\n".join(lines))
    return 0 if ready else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
