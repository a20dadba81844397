"""Secrets by the shapes that their issuers gave them, and values of fields named after secrets, guarded by entropy.

A placeholder or an example of a key is found, and too unsure to count. It never repeats a secret. Pure.
"""

import base64
import binascii
import re
from typing import Final

from serinus.probes.scorers.entropy import bits, is_placeholder, is_random
from serinus.probes.scorers.finding import Finding, Shape, Span, of_spans, scan

NAME: Final = "secrets"
_PLACEHOLDER, _UNSURE, _LIKELY, _SURE = 0.2, 0.4, 0.8, 1.0
_PEM_BITS: Final = 3.5
_HUMAN_BITS: Final = 2.3
"""A password that a person made has a digit or a sign in it, and fewer different characters than a key."""


def _key(match: re.Match[str]) -> float:
    return _SURE if is_random(match[0]) else _PLACEHOLDER


def _pem(match: re.Match[str]) -> float:
    body = match[1]
    return _SURE if bits(body) >= _PEM_BITS and not is_placeholder(body) else _PLACEHOLDER


def _jwt(match: re.Match[str]) -> float:
    """A web token says in its head how it was signed (RFC 7519)."""
    head = match[0].partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))
    except (binascii.Error, ValueError):
        return _UNSURE
    return _SURE if b'"alg"' in decoded and not is_placeholder(match[0].rpartition(".")[2]) else _UNSURE


