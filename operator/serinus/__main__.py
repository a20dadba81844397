"""`serinus …`: the command line. Each command is a module of `cli/`; `operator` is what runs in the cluster."""

import argparse
import os
import sys
from importlib import import_module
from typing import NoReturn

from serinus import __version__
from serinus.cli.documents import Unreadable
from serinus.cli.unusable import Unusable
from serinus.core.datafile import InvalidCatalogue

COMMANDS = ("operator", "render", "validate", "runtimes", "judge-test", "selftest", "probe")
"""Each is a module of `cli/`; only those that are asked for are imported, which takes seconds for all of them."""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong with a call in one line."""

    unusable = 2
    """Exit code of a call that cannot be used."""

    def error(self, message: str) -> NoReturn:  # type: ignore[explicit-override]
        """End with the code of an unusable call."""
        self.exit(self.unusable, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. 2: the call or a file is unusable."""
    parser = _Parser(
        prog="serinus",
        description="Rollouts of language models, gated on the quality of their answers.",
    )
    parser.add_argument("--version", action="version", version=f"serinus {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    given = sys.argv[1:] if arguments is None else arguments
    for name in given[:1] if given and given[0] in COMMANDS else COMMANDS:
        import_module(f"serinus.cli.{name.replace('-', '_')}").add_parser(commands)
    options, others = parser.parse_known_args(given)
    if others:
        getattr(options, "parser", parser).error(f"unrecognized arguments: {' '.join(others)}")
    try:
        code = int(options.run(options))
        sys.stdout.flush()
        return code
    except (Unreadable, Unusable, InvalidCatalogue) as e:
        print(f"serinus: {e}", file=sys.stderr)  # noqa: T201 - the command line's own words
        return 2
    except BrokenPipeError:
        # Whoever read our output has enough; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
