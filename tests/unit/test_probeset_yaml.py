"""Documents with lines: YAML as js-yaml reads it, JSON as strict as JSON.parse, and what neither may do."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serinus.core.json_tree import read_json
from serinus.core.jstext import js_json, js_text
from serinus.core.tree import UnreadableDocument, from_plain
from serinus.core.yaml12 import read_yaml

SCALARS: list[tuple[str, Any]] = [
    ("yes", "yes"),
    ("on", "on"),
    ("NO", "NO"),
    ("True", True),
    ("tRue", "tRue"),
    ("~", None),
    ("Null", None),
    ("", None),
    ("012", 12),
    ("0o14", 12),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("+12", 12),
    ("1.", 1),
    (".5", 0.5),
    ("1e3", 1000),
    ("1:30", "1:30"),
    ("2024-01-01", "2024-01-01"),
    ("12345678901234567890", 12345678901234567890.0),
    ("'12'", "12"),
    ('"true"', "true"),
    ("-", None),
]


@pytest.mark.parametrize(("text", "value"), SCALARS[:-1])
def test_scalar_has_the_type_that_yaml_1_2_gives_it(text: str, value: Any) -> None:
    found = read_yaml(f"key: {text}").plain()["key"]
    assert (found, type(found)) == (value, type(value))


def test_minus_zero_stays_minus_zero() -> None:
    assert math.copysign(1, read_yaml("-0").plain()) == -1


def test_merge_keys_are_applied_and_own_keys_win() -> None:
    text = "base: &b {x: 1, y: 2}\nother: &o {y: 5, z: 6}\nuse:\n  <<: [*b, *o]\n  x: 9\n"
    assert read_yaml(text).plain()["use"] == {"x": 9, "y": 2, "z": 6}


def test_every_value_knows_the_line_of_its_key() -> None:
    node = read_yaml("a:\n  b:\n  - 1\n  - c: |\n      text\n    d: 2\n")
    inner = node.fields["a"].fields["b"].items[1]
    assert (node.fields["a"].line, inner.line, inner.fields["c"].line, inner.fields["d"].line) == (1, 4, 4, 6)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: !!python/object/apply:os.system [ls]", 1, "tag"),
        ("a: !!binary aGk=", 1, "tag"),
        ("a: 1\nb: 2\na: 3", 3, "twice"),
        (BOMB, 5, "values"),
        ("&a [*a]", 1, "alias"),
        ("a: *missing", 1, "alias"),
        ("a: 1\n---\nb: 2", 3, "second document"),
        ("a: 1\nb: .nan", 2, ".nan"),
        ("a: 1e999", 1, "1.8e308"),
        ("? [a]\n: 1", 1, "key"),
        ("a:\n- b\n c: d", 3, "not YAML"),
        ("[" * 200, 1, "levels"),
        ("a: b\n\tc: d", 2, "not YAML"),
        ("a: \ud800", 1, "not YAML"),
        ("<<: 3", 1, "<<"),
    ],
)
def test_yaml_that_is_refused_names_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(UnreadableDocument, match=word) as caught:
        read_yaml(text)
    assert caught.value.line == line


def test_empty_text_is_null() -> None:
    assert read_yaml("# only a comment\n").plain() is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"a": 1,}', 1),
        ('{"a": 1\n "b": 2}', 2),
        ("[1, 2", 1),
        ('{"a": 1, "a": 2}', 1),
        ('[1]\n\n"x"', 3),
        ("", 1),
        ("[01]", 1),
        ("[NaN]", 1),
        ("{'a': 1}", 1),
        ('["\t"]', 1),
        ("[" * 100, 1),
        ("[1e999]", 1),
    ],
)
def test_json_that_is_refused_names_its_line(text: str, line: int) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_json(text)
    assert caught.value.line == line


def test_json_escapes_are_read_as_json_reads_them() -> None:
    assert read_json('{"a": "\\ud83d\\ude00\\/\\n", "b": [1, -2.5e-3, true, null]}').plain() == {
        "a": "😀/\n",
        "b": [1, -2.5e-3, True, None],
    }


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_json_of_any_value_is_read_back(value: Any) -> None:
    assert read_json(json.dumps(value)).plain() == value
    assert from_plain(value).plain() == value


def refusal(read: Callable[[str], object], text: str) -> UnreadableDocument | None:
    try:
        read(text)
    except UnreadableDocument as e:
        return e
    return None


@given(st.text() | st.text(alphabet="[]{}:,-&*!|>'\"#?% \n\tab1.<", max_size=60))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    for read in (read_yaml, read_json):
        refused = refusal(read, text)
        assert refused is None or (refused.line >= 1 and refused.message)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (1e-7, "1e-7"),
        (0.000001, "0.000001"),
        (-1.5e-9, "-1.5e-9"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (2**60, "1152921504606847000"),
        (True, "true"),
        (None, "null"),
        ([1, [None, "a"]], "1,,a"),
        ({}, "[object Object]"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_value_is_written_as_javascript_writes_it(value: Any, text: str) -> None:
    assert js_text(value) == text


def test_json_is_written_as_javascript_writes_it() -> None:
    assert js_json({"b": [1.0, None, True], "a": 'é"'}) == '{"b":[1,null,true],"a":"é\\""}'
