"""The program as the Job runs it: its exit codes, its one report, and how it ends when it is told to."""

import asyncio
import dataclasses
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest

from serinus.core import probejson, runspec
from serinus.core.probeset import parse_probe_set
from serinus.core.report import MAX_BYTES, Report, decode
from serinus.core.verdict import judge
from serinus.probes.outcome import Said
from serinus.probes.scoring import Scorer, ScoringFailed
from tests.support.fakemodel import Call, Say, serve
from tests.support.probing import POLICY, Run, probe_set, questions

DEADLINE = 60


async def start(run: Run, **changes: Any) -> tuple[int, Report, str, str]:
    """Run the program to its end: exit code, report, and what it wrote."""
    environment = run.environment(**changes)
    process = await asyncio.create_subprocess_exec(*run.command(), env=environment, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode is not None
    return process.returncode, read(run), out.decode(), err.decode()


def read(run: Run) -> Report:
    data = (run.folder / "report").read_bytes()
    assert len(data) <= MAX_BYTES
    return decode(data.decode())


async def test_report_is_written_samples_go_out_and_the_last_line_says_the_verdict(tmp_path: Path) -> None:
    async with serve(lambda _: Say(text="Yes")) as canary, serve(lambda _: Say(text="yes")) as stable:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url, stable=stable.url)
        (tmp_path / "report").write_text("x" * 9000, encoding="utf-8")
        code, report, out, err = await start(run)
    assert (code, report.end, report.identity) == (0, "Decided", run.spec().identity)
    assert judge(POLICY, report, probes=10).reason == "Passed"
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["event"] for line in (*lines[:2], lines[-1])] == ["run", "ready", "end"]
    assert {s["side"] for s in lines[2:-1]} == {"canary", "stable"}
    assert err.splitlines()[-1].startswith("Surely not worse")


async def test_token_is_read_from_its_file_and_shown_nowhere(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("very-secret-token\n", encoding="ascii")
    async with serve(lambda _: Say(text="Yes")) as canary:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url)
        code, _, out, err = await start(run, token_path=str(token))
    assert code == 0
    assert canary.calls[0].headers["Authorization"] == "Bearer very-secret-token"
    assert "very-secret-token" not in out + err + (tmp_path / "report").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"token_path": "/nowhere/token"}, "the token cannot be read"),
        ({"policy": dataclasses.replace(POLICY, budget=dataclasses.replace(POLICY.budget, pairs=5))}, "budget.pairs"),
    ],
)
async def test_parameters_that_cannot_work_end_in_an_error_report(
    tmp_path: Path, changes: dict[str, Any], word: str
) -> None:
    async with serve(lambda _: Say(text="Yes")) as canary:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url)
        code, report, _, _ = await start(run, **changes)
    assert (code, report.end, canary.calls) == (0, "Error", [])
    assert word in report.error
    assert judge(POLICY, report, probes=10).reason == "RunnerError"


async def test_probes_of_another_digest_are_not_run(tmp_path: Path) -> None:
    run = Run(folder=tmp_path, probes=probe_set(questions()), canary="http://127.0.0.1:9")
    identity = dataclasses.replace(run.spec().identity, digest="sha256:other")
    code, report, _, _ = await start(run, identity=identity)
    assert (code, report.end) == (0, "Error")
    assert "allowed is sha256:other" in report.error


async def test_probe_that_cannot_be_prepared_is_named_in_the_report(tmp_path: Path) -> None:
    source = "prompts: ['{{q}}']\ntests: [{description: broken, assert: [{type: is-json}]}]"
    run = Run(folder=tmp_path, probes=probe_set(source), canary="http://127.0.0.1:9")
    code, report, _, _ = await start(run)
    assert (code, report.end) == (0, "Error")
    assert "probe 'broken': prompt: UndefinedError" in report.error


