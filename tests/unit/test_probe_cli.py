"""`serinus probe` against fake servers: cost first, a verdict as an exit code, files for CI, and no key anywhere."""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from serinus.__main__ import main
from serinus.cli.probe_files import as_junit
from serinus.cli.probe_outcome import Outcome, conclude
from serinus.cli.probe_seen import Answers, Row
from serinus.cli.probe_text import markdown
from serinus.core.report import Critical, Pairs, Report, Side, decode
from serinus.probes.progress import Screen, drawing
from tests.support.fakemodel import Behave, Call, Say, serve
from tests.support.judgefaults import RUBRIC
from tests.support.judgeserver import serve_judge, truth
from tests.support.probing import GOOD, POLICY, WRONG, Run, good, policy, probe_set, questions, wrong


def _file(folder: Path, text: str = "") -> str:
    path = folder / "promptfooconfig.json"
    path.write_text(text or questions(10, critical=1), encoding="utf-8")
    return str(path)


async def probe(folder: Path, canary: Behave, stable: Behave | None, *options: str) -> int:
    """Run the command beside its servers; its exit code."""
    async with serve(canary) as first, serve(stable or good) as second:
        asked = ["probe", "-f", _file(folder), "--model", "m", "--canary", first.url]
        asked += ["--stable", second.url] if stable else []
        asked += [] if "--floor-percent" in options else ["--floor-percent", "80"]
        return await asyncio.to_thread(main, [*asked, *options])


def _unsteady(share: float) -> Callable[[Call], Say]:
    chance = random.Random(5)
    return lambda _: WRONG if chance.random() < share else GOOD


@pytest.mark.parametrize(
    ("canary", "stable", "options", "code", "words"),
    [
        (good, good, (), 0, "Passed: Surely not worse than stable by 5 points"),
        (good, None, (), 0, "Passed: Surely not below the floor"),
        (wrong, good, (), 1, "Failed: The canary is worse than stable"),
        (wrong, None, (), 1, "Failed: The revision is below its floor"),
        (_unsteady(0.1), good, ("--pairs", "20"), 2, "Inconclusive: The budget ended before the evidence decided"),
        (lambda _: Say(status=401), good, ("--pairs", "20"), 3, "Broken: Too many pairs had no score"),
        (lambda _: Say(text="Yes", headers={"X-Cache": "HIT"}), good, (), 2, "Inconclusive: Answers came from a cache"),
    ],
)
async def test_verdict_is_the_exit_code_and_the_last_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    canary: Behave,
    stable: Behave | None,
    options: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert await probe(tmp_path, canary, stable, *options) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("10 probes (1 critical), ")
    assert lines[3].startswith("Expected of a healthy canary: ")
    assert lines[-1].startswith(words)


async def test_dry_run_says_plan_and_cost_and_asks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: Behave = lambda _: pytest.fail("asked")  # noqa: E731 - one line for one call
    assert await probe(tmp_path, asked, asked, "--dry-run", "--pairs", "300", "--output", str(tmp_path / "x.md")) == 0
    assert "Budget: 300 pairs, 2000000 tokens, 7200 s, whichever ends first" in capsys.readouterr().out
    assert "x.md" not in os.listdir(tmp_path)


async def test_files_for_ci_agree_with_the_lines_and_with_a_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {kind: tmp_path / f"found.{kind}" for kind in ("xml", "json", "md")}
    outputs = [part for file in files.values() for part in ("--output", str(file))]
    lines = str(tmp_path / "lines.jsonl")
    assert await probe(tmp_path, _unsteady(0.4), good, *outputs, "--evidence", lines) == 1
    told = capsys.readouterr().out.split("\n\n", 1)[1]
    suite = ET.parse(files["xml"]).getroot()
    assert (suite.get("tests"), suite.get("errors")) == ("11", "0")
    gate = suite[0].find("failure")
    assert gate is not None
    found = json.loads(files["json"].read_text(encoding="utf-8"))
    assert gate.get("message") == found["message"]
    assert (found["verdict"], found["exitCode"]) == ("Failed", 1)
    lost = sum(row["lost"] for row in found["probes"])
    assert lost == found["report"]["pairs"]["lost"] > 0
    assert int(suite.get("failures", "0")) == 1 + sum(row["lost"] > row["won"] for row in found["probes"])
    assert found["growth"][-1]["rollback"] == found["evidence"]["rollback"]
    page = files["md"].read_text(encoding="utf-8")
    assert page.startswith("## Failed: ")
    assert "stable: Yes, of course." in page
    assert await asyncio.to_thread(main, ["probe", "replay", lines]) == 1
    assert capsys.readouterr().out == told


async def test_evidence_on_stdout_leaves_the_words_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await probe(tmp_path, good, good, "--evidence", "-") == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["event"] for line in out.splitlines()][-1] == "end"
    assert "Passed: " in err


async def test_report_for_a_job_is_written_and_exits_with_0_whatever_it_says(tmp_path: Path) -> None:
    path = tmp_path / "report"
    assert await probe(tmp_path, wrong, good, "--report", str(path)) == 0
    assert decode(path.read_text(encoding="utf-8")).pairs.lost >= 10


