"""Whatever a judge does, nothing is promoted on it; what came of each fault stands in the docs."""

from pathlib import Path

import pytest

from serinus.core.model import Verdict
from serinus.core.report import decode, encode
from tests.support.fault_table import PAGE
from tests.support.judgefaults import FAULTS, Fault, run_fault


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
