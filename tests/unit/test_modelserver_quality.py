"""The model server's answers: what the knowledge holds, and how often each mode is wrong.

Statistics are held to exact binomial bounds of a chance of 1 in a million, with fixed seeds.
"""

import math
import re
from collections import Counter
from dataclasses import replace

import pytest

from tests.support.modelserver.knowledge import Question, load
from tests.support.modelserver.probeset import build_probeset
from tests.support.modelserver.quality import Answerer, difficulties, error_rates
from tests.support.modelserver.settings import Mode, Quality

KNOWLEDGE = load()
SEEDED = Quality(call_seed=7)


def passes(question: Question, text: str) -> bool:
    """What promptfoo says to the probe of this question, for the three assertion types in use."""
    (test,) = (t for t in build_probeset(KNOWLEDGE)["tests"] if t["description"] == question.id)
    (assertion,) = test["assert"]
    kind, value = assertion["type"], assertion["value"]
    if kind == "regex":
        return re.search(value, text) is not None
    assert kind in {"icontains", "icontains-any"}
    forms = [value] if kind == "icontains" else value
    return any(form.lower() in text.lower() for form in forms)


def answerer(quality: Quality) -> Answerer:
    return Answerer(KNOWLEDGE, quality, lambda: 0.0)


def failures(model: Answerer, rounds: int) -> Counter[str]:
    asked = (question for _ in range(rounds) for question in KNOWLEDGE.questions)
    return Counter(q.id for q in asked if not passes(q, model.answer(q.ask[0]).text))


def tail(trials: int, chance: float, at_least: int) -> float:
    """Exact P(X >= at_least) of a binomial."""
    logs = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(chance) + (trials - k) * math.log1p(-chance)
        for k in range(at_least, trials + 1)
    )  # fmt: skip
    return math.fsum(math.exp(log) for log in logs)


def is_plausible(count: int, trials: int, chance: float) -> bool:
    """Neither tail beyond this count is rarer than 1 in a million.

    A sum of draws of unequal chances has thinner tails than the binomial of their mean (Hoeffding 1956): if this
    says no, it says no for them too.
    """
    return tail(trials, chance, count) > 1e-6 and 1 - tail(trials, chance, count + 1) > 1e-6


def test_knowledge_holds_a_hundred_questions_of_which_four_are_critical() -> None:
    assert len(KNOWLEDGE.questions) == 100
    assert sum(question.critical for question in KNOWLEDGE.questions) == 4


@pytest.mark.parametrize("question", KNOWLEDGE.questions, ids=lambda q: q.id)
def test_every_right_wording_passes_its_probe_and_every_wrong_one_fails(question: Question) -> None:
    frames = [o + s + c for o in KNOWLEDGE.openers for s in question.say for c in KNOWLEDGE.closers]
    for frame in frames:
        assert all(passes(question, frame.replace("{fact}", fact)) for fact in question.fact)
        assert not any(passes(question, frame.replace("{fact}", fact)) for fact in question.wrong)


def test_every_phrasing_is_recognised_alone_and_inside_a_template() -> None:
    for question in KNOWLEDGE.questions:
        for phrase in question.ask:
            assert KNOWLEDGE.recognise(phrase.upper()) is question
            assert KNOWLEDGE.recognise(f"You are a helper.\nCustomer: {phrase}\nAnswer:") is question
    assert KNOWLEDGE.recognise("What is the meaning of life?") is None


def test_unknown_questions_get_answers_that_differ_so_that_nobody_takes_them_for_cached() -> None:
    model = answerer(SEEDED)
    assert len({model.answer("Write a poem about the sea").text for _ in range(50)}) == 50


@pytest.mark.parametrize("mean", [0.001, 0.01, 0.16, 0.5, 0.99])
def test_error_rates_average_to_the_wanted_share(mean: float) -> None:
    for difficulty in difficulties(KNOWLEDGE, 1):
        rates = error_rates(difficulty, mean)
        assert sum(rates) / len(rates) == pytest.approx(mean, abs=1e-9)


def test_a_few_hard_questions_carry_most_noise_and_critical_ones_next_to_none() -> None:
    model = answerer(SEEDED)
    rates = sorted((model.error_rate(q) for q in KNOWLEDGE.questions), reverse=True)
    assert sum(rates[:15]) > 0.5 * sum(rates)
    assert max(model.error_rate(q) for q in KNOWLEDGE.questions if q.critical) < 0.001


