"""The formats of JSON Schema, with values that have them and values that only look as if they had."""

from typing import Any

import pytest

from serinus.probes.formats import NUMBERS, TEXT, fits

TEXTS: dict[str, tuple[list[str], list[str]]] = {
    "date": (["2024-02-29", "1999-12-31"], ["2023-02-29", "2024-13-01", "2024-1-1", "2024-04-31", "٢٠٢٤-01-01", ""]),
    "time": (
        ["12:30:00Z", "23:59:60Z", "01:00:00.5+02:00"],
        ["12:30:00", "25:00:00Z", "12:30:60Z", "1:00:00Z", "12:00:00+25:00"],
    ),
    "date-time": (
        ["2024-02-29T12:30:00Z", "2024-02-29 12:30:00+01:00"],
        ["2024-02-29", "2024-02-30T12:30:00Z", "2024-02-29T12:30:00"],
    ),
    "iso-time": (["12:30:00", "12:30:00Z"], ["12:30"]),
    "iso-date-time": (["2024-02-29T12:30:00"], ["2024-02-29T12:30"]),
    "duration": (["P1Y2M3DT4H5M6S", "PT1H", "P2W"], ["P", "PT", "1D", "P1S", "P1W2D"]),
    "email": (["a@example.com", "a.b+c@mail.example.org"], ["a@b", "a@@b.com", ".a@example.com", "a b@example.com"]),
    "hostname": (["example.com", "a-b.c", "x" * 63], ["-a.com", "a..b", "x" * 64, "a_b.com", ""]),
    "ipv4": (["127.0.0.1"], ["256.0.0.1", "1.2.3", "01.2.3.4"]),
    "ipv6": (["::1", "2001:db8::ff"], ["12345::", ":::", "fe80::1%eth0", "1.2.3.4"]),
    "uuid": (["123e4567-e89b-12d3-a456-426614174000"], ["123e4567e89b12d3a456426614174000", "x"]),
    "uri": (
        ["https://example.com/a?b#c", "mailto:a@example.com"],
        ["example.com", "http://a b", "://x", "http://ä.de"],
    ),
    "uri-reference": (["/a/b?c", "#x", "https://example.com"], ["a b", "%zz"]),
    "uri-template": (["/a/{id}", "/a{?q,r*}"], ["/a/{id", "/a/{i d}"]),
    "url": (
        ["https://example.com/x", "http://example.com:8080"],
        ["example.com", "https://localhost", "gopher://example.com"],
    ),
    "json-pointer": (["", "/a/0/~0~1"], ["a", "/~2"]),
    "json-pointer-uri-fragment": (["#", "#/a%20b"], ["/a", "#a"]),
    "relative-json-pointer": (["0", "1/a", "2#"], ["/a", "01", "-1"]),
    "byte": (["aGk=", ""], ["aGk", "a b="]),
    "password": (["anything"], []),
    "binary": (["anything"], []),
}
ALL_NUMBERS: dict[str, tuple[list[Any], list[Any]]] = {
    "int32": ([0, -(2**31), 2**31 - 1, 3.0], [2**31, 0.5]),
    "int64": ([2**40], [0.5]),
    "float": ([0.5], []),
    "double": ([1e300], []),
}


def test_every_format_stands_in_the_tables_here() -> None:
    assert set(TEXTS) == set(TEXT)
    assert set(ALL_NUMBERS) == set(NUMBERS)


@pytest.mark.parametrize("name", [*TEXTS, *ALL_NUMBERS])
def test_format_accepts_and_refuses(name: str) -> None:
    good, bad = (TEXTS | ALL_NUMBERS)[name]
    assert [v for v in good if not fits(name, v)] == []
    assert [v for v in bad if fits(name, v)] == []


def test_value_of_another_kind_always_fits() -> None:
    others: list[Any] = [None, True, [], {}]
    assert all(fits("date", v) for v in [3, *others])
    assert all(fits("int32", v) for v in ["x", *others])
