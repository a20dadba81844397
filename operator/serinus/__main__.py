"""`serinus …`: the command line. Each command is a module of `cli/`; `operator` is what runs in the cluster."""

import argparse
import sys

from serinus import __version__
from serinus.cli import operator, render, validate
from serinus.cli.documents import Unreadable
from serinus.core.datafile import InvalidCatalogue

COMMANDS = (operator, render, validate)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. 2: the call or a file is unusable."""
    parser = argparse.ArgumentParser(
        prog="serinus",
        description="Rollouts of language models, gated on the quality of their answers.",
    )
    parser.add_argument("--version", action="version", version=f"serinus {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (Unreadable, InvalidCatalogue) as e:
        print(f"serinus: {e}", file=sys.stderr)  # noqa: T201 - the command line's own words
        return 2
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