async def test_keys_come_from_the_environment_and_are_shown_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "model-secret")
    monkeypatch.setenv("TEAM_KEY", "team-secret")
    seen: list[dict[str, str]] = []

    def answer(call: Call) -> Say:
        seen.append(call.headers)
        return GOOD

    lines = tmp_path / "lines"
    options = ("--token-env", "MODEL_KEY", "--header", "X-Team=TEAM_KEY", "--evidence", str(lines))
    assert await probe(tmp_path, answer, None, *options) == 0
    assert {(h["Authorization"], h["X-Team"]) for h in seen} == {("Bearer model-secret", "team-secret")}
    said = "".join(capsys.readouterr()) + lines.read_text(encoding="utf-8")
    assert "secret" not in said


async def test_times_of_streamed_answers_are_told_in_every_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slow = Say(text="Yes, of course.", delay=0.12, pause=0.02)
    files = [tmp_path / "x.json", tmp_path / "x.md"]
    outputs = [part for file in files for part in ("--output", str(file))]
    options = ("--stream", "--pairs", "10", *outputs)
    await probe(tmp_path, lambda _: slow, good, *options)
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines() if "first token" in line or "between tokens" in line]
    assert [(r[0], r[1], r[3]) for r in rows] == [
        ("canary", "first", "10"),
        ("canary", "between", "20"),
        ("stable", "first", "10"),
        ("stable", "between", "20"),
    ]
    assert all(float(number) > 110 for number in rows[0][4:])
    found = json.loads(files[0].read_text(encoding="utf-8"))["timing"]
    assert found["canary"]["firstToken"]["p50Seconds"] > 0.11
    assert "### Streamed answers, in milliseconds" in files[1].read_text(encoding="utf-8")
    await probe(tmp_path, good, good)
    assert "Streamed" not in capsys.readouterr().out


async def test_judges_are_named_on_the_command_line_and_their_cost_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "judge-secret")
    tests = [{"description": f"q{i}", "vars": {"q": f"question {i}"}, "assert": [RUBRIC]} for i in range(5)]
    file = _file(tmp_path, json.dumps({"prompts": ["{{q}}"], "tests": tests}))
    labels = tmp_path / "labels.jsonl"
    rows = [
        {"criterion": "says yes", "answer": f"Yes, {i}" if i % 2 else f"No, {i}", "pass": bool(i % 2)}
        for i in range(20)
    ]
    labels.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    async with serve(good) as canary, serve_judge(truth) as judge:
        options = ["probe", "-f", file, "--model", "m", "--canary", canary.url, "--floor-percent", "80"]
        options += ["--judge", judge.url, "--judge-model", "judge", "--judge-token-env", "JUDGE_KEY"]
        code = await asyncio.to_thread(main, [*options, "--labels", str(labels)])
    out = capsys.readouterr().out
    assert code == 0, out
    assert "Judging adds about " in out
    assert "sensitivity 100.0 %" in out
    assert {a.headers["Authorization"] for a in judge.asked} == {"Bearer judge-secret"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--file: found none, it is required"),
        (("-f", "FILE"), "--canary: found none, it is required"),
        (("-f", "FILE", "--canary", "http://a:1"), "--model: found none, it is required"),
        (("-f", "FILE", "--canary", "http://a:1", "--model", "m"), "the gate: floorPercent: is required"),
        (("ALL", "--canary", "host"), "--canary: found 'host', allowed is http:// or https:// with host and port"),
        (("ALL", "--stable", "http://me:key@a"), "--stable: found an address with a user in it, allowed is http://"),
        (("ALL", "--margin-points", "90"), "the gate: marginPoints: found 90.0, allowed is a number from 0.1 to 50"),
        (("ALL", "--pairs", "10", "--floor-percent", "200"), "the gate: floorPercent: found 200.0, allowed is"),
        (("ALL", "--duration", "soon"), "the gate: budget.duration: found 'soon', allowed is a duration"),
        (("ALL", "--api", "smoke"), "FILE: spec.request.api: found 'smoke', allowed are chat, completions"),
        (("ALL", "--concurrency", "0"), "FILE: spec.request.concurrency: found 0, allowed is an integer from 1"),
        (("ALL", "--seed", "-1"), "--seed: found -1, allowed is a number from 0"),
        (("ALL", "--token-env", "NOT_THERE"), "--token-env: variable NOT_THERE: found no value, allowed is one line"),
        (("ALL", "--header", "X-Key: value"), "--header: found 'X-Key', allowed is NAME=VAR, the value in a variable"),
        (("ALL", "--judge", "http://a"), "--judge-model: found none, it is required with --judge"),
        (("ALL", "--embeddings", "http://a"), "--embeddings-model: found none, it is required with --embeddings"),
        (("ALL", "--judge-token-env", "x=NOT_THERE"), "--judge-token-env: found 'x', allowed are embeddings"),
        (("ALL", "--output", "x.pdf"), "--output: found 'x.pdf', allowed are names that end in .xml, .json, .md"),
        (("ALL", "--output", "/nowhere/x.md"), "--output: found '/nowhere/x.md', allowed is a file in a folder"),
        (("ALL", "--labels", "/nowhere"), "--labels: /nowhere: cannot be read: No such file or directory"),
        (("ALL", "-f", "/nowhere.csv"), "/nowhere.csv: cannot be read"),
        (("ALL", "--evidence", "/nowhere/x"), "--evidence: /nowhere/x: cannot be written: No such file or directory"),
        (("replay", "/nowhere"), "/nowhere: cannot be read: No such file or directory"),
        (("replay", "FILE"), "FILE: line 1"),
    ],
)
def test_unusable_call_names_what_was_found_and_what_is_allowed_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    file = _file(tmp_path)
    every = ("-f", file, "--canary", "http://127.0.0.1:9", "--model", "m", "--floor-percent", "80")
    given = [part for o in options for part in (every if o == "ALL" else (file if o == "FILE" else o,))]
    assert main(["probe", *given]) == 3
    err = capsys.readouterr().err.replace(file, "FILE").splitlines()
    assert len(err) == 1
    assert err[0].startswith(f"serinus: {message}")


