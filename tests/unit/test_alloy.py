"""Owns the proof that the check of Alloy's text takes what we write and refuses what Alloy would refuse."""

from typing import Any

import pytest

from serinus.core.alloy import InvalidAlloy, Reference, read, write_expression
from serinus.core.alloy_check import problems
from tests.golden import log_profiles

WHOLE = (log_profiles.EXPECTED / "whole.alloy").read_text(encoding="utf-8")


def test_what_is_written_for_every_profile_is_accepted() -> None:
    assert problems(WHOLE) == []
    assert [b.name for b in read(WHOLE)] == ["loki.write", *["loki.source.podlogs", "loki.process"] * 5]


BROKEN = {
    "an open block": (WHOLE[: WHOLE.rindex("stage.labels")], "found 'the end'"),
    "an open text": ('loki.write "a" { endpoint { url = "http://x } }', "which begins nothing"),
    "a bad escape": ('loki.write "a" { endpoint { url = "\\q" } }', "which is no text"),
    "no value": ('loki.write "a" { endpoint { url = } }', "allowed is a value"),
    "no brace": ('a "b" x = 1', "found 'x', allowed is '{'"),
    "a value where a name belongs": ('"a" { }', "allowed is a name"),
    "a key that is none": ('a "b" { x = {1 = 2} }', "found '1', allowed is a key"),
    "a template that is none": (
        WHOLE.replace('replace = "<redacted:prompt>"', "replace = 7", 1),
        "allowed is a template",
    ),
    "an unknown component": ('local.file "a" { filename = "/etc/shadow" }', "local.file: found an unknown block"),
    "an unknown stage": (WHOLE.replace("stage.replace", "stage.replaces", 1), "stage.replaces: found an unknown block"),
    "an unknown argument": (WHOLE.replace("firstline", "first_line", 1), "first_line: found an unknown argument"),
    "a missing argument": (WHOLE.replace('\t\turl = "http', '\t\t// url = "http', 1), "endpoint.url: is required"),
    "an argument twice": ('loki.write "a" { endpoint { url = "x" url = "y" } }', "found url twice"),
    "a wrong type": (WHOLE.replace("max_lines = 256", 'max_lines = "256"', 1), "allowed is a whole number"),
    "a rate above one": (WHOLE.replace("rate = 0.1", "rate = 10", 1), "allowed is 0 to 1"),
    "no label": (
        WHOLE.replace('loki.write "serinus"', "loki.write", 1),
        "found the label '', allowed is an identifier",
    ),
    "a label that is no identifier": ('loki.write "a-b" { endpoint { url = "x" } }', "found the label 'a-b'"),
    "a label too many": ('loki.write "a" { endpoint "b" { url = "x" } }', "found the label 'b', allowed is none"),
    "a receiver of nobody": (
        WHOLE.replace("loki.write.serinus.receiver", "loki.write.other.receiver", 1),
        "which no comp",
    ),
    "a component twice": (WHOLE + 'loki.write "serinus" { endpoint { url = "x" } }', "loki.write.serinus: found twice"),
    "a pattern that is none": (
        WHOLE.replace('expression = "(?P<redacted>', 'expression = "((?P<redacted>', 1),
        "a pattern",
    ),
    "a pattern without a group": (
        'loki.process "a" { forward_to = [] stage.regex { expression = "x" } }',
        "only groups",
    ),
    "a template without its end": (WHOLE.replace("{{- end -}}", "", 1), "an end for every beginning"),
    "a selector that is a query": (
        WHOLE.replace('"{serinus_sampled', '"{a=\\"b\\"} |= {serinus_sampled', 1),
        "a selector",
    ),
    "a duration without a unit": (WHOLE.replace('"3s"', '"3"', 1), "a duration such as 3s"),
    "another action": (WHOLE.replace('action = "inc"', 'action = "add"', 1), 'allowed is "inc"'),
    "an environment variable as address": (
        'loki.write "a" { endpoint { url = sys.env("X") } }',
        "endpoint.url: found Reference",
    ),
    "a node name as text": (WHOLE.replace('sys.env("K8S_NODE_NAME")', '"node"', 1), 'allowed is sys.env("NAME")'),
}


@pytest.mark.parametrize(("text", "complaint"), BROKEN.values(), ids=BROKEN)
def test_a_broken_text_is_refused(text: str, complaint: str) -> None:
    found = problems(text)

    assert any(complaint in problem for problem in found), found


@pytest.mark.parametrize(
    "value",
    [
        'a "quoted" text',
        "back\\slash",
        "new\nline\ttab",
        "ümlaut …",
        0.25,
        7,
        True,
        ["a", "b"],
        [],
        {"serinus.dev/x": "y", "a b": "c"},
        Reference("loki.write.a.receiver"),
        [Reference("sys.env", ("A",))],
        '"} loki.write "evil" { endpoint { url = "http://x" } } //',
    ],
)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    [block] = read(f'a "b" {{ x = {write_expression(value)} }}')

    assert block.attributes == {"x": value}


def test_a_mistake_is_told_with_its_line() -> None:
    with pytest.raises(InvalidAlloy, match=r"^line 3: found ';'"):
        read('a "b" {\n\tx = 1\n;}')
