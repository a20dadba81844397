"""`serinus selftest` against a fake server: the cost first, then verdicts of a revision against itself."""

import asyncio
import json
import random
from pathlib import Path

import pytest

from serinus.__main__ import main
from tests.support.fakemodel import Behave, Call, Say, serve
from tests.support.judgefaults import RUBRIC
from tests.support.judgeserver import Asked, Verdict, always, serve_judge, truth
from tests.support.probing import GOOD, WRONG, good, questions

JUDGED = json.dumps(
    {
        "prompts": ["{{q}}"],
        "tests": [{"description": f"q{i}", "vars": {"q": f"question {i}"}, "assert": [RUBRIC]} for i in range(5)],
    }
)


async def selftest(folder: Path, behave: Behave, *options: str, probes: str = "") -> int:
    """Run the command beside the server; its exit code."""
    file = folder / "promptfooconfig.json"
    file.write_text(probes or questions(), encoding="utf-8")
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


async def test_judged_probes_are_tested_with_their_judge_whose_cost_is_said_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "judge-secret")
    (tmp_path / "token").write_text("model-secret\n", encoding="ascii")
    seen: list[str] = []

    def answer(call: Call) -> Say:
        seen.append(call.headers.get("Authorization", ""))
        return GOOD

    async with serve_judge(truth) as judge:
        options = ("--judge", judge.url, "--judge-model", "j", "--token-file", str(tmp_path / "token"), "--runs", "2")
        keyed = (*options, "--judge-token-env", "JUDGE_KEY")
        assert await selftest(tmp_path, answer, *keyed, probes=JUDGED) == 0
        lines = capsys.readouterr().out.splitlines()
        assert {a.headers.get("Authorization") for a in judge.asked} == {"Bearer judge-secret"}
        assert set(seen) == {"Bearer model-secret"}
        asked = len(judge.asked)
        assert await selftest(tmp_path, answer, *options, probes=JUDGED) == 0
        assert {a.headers.get("Authorization") for a in judge.asked[asked:]} == {None}, "no key is another's"
    assert lines[1].startswith("Judging adds about ")
    assert lines[2].startswith("run 1: Passed:")
    assert ", judging " in lines[5]
    assert "secret" not in "".join(lines)


async def test_a_judge_that_errs_says_nothing_false_of_a_revision_against_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(7)

    def errs(asked: Asked) -> Verdict:
        wrong = asked.number > 8 and chance.random() < 0.1
        return Verdict(verdict="fail", quote="") if wrong else truth(asked)

    async with serve_judge(errs) as judge:
        options = ("--judge", judge.url, "--judge-model", "j", "--runs", "3", "--margin-points", "20")
        await selftest(tmp_path, good, *options, probes=JUDGED)
    assert "Failed, all of them falsely: 0.0 %" in capsys.readouterr().out


async def test_a_judge_that_is_wrong_about_plain_answers_breaks_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve_judge(always("fail")) as judge:
        options = ("--judge", judge.url, "--judge-model", "j", "--runs", "1")
        assert await selftest(tmp_path, good, *options, probes=JUDGED) == 1
    assert "run 1: Broken:" in capsys.readouterr().out


async def test_dry_run_says_the_cost_of_a_judge_and_asks_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--judge", "http://127.0.0.1:9", "--judge-model", "j", "--dry-run")
    assert await selftest(tmp_path, lambda _: pytest.fail("asked"), *options, probes=JUDGED) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert said[1].startswith("Judging adds about ")


async def test_judged_probes_without_a_judge_name_the_missing_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await selftest(tmp_path, lambda _: pytest.fail("asked"), probes=JUDGED) == 2
    assert "llm-rubric" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--judge", "http://a"), "--judge-model: found none, it is required with --judge"),
        (("--labels", "/nowhere"), "--labels: /nowhere: cannot be read: No such file or directory"),
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
