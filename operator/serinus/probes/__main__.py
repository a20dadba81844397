"""`python -m serinus.probes`: the program of the probe Job. Reads its parameters, runs, writes one report.

Exit codes: 0 a report was written, 1 the runner crashed (a report was written if that was possible), 2 no parameters.
"""

import asyncio
import os
import random
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from serinus.core import probejson, runspec
from serinus.core.model import InvalidSpec
from serinus.core.probe import ProbeSet
from serinus.core.report import Report, encode
from serinus.core.runspec import RunSpec
from serinus.core.verdict import judge
from serinus.core.wording import describe
from serinus.probes.client import Client, Target
from serinus.probes.judging import Bench, JudgesFailed
from serinus.probes.output import Output
from serinus.probes.runner import RunFailed, Runner, Tools
from serinus.probes.scoring import Scorer, ScoringFailed
from serinus.probes.settle import Opinions
from serinus.probes.shield import shield
from serinus.probes.tally import Tally

_WITH_LOGPROBS: Final = frozenset({"perplexity", "perplexity-score"})


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


def write_report(path: Path, report: Report) -> None:
    """Write a report in one write; a file that is mounted cannot be replaced, so it is overwritten."""
    data = encode(report).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(f"{path}: the report was cut while it was written")
    finally:
        os.close(descriptor)


async def _run(spec: RunSpec, path: str) -> Report:
    output = Output()
    try:
        probe_set = _read_probes(spec, path)
        report = await _run_with(spec, path, probe_set, output)
    except RunFailed as e:
        report = _failed(spec, str(e))
        output.say(f"Error: {e}")
        return report
    output.say(describe(spec.policy, report, judge(spec.policy, report, probes=len(probe_set.probes))))
    return report


async def _run_with(spec: RunSpec, path: str, probe_set: ProbeSet, output: Output) -> Report:
    target = Target(
        model=spec.model,
        request=probe_set.request,
        token=_read_token(spec.token_path),
        logprobs=probe_set.needs(_WITH_LOGPROBS),
    )
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(target, random.Random()))  # noqa: S311 - salts, no secrets
        bench: Bench | None = None
        if probe_set.judging.endpoints:
            bench = await stack.enter_async_context(_bench(spec, probe_set))
        opinions = Opinions(
            judge=bench.judge if bench else None,
            embeddings=bench.embeddings if bench else None,
            graded=spec.policy.graded or bool(spec.policy.metrics),
        )
        scorer = Scorer(path, probe_set.probes, opinions, python=spec.allow_python)
        runner = Runner(spec, probe_set, Tools(client=client, scorer=scorer, output=output, bench=bench))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, runner.interrupt)
        try:
            return await runner.run()
        except (RunFailed, ScoringFailed) as e:
            return runner.report(error=str(e))
        finally:
            await runner.close()


def _bench(spec: RunSpec, probe_set: ProbeSet) -> Bench:
    try:
        return Bench(probe_set.judging, spec.judges, _read_token)
    except JudgesFailed as e:
        raise RunFailed(str(e)) from e


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
