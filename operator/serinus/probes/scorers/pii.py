"""Personal data by shape and checksum: e-mail addresses, phones, payment cards, bank accounts, US social security.

It knows no names and no postal addresses. A mailbox of a role (support@) and a toll-free number are found, and too
unsure to count: they are somebody's office, not somebody. Pure.
"""

import re
from typing import Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.finding import Finding, Shape, Span, of_spans, scan
from serinus.probes.scorers.numbers import has_calling_code, is_card, is_iban

NAME: Final = "pii"
_DIGITS: Final = tuple("0123456789")
_NOT_DIGITS: Final = lazy(r"\D+")
_BEFORE: Final = 32
"""Characters before a number in which the word that says what it is stands."""
_SURE, _LIKELY, _UNLIKELY, _HARMLESS, _DOUBTFUL = 1.0, 0.8, 0.4, 0.3, 0.1

_EMAIL: Final = lazy(
    r"(?<![\w.+%-])[\w.+%-]{1,64}+@(?:[\w-]{1,63}+\.){1,8}(?<!\.\.)[^\W\d_]{2,24}(?![\w-])(?!:[\w~/.-]|/[\w-]+\.git)"
)
_ROLES: Final = frozenset(
    [
        "abuse",
        "accounts",
        "admin",
        "billing",
        "careers",
        "care",
        "contact",
        "customerservice",
        "enquiries",
        "feedback",
        "feedback-noreply",
        "git",
        "hello",
        "help",
        "helpdesk",
        "hostmaster",
        "hr",
        "info",
        "information",
        "jobs",
        "kontakt",
        "legal",
        "mail",
        "marketing",
        "media",
        "newsletter",
        "no-reply",
        "noreply",
        "notifications",
        "office",
        "orders",
        "postmaster",
        "press",
        "privacy",
        "refunds",
        "returns",
        "root",
        "sales",
        "security",
        "service",
        "servicedesk",
        "shop",
        "soporte",
        "support",
        "team",
        "webmaster",
        "welcome",
    ]
)
_CARD: Final = lazy(
    r"[2-6](?<![\w.,+/=-].)(?:\d{12,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1?\d{3})?"
    r"|\d{3}([ -])\d{6}\2\d{4,5})(?![\w/=]|[.,-]\d)",
    re.ASCII,
)
_NUMBERED: Final = lazy(
    r"\b(?:order|tracking|invoice|ticket|case|reference|ref|serial|parcel|shipment|imei|isbn|ean|sku|article|account id"
    r"|request|trace|transaction|bestell\w*|auftrags?\w*|rechnungs\w*|sendungs\w*|seriennummer|commande|suivi|facture"
    r"|pedido|factura|seguimiento|ordine|fattura|timestamp|id|uuid|number of|hash|version|seed)\b[\w .:#=]{0,16}$",
    re.IGNORECASE,
)
_IBAN: Final = lazy(
    r"[A-Z]{2}\d{2}(?<![A-Za-z0-9_/=.-]....)(?:(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?"
    r"|[A-Z0-9]{11,30})(?![A-Za-z0-9_=])"
)
_SSN: Final = lazy(r"(?!000|666|9)\d{3}-(?<![\w.,+/=-]....)(?!00)\d{2}-(?!0000)\d{4}(?![\w=]|-\d)")
_SSN_WORD: Final = lazy(r"\b(?:ssn|social|security|tax)\b", re.IGNORECASE)
_NUMBER_WORD: Final = lazy(r"\b(?:part|model|order|item|sku|case|ticket|code|no|article)\b", re.IGNORECASE)
_ABROAD: Final = lazy(
    r"\+(?<![\w+)=*/^(.-].)[1-9]\d{0,2}+(?:[ .\-/]?+(?:\(0?\d{0,4}+\)|\d{1,5}+)){2,7}+(?![\w%]|[.,]\d)",
    re.ASCII,
)
_THOUSANDS: Final = lazy(r"\+\d{1,3}(?:[ .]\d{3}){2,3}")
_NORTH_AMERICA: Final = lazy(
    r"[(1-9](?<![\w.,+/=(-].)(?<!\d[ -].)(?:(?<=1)[ .-](?:\([2-9]\d\d\)[ .-]|[2-9]\d\d[ .-])|(?<=\()[2-9]\d\d\) ?"
    r"|(?<=[2-9])\d\d([ .-]))[2-9]\d\d(?(1)\1|[ .-])\d{4}(?![\w=/]"
    r"|[.,-]\d)",
    re.ASCII,
)
_NATIONAL: Final = lazy(
    r"0(?<![\w.,:+/=-].)(?<!\d[ -].)(?:[1-9]\d{1,4}(?:[ /]|[ ]?-[ ]?)\d{5,9}|[1-9](?:([ .-])\d\d)(?:\1\d\d){3}"
    r"|\d{2,4}([ -])\d{3,4}\2\d{3,4}(?![ -]\d)"
    r"|7\d{3} \d{6}|1\d{2} ?\d{7,8})(?![\w=/]|[.,-]\d)",
    re.ASCII,
)
_CALL_WORDS: Final = (
    "phone", "tel", "mobile", "call", "whatsapp", "fax", "dial", "ring", "text me", "ruf", "handy", "anruf", "erreich",
    "portable", "appel", "móvil", "celular", "llam", "llám", "cellulare", "chiam", "ligue", "bel ", "zadzwo", "номер",
    "звон", "cell ", "my number", "her number", "his number", "meine nummer", "mon numéro", "mio numero", "mi número",
    "meu número", "电话", "手机", "致电", "電話", "携帯", "전화", "연락",
)  # fmt: skip
_CALLED: Final = lazy(
    rf"(?:{'|'.join(_CALL_WORDS)})[^\d\n+]{{0,20}}"
    r"((?<![.,])\(?[0-9][0-9() ./-]{5,18}[0-9])(?![A-Za-z0-9_:]|[.,-]\d)",
    re.IGNORECASE,
)
_FREE: Final = frozenset(["800", "833", "844", "855", "866", "877", "888", "900"])
_DATE: Final = lazy(
    r"(?:19|20)\d\d[./ -]\d\d?[./ -]\d\d?|\d\d?[./ -]\d\d?[./ -](?:19|20)\d\d|(?:19|20)\d\d ?- ?(?:19|20)\d\d"
)


