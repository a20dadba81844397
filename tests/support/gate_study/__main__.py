"""`python -m tests.support.gate_study`: prints the study, or writes it as a page of the docs."""

import argparse
import sys
import time
from pathlib import Path

from tests.support.gate_study.page import page
from tests.support.gate_study.study import study


def main() -> None:
    """Run the study; progress goes to stderr, the page to stdout or to a file."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.gate_study", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=4000, help="simulated rollouts a row (default 4000)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same page (default 1)")
    parser.add_argument("--write", type=Path, help="the page to write; without it, stdout")
    arguments = parser.parse_args()
    if arguments.rollouts < 1:
        parser.error(f"--rollouts: found {arguments.rollouts}, allowed are 1 and more")
    start = time.monotonic()
    text = page(study(arguments.seed, arguments.rollouts, _tell))
    _tell(f"{time.monotonic() - start:.0f} s")
    if arguments.write:
        arguments.write.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
