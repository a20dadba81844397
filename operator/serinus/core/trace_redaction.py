"""The patterns of the logs' redaction as a collector replaces them: the same table, no second one.

A collector has no checksums: a number that only looks like a card or an IBAN is taken out too.
"""

from functools import lru_cache
from typing import Final

from serinus.core.log_redaction import PATTERNS, Check, Pattern
from serinus.core.logs import Redact

CLASSES: Final = (Redact.SECRET, Redact.EMAIL, Redact.IBAN, Redact.CARD, Redact.PHONE)
_FLAGS: Final = ("(?s)", "(?i)", "(?is)", "(?si)")


@lru_cache(maxsize=1)
def replacements() -> tuple[tuple[str, str], ...]:
    """Pairs of an RE2 expression and what stands for its whole match, in the order in which they are applied."""
    return tuple((_grouped(_strict(p)), f"${{1}}{p.mark}${{3}}") for p in PATTERNS if p.redact in CLASSES)


def _strict(pattern: Pattern) -> str:
    """Without a checksum small letters would make an IBAN of every hexadecimal id: capital ones alone are asked for."""
    return pattern.expression.replace("[A-Za-z", "[A-Z") if pattern.check is Check.IBAN else pattern.expression


def _grouped(expression: str) -> str:
    """An expression with one capture group as one with three: what comes before, the text, what comes after."""
    flags = next((f for f in _FLAGS if expression.startswith(f)), "")
    rest = expression.removeprefix(flags)
    begin, end = _capture(rest)
    return f"{flags}({rest[:begin]}){rest[begin:end]}({rest[end:]})"


def _capture(text: str) -> tuple[int, int]:
    """Where the one capture group of an expression begins and ends."""
    opened: list[tuple[int, bool]] = []
    found: list[tuple[int, int]] = []
    i, in_class = 0, False
    while i < len(text):
        sign = text[i]
        if sign == "\\":
            i += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign == "(":
            opened.append((i, not text.startswith("(?", i)))
        elif sign == ")":
            begin, captures = opened.pop()
            if captures:
                found.append((begin, i + 1))
        i += 1
    [only] = found
    return only
