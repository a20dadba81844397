"""The runner's pure parts, one by one: counting, order, caches, replies, redaction."""

import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core.probe import Api, Probe
from serinus.core.report import Identity, Usage
from serinus.probes.caches import Caches
from serinus.probes.order import turns
from serinus.probes.redact import cut, redact
from serinus.probes.reply import Kind, Reply, read_reply
from serinus.probes.tally import Mark, Tally
from tests.support.reports import POLICY

IDENTITY = Identity(
    namespace="n", service="s", revision="r2", baseline="r1", gate="g", purpose="p", step=-1, attempt=0, digest="d"
)
PROBES = tuple(Probe(id=name, prompt="x", critical=name == "a") for name in "abc")
YES, NO, NONE = Mark(passed=True), Mark(passed=False, example="bad"), Mark(passed=None, why="gone")


def test_pairs_are_lost_tied_won_or_unscored() -> None:
    tally = Tally(IDENTITY, PROBES, POLICY)
    for canary, stable in ((NO, YES), (YES, YES), (NO, NO), (YES, NO), (NONE, YES), (YES, NONE), (NONE, NONE)):
        tally.add(1, canary, stable)
    report = tally.report(Usage())
    pairs = report.pairs
    assert (pairs.lost, pairs.tied, pairs.won, pairs.unscored) == (1, 2, 1, 3)
    assert (report.canary.passed, report.canary.failed) == (2, 2)
    assert (report.stable.passed, report.stable.failed) == (2, 2)
    assert report.probes_seen == 1
    assert tally.counted == 7


def test_critical_probe_counts_where_stable_passed() -> None:
    tally = Tally(IDENTITY, PROBES, POLICY)
    for canary, stable in ((NO, YES), (YES, YES), (NO, NO), (YES, NO), (NO, NONE)):
        tally.add(0, canary, stable)
    (critical,) = tally.report(Usage()).critical
    assert (critical.probe, critical.passed, critical.failed) == ("a", 1, 1)


def test_worst_probes_are_those_that_lost_most_and_a_win_makes_up_for_a_loss() -> None:
    tally = Tally(IDENTITY, PROBES, POLICY)
    for probe, canary, stable in ((0, NO, YES), (0, NO, YES), (1, NO, YES), (2, NO, YES), (2, YES, NO)):
        tally.add(probe, canary, stable)
    worst = tally.report(Usage()).worst
    assert [(w.probe, w.canary, w.stable, w.example) for w in worst] == [
        ("a", "0/2", "2/2", "bad"),
        ("b", "0/1", "1/1", "bad"),
    ]


def test_worst_window_is_that_of_fifty_pairs_in_a_row() -> None:
    tally = Tally(IDENTITY, PROBES, POLICY)
    for mark in [NONE] * 5 + [YES] * 45 + [NONE] * 6 + [YES] * 60:
        tally.add(1, mark, YES)
    assert tally.report(Usage()).pairs.worst_window == 6


def test_reason_of_many_pairs_without_a_score_is_said_at_the_end() -> None:
    tally = Tally(IDENTITY, PROBES, POLICY)
    for mark in [NONE] * 2 + [YES] * 10:
        tally.add(1, mark, YES)
    assert tally.report(Usage()).error == ""
    assert tally.report(Usage(), end="Decided").error == "2 of 12 had no score because of: gone"


def test_rounds_hold_every_probe_by_weight_and_critical_ones_first() -> None:
    probes = (Probe(id="a", prompt="x", weight=2), Probe(id="b", prompt="x"), Probe(id="c", prompt="x", critical=True))
    found = list(itertools.islice(turns(probes, random.Random(5)), 4000))
    rounds = [found[i : i + 4] for i in range(0, 4000, 4)]
    assert [t.number for t in found] == list(range(4000))
    assert all(r[0].probe == 2 and sorted(t.probe for t in r) == [0, 0, 1, 2] for r in rounds)
    assert {r[0].round for r in rounds} == set(range(1, 1001))
    assert 1800 < sum(t.canary_first for t in found) < 2200
    assert 200 < sum(r[1].probe == 1 for r in rounds) < 470


def reply(**fields: Any) -> Reply:
    return Reply(kind=Kind.ANSWER, **{"text": "yes", **fields})


def test_cache_is_told_by_an_id_that_comes_back_with_its_text() -> None:
    caches = Caches()
    assert caches.sign("canary", 0, reply(id="1"), 0.0) == ""
    assert caches.sign("stable", 0, reply(id="1"), 1.0) == ""
    assert caches.sign("canary", 0, reply(id="2"), 2.0) == ""
    assert "'1' twice" in caches.sign("canary", 0, reply(id="1"), 3.0)


def test_id_that_many_questions_share_is_no_sign() -> None:
    caches = Caches()
    caches.sign("canary", 0, reply(id="x"), 0.0)
    caches.sign("canary", 1, reply(id="x"), 1.0)
    assert caches.sign("canary", 0, reply(id="x"), 2.0) == ""


