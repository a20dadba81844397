"""`serinus judge-test` as people call it: what it costs is said first, and what it found decides the code."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.__main__ import main
from serinus.cli.judge_test import ATTACKS
from serinus.core.judge_attacks import parse_attacks
from tests.support.judgefaults import labels
from tests.support.judgeserver import Asked, Decide, Verdict, always, serve_judge, truth

SHOWN = 50
"""Attacks of the set."""


def probe_set(folder: Path, **changes: Any) -> Path:
    """A file with a ProbeSet and its labelled answers."""
    rows = [{"rubric": x.criterion, "output": x.answer, "label": "pass" if x.good else "fail"} for x in labels()]
    spec = {
        "source": {"inline": "prompts: [a]\ntests: [{assert: [{type: llm-rubric, value: kind}]}]"},
        "judges": [{"name": "local", "model": "qwen", "serviceRef": {"name": "qwen", "port": 80}}],
        "calibration": {"configMapRef": {"name": "labels"}},
        **changes,
    }
    objects = [
        {"apiVersion": "serinus.dev/v1alpha1", "kind": "ProbeSet", "metadata": {"name": "s"}, "spec": spec},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "labels"}, "data": {"l.json": json.dumps(rows)}},
    ]
    path = folder / "probes.yaml"
    path.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return path


async def call(decide: Decide, *arguments: str) -> tuple[int, str, str]:
    """Run the command as a process against a judge."""
    async with serve_judge(decide) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serinus", "judge-test", "--judge", server.url, *arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PYTHONPATH": "operator", "PATH": ""},
        )
        out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_honest_judge_is_trusted_and_the_cost_is_said_first(tmp_path: Path) -> None:
    code, out, err = await call(truth, "-f", str(probe_set(tmp_path)))
    assert code == 0
    assert re.fullmatch(r"1 judge, \d+ answers: about \d+ calls and \d+ tokens\n", err)
    assert f"answers that must fail: 0 of {SHOWN} passed (0.0 %), " in out
    assert "labelled answers: sensitivity 100.0 % [72.2, 100.0] of 10" in out
    assert out.endswith("a gate may lean on it\n")


async def test_judge_that_is_talked_into_verdicts_is_not_trusted(tmp_path: Path) -> None:
    def gullible(asked: Asked) -> Verdict:
        hostile = {a.label.answer for a in parse_attacks("", ATTACKS.read_text(encoding="utf-8"))}
        return Verdict(verdict="pass") if asked.answer in hostile else truth(asked)

    code, out, _ = await call(gullible, "-f", str(probe_set(tmp_path)), "-o", "json")
    found = json.loads(out)
    assert code == 1
    assert found["trusted"] is False
    assert len(found["talked"]) == found["seen"] > 0.1 * SHOWN
    assert found["j"] == 1.0


async def test_judge_that_passes_everything_is_no_judge(tmp_path: Path) -> None:
    code, out, _ = await call(always("pass"), "-f", str(probe_set(tmp_path)))
    assert code == 1
    assert "not usable: judge local is wrong about 4 of 8 plain answers" in out


async def test_judge_needs_no_probe_set() -> None:
    code, out, _ = await call(truth, "--model", "qwen")
    assert code == 0
    assert "the judges are not measured" in out


def test_dry_run_asks_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = probe_set(tmp_path)
    assert main(["judge-test", "-f", str(path), "--judge", "http://127.0.0.1:1", "--dry-run"]) == 0
    assert "1 judge, " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--judge", "http://x"], "--model: found neither it nor a judge"),
        (["--judge", "x", "--model", "m"], "--judge: found 'x', allowed are http(s)://"),
        (["--judge", "other=http://x", "--model", "m"], "of judge"),
        (["--judge", "http://x", "--model", "m", "--labels", "/nowhere"], "--labels: /nowhere: cannot be read"),
        (["--judge", "http://x", "--model", "m", "--key-file", "/nowhere"], "--key-file: /nowhere: cannot be read"),
    ],
)
def test_wrong_call_is_answered_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge-test", *arguments]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("serinus: ")
    assert words in said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"calibration": {"configMapRef": {"name": "elsewhere"}}}, "found no ConfigMap 'elsewhere'"),
        ({"judges": [{"name": "a", "model": "m"}]}, "allowed is exactly one of serviceRef"),
    ],
)
def test_wrong_probe_set_is_named(
    tmp_path: Path, changes: dict[str, Any], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = probe_set(tmp_path, **changes)
    assert main(["judge-test", "-f", str(path), "--judge", "http://x"]) == 2
    assert words in capsys.readouterr().err
