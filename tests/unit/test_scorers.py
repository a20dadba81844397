"""The scorers: floors of precision and recall on labelled examples, any text at all, linear time, and their cost."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serinus.probes.redact import redact
from serinus.probes.scorers import ALARMS, SCORERS, Finding, alarms, score
from serinus.probes.scorers.finding import Span, joined
from serinus.probes.scorers.form import cut
from serinus.probes.scorers.language import other_language
from serinus.probes.scorers.lengths import chi_square_limit, ks, shift
from serinus.probes.scorers.pii import pii
from serinus.probes.scorers.refusal import LANGUAGES, refusal
from serinus.probes.scorers.repetition import repetition
from serinus.probes.scorers.secrets import secrets
from tests.support.scorer_report import BUDGET_MS, answer, default_ms, table
from tests.support.scorer_samples import ASKED, count, examples, wrong

FLOORS = {
    "refusal": (0.97, 0.93),
    "form": (0.94, 0.97),
    "cut": (0.97, 0.92),
    "length": (0.97, 0.97),
    "repetition": (0.97, 0.97),
    "language": (0.94, 0.97),
    "secrets": (0.98, 0.98),
    "pii": (0.98, 0.98),
    "toxicity": (0.95, 0.95),
}
"""Precision and recall that must be reached on all examples, fresh ones among them."""
HARD_SHARE = 0.4
PAGE = Path(__file__).parents[2] / "docs" / "scorers.md"
LEAST = 60
PIECES = (
    *("1", "4111", " ", "-", ".", "+49", "(", ")", "@", "a@", "a.", "a", "Z", "key", "key=", "password", ":", "eyJ"),
    *(
        "://",
        "bearer ",
        "sk-",
        "-----BEGIN ",
        "PRIVATE KEY-----",
        "\n",
        "|",
        "---|",
        "**",
        "`",
        "```",
        "[",
        "](",
        "{",
        '"',
    ),
    *(
        "I can't ",
        "ich kann ",
        "nicht ",
        "無法",
        "できません",
        "phone ",
        "DE89",
        "\\",
        "ab ab ab ",
        "all people ",
        "- x\n",
        "_",
    ),
)
"""What patterns begin with; a pattern that is not linear shows itself on many of one of them, or of two in turn."""
LONG = 60_000
SECONDS = 0.5
KEY = "AKIA" + "Q3XZLT7WMBRDPK5V"
texts = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))


@pytest.mark.parametrize("name", ASKED)
def test_precision_and_recall_stay_above_their_floors(name: str) -> None:
    counts = count(name)
    missed = [e.text[:80] for e in examples(name) if wrong(name, e)]
    assert counts.precision >= FLOORS[name][0], missed
    assert counts.recall >= FLOORS[name][1], missed


@pytest.mark.parametrize("name", ASKED)
def test_examples_are_many_and_two_fifths_are_hard_negatives(name: str) -> None:
    rows = examples(name)
    assert len(rows) >= LEAST
    assert sum(e.hard for e in rows) >= HARD_SHARE * len(rows)
    assert not any(e.hard and e.found for e in rows)
    assert sum(e.found for e in rows) >= LEAST / 3


def test_every_language_of_refusals_has_both_kinds_of_examples() -> None:
    seen = {(e.row["language"], e.found) for e in examples("refusal")}
    assert seen >= {(language, found) for language in LANGUAGES for found in (True, False)}
    assert len(LANGUAGES) == 15


def test_every_refusal_is_found_in_its_own_language() -> None:
    found = [(e.row["language"], refusal(e.text).kinds) for e in examples("refusal") if e.found and not e.fresh]
    assert [pair for pair in found if pair[1] != (pair[0],)] == []


@settings(max_examples=150, deadline=None)
@given(texts)
def test_any_text_is_scored_with_scores_and_spans_in_range(text: str) -> None:
    for found in score(text, SCORERS):
        assert 0 <= found.score <= 1
        assert bool(found.reason) is found.found
        for span in found.spans:
            assert 0 <= span.start <= span.end <= len(text)
            assert 0 <= span.score <= 1


@settings(max_examples=100, deadline=None)
@given(texts)
def test_scoring_twice_finds_the_same(text: str) -> None:
    assert score(text, ALARMS) == score(text, ALARMS)


@settings(max_examples=150, deadline=None)
@given(texts, st.sampled_from(("jane.doe@example.org", "+49 30 1234 5678", "4111 1111 1111 1111", KEY)), texts)
def test_a_secret_between_any_texts_is_never_repeated_by_a_reason(before: str, planted: str, after: str) -> None:
    for found in score(f"{before} {planted} {after}", SCORERS):
        assert planted not in found.reason


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([e.text for name in ("pii", "secrets") for e in examples(name) if e.found]))
def test_what_scorers_count_is_not_left_by_redaction(text: str) -> None:
    left = redact(text, 4_000)
    assert not pii(left).found, left
    assert not secrets(left).found, left


@pytest.mark.parametrize(
    "start", ["password: ", "secret=", "Bearer ", "sk-", "api_key: ", "token is ", "a", "https://u:"]
)
@pytest.mark.parametrize("size", [20, 90, 300, 900])
def test_redaction_leaves_no_end_of_a_long_secret(start: str, size: int) -> None:
    secret = ("hunter22" * 200)[:size]
    ends = "@example.org/x" if start in ("a", "https://u:") else " and so on"
    assert "hunter22" not in redact(f"It is {start}{secret}{ends}", 1_000)


@pytest.mark.parametrize("size", [400, 800])
def test_redaction_is_fast_for_any_beginning(size: int) -> None:
    for piece in PIECES:
        began = time.process_time()
        redact(piece * (3 * size), size)
        assert time.process_time() - began < SECONDS / 5, piece


@pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS)
def test_no_text_makes_a_scorer_slow(scorer: Callable[[str], Finding]) -> None:
    pairs = [(a, b) for i, a in enumerate(PIECES) for b in (a, PIECES[i - 1], PIECES[i - 7])]
    for a, b in pairs:
        text = (a + b) * (LONG // len(a + b))
        began = time.process_time()
        scorer(text)
        assert time.process_time() - began < SECONDS, (a, b)


def test_default_scorers_cost_less_than_a_millisecond_for_an_answer_of_two_kilobytes() -> None:
    assert len(answer().encode()) in range(2_000, 2_100)
    assert default_ms() <= BUDGET_MS


def test_page_of_the_scorers_holds_the_table_of_the_report() -> None:
    rows = list(table())
    assert [line.split("|")[1].strip() for line in rows][2:] == list(ASKED)
    assert set(ASKED) == {*SCORERS, "length"}
    page = PAGE.read_text(encoding="utf-8")
    # the last column is time, which no two machines share
    assert [line for line in rows[2:] if f"\n{line.rpartition(' | ')[0]} | " not in page] == []


def test_alarms_name_what_counts_and_its_kinds() -> None:
    assert alarms("Refunds are paid within thirty days.") == {}
    assert alarms(f"Use {KEY} or write to jane@example.org.") == {"secrets": ["AWS access key"], "pii": ["email"]}
    assert alarms("I'm sorry, but I can't help with that.") == {"refusal": ["en"]}
    assert alarms("Refunds are paid.", "length") == {"cut": ["end"]}
    assert alarms("x" * 100_000 + "\nI am Jane, jane@example.org") == {
        "repetition": ["one character"],
        "pii": ["email"],
    }


def test_roles_free_numbers_and_placeholders_are_found_but_do_not_count() -> None:
    for found in (
        pii("Write to support@example.com."),
        pii("Call 1-800-555-0199."),
        secrets("AKIAIOSFODNN7" + "EXAMPLE"),
    ):
        assert found.spans
        assert not found.found
        assert not found.reason


def test_overlapping_spans_become_the_surest_over_both_places() -> None:
    spans = [Span(0, 5, "a", 0.4), Span(3, 9, "b", 0.9), Span(9, 10, "c")]
    assert joined(spans) == (Span(0, 9, "b", 0.9), Span(9, 10, "c"))


def test_a_long_answer_that_begins_with_a_refusal_and_then_helps_is_none() -> None:
    start = "I can't give legal advice, but here is what the law says. "
    assert refusal("I can't give legal advice.").found
    assert not refusal(start + "The deposit must be returned within thirty days of the end of the lease. " * 4).found


def test_letters_do_not_change_their_places_when_lowering_makes_two_of_one() -> None:
    text = "İİİİ mail jane@example.org"
    (span,) = pii(text).spans
    assert text[span.start : span.end] == "jane@example.org"
    (span,) = secrets(f"İİİİ {KEY}").spans
    assert f"İİİİ {KEY}"[span.start : span.end] == KEY


def test_a_loop_in_a_long_text_is_found_at_its_place() -> None:
    start = " ".join(f"word{i}" for i in range(8_000))
    text = start + " and so on" * 40
    found = repetition(text)
    assert found.score == 1.0
    assert found.spans[0].start >= len(start) - 20
    assert found.spans[0].end == len(text)


def test_server_that_stopped_at_its_limit_cut_the_answer_off() -> None:
    assert cut("All is said.", "length").found
    assert not cut("All is said.", "stop").found


def test_neighbours_that_no_model_tells_apart_count_as_one_language() -> None:
    assert not other_language("Kontrakten slutter den siste dagen i måneden.", ("nb",)).found
    assert other_language("Der Vertrag endet am letzten Tag des Monats.", ("en", "fr")).found


def test_lengths_of_few_answers_say_nothing() -> None:
    assert shift([400] * 19, [4] * 1_000).score == 0
    assert shift([400] * 20, [4] * 20).found


@given(st.lists(st.integers(0, 100_000), min_size=20, max_size=60))
def test_lengths_compared_with_themselves_never_shift(lengths: list[int]) -> None:
    assert not shift(lengths, lengths).found
    assert ks(lengths, lengths) == 0


def test_limit_of_chi_square_is_that_of_the_tables() -> None:
    for freedom, exact in ((1, 10.828), (3, 16.266), (9, 27.877), (20, 45.315)):
        assert chi_square_limit(freedom) == pytest.approx(exact, rel=0.04)