def test_id_with_another_text_is_no_sign() -> None:
    caches = Caches()
    caches.sign("canary", 0, reply(id="x"), 0.0)
    assert caches.sign("canary", 0, reply(id="x", text="other"), 1.0) == ""


def test_answer_older_than_its_question_is_a_sign_where_there_are_no_ids() -> None:
    caches = Caches()
    assert caches.sign("canary", 0, reply(created=100.0), 100.0) == ""
    assert caches.sign("canary", 0, reply(created=100.0), 101.0) == ""
    assert "before it was asked" in caches.sign("canary", 0, reply(created=100.0), 110.0)
    assert caches.sign("canary", 0, reply(created=110.0), 110.0) == ""


def body(**fields: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": "Yes"}}], **fields}).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Kind.ANSWER),
        (401, Kind.ABSENT),
        (403, Kind.ABSENT),
        (400, Kind.WRONG),
        (302, Kind.WRONG),
        (500, Kind.WRONG),
    ],
)
def test_status_decides_what_a_response_counts_as(status: int, kind: Kind) -> None:
    assert read_reply(Api.CHAT, status, {}, body()).kind is kind


@pytest.mark.parametrize(
    ("api", "choice", "text"),
    [
        (Api.CHAT, {"message": {"content": "a"}}, "a"),
        (Api.CHAT, {"message": {"content": [{"type": "text", "text": "a"}, {"type": "image"}]}}, "a"),
        (Api.CHAT, {"message": {"content": {"a": 1}}}, '{"a":1}'),
        (Api.COMPLETIONS, {"text": "a"}, "a"),
    ],
)
def test_text_is_taken_from_where_the_api_puts_it(api: Api, choice: dict[str, Any], text: str) -> None:
    found = read_reply(api, 200, {}, json.dumps({"choices": [choice]}).encode())
    assert (found.kind, found.text) == (Kind.ANSWER, text)


def test_usage_is_believed_only_if_it_can_be() -> None:
    for usage in ({"completion_tokens": -1}, {"completion_tokens": 1e9}, {"completion_tokens": True}, None, "x"):
        found = read_reply(Api.CHAT, 200, {}, body(usage=usage))
        assert (found.prompt_tokens, found.completion_tokens) == (0, 1)
    found = read_reply(Api.CHAT, 200, {}, body(usage={"prompt_tokens": 3, "completion_tokens": 4}))
    assert (found.prompt_tokens, found.completion_tokens) == (3, 4)


@given(st.binary(max_size=200))
def test_any_body_is_read(data: bytes) -> None:
    assert read_reply(Api.CHAT, 200, {}, data).kind in (Kind.ANSWER, Kind.EMPTY, Kind.WRONG)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to jane.doe+x@mail.example.co.uk now", "write to [email] now"),
        ("call +49 (30) 123 45 67 today", "call [phone] today"),
        ("call 030/1234567.", "call [phone]."),
        ("card 4111 1111 1111 1111 ok", "card [card] ok"),
        ("card 4111-1111-1111-1111 ok", "card [card] ok"),
        ("Authorization: Bearer abcdef123456.x", "Authorization: Bearer [token]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_DEF-123", "[token]"),
        ("key sk-proj-abcdefghijklmnop123 end", "key [key] end"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[key]"),
        ('{"api_key": "abc12345xyz"}', '{"api_key": "[secret]"}'),
        ("password=hunter2hunter2", "password=[secret]"),
        ("0123456789abcdef0123456789abcdef", "[key]"),
        ("on 2024-11-21 we sold 12 for 3.90 euros, 30 days", "on 2024-11-21 we sold 12 for 3.90 euros, 30 days"),
        ("a\n\n b\x00\u202ec", "a b c"),
    ],
)
def test_personal_data_and_secrets_are_taken_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert redact(text, 160) == shown


@given(st.text(max_size=400), st.integers(10, 200))
def test_redacted_text_fits_and_is_one_printable_line(text: str, limit: int) -> None:
    found = redact(text, limit)
    assert len(found.encode()) <= limit
    assert "\n" not in found


def test_secret_at_the_cut_is_not_shown_in_part() -> None:
    assert "secret-name" not in redact("x" * 150 + " secret-name-of-someone@example.com", 170)


def test_cut_keeps_whole_characters() -> None:
    assert cut("é" * 10, 20) == "é" * 10
    assert cut("é" * 11, 20) == "é" * 8 + "…"


def test_the_rest_of_a_secret_that_is_longer_than_its_shape_goes_with_it() -> None:
    said = redact(f"password={'aB3' * 300} and token: {'x9' * 300}, mail a@example.com", 2000)
    assert said == "password=[secret] and token: [secret], mail [email]"
