"""A run counted again from its own lines says the same; lines that are not a run's are refused by their field."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from serinus.core.model import MetricWeight, Verdict
from serinus.core.report import Usage, encode
from serinus.core.timing import packed
from serinus.probes.ledger import NOBODY, Judges, Ledger, Sample
from serinus.probes.lines import end_line, first_token_ms, mark_of, ready_line, run_line, sample_line
from serinus.probes.order import Turn
from serinus.probes.replay import UnreadableLines, replay
from serinus.probes.reply import Kind, Reply
from serinus.probes.settle import Score
from tests.support.fakemodel import Call, Say
from tests.support.judgefaults import FAULTS, Fault, run_fault
from tests.support.probing import GOOD, POLICY, WRONG, Run, good, pair, policy, probe_set, questions, verdict, wrong

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/evidence.schema.json").read_text(encoding="utf-8"))
QUESTIONS = probe_set(questions(4, critical=1))
PROBES = QUESTIONS.probes

_scores = st.builds(
    lambda passed, score, rules: Score(
        passed=passed,
        score=score,
        reason="" if passed else "because of jane@example.com",
        assertions=(
            {"type": "equals", "passed": passed, "score": score, "reason": ""} | ({"byRules": True} if rules else {}),
        ),
    ),
    st.sampled_from((True, False, None)),
    st.floats(0, 1),
    st.booleans(),
)
_replies = st.builds(
    lambda kind, text, status, first, gaps: Reply(
        kind=kind,
        text=text,
        status=status,
        reason=f"as {kind} 4111 1111 1111 1111",
        first_ms=first,
        gaps=packed(gaps) if first else (),
    ),
    st.sampled_from(Kind),
    st.text(max_size=900) | st.just("a secret: " + "hunter22" * 5),
    st.sampled_from((0, 200, 503)),
    st.sampled_from((0.0, 0.01, 35.26, 1400.0)),
    st.dictionaries(st.integers(0, 60), st.integers(1, 9), max_size=4),
)
_sides = st.tuples(_replies, _scores, st.sampled_from(("", "", "", "X-Cache: hit")))


def _sample(side: str, reply: Reply, score: Score, cached: str, *, graded: bool) -> tuple[Score | None, Sample]:
    found = score if reply.kind is Kind.ANSWER else None
    mark = mark_of(side, reply, found)
    values = (mark.score,) if graded and mark.passed is not None else ()
    mark = replace(mark, values=values)
    cached = cached if found else ""
    return found, Sample(mark=mark, cached=cached, first_ms=first_token_ms(reply), gaps=reply.gaps)


@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.lists(st.tuples(_sides, _sides), max_size=40),
    st.booleans(),
    st.booleans(),
    st.sampled_from(("Budget", "Interrupted", "Error")),
    st.randoms(use_true_random=False),
)
def test_replay_gives_the_verdict_the_counters_and_the_message_of_the_run(
    rows: list[Any], paired: bool, graded: bool, end: str, chance: random.Random
) -> None:
    run = Run(
        folder=Path(),
        probes=probe_set(questions(4, critical=1)),
        canary="http://a",
        stable="http://b" if paired else "",
    )
    run.policy = replace(POLICY, graded=graded)
    spec = run.spec()
    ledger = Ledger(spec, PROBES, Judges())
    lines = [run_line(spec, PROBES, judge_digest=""), ready_line(Judges().quality, cached="")]
    for number in chance.sample(range(len(rows)), len(rows)):
        turn = Turn(number=number, round=1 + number // 4, probe=number % 4, canary_first=True)
        told = []
        for side, parts in zip(("canary", "stable")[: 1 + paired], rows[number], strict=False):
            score, sample = _sample(side, *parts, graded=graded)
            told.append(sample)
            lines.append(sample_line(turn, PROBES[turn.probe].id, side, parts[0], score, sample))
        if not ledger.decided:
            ledger.add(number, turn.probe, told[0], told[1] if paired else NOBODY)
    end = "Decided" if ledger.decided else end
    report = ledger.report(Usage(calls=7, seconds=1.5), end=end, error="it broke" if end == "Error" else "")
    lines.append(end_line(spec.policy, report, probes=4, counted=ledger.counted))
    written = [json.dumps(line) for line in lines]

    found = replay(written)
    assert encode(found.report) == encode(report)
    assert (str(found.judgement.verdict), found.judgement.reason, found.message) == tuple(
        lines[-1][key] for key in ("verdict", "reason", "message")
    )
    assert (found.counted, found.differs, found.complete) == (ledger.counted, "", True)
    assert "hunter22" not in "".join(written)
    assert "jane@" not in "".join(written)
    assert "4111" not in "".join(written)


def _unsteady(share: float, seed: int) -> Callable[[Call], Say]:
    chance = random.Random(seed)
    return lambda _: WRONG if chance.random() < share else GOOD


RUNS: dict[str, tuple[Callable[[Call], Say], dict[str, Any]]] = {
    "passed": (good, {}),
    "failed": (wrong, {}),
    "undecided": (_unsteady(0.1, 3), {"policy": policy(pairs=40)}),
    "broken": (lambda _: Say(status=401), {"policy": policy(pairs=40)}),
    "cached": (lambda _: Say(text="Yes", headers={"X-Cache": "HIT"}), {}),
    "critical": (_unsteady(0.3, 4), {"probes": probe_set(questions(5, critical=2))}),
    "graded": (_unsteady(0.2, 5), {"policy": replace(POLICY, graded=True)}),
    "streamed": (_unsteady(0.1, 6), {"probes": probe_set(questions(), stream=True), "policy": policy(pairs=40)}),
}


@pytest.mark.parametrize("name", RUNS)
async def test_lines_of_a_real_run_meet_their_schema_and_give_its_report(tmp_path: Path, name: str) -> None:
    behave, fields = RUNS[name]
    run, report = await pair(tmp_path, behave, **fields)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for line in run.lines:
        validator.validate(json.loads(line))
    found = replay(["12 calls, 6 pairs", *run.lines, ""])
    assert (found.report, found.differs) == (report, "")
    assert any(timing.first for timing in report.timing) is (name == "streamed")
    assert found.judgement == verdict(run, report)


@pytest.mark.parametrize("fault", FAULTS[:2] + FAULTS[-3:], ids=lambda f: f.name)
async def test_judged_run_is_counted_again_without_its_judge(tmp_path: Path, fault: Fault) -> None:
    run, report, judged = await run_fault(fault, tmp_path)
    for line in run.lines:
        jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(line))
    found = replay(run.lines)
    assert (encode(found.report), found.judgement, found.differs) == (encode(report), judged, "")


async def test_metrics_are_counted_again(tmp_path: Path) -> None:
    tests = [
        {
            "description": f"q{i}",
            "vars": {"q": f"{i}"},
            "assert": [{"type": "icontains", "value": "yes", "metric": "tone"}],
        }
        for i in range(5)
    ]
    probes = probe_set(json.dumps({"prompts": ["{{q}}"], "tests": tests}))
    weighed = replace(POLICY, metrics=(MetricWeight(name="tone"),))
    run, report = await pair(tmp_path, wrong, probes=probes, policy=weighed)
    found = replay(run.lines)
    assert (found.report, found.judgement.verdict) == (report, Verdict.FAILED)


async def test_lines_that_were_cut_off_prove_nothing_and_say_so(tmp_path: Path) -> None:
    run, _ = await pair(tmp_path, good)
    found = replay([*run.lines[:40], run.lines[40][:30]])
    assert (found.judgement.verdict, found.judgement.reason, found.complete) == (Verdict.BROKEN, "Interrupted", False)
    assert 0 < found.counted <= 19


async def test_run_that_was_killed_before_it_said_its_verdict_is_broken_whatever_it_counted(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, good)
    found = replay(run.lines[:-1])
    assert (found.report.pairs, found.judgement.verdict) == (report.pairs, Verdict.BROKEN)


async def test_report_that_says_more_than_its_lines_is_noticed(tmp_path: Path) -> None:
    run, _ = await pair(tmp_path, wrong)
    other, _ = await pair(tmp_path, good)
    found = replay([*run.lines[:-1], other.lines[-1]])
    assert found.judgement.verdict is not Verdict.PASSED
    assert "its report has other" in found.differs


def _changed(line: str, **fields: Any) -> str:
    return json.dumps(json.loads(line) | fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [], "line 1: event: found no run"),
        (lambda lines: lines[1:], "line 1.event: found 'ready', allowed is one run, which comes first"),
        (lambda lines: [*lines, lines[0]], "found 'run', allowed is one run"),
        (lambda lines: [_changed(lines[0], format=9)], "line 1.format: found 9, allowed is 1"),
        (lambda lines: [lines[0], _changed(lines[2], event="party")], "line 2.event: found 'party', allowed are run"),
        (lambda lines: [lines[0], _changed(lines[2], probe="x")], "line 2.probe: found 'x', allowed are those that"),
        (lambda lines: [lines[0], _changed(lines[2], side="left")], "line 2.side: found 'left', allowed are canary"),
        (lambda lines: [lines[0], _changed(lines[2], score=2)], "line 2.score: found 2, allowed is a number from 0"),
        (lambda lines: [lines[0], _changed(lines[2], pair=-1)], "line 2.pair: found -1, allowed is an integer from 0"),
        (lambda lines: [lines[0], lines[2], lines[2]], "allowed is the other side of pair"),
        (lambda lines: [lines[0], "{", *lines[1:]], "line 2: found no JSON, allowed is one JSON object"),
        (lambda lines: [*lines[:-1], _changed(lines[-1], report="x")], "the last line: report: not a report"),
        (lambda lines: [_changed(lines[0], run={})], "line 1.run: identity.namespace: is required"),
    ],
)
async def test_lines_that_are_no_run_are_refused_by_their_field(
    tmp_path: Path, change: Callable[[list[str]], list[str]], message: str
) -> None:
    run, _ = await pair(tmp_path, good, policy=policy(pairs=10))
    with pytest.raises(UnreadableLines) as e:
        replay(change(run.lines))
    assert message in str(e.value)
    assert "\n" not in str(e.value)
