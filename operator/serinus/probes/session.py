"""One run from its parameters to its report: opens what is asked, runs, closes, and says how it ended.

The probe Job, `serinus probe` and `serinus selftest` run through it. It writes no report and knows no environment.
"""

import asyncio
import contextlib
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from serinus.core.probe import ProbeSet
from serinus.core.report import Report
from serinus.core.runspec import RunSpec
from serinus.probes.client import Client, Target
from serinus.probes.garbage import seldom_collected
from serinus.probes.judging import Bench, JudgesFailed
from serinus.probes.ledger import Look
from serinus.probes.output import Output
from serinus.probes.runner import RunFailed, Runner, Tools
from serinus.probes.scoring import Scorer, ScoringFailed
from serinus.probes.settle import Opinions

_WITH_LOGPROBS: Final = frozenset({"perplexity", "perplexity-score"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a run needs. `file`: where the resolved probes are, for the process that scores."""

    spec: RunSpec
    probe_set: ProbeSet
    file: str
    output: Output
    read_token: Callable[[str], str]
    """From what a token path of the parameters says to the token; raises RunFailed. Empty: no token."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of a run; `counted` pairs are in its report."""

    report: Report
    counted: int
    looks: tuple[Look, ...]


async def conduct(session: Session) -> Finished:
    """Run to an end; what fails while it runs is in the report. Raises RunFailed for what cannot begin."""
    spec, probe_set = session.spec, session.probe_set
    target = Target(
        model=spec.model,
        request=probe_set.request,
        token=session.read_token(spec.token_path),
        logprobs=probe_set.needs(_WITH_LOGPROBS),
        headers=session.headers,
    )
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(target, random.Random()))  # noqa: S311 - salts, no secrets
        bench: Bench | None = None
        if probe_set.judging.endpoints:
            bench = await stack.enter_async_context(_bench(session))
        opinions = Opinions(
            judge=bench.judge if bench else None,
            embeddings=bench.embeddings if bench else None,
            graded=spec.policy.graded or bool(spec.policy.metrics),
        )
        scorer = Scorer(session.file, probe_set.probes, opinions, python=spec.allow_python)
        tools = Tools(client=client, scorer=scorer, output=session.output, bench=bench)
        return await _run(Runner(spec, probe_set, tools))


async def _run(runner: Runner) -> Finished:
    try:
        with _signals(runner.interrupt), seldom_collected():
            report = await runner.run()
    except (RunFailed, ScoringFailed) as e:
        report = runner.report(error=str(e))
    finally:
        await runner.close()
    runner.tell(report)
    return Finished(report=report, counted=runner.counted, looks=runner.looks)


@contextlib.contextmanager
def _signals(interrupt: Callable[[], None]) -> Iterator[None]:
    """Let the first signal end the run with what was counted; a second one ends the process as usual."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may take signals
        return
    loop, numbers = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)

    def end() -> None:
        for number in numbers:
            loop.remove_signal_handler(number)
        interrupt()

    for number in numbers:
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _bench(session: Session) -> Bench:
    try:
        return Bench(session.probe_set.judging, session.spec.judges, session.read_token)
    except JudgesFailed as e:
        raise RunFailed(str(e)) from e