def _digits(text: str) -> str:
    return _NOT_DIGITS.sub("", text)


def _before(match: re.Match[str]) -> str:
    return match.string[max(0, match.start() - _BEFORE) : match.start()]


def _email(match: re.Match[str]) -> float:
    local = match[0].partition("@")[0].lower()
    return _HARMLESS if local in _ROLES or local.partition("+")[0] in _ROLES else _SURE


def _card(match: re.Match[str]) -> float:
    if not is_card(_digits(match[0])):
        return 0.0
    return _UNLIKELY if match[0].isdigit() and _NUMBERED.search(_before(match)) else _SURE


def _iban(match: re.Match[str]) -> float:
    # the group after an account may be the next word in capitals, so a shorter text is tried too
    account = match[0].replace(" ", "")
    return _SURE if is_iban(account) else 0.0


def _ssn(match: re.Match[str]) -> float:
    before = _before(match)
    if _SSN_WORD.search(before):
        return _SURE
    return _UNLIKELY if _NUMBER_WORD.search(before) else _LIKELY


def _abroad(match: re.Match[str]) -> float:
    found = match[0]
    digits = _digits(found)
    if not 8 <= len(digits) <= 15 or not has_calling_code(digits) or len(set(digits[2:])) < 3:
        return 0.0
    if _THOUSANDS.fullmatch(found) and (len(digits) < 11 or digits.endswith("000")):
        return 0.0
    return _HARMLESS if digits[0] == "1" and digits[1:4] in _FREE else _SURE


def _north_america(match: re.Match[str]) -> float:
    digits = _digits(match[0])
    area = digits[-10:-7]
    if area in _FREE:
        return _HARMLESS
    if _NUMBER_WORD.search(_before(match)):
        return _UNLIKELY
    return _UNLIKELY if match[1] == " " else _LIKELY


def _national(match: re.Match[str]) -> float:
    digits = _digits(match[0])
    if not 9 <= len(digits) <= 13 or len(set(digits)) < 3:
        return 0.0
    return _HARMLESS if digits.startswith(("0800", "0808", "0900", "0180")) else _LIKELY


def _called(match: re.Match[str]) -> float:
    digits, text = _digits(match[1]), match[1]
    if not 7 <= len(digits) <= 13 or _DATE.search(text) or len(set(digits)) < 3:
        return 0.0
    return _HARMLESS if digits.removeprefix("1")[:3] in _FREE or digits.startswith("0800") else _LIKELY


PII: Final = (
    Shape(kind="card", pattern=_CARD, hints=_DIGITS, sure=_card),
    Shape(kind="iban", pattern=_IBAN, hints=_DIGITS, sure=_iban),
    Shape(kind="email", pattern=_EMAIL, hints=("@",), sure=_email),
    Shape(kind="ssn", pattern=_SSN, hints=("-",), sure=_ssn),
    Shape(kind="phone", pattern=_ABROAD, hints=("+",), sure=_abroad),
    Shape(kind="phone", pattern=_NORTH_AMERICA, hints=_DIGITS, sure=_north_america),
    Shape(kind="phone", pattern=_NATIONAL, hints=("0",), sure=_national),
    Shape(kind="phone", pattern=_CALLED, hints=_CALL_WORDS, sure=_called, group=1, anchored=True),
)
KINDS: Final = tuple(dict.fromkeys(shape.kind for shape in PII))


def _maybe(_: re.Match[str]) -> float:
    return _DOUBTFUL


def _loose_phone(match: re.Match[str]) -> float:
    """Short numbers, dates among them, are no phone numbers."""
    return 0.0 if len(_digits(match[0])) < 8 or _DATE.fullmatch(match[0]) else _DOUBTFUL


LOOSE_PII: Final = (
    Shape(
        kind="email",
        pattern=lazy(r"(?<![\w.+-])[\w.+-]++@[\w-]++(?:\.[\w-]++)++"),
        hints=("@",),
        sure=_maybe,
    ),
    Shape(kind="card", pattern=lazy(r"\d(?<![\w-].)(?:[ -]?\d){12,18}+(?![\w-])"), hints=_DIGITS, sure=_maybe),
    Shape(
        kind="phone",
        pattern=lazy(r"[+(\d](?<![\w.+(].)(?:[ ./-]{0,2}+(?:\(\d{1,5}+\)|\d{1,5}+)){2,6}+(?!\w)"),
        hints=_DIGITS,
        sure=_loose_phone,
    ),
)
"""What may be personal data, for those who must not keep any: much of it is harmless."""


def spans(text: str, kinds: tuple[str, ...] = KINDS) -> tuple[Span, ...]:
    """Where personal data of some kinds stands."""
    return scan(PII if kinds == KINDS else [s for s in PII if s.kind in kinds], text)


def pii(text: str, kinds: tuple[str, ...] = KINDS) -> Finding:
    """Personal data of some kinds in a text."""
    return of_spans(NAME, spans(text, kinds), "found personal data:")
