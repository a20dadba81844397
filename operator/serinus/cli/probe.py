"""`serinus probe`: the gate without a cluster. Asks a canary and what serves now, and judges as the operator would.

Without --stable the floor alone decides. The cost is said first; Ctrl-C ends a run with the evidence so far.
Exit code 0: passed; 1: failed; 2: inconclusive, or interrupted; 3: broken, or the call or a file is unusable.
With --report it is 0 whenever a report was written.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TextIO

from serinus.cli import probe_files, probe_replay
from serinus.cli.documents import Unreadable
from serinus.cli.gate_options import add_gate
from serinus.cli.judge_options import add_judges, read_variable
from serinus.cli.probe_outcome import BROKEN, Outcome, conclude
from serinus.cli.probe_plan import Plan, make_plan
from serinus.cli.probe_seen import Seen
from serinus.cli.probe_text import text
from serinus.cli.unusable import Unusable
from serinus.probes.progress import Screen
from serinus.probes.report_file import write_report
from serinus.probes.runner import RunFailed
from serinus.probes.session import Finished, Session, conduct

_STDOUT: Final = "-"


def add_parser(commands: Any) -> None:
    """Add the command to the parser."""
    usage = "serinus probe -f FILE --canary URL [--stable URL] --model NAME --floor-percent N [options]"
    parser = commands.add_parser(
        "probe",
        help="run a gate against two addresses, in any CI",
        description=__doc__,
        usage=f"{usage}\n       serinus probe replay FILE",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.unusable = BROKEN
    parser.set_defaults(parser=parser)
    _add_sides(parser)
    add_gate(parser)
    _add_request(parser)
    add_judges(parser)
    _add_results(parser)
    parser.set_defaults(run=run)
    probe_replay.add_parser(parser)


def _add_sides(parser: argparse.ArgumentParser) -> None:
    sides = parser.add_argument_group("who is asked")
    sides.add_argument("--canary", metavar="URL", help="the new revision: http://host:port (required)")
    sides.add_argument("--stable", metavar="URL", help="what serves now; without it the floor alone decides")
    sides.add_argument("--model", metavar="NAME", help="the name that requests carry (required)")
    sides.add_argument("--token-env", metavar="VAR", default="", help="environment variable with the bearer token")
    sides.add_argument(
        "--header", action="append", default=[], metavar="NAME=VAR", help="a header, its value in this variable"
    )


def _add_request(parser: argparse.ArgumentParser) -> None:
    request = parser.add_argument_group("how they are asked", "as in spec.request of a ProbeSet, which they override")
    request.add_argument("--api", help="chat, completions, ollama or tgi (default chat)")
    request.add_argument("--concurrency", type=int, metavar="N", help="calls at once, a quarter of them on stable (16)")
    request.add_argument("--temperature", type=float, metavar="N", help="default 0.7")
    request.add_argument("--max-tokens", type=int, metavar="N", help="of an answer (default 512)")
    request.add_argument("--timeout", help="for one answer, such as 30s (default 60s)")
    request.add_argument("--stream", action="store_true", default=None, help="token by token, to time the first one")
    request.add_argument("--seed", type=int, default=1, metavar="N", help="of the order of the probes (default 1)")
    request.add_argument("--no-python", action="store_true", help="refuse assertions in Python")


def _add_results(parser: argparse.ArgumentParser) -> None:
    results = parser.add_argument_group("results")
    results.add_argument(
        "--output", action="append", default=[], metavar="FILE", help="write .xml (JUnit), .json or .md; repeatable"
    )
    results.add_argument("--evidence", metavar="FILE", help="write every answer as a JSON line; - is stdout")
    results.add_argument("--report", type=Path, metavar="FILE", help="write the report of a probe Job, and exit with 0")
    results.add_argument("--dry-run", action="store_true", help="print plan and cost, ask nobody")


def run(options: argparse.Namespace) -> int:
    """Say the cost, run, say and write what was found."""
    try:
        return _run(options)
    except (Unusable, Unreadable) as e:
        print(f"serinus: {e}", file=sys.stderr)
        return BROKEN


def _run(options: argparse.Namespace) -> int:
    plan = make_plan(options)
    probe_files.check_names(options.output)
    if options.dry_run:
        print(plan.told)
        return 0
    people = sys.stderr if options.evidence == _STDOUT else sys.stdout
    print(plan.told, file=people, flush=True)
    seen = Seen()
    with _lines(options.evidence) as lines:
        try:
            found = asyncio.run(_conduct(plan, Screen(sys.stderr, lines, seen.see)))
        except RunFailed as e:
            raise Unusable(str(e)) from e
    outcome = _outcome(plan, found, seen)
    print(f"\n{text(outcome)}", file=people, flush=True)
    probe_files.write(outcome, options.output)
    if options.report is None:
        return outcome.code
    try:
        write_report(options.report, found.report)
    except OSError as e:
        raise Unusable(f"--report: {options.report}: cannot be written: {e.strerror or e}") from e
    return 0


@contextlib.contextmanager
def _lines(name: str | None) -> Iterator[TextIO | None]:
    """Where evidence goes."""
    if name is None or name == _STDOUT:
        yield sys.stdout if name else None
        return
    try:
        stream = Path(name).open("w", encoding="utf-8")  # noqa: SIM115 - closed below, errors of opening apart
    except OSError as e:
        raise Unusable(f"--evidence: {name}: cannot be written: {e.strerror or e}") from e
    with stream:
        yield stream


async def _conduct(plan: Plan, screen: Screen) -> Finished:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probes.json"
        file.write_text(plan.text, encoding="utf-8")
        session = Session(
            spec=plan.spec,
            probe_set=plan.probes,
            file=str(file),
            output=screen,
            read_token=lambda name: read_variable("the token", name) if name else "",
            headers=plan.headers,
        )
        return await conduct(session)


def _outcome(plan: Plan, found: Finished, seen: Seen) -> Outcome:
    policy = plan.spec.policy
    return Outcome(
        policy=policy,
        report=found.report,
        judgement=conclude(policy, found.report, probes=len(plan.probes.probes)),
        rows=seen.rows(found.counted),
        looks=found.looks,
        source=plan.source,
    )
