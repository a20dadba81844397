"""The formats of JSON Schema that promptfoo's validator knows, as regular expressions and small functions; all pure."""

import base64
import binascii
import calendar
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME: Final = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:([zZ])|([+-])(\d\d)(?::?(\d\d))?)?", re.ASCII)
_DURATION: Final = re.compile(
    r"P(?!$)(?:(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?|\d+W)", re.ASCII
)
_EMAIL_ATOM: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_EMAIL: Final = re.compile(rf"{_EMAIL_ATOM}(?:\.{_EMAIL_ATOM})*@(?:{_LABEL}\.)+{_LABEL}", re.IGNORECASE | re.ASCII)
_HOST_LABEL: Final = re.compile(r"[a-z0-9](?:[-0-9a-z]{0,61}[0-9a-z])?", re.IGNORECASE | re.ASCII)
_UUID: Final = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~0|~1)*)*")
_FRAGMENT: Final = re.compile(r"#(?:/(?:[a-z0-9_\-.!$&'()*+,;:=@]|%[0-9a-f]{2}|~0|~1)*)*", re.IGNORECASE | re.ASCII)
_RELATIVE: Final = re.compile(r"(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)", re.ASCII)
_URI_SIGN: Final = r"(?:[a-z0-9\-._~!$&'()*+,;=:@/?\[\]]|%[0-9a-f]{2})"
_URI: Final = re.compile(rf"[a-z][a-z0-9+\-.]*:{_URI_SIGN}+(?:#{_URI_SIGN}*)?", re.IGNORECASE | re.ASCII)
_REFERENCE: Final = re.compile(rf"{_URI_SIGN}*(?:#{_URI_SIGN}*)?", re.IGNORECASE | re.ASCII)
_TEMPLATE: Final = re.compile(
    r"(?:[^\x00-\x20\"'<>%\\^`{|}]|%[0-9a-f]{2}|\{[+#./;?&=,!@|]?[a-z0-9_%.]+(?::[1-9]\d{0,3}|\*)?"
    r"(?:,[a-z0-9_%.]+(?::[1-9]\d{0,3}|\*)?)*\})*",
    re.IGNORECASE,
)
_URL: Final = re.compile(r"(?:https?|ftp)://[^\s/?#@]+(?:\.[^\s/?#@.]+)+(?::\d{2,5})?(?:[/?#]\S*)?", re.IGNORECASE)
_HOST_LENGTH: Final = 253


def _date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day = map(int, match.groups())
    if not 1 <= month <= 12 or day < 1:
        return False
    leap = calendar.isleap(year)
    return day <= (29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1])


def _time(text: str, *, zone: bool) -> bool:
    match = _TIME.fullmatch(text)
    if match is None or (zone and match[4] is None and match[5] is None):
        return False
    hour, minute, second = int(match[1]), int(match[2]), int(match[3])
    ahead = -1 if match[5] == "-" else 1
    zone_hour, zone_minute = int(match[6] or 0), int(match[7] or 0)
    if zone_hour > 23 or zone_minute > 59:
        return False
    if hour <= 23 and minute <= 59 and second < 60:
        return True
    at_utc = (60 * hour + minute - ahead * (60 * zone_hour + zone_minute)) % 1440
    return second == 60 and hour <= 23 and minute <= 59 and at_utc == 1439


def _date_time(text: str, *, zone: bool) -> bool:
    parts = re.split(r"[tT\s]", text)
    return len(parts) == 2 and _date(parts[0]) and _time(parts[1], zone=zone)


def _hostname(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    return 0 < len(text) <= _HOST_LENGTH and all(_HOST_LABEL.fullmatch(label) for label in labels)


def _address(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return "%" not in text and "/" not in text

    return check


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _anything(_: object) -> bool:
    return True


TEXT: Final[Mapping[str, Callable[[str], bool]]] = {
    "date": _date,
    "time": lambda text: _time(text, zone=True),
    "date-time": lambda text: _date_time(text, zone=True),
    "iso-time": lambda text: _time(text, zone=False),
    "iso-date-time": lambda text: _date_time(text, zone=False),
    "duration": _matches(_DURATION),
    "email": _matches(_EMAIL),
    "hostname": _hostname,
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "uuid": _matches(_UUID),
    "uri": _matches(_URI),
    "uri-reference": _matches(_REFERENCE),
    "uri-template": _matches(_TEMPLATE),
    "url": _matches(_URL),
    "json-pointer": _matches(_POINTER),
    "json-pointer-uri-fragment": _matches(_FRAGMENT),
    "relative-json-pointer": _matches(_RELATIVE),
    "byte": _base64,
    "password": _anything,
    "binary": _anything,
}
"""Formats of texts; `regex` is missing, because only the JavaScript engine can tell."""

NUMBERS: Final[Mapping[str, Callable[[float], bool]]] = {
    "int32": lambda n: float(n).is_integer() and -(2**31) <= n < 2**31,
    "int64": lambda n: float(n).is_integer(),
    "float": math.isfinite,
    "double": math.isfinite,
}
"""Formats of numbers."""


def fits(name: str, value: Any) -> bool:
    """Whether a value has a format of TEXT or NUMBERS; a value of the other kind always has."""
    if isinstance(value, str):
        return TEXT.get(name, _anything)(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return NUMBERS.get(name, _anything)(value)
    return True