@pytest.mark.parametrize("arguments", [["--nope"], ["--pairs", "many"], ["replay"]])
def test_call_that_cannot_be_read_is_broken_and_never_inconclusive(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as e:
        main(["probe", *arguments])
    assert e.value.code == 3


async def test_ctrl_c_ends_with_the_evidence_so_far_and_2(tmp_path: Path) -> None:
    asked = asyncio.Event()

    def at_last_not(call: Call) -> Say:
        if call.number <= 2:
            return GOOD
        asked.set()
        return Say(text="Yes", delay=50)

    async with serve(at_last_not) as canary, serve(good) as stable:
        options = ["-f", _file(tmp_path), "--model", "m", "--canary", canary.url, "--stable", stable.url]
        options += ["--floor-percent", "60", "--margin-points", "1", "--output", str(tmp_path / "found.json")]
        command = [sys.executable, "-m", "serinus", "probe", *options]
        environment = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)
        await asyncio.wait_for(asked.wait(), 60)
        process.send_signal(signal.SIGINT)
        out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 2
    assert b"Inconclusive: The run was interrupted. " in out
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert (found["reason"], found["report"]["end"]) == ("Interrupted", "Interrupted")
    assert 10 <= found["report"]["pairs"]["tied"] <= 20


def _outcome(said: str) -> Outcome:
    run = Run(folder=Path(), probes=probe_set(questions(1)), canary="http://a", stable="http://b")
    pairs, report = Pairs(lost=30), Report(identity=run.spec().identity)
    fields: dict[str, Any] = {"pairs": pairs, "canary": Side(failed=30), "stable": Side(passed=30), "probes_seen": 1}
    report = Report(identity=report.identity, end="Decided", critical=(Critical(probe=said),), **fields)
    answers = Answers(canary=said, reason=said, stable=said)
    row = Row(name=said, canary=(0, 30), stable=(30, 30), lost=30, tied=0, won=0, unscored=0, answers=answers)
    judgement = conclude(POLICY, report, probes=1)
    return Outcome(policy=POLICY, report=report, judgement=judgement, rows=[row], looks=[], source=said)


HOSTILE = "<b>x</b> & ]]> \x00\x1b[31m | `a` [link](http://x) @team ![i](http://x) \ud800 \U0001f600"


def test_texts_of_models_are_no_markup_in_files_for_ci() -> None:
    found = _outcome(HOSTILE)
    suite = ET.fromstring(as_junit(found).encode())
    assert (suite.get("failures"), suite[1].get("name")) == (
        "2",
        "<b>x</b> & ]]> ??[31m | `a` [link](http://x) @team ![i](http://x) ? \U0001f600",
    )
    page = markdown(found)
    assert not any(raw in page for raw in ("<b>", "](http", " @team", " `a`", "x | "))


class _Terminal:
    """A stream that says that it is a terminal, and keeps what is written."""

    def __init__(self) -> None:
        self.text = ""
        self.drawn_twice = asyncio.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        if self.text.count("lost 30") > 1:
            self.drawn_twice.set()
        return len(text)

    def flush(self) -> None:
        """There is nothing to flush."""


async def test_terminal_shows_a_bar_that_is_drawn_in_place() -> None:
    terminal: Any = _Terminal()
    screen, report = Screen(terminal, None, lambda _: None), _outcome("q").report
    drawn = asyncio.ensure_future(screen.progress(policy(pairs=60), lambda: report))
    await asyncio.wait_for(terminal.drawn_twice.wait(), 20)
    drawn.cancel()
    await asyncio.gather(drawn, return_exceptions=True)
    lines = drawing(policy(pairs=60), report)
    assert lines[0] == f"[{'#' * 15:<30}] 30 of at most 60 pairs, 0 s"
    assert terminal.text.count("\x1b[1A\x1b[2K") % len(lines) == 0
    assert terminal.text.count("\x1b[1A") >= len(lines)
