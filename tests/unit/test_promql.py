"""Owns the proof that no text, number or duration can become more of a query than what it stands for."""

import dataclasses
from decimal import Decimal
from typing import Any

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import promql
from serinus.core.promql import (
    Duration,
    InvalidQuery,
    Matcher,
    Op,
    Selected,
    check,
    number,
    parse_duration,
    quote,
    require_matchers,
)


@given(st.text())
def test_any_text_is_read_back_as_it_was(text: str) -> None:
    try:
        quoted = promql.quote(text)
    except InvalidQuery:
        assert not text.isascii()
        return

    parsed = promql_parser.parse(quoted)
    assert isinstance(parsed, promql_parser.StringLiteral)
    assert parsed.val == text
    assert "\n" not in quoted


def test_text_that_is_not_unicode_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="UTF-8"):
        promql.quote("chat\ud800")


@pytest.mark.parametrize("op", list(Op))
def test_every_operator_is_written_and_read_back(op: Op) -> None:
    matcher = Matcher("status", "5..", op)

    assert promql.check(promql.selector("up", [matcher])) == (promql.Selected("up", (matcher,)),)


@pytest.mark.parametrize("label", ["", "a b", 'a="b",c', "0a", "a-b", "a\n"])
def test_a_label_that_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(InvalidQuery, match="label: found"):
        Matcher(label, "x")


@pytest.mark.parametrize("metric", ["", "up or down", "up{", "0up", "a.b", "up\n"])
def test_a_metric_that_is_no_metric_is_refused(metric: str) -> None:
    with pytest.raises(InvalidQuery, match="metric: found"):
        promql.selector(metric)


def test_a_selector_without_matchers_is_the_metric() -> None:
    assert promql.selector("vllm:num_requests_waiting") == "vllm:num_requests_waiting"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5", "5"),
        ("2.50", "2.5"),
        ("1E-7", "0.0000001"),
        ("1E+6", "1000000"),
        ("100", "100"),
        ("0.0", "0"),
        ("-0", "0"),
        ("-1.5", "-1.5"),
    ],
)
def test_a_number_is_written_without_an_exponent(value: str, text: str) -> None:
    assert promql.number(Decimal(value)) == text


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1E+999999", "1E-999999", "sNaN"])
def test_a_number_that_is_none_or_endless_is_refused(value: str) -> None:
    with pytest.raises(InvalidQuery, match="number: found"):
        promql.number(Decimal(value))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=6))
def test_any_number_is_read_back_as_it_was(value: Decimal) -> None:
    assert Decimal(promql.number(value)) == value


@pytest.mark.parametrize("text", ["", "1 or up", "NaN", "inf", "1e999", "0x10", "١", "1_000", "-1", "1\n"])
def test_text_that_is_no_plain_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery, match=r"allowed is a number such as 2 or 0\.5"):
        promql.parse_number(text)


def test_a_plain_number_is_read_exactly() -> None:
    assert [promql.parse_number(t) for t in ("2", "0.1", "1e-07")] == [Decimal(2), Decimal("0.1"), Decimal("1e-7")]


@pytest.mark.parametrize(
    ("text", "written", "seconds"),
    [
        ("5m", "5m", "300"),
        ("2500ms", "2s500ms", "2.5"),
        ("90m", "1h30m", "5400"),
        ("30s1h", "1h30s", "3630"),
        ("0s", "0s", "0"),
    ],
)
def test_a_duration_is_written_as_prometheus_reads_it(text: str, written: str, seconds: str) -> None:
    duration = promql.parse_duration(text)

    assert (duration.text, duration.seconds) == (written, Decimal(seconds))
    assert promql.check(f"rate(up[{duration.text if duration.milliseconds else '1s'}])")


@pytest.mark.parametrize("text", ["", "5", "m", "٥m", "5 m", "-5m", "5m]) or up", "1d", "5m\n", "1.5h", "9" * 60 + "m"])
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery, match="allowed is a duration such as 30s, 5m or 1h30m"):
        promql.parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_any_duration_is_read_back_as_it_was(milliseconds: int) -> None:
    duration = Duration(milliseconds)

    assert promql.parse_duration(duration.text) == duration


def test_a_regex_that_looks_like_the_namespace_is_not_the_namespace() -> None:
    found = promql.check('up{namespace=~"team-a",llmservice="chat"}')

    with pytest.raises(InvalidQuery, match='lacks namespace="team-a"'):
        promql.require_matchers(found, promql.scope("team-a", "chat"))


@pytest.mark.parametrize("query", ["up and", "nosuch(up)", "rate(up)", "sum by (", "", "up{a=b}", "up[5m"])
def test_a_query_that_does_not_parse_is_refused(query: str) -> None:
    with pytest.raises(InvalidQuery, match="which is not PromQL"):
        promql.check(query)


def test_or_between_matchers_which_prometheus_does_not_know_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="found `or` between matchers"):
        promql.check('up{namespace="a" or llmservice="b"}')


def test_every_selector_of_a_query_is_found() -> None:
    query = (
        'sum(rate(a[5m])) / max_over_time(b[5m:1m]) > on () topk(3, c) or -d offset 5m unless absent({__name__="e"})'
    )

    assert [s.metric for s in promql.check(query)] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("made", [Matcher("a", "b"), Duration(1), Selected("up", ())], ids=lambda m: type(m).__name__)
def test_a_piece_of_a_query_cannot_be_changed_or_extended(made: Any) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(made)[0].name, "x")
    assert not hasattr(made, "__dict__")


def test_durations_have_an_order() -> None:
    assert sorted([Duration(2), Duration(1)]) == [Duration(1), Duration(2)]


def test_the_longest_number_and_duration_are_read_and_no_longer_ones() -> None:
    exact = Decimal(f"0.{'0' * 19}{'1' * 20}")  # 20 digits, 20 places after the point: 40 in all
    assert Decimal(number(exact)) == exact
    with pytest.raises(InvalidQuery, match="at most 40 digits"):
        number(exact / 10)
    assert parse_duration(f"{'0' * 39}s") == Duration(0)
    with pytest.raises(InvalidQuery):
        parse_duration(f"{'0' * 40}s")


@pytest.mark.parametrize(
    ("character", "written"),
    [("\x1f", "\\x1f"), ("\x00", "\\x00"), (" ", " "), ("~", "~"), ("\x7f", "\\x7f"), ("\x80", "\x80")],
)
def test_control_characters_are_escaped_and_no_others(character: str, written: str) -> None:
    assert quote(character + "é\\") == f'"{written}é\\\\"'


def test_a_metric_is_known_by_its_name_label_only_if_that_is_equal() -> None:
    assert [check(q)[0].metric for q in ('{a="b",__name__="up"}', '{__name__=~"up"}', '{a="b"}')] == ["up", "", ""]


def test_a_selector_that_lacks_a_matcher_is_named() -> None:
    with pytest.raises(InvalidQuery, match=r"^selector of up: lacks a="):
        require_matchers([Selected("up", ())], [Matcher("a", "b")])
    with pytest.raises(InvalidQuery, match=r"^selector of no metric: lacks a="):
        require_matchers([Selected("", ())], [Matcher("a", "b")])