def test_difficulty_follows_from_the_seed_and_the_question_alone() -> None:
    shuffled = replace(KNOWLEDGE, questions=KNOWLEDGE.questions[::-1])
    assert difficulties(shuffled, 1)[0] == difficulties(KNOWLEDGE, 1)[0][::-1]
    assert difficulties(KNOWLEDGE, 1) != difficulties(KNOWLEDGE, 2)


def test_a_good_model_errs_at_the_noise_share() -> None:
    assert is_plausible(failures(answerer(SEEDED), 100).total(), 10_000, 0.01)


def test_wrong_fifteen_loses_fifteen_points_of_pass_rate_beyond_the_noise() -> None:
    wrong = failures(answerer(replace(SEEDED, mode=Mode.WRONG, wrong_percent=15)), 100).total()
    assert is_plausible(wrong, 10_000, 0.16)
    assert not is_plausible(wrong, 10_000, 0.13)


def test_the_bound_itself_refuses_a_count_that_is_off() -> None:
    assert not is_plausible(1000, 10_000, 0.16)
    assert not is_plausible(2000, 10_000, 0.16)
    assert tail(10, 0.5, 0) == pytest.approx(1)
    assert tail(10, 0.5, 10) == pytest.approx(2**-10)


def test_wrong_answers_have_the_form_of_right_ones() -> None:
    model = answerer(Quality(mode=Mode.WRONG, wrong_percent=100, vary_percent=0))
    question = KNOWLEDGE.questions[0]
    assert model.answer(question.ask[0]).text == question.say[0].replace("{fact}", question.wrong[0])


def test_vary_percent_is_the_share_of_other_wordings_and_leaves_the_facts_right() -> None:
    usual = answerer(Quality(vary_percent=0, noise_percent=0, call_seed=1))
    varied = answerer(Quality(vary_percent=100, noise_percent=0, call_seed=1))
    for question in KNOWLEDGE.questions:
        assert len({usual.answer(question.ask[0]).text for _ in range(5)}) == 1
        texts = [varied.answer(question.ask[0]).text for _ in range(40)]
        assert len(set(texts)) > 5
        assert all(passes(question, text) for text in texts)


@pytest.mark.parametrize("mode", [Mode.GARBAGE, Mode.EMPTY, Mode.REFUSE, Mode.CUT])
def test_broken_modes_never_pass_a_probe(mode: Mode) -> None:
    assert failures(answerer(Quality(mode=mode, call_seed=3, vary_percent=50)), 5).total() == 500


def test_cut_answers_say_that_they_were_cut() -> None:
    reply = answerer(Quality(mode=Mode.CUT)).answer("How long is the return period?")
    assert reply.finish_reason == "length"
    assert reply.text


def test_fail_mode_fails_the_set_share_and_answers_the_rest_well() -> None:
    model = answerer(Quality(mode=Mode.FAIL, fail_percent=30, noise_percent=0, call_seed=5))
    replies = [model.answer("How long is the return period?") for _ in range(2000)]
    assert is_plausible(sum(reply.status == 500 for reply in replies), 2000, 0.3)
    assert all("days" in reply.text for reply in replies if reply.status == 200)


def test_slow_mode_delays_the_first_token_only() -> None:
    reply = answerer(Quality(mode=Mode.SLOW, slow_seconds=3, noise_percent=0)).answer("How long is the return period?")
    assert reply.delay == 3
    assert "days" in reply.text


def test_drift_is_good_until_its_time_then_climbs_to_the_wrong_share() -> None:
    now = [0.0]
    quality = Quality(mode=Mode.DRIFT, wrong_percent=20, noise_percent=1, drift_after=10, drift_over=10)
    model = Answerer(KNOWLEDGE, quality, lambda: now[0])
    means = []
    for minute in (0, 9.9, 15, 20, 500):
        now[0] = minute * 60
        means.append(sum(model.error_rate(q) for q in KNOWLEDGE.questions) / 100)
    assert means == pytest.approx([0.01, 0.01, 0.11, 0.21, 0.21], abs=1e-6)


def test_always_wrong_breaks_the_named_questions_and_no_other() -> None:
    critical = ",".join(q.id for q in KNOWLEDGE.questions if q.critical)
    failed = failures(answerer(Quality(always_wrong=critical, noise_percent=0)), 3)
    assert failed == Counter(dict.fromkeys(critical.split(","), 3))
    with pytest.raises(ValueError, match="no-such-question"):
        answerer(Quality(always_wrong="no-such-question"))