async def test_crash_leaves_an_error_report_and_a_code_that_is_not_zero(tmp_path: Path) -> None:
    run = Run(folder=tmp_path, probes=probe_set(questions()), canary="http://127.0.0.1:9")
    environment = {**run.environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'scorer' not in ' '.join(sys.orig_argv):\n"
        "    import serinus.probes.runner as r\n"
        "    def broken(*_): raise ZeroDivisionError('of the test')\n"
        "    r.turns = broken\n",
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(*run.command(), env=environment, stdout=PIPE, stderr=PIPE)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode == 1
    assert "ZeroDivisionError" in err.decode()
    assert (read(run).end, read(run).error) == ("Error", "the runner crashed: ZeroDivisionError: of the test")


async def test_without_parameters_there_is_nothing_to_report(tmp_path: Path) -> None:
    run = Run(folder=tmp_path, probes=probe_set(questions()), canary="http://127.0.0.1:9")
    environment = {k: v for k, v in run.environment().items() if k != runspec.ENV_RUN}
    process = await asyncio.create_subprocess_exec(*run.command(), env=environment, stderr=PIPE)
    _, err = await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode == 2
    assert b"SERINUS_RUN" in err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_ends_the_run_with_what_was_counted(tmp_path: Path, number: signal.Signals) -> None:
    asked = asyncio.Event()

    def behave(call: Call) -> Say:
        if call.number == 2:
            asked.set()
        return Say(text="Yes", delay=0 if call.number == 1 else 30)

    async with serve(behave) as canary, serve(behave) as stable:
        probes = probe_set(questions(), timeout="60s", concurrency=1)
        run = Run(folder=tmp_path, probes=probes, canary=canary.url, stable=stable.url)
        process = await asyncio.create_subprocess_exec(*run.command(), env=run.environment(), stdout=PIPE, stderr=PIPE)
        await asyncio.wait_for(asked.wait(), DEADLINE)
        process.send_signal(number)
        await asyncio.wait_for(process.communicate(), DEADLINE)
    assert process.returncode == 0
    report = read(run)
    assert (report.end, report.pairs.scored) == ("Interrupted", 10)
    assert judge(POLICY, report, probes=10).reason == "Interrupted"


async def test_report_of_the_largest_run_fits(tmp_path: Path) -> None:
    names = [f"{i:02} " + 'é"\\🙂' * 30 for i in range(20)]
    tests = [
        {
            "description": n,
            "assert": [{"type": "equals", "value": "x"}],
            "metadata": {"critical": True},
            "vars": {"q": "q"},
        }
        for n in names
    ]
    source = json.dumps({"prompts": ["{{q}}"], "tests": tests})
    async with serve(lambda _: Say(text='"\\é🙂' * 200)) as canary:
        run = Run(folder=tmp_path, probes=probe_set(source), canary=canary.url)
        identity = dataclasses.replace(
            run.spec().identity, namespace="n" * 63, service="s" * 40, gate="g" * 20, purpose="BeforeTraffic"
        )
        code, report, _, _ = await start(run, identity=identity)
    assert code == 0
    assert len(report.critical) == 20
    assert report.canary.failed > 0


async def test_closed_output_does_not_stop_the_report(tmp_path: Path) -> None:
    async with serve(lambda _: Say(text="Yes")) as canary:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url)
        read_end, write_end = os.pipe()
        os.close(read_end)
        process = await asyncio.create_subprocess_exec(
            *run.command(), env=run.environment(), stdout=write_end, stderr=PIPE
        )
        os.close(write_end)
        await asyncio.wait_for(process.communicate(), DEADLINE)
    assert read(run).end == "Decided"


HOSTILE = """
prompts: ["{{q}}"]
defaultTest: {vars: {q: hi}}
tests:
- {description: endless, assert: [{type: javascript, value: "for (;;) {}\\nreturn true"}]}
- {description: memory, assert: [{type: javascript, value: "let a = [];\\nfor (;;) a.push('x'.repeat(1e5) + a[0])"}]}
- {description: pattern, assert: [{type: regex, value: "^(a+)+$"}]}
- {description: schema, assert: [{type: is-json, value: {items: {pattern: "^(a+)+$"}}}]}
- {description: native, assert: [{type: javascript, value: "[].sort.call({length: 2**32 - 1}), true"}]}
- {description: braces, assert: [{type: contains-json}]}
- {description: good, assert: [{type: icontains, value: "a"}]}
"""


async def test_hostile_scripts_patterns_and_answers_end_and_the_next_answer_is_scored(tmp_path: Path) -> None:
    probes = probe_set(HOSTILE).probes
    path = tmp_path / "probes.json"
    path.write_text(probejson.to_json(probe_set(HOSTILE)), encoding="utf-8")
    scorer = Scorer(str(path), probes)
    await scorer.start()
    answers = ["x", "x", "a" * 40 + "b", json.dumps(["a" * 40 + "b"]), "x", "{[" * 50_000, "Aa"]
    try:
        found = [await asyncio.wait_for(scorer.score(i, Said(text=text)), DEADLINE) for i, text in enumerate(answers)]
    finally:
        await scorer.close()
    assert [None if f is None else f.passed for f in found] == [False, False, False, False, None, False, True]
    assert found[0] is not None
    assert "longer than 1 s" in found[0].reason


async def test_template_that_does_not_end_stops_the_run_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serinus.probes.scoring._PREPARE_SECONDS", 1.0)
    loops = "{% for a in q %}" * 4 + "{% endfor %}" * 4
    tests = [
        *({"description": f"good {n}", "assert": [{"type": "is-json"}]} for n in range(40)),
        {"description": "loops", "vars": {"q": "x" * 1000}, "assert": [{"type": "contains", "value": loops}]},
    ]
    spec = {"prompts": ["x"], "source": {"inline": json.dumps(tests)}}
    found = parse_probe_set(spec, {})
    path = tmp_path / "probes.json"
    path.write_text(probejson.to_json(found), encoding="utf-8")
    scorer = Scorer(str(path), found.probes)
    with pytest.raises(ScoringFailed, match=r"probe 'loops'.*too long"):
        await asyncio.wait_for(scorer.start(), DEADLINE)


async def test_python_that_the_cluster_does_not_allow_stops_the_run_before_it_begins(tmp_path: Path) -> None:
    found = parse_probe_set({"prompts": ["x"], "source": {"inline": "- assert: [{type: python, value: 'True'}]"}}, {})
    path = tmp_path / "probes.json"
    path.write_text(probejson.to_json(found), encoding="utf-8")
    scorer = Scorer(str(path), found.probes, python=False)
    with pytest.raises(ScoringFailed, match=r"test-1.*python is switched off"):
        await asyncio.wait_for(scorer.start(), DEADLINE)
