"""Every fault of the models and of the runner itself as a run of its own, with the verdict that must come of it.

Data and runners; no test. The servers are scripted (`tests.support.fakemodel`), the runner that is killed is a process.
"""

import asyncio
import signal
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from serinus.core.model import Verdict
from serinus.core.report import Report, UnreadableReport, decode
from serinus.core.verdict import Judgement, judge
from serinus.probes.client_http import MAX_BODY
from serinus.probes.replay import replay
from tests.support.fakemodel import Call, Say, closed_port, serve
from tests.support.probing import GOOD, Run, good, policy, probe_set, questions, wrong

Behave = Callable[[Call], Say]
PAIRS = 60
GARBAGE = "\u0000\ufffd lorem 0x7f ipsum } ] <eos> <eos> \u202e dolor"


@dataclass(frozen=True, kw_only=True)
class ModelFault:
    """One fault of a model server. `varied`: what it says to the questions that look for caches."""

    name: str
    group: str  # down, slow, garbage, cached; the last word says of which side, if not of the canary
    reason: str
    canary: Behave | None = good  # None: nobody listens
    stable: Behave | None = good
    varied: Behave | None = None
    timeout: str = "1s"
    pairs: int = PAIRS


def midway(say: Say) -> Behave:
    """Well at first, and then like this."""
    return lambda call: GOOD if call.number < 3 else say


def both(text: str) -> Behave:
    """Every second answer to a question differs from the first."""
    return lambda call: GOOD if call.number % 2 else Say(text=text)


def stored(call: Call) -> Say:
    """Another long text for each question, the same one each time."""
    return Say(text=f"Here is what you asked for, at some length: {call.question}")


def _body(text: str) -> Say:
    return Say(body=text.encode())


LATE = Say(text="Yes", delay=3)
MODEL_FAULTS: tuple[ModelFault, ...] = (
    ModelFault(name="nobody listens at the canary", group="down", reason="TooManyUnscored", canary=None),
    ModelFault(name="nobody listens at stable", group="down", reason="TooManyUnscored", stable=None),
    ModelFault(name="nobody listens anywhere", group="down", reason="TooManyUnscored", canary=None, stable=None),
    ModelFault(
        name="the canary answers with 503", group="down", reason="WorseThanStable", canary=lambda _: Say(status=503)
    ),
    ModelFault(
        name="stable answers with 503", group="down", reason="TooManyUnscored", stable=lambda _: Say(status=503)
    ),
    ModelFault(
        name="both answer with 503",
        group="down",
        reason="TooManyUnscored",
        canary=lambda _: Say(status=503),
        stable=lambda _: Say(status=503),
    ),
    ModelFault(
        name="the canary breaks in the middle", group="down", reason="WorseThanStable", canary=midway(Say(status=500))
    ),
    ModelFault(
        name="stable breaks in the middle", group="down", reason="TooManyUnscored", stable=midway(Say(status=500))
    ),
    ModelFault(
        name="the probe's key is refused", group="down", reason="TooManyUnscored", canary=lambda _: Say(status=401)
    ),
    ModelFault(
        name="the canary redirects elsewhere",
        group="down",
        reason="WorseThanStable",
        canary=lambda _: Say(status=307, headers={"Location": "http://127.0.0.1:1/"}),
    ),
    ModelFault(name="the canary answers too late", group="slow", reason="WorseThanStable", canary=lambda _: LATE),
    ModelFault(name="stable answers too late", group="slow", reason="TooManyUnscored", stable=lambda _: LATE),
    ModelFault(
        name="the canary becomes slow in the middle", group="slow", reason="WorseThanStable", canary=midway(LATE)
    ),
    ModelFault(
        name="the canary stays busy (429)",
        group="slow",
        reason="NoEvidence",
        canary=lambda _: Say(status=429, headers={"Retry-After": "30"}),
    ),
    ModelFault(
        name="the canary answers garbage", group="garbage", reason="WorseThanStable", canary=lambda _: Say(text=GARBAGE)
    ),
    ModelFault(
        name="the canary answers nothing", group="garbage", reason="WorseThanStable", canary=lambda _: Say(text="")
    ),
    ModelFault(
        name="the canary answers null", group="garbage", reason="WorseThanStable", canary=lambda _: Say(text=None)
    ),
    ModelFault(
        name="the canary is wrong each second time",
        group="garbage",
        reason="WorseThanStable",
        canary=both("No."),
        pairs=120,
    ),
    ModelFault(
        name="the canary cuts its responses",
        group="garbage",
        reason="WorseThanStable",
        canary=lambda _: Say(text="Yes", cut=True),
    ),
    ModelFault(
        name="the canary answers with a web page",
        group="garbage",
        reason="WorseThanStable",
        canary=lambda _: _body("<html>ok</html>"),
    ),
    ModelFault(
        name="the canary answers with no choice",
        group="garbage",
        reason="WorseThanStable",
        canary=lambda _: _body('{"choices": []}'),
    ),
    ModelFault(
        name="the canary's JSON nests without end",
        group="garbage",
        reason="WorseThanStable",
        canary=lambda _: _body("[" * 100_000),
    ),
    ModelFault(
        name="the canary answers with more than 4 MiB",
        group="garbage",
        reason="WorseThanStable",
        canary=lambda _: Say(text="x" * (MAX_BODY + 1)),
        timeout="10s",
    ),
    ModelFault(
        name="stable answers with a web page",
        group="garbage",
        reason="TooManyUnscored",
        stable=lambda _: _body("<html>ok</html>"),
    ),
    ModelFault(
        name="stable and canary are both wrong", group="garbage", reason="BelowFloor", canary=wrong, stable=wrong
    ),
    ModelFault(
        name="a cache says so in a header",
        group="cached",
        reason="AnswersCached",
        canary=lambda _: Say(text="Yes", headers={"X-Cache": "HIT"}),
    ),
    ModelFault(
        name="a cache gives the ids of earlier answers",
        group="cached",
        reason="AnswersCached",
        canary=lambda call: Say(text="Yes", id=f"id of {call.question}"),
    ),
    ModelFault(name="a cache leaves no trace", group="cached", reason="AnswersCached", varied=stored),
    ModelFault(
        name="a cache of stable says so in a header",
        group="cached",
        reason="AnswersCached",
        stable=lambda _: Say(text="Yes", headers={"Age": "7"}),
    ),
)
"""One row each. None of it may end in Passed."""


