"""`python -m serinus.probes`: the program of the probe Job. Reads its parameters, runs, writes one report.

Exit codes: 0 a report was written, 1 the runner crashed (a report was written if that was possible), 2 no parameters.
"""

import asyncio
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

from serinus.core import probejson, runspec
from serinus.core.model import InvalidSpec
from serinus.core.probe import ProbeSet
from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from serinus.core.verdict import judge
from serinus.core.wording import describe
from serinus.probes.output import Output
from serinus.probes.report_file import write_report
from serinus.probes.runner import RunFailed
from serinus.probes.session import Session, conduct
from serinus.probes.shield import shield
from serinus.probes.tally import Tally


def main(environment: Mapping[str, str]) -> int:
    """Run once; returns the exit code."""
    try:
        spec = runspec.from_json(environment.get(runspec.ENV_RUN, ""))
    except InvalidSpec as e:
        sys.stderr.write(f"{runspec.ENV_RUN}: {e}\n")
        return 2
    probes = environment.get(runspec.ENV_PROBES, runspec.DEFAULT_PROBES)
    code = 0
    try:
        report = asyncio.run(_run(spec, probes))
    except Exception as e:  # noqa: BLE001 - a crash must leave a report that says so
        traceback.print_exc()
        report, code = _failed(spec, f"the runner crashed: {type(e).__name__}: {e}"), 1
    write_report(Path(environment.get(runspec.ENV_REPORT, runspec.DEFAULT_REPORT)), report)
    return code


async def _run(spec: RunSpec, path: str) -> Report:
    output = Output()
    try:
        probe_set = _read_probes(spec, path)
        session = Session(spec=spec, probe_set=probe_set, file=path, output=output, read_token=_read_token)
        report = (await conduct(session)).report
    except RunFailed as e:
        report = _failed(spec, str(e))
        output.say(f"Error: {e}")
        return report
    output.say(describe(spec.policy, report, judge(spec.policy, report, probes=len(probe_set.probes))))
    return report


def _read_probes(spec: RunSpec, path: str) -> ProbeSet:
    try:
        text = Path(path).read_text(encoding="utf-8")
        probe_set = probejson.from_json(text)
    except (OSError, UnicodeError, probejson.UnreadableProbes) as e:
        raise RunFailed(f"{path}: {e}") from e
    if probe_set.digest != spec.identity.digest:
        raise RunFailed(f"{path}: found the digest {probe_set.digest}, allowed is {spec.identity.digest}")
    return probe_set


def _read_token(path: str) -> str:
    if not path:
        return ""
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as e:
        raise RunFailed(f"{path}: the token cannot be read: {type(e).__name__}") from e
    if not token or not token.isprintable():
        raise RunFailed(f"{path}: found no token, allowed is one line of printable characters")
    return token


def _failed(spec: RunSpec, error: str) -> Report:
    """A report without counts; it has the report's own bounds."""
    return Tally(spec.identity, (), spec.policy).report(Report(identity=spec.identity).usage, end="Error", error=error)


if __name__ == "__main__":
    shield()
    sys.exit(main(os.environ))
