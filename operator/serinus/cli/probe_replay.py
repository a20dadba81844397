"""`serinus probe replay`: counts a run again from its lines, and says what it would have said.

The verdict is computed from the answers in the lines; what the run itself said is only compared with it.
Exit codes are those of `serinus probe`; 3 also where the run said something else than its lines.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from serinus.cli import probe_files
from serinus.cli.probe_outcome import BROKEN, Outcome, conclude
from serinus.cli.probe_seen import Seen
from serinus.cli.probe_text import text
from serinus.cli.unusable import Unusable
from serinus.probes.replay import Replayed, UnreadableLines, replay


def add_parser(parser: Any) -> None:
    """Add the command below `probe`."""
    below = parser.add_subparsers(metavar="replay", prog="serinus probe")
    command = below.add_parser("replay", help="count a run again from its lines", description=__doc__)
    command.unusable = BROKEN
    command.add_argument("lines", metavar="FILE", help="JSON lines of a run, or the logs of its Job; - is stdin")
    command.add_argument("--output", action="append", default=[], metavar="FILE", help="write .xml, .json or .md")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Count again, say and write what was found."""
    try:
        probe_files.check_names(options.output)
        found, seen = _replay(options.lines)
        outcome = _outcome(options.lines, found, seen)
        print(text(outcome))
        probe_files.write(outcome, options.output)
    except Unusable as e:
        print(f"serinus: {e}", file=sys.stderr)
        return BROKEN
    if not found.complete:
        print("serinus: the lines do not say how the run ended: it was killed, or its lines are cut", file=sys.stderr)
    if found.differs:
        print(f"serinus: {options.lines}: {found.differs}", file=sys.stderr)
        return BROKEN
    return outcome.code


def _replay(name: str) -> tuple[Replayed, Seen]:
    seen = Seen()
    try:
        if name == "-":
            return replay(_shown(sys.stdin, seen)), seen
        with Path(name).open(encoding="utf-8") as stream:
            return replay(_shown(stream, seen)), seen
    except (OSError, UnicodeError) as e:
        raise Unusable(f"{name}: cannot be read: {getattr(e, 'strerror', None) or type(e).__name__}") from e
    except UnreadableLines as e:
        raise Unusable(f"{name}: {e}") from e


def _shown(lines: Iterable[str], seen: Seen) -> Iterator[str]:
    """The same lines; each is shown to `seen` once the replay has taken it, and so has checked it."""
    for line in lines:
        yield line
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            seen.see(found)


def _outcome(source: str, found: Replayed, seen: Seen) -> Outcome:
    policy = found.spec.policy
    return Outcome(
        policy=policy,
        report=found.report,
        judgement=conclude(policy, found.report, probes=found.judgement.probes) if found.complete else found.judgement,
        rows=seen.rows(found.counted),
        looks=found.looks,
        source=source,
    )
