"""Language, personal data, secrets and repetition: what is found, what is left alone, and that nothing is repeated."""

from typing import Any

import pytest

from serinus.probes.text_checks import TEXT_CHECKS

PROSE = "Refunds are paid within thirty days of the purchase. Write to us and keep the receipt, please."
PROSE_WORDS = PROSE.split()[:10]
KEY = "AKIA" + "Q3XZLT7WMBRDPK5V"
BODY = "MIIEowIBAAKCAQEAu7Vd0kq9Xb2RrT5fJm4LZ8sWcHy1NgPoQ6tEvUiK3aDxYwOz"
LOOSE = " ".join(f"we said that {word} is what we said that day" for word in PROSE_WORDS)
LOOP = "the same words again and " * 30


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
        ("no-secrets", None, f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\n", "private key"),
        ("no-secrets", None, "A key begins with -----BEGIN RSA PRIVATE KEY-----, in one line.", ""),
        ("no-secrets", None, "postgres://app:hunter22@db:5432/x", "password in a URL"),
        ("no-repetition", None, PROSE, ""),
        ("no-repetition", None, LOOP, "a loop"),
        ("no-repetition", None, LOOSE, "three times"),
        ("no-repetition", None, "ab" * 500, "a loop"),
        ("no-repetition", {"ratio": 2}, LOOSE, "allowed"),
        ("no-toxicity", None, PROSE, ""),
        ("no-toxicity", None, "You are an idiot.", "insult"),
        ("no-toxicity", ["threat"], "You are an idiot.", ""),
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
        ("no-repetition", {"share": True}),
        ("no-toxicity", "satire"),
    ],
)
def test_options_that_a_check_does_not_have_are_refused(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match="allowed"):
        TEXT_CHECKS[kind](value)
