"""Owns the proof that a text of somebody else stays text in a Go template."""

import re

from hypothesis import given
from hypothesis import strategies as st

from serinus.core.annotation import fill, literal

ACTION = re.compile(r'\{\{"\{"\}\}')


def printed(template: str) -> str:
    """What the template engine prints of text without any other action."""
    plain = ACTION.sub("\x00", template)
    assert "{" not in plain, "an action that we did not write"
    return plain.replace("\x00", "{")


@given(st.text(alphabet='{}$ab`"\\\n'))
def test_a_literal_prints_as_it_was(text: str) -> None:
    assert printed(literal(text)) == text


def test_braces_do_not_meet_at_a_seam() -> None:
    filled = fill("$team$team{", {"team": "{"})

    assert filled == '{{"{"}}{{"{"}}{'


def test_names_that_are_not_given_are_left_to_the_template() -> None:
    assert fill("$name: {{ $labels.gate }} $value", {"name": "chat"}) == "chat: {{ $labels.gate }} $value"


def test_a_value_is_not_filled_again() -> None:
    assert fill("$name", {"name": "$team", "team": "search"}) == "$team"
