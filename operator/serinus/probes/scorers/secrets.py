"""Secrets by the shapes that their issuers gave them, and values of fields named after secrets, guarded by entropy.

A placeholder or an example of a key is found, and too unsure to count. It never repeats a secret. Pure.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.entropy import bits, is_placeholder, is_random
from serinus.probes.scorers.finding import LAST, Finding, Shape, Span, of_spans, scan
from serinus.probes.scorers.issued import ISSUED, PLACEHOLDER, SURE

NAME: Final = "secrets"
_UNSURE, _LIKELY = 0.4, 0.8
_PEM_BITS: Final = 3.5
_HUMAN_BITS: Final = 2.3
"""A password that a person made has a digit or a sign in it, and fewer different characters than a key."""


def _pem(match: re.Match[str]) -> float:
    body = match[1]
    return SURE if bits(body) >= _PEM_BITS and not is_placeholder(body) else PLACEHOLDER


def _jwt(match: re.Match[str]) -> float:
    """A web token says in its head how it was signed (RFC 7519)."""
    head = match[0].partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return _UNSURE
    return SURE if b'"alg"' in decoded and not is_placeholder(match[0].rpartition(".")[2]) else _UNSURE


def _basic(match: re.Match[str]) -> float:
    try:
        decoded = base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return PLACEHOLDER
    user, colon, password = decoded.partition(":")
    return _LIKELY if colon and user.isprintable() and _password(password) >= _LIKELY else PLACEHOLDER


def _bearer(match: re.Match[str]) -> float:
    return _LIKELY if is_random(match[1]) else PLACEHOLDER


def _value(match: re.Match[str]) -> float:
    """The value of a field that is named after a secret: how sure depends on what the name promises."""
    name, value = match[1].lower(), match[2]
    start = match.start()
    if name == "key" and not _WHOSE.search(match.string[max(0, start - 12) : start]):
        return 0.0
    if value.startswith(_CODE) or _CALL.match(value):
        return 0.0
    return _password(value) if "pass" in name or "pwd" in name else _likely(value)


def _likely(value: str) -> float:
    return _LIKELY if len(value) >= 12 and is_random(value) else PLACEHOLDER


def _password(value: str) -> float:
    mixed = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    if len(value) < 6 or not mixed or is_placeholder(value) or _WEAK.fullmatch(value):
        return PLACEHOLDER
    return _LIKELY if bits(value) >= _HUMAN_BITS else PLACEHOLDER


def _in_url(match: re.Match[str]) -> float:
    password = match[1]
    if is_placeholder(password) or password.lower() in _COMMON or password.startswith(("$", "{", "[", "%")):
        return PLACEHOLDER
    return _LIKELY if _password(password) >= _LIKELY or len(password) >= 10 else _UNSURE


_CODE: Final = (
    "os.", "env.", "process.", "self.", "config.", "settings.", "secrets.", "$", "vault:", "http", "/", "./", "~",
)  # fmt: skip
"""How code and paths begin: a value that is read from somewhere is none."""
_CALL: Final = lazy(r"[A-Za-z_][\w.]*[(\[]")
_WEAK: Final = lazy(
    r"(?:pass(?:word|wd)?|pwd|user|admin|string|text|min|max|len|length|v|sha|md|utf|base)[-_]?\d{1,4}", re.IGNORECASE
)
_COMMON: Final = frozenset((
    "password", "passwd", "pass", "pwd", "secret", "user", "username", "admin", "root", "changeme", "token", "postgres",
    "guest",
))  # fmt: skip
_WHOSE: Final = lazy(
    r"(?<![A-Za-z0-9])(?:api|access|secret|private|auth|encryption|signing|account|client)[-_ ]?$", re.IGNORECASE
)
_ASSIGNED: Final = lazy(
    r"""(key|(?<![A-Za-z0-9])(?:secret|token|password|passwort|passwd|passphrase|pwd|mot de passe|contraseña))"""
    r"""(?:["'`*]{0,3}+\s?[:=]\s?|["'`*]{0,2}+ (?:is|lautet|est|es)(?: now)?:? )["'`*]{0,3}+([^\s"'`,;<>]{4,}+)""",
    re.IGNORECASE,
)
_PEM_LINE: Final = r"(?:(?:\s|\\n|\\r){1,4}+[A-Za-z0-9+/=]{1,80}+)"
_PEM: Final = lazy(
    r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r|[A-Za-z-]{1,20}+: [^\n]{1,80}\n){1,12}"
    rf"([A-Za-z0-9+/=]{{20,80}}+)(?:{_PEM_LINE}{{0,200}}+(?:\s|\\n|\\r){{0,4}}-----END [A-Z ]{{1,30}}-----"
    rf"|{_PEM_LINE}{{0,200}}+)"
)
_WEBHOOK: Final = lazy(
    r"https://(?:hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{20,30}"
    r"|discord(?:app)?\.com/api/webhooks/\d{15,21}/[\w-]{60,80})"
)


def _webhook(match: re.Match[str]) -> float:
    return SURE if is_random(match[0].rpartition("/")[2]) else PLACEHOLDER


def _maybe(_: re.Match[str]) -> float:
    return PLACEHOLDER


def _shape(kind: str, pattern: re.Pattern[str] | str, sure: Callable[[re.Match[str]], float], *hints: str) -> Shape:
    """A shape that begins with one of its hints; its last group is what counts."""
    group = 0 if pattern is _PEM else LAST
    compiled = lazy(pattern, re.IGNORECASE) if isinstance(pattern, str) else pattern
    return Shape(kind=kind, pattern=compiled, hints=hints, sure=sure, group=group, anchored=True)


_FIELDS: Final = (
    "key", "secret", "token", "password", "passwort", "passwd", "passphrase", "pwd", "mot de passe", "contraseña",
)  # fmt: skip
SECRETS: Final = (
    _shape("private key", _PEM, _pem, "-----begin "),
    _shape("JSON web token", lazy(r"(?<![\w-])eyJ[\w-]{10,4000}+\.[\w-]{10,8000}+\.[\w-]{10,2000}+"), _jwt, "eyj"),
    *ISSUED,
    _shape("webhook", _WEBHOOK, _webhook, "https://"),
    _shape("password in a URL", r"://[^\s/:@\"'<>]*+:([^\s/@\"']{3,}+)@(?=[\w\[{$<])", _in_url, "://"),
    _shape("bearer token", r"\bbearer\s{1,3}+([\w.~+/=-]{16,}+)", _bearer, "bearer"),
    _shape("basic credentials", r"\bbasic\s{1,3}+([A-Za-z0-9+/]{8,400}+={0,2})", _basic, "basic"),
    _shape("assigned secret", _ASSIGNED, _value, *_FIELDS),
)

LOOSE_SECRETS: Final = (
    _shape("bearer token", r"\b(?:bearer|basic)\s{1,3}+([\w.~+/=-]{8,}+)", _maybe, "bearer", "basic"),
    _shape("JSON web token", r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?", _maybe, "eyj"),
    _shape(
        "key",
        lazy(r"\b(?:[spr]k|hf|gh[opsur]|xox[abprs]|glpat|A[KS]IA|AIza|nvapi|gsk|npm|pypi)[-_]?[\w-]{12,}+"),
        _maybe,
        *("sk", "rk", "pk", "hf", "gh", "xox", "glpat", "akia", "asia", "aiza", "nvapi", "gsk", "npm", "pypi"),
    ),
    _shape(
        "assigned secret",
        r"(?:(?<=api)[_-]?key|(?<=api[_-])key|token|secret|password"
        r"|passwd)\"?\s{0,3}[:=]\s{0,3}\"?([^\s\"',;\[]{6,}+)",
        _maybe,
        *("key", "_key", "-key", "token", "secret", "password", "passwd"),
    ),
    Shape(
        kind="key",
        pattern=lazy(r"[0-9a-fA-F](?<!\w.)[0-9a-fA-F]{31,}+\b"),
        hints=tuple("0123456789abcdef"),
        sure=_maybe,
    ),
)
"""What may be a secret, for those who must not keep any: much of it is harmless."""


def spans(text: str) -> tuple[Span, ...]:
    """Where secrets stand."""
    return scan(SECRETS, text)


def secrets(text: str) -> Finding:
    """Secrets in a text."""
    return of_spans(NAME, spans(text), "found something like:")
