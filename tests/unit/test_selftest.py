"""`serinus selftest` against a fake server: the cost first, then verdicts of a revision against itself."""

import asyncio
import random
from pathlib import Path

import pytest

from serinus.__main__ import main
from tests.support.fakemodel import Behave, Call, Say, serve
from tests.support.probing import GOOD, WRONG, good, questions


async def selftest(folder: Path, behave: Behave, *options: str) -> int:
    """Run the command beside the server; its exit code."""
    file = folder / "promptfooconfig.json"
    file.write_text(questions(), encoding="utf-8")
    async with serve(behave) as server:
        arguments = [
            "selftest",
            "-f",
            str(file),
            "--url",
            server.url,
            "--model",
            "m",
            "--floor-percent",
            "80",
            *options,
        ]
        return await asyncio.to_thread(main, arguments)


async def test_good_revision_passes_against_itself_after_its_cost_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await selftest(tmp_path, good, "--runs", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(
        "2 runs of 10 probes, stable against stable. Expected for each: 412 calls, at most about"
    )
    assert [line[:14] for line in lines[1:3]] == ["run 1: Passed:", "run 2: Passed:"]
    assert lines[3] == "Passed: 2"
    assert lines[4].startswith("Mean of a run: ")
    assert lines[5] == "Failed, all of them falsely: 0.0 % (allowed 5 %)"


async def test_unsteady_revision_is_not_worse_than_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(5)

    def unsteady(_: Call) -> Say:
        return WRONG if chance.random() < 0.05 else GOOD

    assert await selftest(tmp_path, unsteady, "--runs", "1", "--margin-points", "20") == 0
    assert "Passed: 1" in capsys.readouterr().out


async def test_revision_below_its_floor_is_a_failure_that_the_exit_code_tells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await selftest(tmp_path, lambda _: WRONG, "--runs", "1") == 1
    assert "below its floor" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--runs", "0"), "--runs: found 0, allowed are 1 to 1000"),
        (("--pairs", "10", "--margin-points", "90"), "marginPoints: found 90.0, allowed is a number from"),
        (("--url", "localhost"), "--url: found 'localhost', allowed is http:// or https://"),
        (("--token-file", "/nowhere"), "--token-file: /nowhere: FileNotFoundError"),
    ],
)
async def test_call_that_cannot_work_says_what_is_allowed_and_asks_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert await selftest(tmp_path, lambda _: pytest.fail("asked"), *options) == 2
    assert message in capsys.readouterr().err