def _basic(match: re.Match[str]) -> float:
    try:
        decoded = base64.b64decode(match[1] + "=" * (-len(match[1]) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return _PLACEHOLDER
    user, colon, password = decoded.partition(":")
    return _LIKELY if colon and user.isprintable() and _password(password) >= _LIKELY else _PLACEHOLDER


def _bearer(match: re.Match[str]) -> float:
    return _LIKELY if is_random(match[1]) else _PLACEHOLDER


def _value(match: re.Match[str]) -> float:
    """The value of a field that is named after a secret: how sure depends on what the name promises."""
    name, value = match[1].lower(), match[2]
    if value.startswith(_CODE) or _CALL.match(value):
        return 0.0
    return _password(value) if "pass" in name or "pwd" in name else _likely(value)


def _likely(value: str) -> float:
    return _LIKELY if len(value) >= 12 and is_random(value) else _PLACEHOLDER


def _password(value: str) -> float:
    mixed = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    if len(value) < 6 or not mixed or is_placeholder(value) or _WEAK.fullmatch(value):
        return _PLACEHOLDER
    return _LIKELY if bits(value) >= _HUMAN_BITS else _PLACEHOLDER


def _in_url(match: re.Match[str]) -> float:
    password = match[1]
    if is_placeholder(password) or password.lower() in _COMMON or password.startswith(("$", "{", "[", "%")):
        return _PLACEHOLDER
    return _LIKELY if _password(password) >= _LIKELY or len(password) >= 10 else _UNSURE


_CODE: Final = (
    "os.",
    "env.",
    "process.",
    "self.",
    "config.",
    "settings.",
    "secrets.",
    "$",
    "vault:",
    "http",
    "/",
    "./",
    "~",
)
"""How code and paths begin: a value that is read from somewhere is none."""
_CALL: Final = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_WEAK: Final = re.compile(
    r"(?:pass(?:word|wd)?|pwd|user|admin|string|text|min|max|len|length|v|sha|md|utf|base)[-_]?\d{1,4}", re.IGNORECASE
)
_COMMON: Final = frozenset(
    [
        "password",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "user",
        "username",
        "admin",
        "root",
        "changeme",
        "token",
        "postgres",
        "guest",
    ]
)
_NAMES: Final = (
    r"(?:api|access|secret|private|auth|encryption|signing|account|client)[-_ ]?(?:key|secret|token)(?:[-_ ]?id)?+"
    r"|client[-_]?secret|password"
    r"|passwd|passphrase|pwd|secret|token|passwort|mot de passe|contraseña"
)
_ASSIGNED: Final = re.compile(
    rf"""(?<![^\W_])({_NAMES})"""
    r"""(?:["'`*]{0,3}+\s?[:=]\s?|["'`*]{0,2}+ (?:is|lautet|est|es)(?: now)?:? )["'`*]{0,3}+([^\s"'`,;<>]{4,200})""",
    re.IGNORECASE,
)
_ASSIGNED_HINTS: Final = ("key", "secret", "token", "passw", "passphrase", "pwd", "mot de passe", "contraseña")
_PLAIN: Final = r"(?<![A-Za-z0-9_-])"


def _issued(kind: str, shape: str, *hints: str) -> Shape:
    return Shape(kind=kind, pattern=re.compile(f"{_PLAIN}(?:{shape})(?![A-Za-z0-9_-])"), hints=hints, sure=_key)


SHAPES: Final = (
    Shape(
        kind="private key",
        pattern=re.compile(
            r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\n|\\r"
            r"|[A-Za-z-]{1,20}: [^\n]{1,80}\n){1,12}([A-Za-z0-9+/=]{20,80})"
        ),
        hints=("private key",),
        sure=_pem,
    ),
    Shape(
        kind="JSON web token",
        pattern=re.compile(r"(?<![\w-])eyJ[\w-]{10,4000}+\.[\w-]{10,8000}+\.[\w-]{10,2000}+"),
        hints=("eyj",),
        sure=_jwt,
    ),
    _issued("AWS access key", r"(?:AKIA|ASIA|ABIA)[A-Z2-7]{16}", "akia", "asia", "abia"),
    _issued(
        "GitHub token",
        r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255}",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
    ),
    _issued("GitLab token", r"gl(?:pat|rt|dt|cbt|ptt|soat)-[\w-]{20,100}", "gl"),
    _issued("Slack token", r"xox[abeoprs]-[0-9A-Za-z-]{10,250}|xapp-\d-[0-9A-Za-z-]{20,250}", "xox", "xapp-"),
    _issued(
        "Stripe key",
        r"(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,250}|whsec_[0-9A-Za-z+/=]{20,100}",
        "_live_",
        "_test_",
        "whsec_",
    ),
    _issued("Anthropic key", r"sk-ant-[\w-]{24,200}", "sk-ant-"),
    _issued(
        "API key", r"(?:sk|rk|pk)-(?:live-|test-|proj-|svcacct-|or-v1-)?[A-Za-z0-9_-]{20,250}", "sk-", "rk-", "pk-"
    ),
    _issued(
        "Google API key",
        r"AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{30,250}|GOCSPX-[\w-]{28}",
        "aiza",
        "ya29.",
        "gocspx-",
    ),
    _issued("Hugging Face token", r"hf_[A-Za-z0-9]{30,60}", "hf_"),
    _issued("NVIDIA key", r"nvapi-[\w-]{40,100}", "nvapi-"),
    _issued("Groq key", r"gsk_[A-Za-z0-9]{40,80}", "gsk_"),
    _issued("npm token", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _issued("PyPI token", r"pypi-[\w-]{50,250}", "pypi-"),
    _issued("SendGrid key", r"SG\.[\w-]{16,32}\.[\w-]{32,64}", "sg."),
    _issued("DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}", "_v1_"),
    _issued("Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _issued("Databricks token", r"dapi[a-f0-9]{32}(?:-\d)?", "dapi"),
    _issued("Telegram token", r"\d{8,10}:AA[\w-]{33}", ":aa"),
    _issued("age key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "age-secret-key"),
    _issued("Vault token", r"hv[sbr]\.[\w-]{24,200}", "hv"),
    Shape(
        kind="webhook",
        pattern=re.compile(
            r"https://(?:hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{20,30}"
            r"|discord(?:app)?\.com/api/webhooks/\d{15,21}/[\w-]{60,80})"
        ),
        hints=("hooks.slack.com", "/api/webhooks/"),
        sure=lambda m: _SURE if is_random(m[0].rpartition("/")[2]) else _PLACEHOLDER,
    ),
    Shape(
        kind="password in a URL",
        pattern=re.compile(r"(?<=://)[^\s/:@\"'<>]{0,64}+:([^\s/@\"']{3,64}+)@(?=[\w\[{$<])"),
        hints=("://",),
        sure=_in_url,
        group=1,
    ),
    Shape(
        kind="bearer token",
        pattern=re.compile(r"\bbearer\s{1,3}+([\w.~+/=-]{16,4000}+)", re.IGNORECASE),
        hints=("bearer",),
        sure=_bearer,
        group=1,
    ),
    Shape(
        kind="basic credentials",
        pattern=re.compile(r"\bbasic\s{1,3}+([A-Za-z0-9+/]{8,400}+={0,2})", re.IGNORECASE),
        hints=("basic",),
        sure=_basic,
        group=1,
    ),
    Shape(kind="assigned secret", pattern=_ASSIGNED, hints=_ASSIGNED_HINTS, sure=_value, group=2),
)

LOOSE: Final = (
    Shape(
        kind="bearer token",
        pattern=re.compile(r"\b(?:bearer|basic)\s{1,3}+([\w.~+/=-]{8,4000}+)", re.IGNORECASE),
        hints=("bearer", "basic"),
        group=1,
    ),
    Shape(
        kind="JSON web token", pattern=re.compile(r"\beyJ[\w-]{8,4000}+\.[\w-]{8,8000}+(?:\.[\w-]*+)?"), hints=("eyj",)
    ),
    Shape(
        kind="key",
        pattern=re.compile(
            r"\b(?:sk|pk|rk|hf|gh[opsur]|xox[abprs]|glpat|AKIA|ASIA|AIza|nvapi|gsk|npm|pypi)[-_]?[\w-]{12,400}+"
        ),
        hints=("sk", "pk", "rk", "hf", "gh", "xox", "glpat", "akia", "asia", "aiza", "nvapi", "gsk", "npm", "pypi"),
    ),
    Shape(
        kind="assigned secret",
        pattern=re.compile(
            r"(?:api[_-]?key|token|secret|password|passwd)\"?\s{0,3}[:=]\s{0,3}\"?([^\s\"',;\[]{6,400}+)", re.IGNORECASE
        ),
        hints=("key", "token", "secret", "passw"),
        group=1,
    ),
    Shape(kind="key", pattern=re.compile(r"\b[0-9a-fA-F]{32,400}+\b"), hints=tuple("0123456789abcdef")),
)
"""What may be a secret, for those who must not keep any: much of it is harmless."""


def spans(text: str) -> tuple[Span, ...]:
    """Where secrets stand."""
    return scan(SHAPES, text)


def secrets(text: str) -> Finding:
    """Secrets in a text."""
    return of_spans(NAME, spans(text), "found something like:")
