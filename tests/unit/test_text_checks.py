"""Language, personal data, secrets and repetition: what is found, what is left alone, and that nothing is repeated."""

from typing import Any

import pytest

from serinus.probes.text_checks import TEXT_CHECKS

KEY = "AKIA" + "ABCDEFGHIJKLMNOP"
LOOP = "the same words again and " * 30
PROSE = "Refunds are paid within thirty days of the purchase. Write to us and keep the receipt, please."


@pytest.mark.parametrize(
    ("kind", "value", "text", "word"),
    [
        ("language", "en", PROSE, ""),
        ("language", ["de", "en"], PROSE, ""),
        ("language", "de", PROSE, "found en"),
        ("language", "de", "Rückerstattungen werden innerhalb von dreißig Tagen ausgezahlt.", ""),
        ("no-pii", None, PROSE, ""),
        ("no-pii", None, "card 4111 1111 1111 1111", "card"),
        ("no-pii", None, "card 4111 1111 1111 1112", ""),
        ("no-pii", None, "0000000000000000", ""),
        ("no-pii", None, "pay to DE89 3704 0044 0532 0130 00", "iban"),
        ("no-pii", None, "pay to DE88 3704 0044 0532 0130 00", ""),
        ("no-pii", None, "write to jane@example.com", "email"),
        ("no-pii", "card", "write to jane@example.com", ""),
        ("no-pii", None, "ssn 219-09-9999", "ssn"),
        ("no-pii", None, "call +49 30 1234 5678", "phone"),
        ("no-pii", None, "version 10.2.3.4, 2026-11-21", ""),
        ("no-secrets", None, PROSE, ""),
        ("no-secrets", None, f"use {KEY}", "AWS access key"),
        ("no-secrets", None, "-----BEGIN RSA PRIVATE KEY-----", "private key"),
        ("no-secrets", None, "postgres://app:hunter22@db:5432/x", "password in a URL"),
        ("no-repetition", None, PROSE, ""),
        ("no-repetition", None, LOOP, "repeated"),
        ("no-repetition", None, "ab" * 500, "shrinks"),
        ("no-repetition", {"share": 1.0, "ratio": 100}, LOOP, ""),
        ("no-repetition", None, "", ""),
    ],
)
def test_check_says_what_is_wrong_and_nothing_else(kind: str, value: Any, text: str, word: str) -> None:
    found = TEXT_CHECKS[kind](value)(text)
    assert bool(found) is bool(word)
    assert word in found
    assert KEY not in found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("no-pii", "names"),
        ("no-pii", {"a": 1}),
        ("no-secrets", "x"),
        ("no-repetition", {"x": 1}),
        ("no-repetition", "x"),
    ],
)
def test_options_that_a_check_does_not_have_are_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        TEXT_CHECKS[kind](value)