async def run_model_fault(fault: ModelFault, folder: Path) -> tuple[Run, Report, Judgement]:
    """Run a gate in which this fault happens."""
    probes = probe_set(questions(10), timeout=fault.timeout, concurrency=64)
    async with AsyncExitStack() as stack:
        urls = []
        for behave, varied in ((fault.canary, fault.varied), (fault.stable, None)):
            urls.append((await stack.enter_async_context(serve(behave, varied))).url if behave else closed_port())
        budget = policy(pairs=fault.pairs, duration=8 if fault.reason == "NoEvidence" else 120)
        run = Run(folder=folder, probes=probes, canary=urls[0], stable=urls[1], policy=budget)
        report = await run.make()
    return run, report, judge(run.policy, report, probes=len(probes.probes))


@dataclass(frozen=True, kw_only=True)
class Killed:
    """What is left of a runner that was ended by a signal."""

    code: int
    verdict: Verdict
    message: str
    replayed: Verdict | None  # what its lines say; None: there are none


Wait = Callable[[asyncio.subprocess.Process], Awaitable[None]]


async def kill_runner(folder: Path, number: signal.Signals, ready: Wait) -> Killed:
    """Start the Job's program against slow servers, wait for `ready`, end it; what the operator then reads."""

    def slow(_: Call) -> Say:
        return replace(GOOD, delay=0.2)

    async with serve(slow) as canary, serve(slow) as stable:
        run = Run(folder=folder, probes=probe_set(questions(100), concurrency=8), canary=canary.url, stable=stable.url)
        lines = (folder / "lines").open("wb")
        process = await asyncio.create_subprocess_exec(*run.command(), env=run.environment(), stdout=lines, stderr=PIPE)
        await ready(process)
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), 60)
        lines.close()
    assert process.returncode is not None
    return _left(run, folder, process.returncode)


def _left(run: Run, folder: Path, code: int) -> Killed:
    text = (folder / "lines").read_text(encoding="utf-8")
    replayed = replay(text.splitlines()).judgement.verdict if '"event":"run"' in text else None
    report = folder / "report"
    if code != 0:
        return Killed(
            code=code, verdict=Verdict.BROKEN, message=f"the probe container ended with code {code}", replayed=replayed
        )
    try:
        found = decode(report.read_text(encoding="utf-8") if report.exists() else "")
    except UnreadableReport as e:
        return Killed(code=code, verdict=Verdict.BROKEN, message=str(e), replayed=replayed)
    judgement = judge(run.policy, found, probes=len(run.probes.probes))
    return Killed(code=code, verdict=judgement.verdict, message=judgement.reason, replayed=replayed)


def after(seconds: float) -> Wait:
    """Wait so long, or until the runner has ended by itself."""

    async def wait(process: asyncio.subprocess.Process) -> None:
        waiting = asyncio.ensure_future(process.wait())
        await asyncio.wait([waiting], timeout=seconds)
        waiting.cancel()

    return wait
