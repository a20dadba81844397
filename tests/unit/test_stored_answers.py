"""Questions that no model answers alike twice find a cache that leaves no trace, and mistake nothing else for one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from serinus.probes import repeats
from tests.support.fakemodel import Call, Say, serve
from tests.support.probing import Run, good, probe_set, questions, verdict


def stored(call: Call) -> Say:
    """A cache: another long text for each question, the same one each time."""
    return Say(text=f"Here is what you asked for, at some length: {call.question}")


def one_text(_: Call) -> Say:
    """A bad model: the same long text for every question."""
    return Say(text="I am sorry, but as a language model I can only help with what concerns our shop and its goods.")


async def asked(folder: Path, varied: Callable[[Call], Say] | None, *, stable: bool = False) -> tuple[Run, str]:
    """A run of good answers where one side answers the three questions like this; the reason of its verdict."""
    ways = (None, varied) if stable else (varied, None)
    async with serve(good, ways[0]) as first, serve(good, ways[1]) as second:
        run = Run(folder=folder, probes=probe_set(questions()), canary=first.url, stable=second.url)
        report = await run.make()
    assert report.pairs.scored == 10 or not report.cached  # only the first answer of each probe counts
    assert report.usage.calls >= 2 * report.pairs.scored + 2 * repeats.TIMES * len(repeats.QUESTIONS)
    return run, verdict(run, report).reason


@pytest.mark.parametrize("stable", [False, True])
async def test_cache_without_a_trace_in_its_headers_makes_the_run_inconclusive(tmp_path: Path, stable: bool) -> None:
    _, reason = await asked(tmp_path, stored, stable=stable)
    assert reason == "AnswersCached"


@pytest.mark.parametrize(
    "varied",
    [
        None,
        one_text,
        lambda _: Say(text="No."),
        lambda c: Say(text=f"No: {c.question[:9]}"),
        lambda _: Say(status=500),
    ],
)
async def test_bad_short_or_missing_answers_are_no_cache(tmp_path: Path, varied: Callable[[Call], Say] | None) -> None:
    _, reason = await asked(tmp_path, varied)
    assert reason == "Passed"


async def test_the_questions_are_asked_at_full_temperature_and_twice_on_each_side(tmp_path: Path) -> None:
    calls: list[Call] = []

    def note(call: Call) -> Say:
        calls.append(call)
        return Say(text=f"{len(calls)} {call.question}")

    await asked(tmp_path, note)
    assert sorted(c.question for c in calls) == sorted(q.prompt for q in repeats.QUESTIONS for _ in range(2))
    assert {(c.body["temperature"], c.body["max_tokens"]) for c in calls} == {(1.0, 64)}
    assert len({c.body["user"] for c in calls}) == len(calls)


def test_one_question_answered_anew_is_enough_to_clear_a_side() -> None:
    long = [f"{i} " + "word " * 20 for i in range(3)]
    same = [[text, text] for text in long]
    assert "canary" in repeats.sign({"canary": same})
    assert repeats.sign({"canary": [*same[:2], [long[2], long[2] + "!"]]}) == ""
    assert repeats.sign({"canary": [*same[:2], [long[2]]]}) == ""
    assert repeats.sign({"canary": [*same[:2], ["short", "short"]]}) == ""
    assert repeats.sign({"canary": [same[0]] * 3}) == ""
    assert "stable" in repeats.sign({"canary": [["", ""]] * 3, "stable": same})
