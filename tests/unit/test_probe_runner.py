"""Whole runs against fakes that answer well, badly, late or not at all, and what the report then says."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from serinus.core.model import Verdict
from serinus.probes.scoring import ScoringFailed
from tests.support.fakemodel import Call, Say, closed_port, serve
from tests.support.probing import GOOD, WRONG, Run, good, pair, policy, probe_set, questions, verdict, wrong


async def test_revision_that_answers_as_well_as_stable_passes(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, good)
    assert verdict(run, report).verdict is Verdict.PASSED
    assert (report.pairs.lost, report.pairs.won, report.pairs.unscored) == (0, 0, 0)
    assert (report.probes_seen, report.end, report.worst) == (10, "Decided", ())
    assert report.usage.calls >= 2 * report.pairs.scored
    assert report.usage.prompt_tokens == 10 * report.usage.calls


async def test_revision_that_answers_wrongly_fails_after_ten_pairs(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, wrong)
    assert (verdict(run, report).verdict, verdict(run, report).reason) == (Verdict.FAILED, "WorseThanStable")
    assert report.pairs.lost == report.pairs.scored == 10
    assert [(w.canary, w.stable, w.example) for w in report.worst] == [("0/1", "1/1", "No.")] * 3


async def test_better_revision_passes_and_wins_its_pairs(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, good, lambda c: WRONG if c.question == "question 3" else GOOD)
    assert verdict(run, report).verdict is Verdict.PASSED
    assert report.pairs.won > 0
    assert report.worst == ()


BAD: dict[str, tuple[Say, str]] = {
    "empty": (Say(text=""), "the answer is empty"),
    "blank": (Say(text=" \n"), "the answer is empty"),
    "null": (Say(text=None), "the answer is empty"),
    "5xx": (Say(status=500), "the server answered with 500"),
    "503": (Say(status=503), "the server answered with 503"),
    "404": (Say(status=404), "the server answered with 404"),
    "redirect": (Say(status=307, headers={"Location": "http://127.0.0.1:1/"}), "redirects are not followed"),
    "huge": (Say(body=b"x" * (5 * 2**20)), "larger than"),
    "cut": (Say(text="Yes" * 50, cut=True), "the connection was cut"),
    "no JSON": (Say(body=b'{"choices": ['), "is cut, or is no completion"),
    "no choices": (Say(body=b'{"error": "x"}'), "is cut, or is no completion"),
    "compressed": (Say(text="Yes", headers={"Content-Encoding": "br"}), "compressed"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_canary_without_a_usable_answer_scores_nothing_and_fails(tmp_path: Path, kind: str) -> None:
    say, why = BAD[kind]
    run, report = await pair(tmp_path, lambda _: say)
    assert verdict(run, report).reason == "WorseThanStable"
    assert report.pairs.lost == report.pairs.scored
    assert why in report.worst[0].example


@pytest.mark.parametrize("kind", [k for k in BAD if k not in ("empty", "blank", "null")])
async def test_stable_without_a_usable_answer_gives_no_score_whatever_the_canary_says(
    tmp_path: Path, kind: str
) -> None:
    say, why = BAD[kind]
    run, report = await pair(tmp_path, wrong, lambda _: say)
    assert verdict(run, report).verdict is Verdict.BROKEN
    assert verdict(run, report).reason == "TooManyUnscored"
    assert (report.pairs.scored, report.canary.scored, report.probes_seen) == (0, 0, 0)
    assert report.pairs.unscored > 10
    assert "stable" in report.error
    assert why in report.error


async def test_empty_answer_of_stable_is_a_wrong_answer_of_stable(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, good, lambda _: Say(text=""))
    assert verdict(run, report).verdict is Verdict.PASSED
    assert (report.pairs.unscored, report.pairs.lost, report.stable.passed) == (0, 0, 0)
    assert report.pairs.won == report.pairs.scored


async def test_canary_that_takes_too_long_scores_nothing(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, lambda _: Say(text="Yes", delay=30), probes=probe_set(questions(), timeout="1s"))
    assert verdict(run, report).reason == "WorseThanStable"
    assert report.worst[0].example == "no answer within 1 s"


async def test_canary_that_is_not_there_is_no_bad_model(tmp_path: Path) -> None:
    async with serve(good) as stable:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=closed_port(), stable=stable.url)
        report = await run.make()
    assert verdict(run, report).reason == "TooManyUnscored"
    assert report.canary.scored == 0
    assert "canary: no connection" in report.error


async def test_stable_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    async with serve(wrong) as canary:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url, stable=closed_port())
        report = await run.make()
    assert verdict(run, report).reason == "TooManyUnscored"


async def test_refused_token_is_a_fault_of_the_probe_and_of_no_model(tmp_path: Path) -> None:
    run, report = await pair(tmp_path, lambda _: Say(status=401))
    assert verdict(run, report).verdict is Verdict.BROKEN
    assert "token" in report.error


async def test_busy_server_is_waited_for_and_no_failure(tmp_path: Path) -> None:
    busy = Say(status=429, headers={"Retry-After": "1"})
    run, report = await pair(tmp_path, lambda c: busy if c.number == 1 else GOOD)
    assert verdict(run, report).verdict is Verdict.PASSED
    assert report.usage.seconds > 1
    assert (report.pairs.unscored, report.canary.failed) == (0, 0)
    assert {s["status"] for s in run.samples} == {200}


async def test_server_that_stays_busy_ends_with_the_budget_and_without_evidence(tmp_path: Path) -> None:
    busy = Say(status=429, headers={"Retry-After": "30"})
    run, report = await pair(tmp_path, lambda _: busy, policy=policy(duration=2))
    assert (report.end, report.pairs.scored, report.pairs.unscored) == ("Budget", 0, 0)
    assert verdict(run, report).reason == "NoEvidence"


@pytest.mark.parametrize(
    ("say", "why"),
    [
        (lambda c: Say(text="Yes", id=f"id of {c.question}"), "response id"),
        (lambda _: Say(text="Yes", headers={"X-Cache": "HIT from edge"}), "X-Cache"),
        (lambda _: Say(text="Yes", headers={"Age": "7"}), "Age"),
    ],
)
async def test_answers_of_a_cache_are_inconclusive_and_only_first_answers_count(
    tmp_path: Path, say: Callable[[Call], Say], why: str
) -> None:
    run, report = await pair(tmp_path, say)
    assert verdict(run, report).reason == "AnswersCached"
    assert why in report.cached
    assert report.pairs.scored == 10
    assert all(w.canary == "1/1" for w in report.worst)


@pytest.mark.parametrize("say", [Say(text="Yes", id="same"), Say(text="Yes", headers={"X-Cache": "MISS", "Age": "0"})])
async def test_one_id_for_all_and_headers_of_a_miss_are_no_cache(tmp_path: Path, say: Say) -> None:
    run, report = await pair(tmp_path, lambda _: say)
    assert verdict(run, report).verdict is Verdict.PASSED


@pytest.mark.parametrize(("behave", "reason"), [(good, "Passed"), (wrong, "BelowFloor")])
async def test_first_revision_is_judged_by_the_floor_alone(
    tmp_path: Path, behave: Callable[[Call], Say], reason: str
) -> None:
    async with serve(behave) as canary:
        run = Run(folder=tmp_path, probes=probe_set(questions()), canary=canary.url)
        report = await run.make()
    assert verdict(run, report).reason == reason
    assert (report.pairs.scored, report.stable.scored) == (0, 0)
    assert report.probes_seen == 10
    assert {s["side"] for s in run.samples} == {"canary"}


async def test_first_revision_that_is_not_there_is_no_evidence(tmp_path: Path) -> None:
    run = Run(folder=tmp_path, probes=probe_set(questions()), canary=closed_port())
    report = await run.make()
    assert verdict(run, report).reason == "TooManyUnscored"


async def test_samples_say_what_was_asked_and_hide_personal_data(tmp_path: Path) -> None:
    leak = Say(text="No. Mail jane.doe@example.com or call +49 30 1234567, key sk-abcdefghijklmnop1234.")
    run, report = await pair(tmp_path, lambda _: leak, policy=policy(pairs=10))
    assert report.worst[0].example == "No. Mail [email] or call [phone], key [key]."
    sample = next(s for s in run.samples if s["side"] == "canary")
    assert sample["answer"] == report.worst[0].example
    assert {k: sample[k] for k in ("event", "round", "status", "passed", "score")} == {
        "event": "sample",
        "round": 1,
        "status": 200,
        "passed": False,
        "score": 0.0,
    }
    assert sample["assertions"] == [{"type": "icontains", "passed": False, "score": 0.0}]
    assert sample["latencyMs"] > 0


async def test_probe_that_cannot_be_prepared_is_named_before_anyone_is_asked(tmp_path: Path) -> None:
    source = "prompts: ['{{q}}']\ntests: [{description: broken, assert: [{type: is-json}]}]"
    async with serve(good) as canary:
        run = Run(folder=tmp_path, probes=probe_set(source), canary=canary.url)
        with pytest.raises(ScoringFailed, match="probe 'broken'"):
            await run.make()
    assert canary.calls == []


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(0.0, Verdict.PASSED), (0.35, Verdict.FAILED)],
)
async def test_statistics_of_a_run_end_in_the_right_verdict(tmp_path: Path, loss: float, expected: Verdict) -> None:
    chance = random.Random(11)

    def answer(share: float) -> Callable[[Call], Say]:
        return lambda _: WRONG if chance.random() < share else GOOD

    run, report = await pair(
        tmp_path, answer(0.03 + loss), answer(0.03), probes=probe_set(questions(20), concurrency=32)
    )
    assert verdict(run, report).verdict is expected
    assert report.pairs.scored < 1000
