"""Checks of a whole text for `language`, `no-pii`, `no-secrets` and `no-repetition`. They repeat nothing they find."""

import re
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from serinus.core.probe import Json
from serinus.probes.ports import TextCheck, TextChecks

_CARD: Final = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_PII: Final[Mapping[str, re.Pattern[str]]] = {
    "email": re.compile(r"\b[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", re.ASCII),
    "ssn": re.compile(r"(?<!\d)(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?!\d)"),
    "phone": re.compile(r"(?<![\d.])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){2,3}(?![\d.])"),
}
_SECRETS: Final[Mapping[str, re.Pattern[str]]] = {
    "AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})\b"),
    "private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "JSON web token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    "Slack token": re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}"),
    "API key": re.compile(r"\b(?:sk|rk|pk)-(?:live-|test-|proj-|ant-)?[A-Za-z0-9_-]{20,}\b"),
    "Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "GitLab token": re.compile(r"\bglpat-[\w-]{20,}\b"),
    "password in a URL": re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,64}:[^\s/:@]{3,64}@", re.IGNORECASE),
}
_RATIO: Final = 4.0
_SHARE: Final = 0.3
_MIN_LENGTH: Final = 200
_KINDS: Final = ("card", "iban", *_PII)


def _language(value: Json) -> TextCheck:
    # the model takes 0.3 s to load, and few probe sets need it
    from py3langid.langid import classify  # noqa: PLC0415

    wanted = [v.lower() for v in (value if isinstance(value, list) else [value])]

    def check(text: str) -> str:
        found = str(classify(text)[0])
        return "" if found in wanted else f"expected the language {' or '.join(wanted)}, found {found}"

    return check


def _no_pii(value: Json) -> TextCheck:
    kinds = tuple(_kinds(value))

    def check(text: str) -> str:
        found = [kind for kind in kinds if _has_pii(kind, text)]
        return f"expected no personal data, found {', '.join(found)}" if found else ""

    return check


def _kinds(value: Json) -> list[str]:
    asked = [value] if isinstance(value, str) else value
    if asked is None:
        return list(_KINDS)
    unknown = [k for k in asked if k not in _KINDS]
    if unknown or not isinstance(asked, list):
        raise ValueError(f"found {', '.join(map(str, unknown)) or 'a mapping'}, allowed are {', '.join(_KINDS)}")
    return asked


def _has_pii(kind: str, text: str) -> bool:
    if kind == "card":
        return any(_luhn(re.sub(r"\D", "", m[0])) for m in _CARD.finditer(text))
    if kind == "iban":
        return any(_mod_97(m[0].replace(" ", "")) for m in _IBAN.finditer(text))
    return _PII[kind].search(text) is not None


def _luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812)."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return len(set(digits)) > 1 and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _mod_97(account: str) -> bool:
    """The check digits of bank accounts (ISO 13616)."""
    return int("".join(str(int(c, 36)) for c in account[4:] + account[:4])) % 97 == 1


def _no_secrets(value: Json) -> TextCheck:
    if value is not None:
        raise ValueError("allowed is no value")

    def check(text: str) -> str:
        found = [name for name, pattern in _SECRETS.items() if pattern.search(text)]
        return f"expected no secret, found something like: {', '.join(found)}" if found else ""

    return check


def _no_repetition(value: Json) -> TextCheck:
    if value is not None and not isinstance(value, dict):
        raise ValueError("allowed are share and ratio, or nothing")
    options: dict[str, Any] = {"share": _SHARE, "ratio": _RATIO, **(value or {})}
    if set(options) != {"share", "ratio"} or not all(isinstance(v, int | float) for v in options.values()):
        raise ValueError("allowed are the numbers share and ratio")

    def check(text: str) -> str:
        words = text.split()
        runs = Counter(zip(words, words[1:], words[2:], strict=False))
        share = sum(n for n in runs.values() if n > 1) / max(1, sum(runs.values()))
        raw = text.encode("utf-8", "replace")
        ratio = len(raw) / max(1, len(zlib.compress(raw, 6))) if len(raw) >= _MIN_LENGTH else 1.0
        if share > options["share"] and len(words) > 10:
            return f"{share:.0%} of the runs of three words are repeated, allowed are {options['share']:.0%}"
        limit = options["ratio"]
        return "" if ratio <= limit else f"the text shrinks {ratio:.1f} times, allowed is {limit:g}"

    return check


TEXT_CHECKS: Final[TextChecks] = {
    "language": _language,
    "no-pii": _no_pii,
    "no-secrets": _no_secrets,
    "no-repetition": _no_repetition,
}
