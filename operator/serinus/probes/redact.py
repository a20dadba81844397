"""Takes out of a text what must not be stored: addresses, phone and card numbers, tokens and keys. Pure."""

import re
from typing import Final

_RULES: Final = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[email]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [token]"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"), "[token]"),
    (re.compile(r"\b(?:sk|pk|rk|hf|gh[opsur]|xox[abprs]|glpat|AKIA|ASIA|AIza)[-_]?[\w-]{12,}"), "[key]"),
    (re.compile(r"(?i)\b(api[_-]?key|token|secret|password|passwd)(\"?\s*[:=]\s*\"?)[^\s\"',;]{6,}"), r"\1\2[secret]"),
    (re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), "[card]"),
    (re.compile(r"(?<![\w.])\+?\(?\d{1,4}\)?(?:[ ./-]?\(?\d{2,5}\)?){2,5}(?![\w])"), "[phone]"),
    (re.compile(r"\b[0-9a-fA-F]{32,}\b"), "[key]"),
)
_MIN_PHONE_DIGITS: Final = 8
_KEPT: Final = 3
"""Times the limit: what is cut off first is far behind what is kept, so no secret is cut in two and shown."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff]+")


def redact(text: str, limit: int) -> str:
    """The beginning of a text on one line, at most `limit` bytes of UTF-8, without personal data and secrets."""
    if not text:
        return ""
    text = text[: _KEPT * limit]
    for pattern, replacement in _RULES:
        text = pattern.sub(_phone if replacement == "[phone]" else replacement, text)
    return cut(" ".join(_CONTROL.sub(" ", text).split()), limit)


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes of UTF-8, with an ellipsis where something is missing."""
    raw = text.encode(errors="replace")
    if len(raw) <= limit:
        return raw.decode()
    return raw[: max(0, limit - 3)].decode(errors="ignore").rstrip() + "…"


def _phone(match: re.Match[str]) -> str:
    """Short numbers, dates among them, are no phone numbers."""
    found = match[0]
    digits = sum(c.isdigit() for c in found)
    date = re.fullmatch(r"\d{4}[./-]\d\d?[./-]\d\d?|\d\d?[./-]\d\d?[./-]\d{4}", found)
    return found if digits < _MIN_PHONE_DIGITS or date else "[phone]"
