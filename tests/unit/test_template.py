"""Owns the proof that no value can make more of a template than the query that it is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core import promql
from serinus.core import template as templates
from serinus.core.promql import Duration, InvalidQuery

ATTACKS = [
    'chat"',
    'chat"} or up{job="',
    'chat",namespace=~".+',
    "chat\\",
    'chat\\" or vector(1) #',
    "chat\nor up",
    "chat\r\n# comment",
    "{chat}",
    "}}{{",
    "{{ $value }}",
    "{{ query `up` }}",
    "$service",
    "$threshold",
    "`chat`",
    "'chat'",
    "\x00\x01\x7f",
    "ünïcödé 🐤",
    "",
]


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_in_a_name_stays_the_value_of_one_matcher(text: str) -> None:
    query = templates.substitute(
        "sum(llm:up{$service}) < $threshold", {"service": promql.scope(text, text), "threshold": Decimal(1)}
    )

    assert promql.check(query) == (promql.Selected("llm:up", promql.scope(text, text)),)


def test_a_duration_takes_the_place_of_a_window() -> None:
    assert templates.substitute("rate(up[$window])", {"window": Duration(300_000)}) == "rate(up[5m])"


def test_a_placeholder_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidQuery, match=r"found \$treshold, allowed are \$service"):
        templates.substitute("up{$service} > $treshold", {"service": promql.scope("a", "b")})


def test_a_reference_to_a_group_is_no_placeholder() -> None:
    template = 'label_replace(up{$service}, "revision", "$1", "stable", "(.+)")'

    assert templates.placeholders(template) == {"service"}
    assert '"$1"' in templates.substitute(template, {"service": promql.scope("a", "b")})


@pytest.mark.parametrize(
    "template",
    [
        "llm:up{$service} < 1 and on (namespace) serinus_service_info",
        'llm:up{$service} or llm:up{namespace=~".+"}',
        "count_over_time(up[5m]) > 0 and llm:up{$service}",
        "sum(llm:up{$service}) / scalar(up)",
        'llm:up{$service} unless {__name__="up"}',
    ],
)
def test_a_selector_outside_the_service_is_refused(template: str) -> None:
    with pytest.raises(InvalidQuery, match=r'selector of .*: lacks namespace="team-a"'):
        templates.substitute(template, {"service": promql.scope("team-a", "chat")})


def test_a_selector_with_names_of_its_own_is_refused_even_if_they_are_those_of_the_service() -> None:
    template = 'llm:up{$service} and up{namespace="team-a",llmservice="chat"}'

    for names in (("team-a", "chat"), ("team-b", "chat")):
        with pytest.raises(InvalidQuery):
            templates.substitute(template, {"service": promql.scope(*names)})


@pytest.mark.parametrize(
    "template", ["up{$service}[$window", "up{$service} > > $threshold", "$threshold$threshold{$service}"]
)
def test_a_template_that_is_no_query_is_refused_for_plain_values_too(template: str) -> None:
    values: dict[str, templates.Value] = {
        "service": promql.scope("team-a", "chat"),
        "threshold": Decimal(5),
        "window": Duration(1000),
    }

    with pytest.raises(InvalidQuery, match="which is not PromQL"):
        templates.substitute(template, values)


@given(st.text(alphabet="ab.:/_-09"), st.decimals(min_value=0, max_value=10**6, places=3), st.integers(1, 10**9))
def test_plain_values_never_change_how_a_template_is_parsed(name: str, value: Decimal, window: int) -> None:
    values: dict[str, templates.Value] = {
        "service": promql.scope(name, name),
        "threshold": value,
        "window": Duration(window),
    }

    query = templates.substitute("avg_over_time(a{$service}[$window]) > $threshold and b{$service}", values)

    assert promql.check(query) == tuple(promql.Selected(metric, promql.scope(name, name)) for metric in "ab")


@pytest.mark.parametrize("value", [Decimal(-1), Duration(0)])
def test_values_that_are_not_plain_are_checked_themselves(value: templates.Value) -> None:
    if isinstance(value, Decimal):
        assert templates.substitute("up{$service} > $v", {"service": promql.scope("a", "b"), "v": value}).endswith(
            "> -1"
        )
        return
    with pytest.raises(InvalidQuery, match="which is not PromQL"):
        templates.substitute("rate(up{$service}[$v])", {"service": promql.scope("a", "b"), "v": value})
