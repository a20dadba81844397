"""Whatever a judge does, nothing is promoted on it; what came of each fault stands in the docs."""

import asyncio
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from serinus.core.model import Verdict
from serinus.core.report import decode, encode
from serinus.core.runspec import JudgeEndpoint
from tests.support.fakemodel import serve
from tests.support.fault_table import PAGE
from tests.support.judgefaults import FAULTS, RUBRIC, Fault, judged_set, labels, run_fault
from tests.support.judgeserver import serve_judge, truth
from tests.support.probing import Run, good, verdict


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
async def test_fault_of_a_judge_ends_as_the_docs_say(tmp_path: Path, fault: Fault) -> None:
    run, report, found = await run_fault(fault, tmp_path)
    assert found.reason == fault.reason
    assert fault.group == "none" or found.verdict is not Verdict.PASSED
    assert decode(encode(report)) == report
    assert report.usage.judge_calls > 0
    assert report.judge_digest.startswith("sha256:")
    row = f"| {fault.name} | {fault.group} | {found.verdict} | {found.reason} |"
    assert row in PAGE.read_text(encoding="utf-8")
    assert run.probes.judging.judges


def test_every_group_has_faults_and_the_docs_count_them() -> None:
    groups = [f.group for f in FAULTS]
    assert all(groups.count(group) >= 3 for group in ("down", "slow", "lying", "attacked"))
    faults = sum(group != "none" for group in groups)
    assert f"{faults} faults, 0 promotions." in PAGE.read_text(encoding="utf-8")


async def test_job_asks_its_judges_with_their_keys_and_reports_what_they_cost(tmp_path: Path) -> None:
    key = tmp_path / "token"
    key.write_text("judge-key\n", encoding="ascii")
    async with serve(good) as canary, serve(good) as stable, serve_judge(truth) as judge:
        probes = judged_set([RUBRIC, {"type": "icontains", "value": "yes"}], labelled=labels())
        run = Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url)
        endpoint = JudgeEndpoint(name="j0", url=judge.url, token_path=str(key))
        environment = run.environment(judges=(endpoint,))
        process = await asyncio.create_subprocess_exec(*run.command(), env=environment, stdout=PIPE, stderr=PIPE)
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    report = decode((tmp_path / "report").read_text(encoding="utf-8"))
    assert verdict(run, report).reason == "Passed"
    assert {a.headers["Authorization"] for a in judge.asked} == {"Bearer judge-key"}
    assert (report.usage.judge_calls, report.usage.judge_tokens) == (len(judge.asked), 500 * len(judge.asked))
    assert len(judge.asked) < 8 + 20 + report.usage.calls, "the same answer was judged twice"
    assert report.judge.j == 1.0
    assert b"judge-key" not in out + err


async def test_job_without_an_address_of_its_judge_says_so(tmp_path: Path) -> None:
    async with serve(good) as canary:
        run = Run(folder=tmp_path, probes=judged_set([RUBRIC]), canary=canary.url)
        process = await asyncio.create_subprocess_exec(*run.command(), env=run.environment(), stdout=PIPE, stderr=PIPE)
        await asyncio.wait_for(process.communicate(), 60)
    report = decode((tmp_path / "report").read_text(encoding="utf-8"))
    assert verdict(run, report).reason == "RunnerError"
    assert "found no address of 'j0'" in report.error
    assert canary.calls == []
