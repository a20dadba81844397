"""Whatever a model does, or is done to the runner, nothing is promoted on it; the docs say what came of each fault."""

import re
import signal
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from serinus.core.model import Verdict
from serinus.probes.replay import replay
from tests.support.fault_table import PAGE
from tests.support.judgefaults import FAULTS
from tests.support.modelfaults import MODEL_FAULTS, ModelFault, after, kill_runner, run_model_fault
from tests.unit.test_runs import BROKEN

LEAST_FAULTS = 60


@pytest.mark.parametrize("fault", MODEL_FAULTS, ids=lambda f: f.name)
async def test_fault_of_a_model_ends_as_the_docs_say(tmp_path: Path, fault: ModelFault) -> None:
    run, report, found = await run_model_fault(fault, tmp_path)
    assert found.reason == fault.reason
    assert found.verdict is not Verdict.PASSED
    again = replay(run.lines)
    assert (again.report, again.judgement) == (report, found)
    assert f"| {fault.name} | {fault.group} | {found.verdict} | {found.reason} |" in PAGE.read_text(encoding="utf-8")


def test_every_group_has_faults_and_the_page_counts_all_of_them() -> None:
    groups = [f.group for f in MODEL_FAULTS]
    assert all(groups.count(group) >= 3 for group in ("down", "slow", "garbage", "cached"))
    page = PAGE.read_text(encoding="utf-8")
    sums = [int(n) for n in re.findall(r"^(\d+) faults, 0 promotions\.$", page, re.MULTILINE)]
    judges = sum(f.group != "none" for f in FAULTS)
    assert (sums[0], sums[1], sums[3]) == (judges, len(MODEL_FAULTS), len(BROKEN))
    assert f"In all: {sum(sums)} faults, 0 promotions." in page
    assert sum(sums) >= LEAST_FAULTS
    assert all(f"| {name.replace('|', '')} |" in page for name in BROKEN)


@pytest.mark.parametrize(("number", "message"), [(signal.SIGKILL, "code -9"), (signal.SIGTERM, "code -15")])
async def test_runner_that_ends_before_its_first_line_is_broken(
    tmp_path: Path, number: signal.Signals, message: str
) -> None:
    left = await kill_runner(tmp_path, number, after(0))
    assert (left.verdict, left.replayed) == (Verdict.BROKEN, None)
    assert message in left.message


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_runner_that_is_ended_while_it_asks_is_broken_and_so_are_its_lines(
    tmp_path: Path, number: signal.Signals
) -> None:
    async def asking(process: Process) -> None:
        assert process.stderr is not None
        await process.stderr.readline()  # progress, five seconds after the start

    left = await kill_runner(tmp_path, number, asking)
    assert left.verdict is Verdict.BROKEN
    assert left.replayed in (Verdict.BROKEN, None)
    assert (left.message == "Interrupted") == (number is signal.SIGTERM)
