"""Tells random characters from words and placeholders, so that an example of a key is no key. Pure."""

import math
import re
from collections import Counter
from typing import Final

from serinus.core.lazy import lazy

_PLACEHOLDER: Final = lazy(
    r"example|sample|your|placeholder|changeme|change[-_]me|dummy|redacted|insert|replace|secret[-_]?key|my[-_]|fake"
    r"|foobar|token[-_]?here|key[-_]?here|here$|test[-_]?(?:key|token)|xxx|\*\*\*|\.\.\.|…|<|\$\{|\{\{|%\(|0000000"
    r"|1234567890|abcdefgh|deadbeef",
    re.IGNORECASE,
)
_BITS: Final = 3.0
"""A random text of 20 letters and digits has 3.9 bits a character, 16 hex digits 3.1; words joined by hyphens have
letters only and are told by that."""


def bits(text: str) -> float:
    """Shannon's entropy of the characters of a text, in bits a character."""
    size = len(text)
    return -math.fsum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def is_placeholder(text: str) -> bool:
    """Whether a text stands for a secret instead of being one."""
    return _PLACEHOLDER.search(text) is not None


def is_random(text: str, *, least: float = _BITS) -> bool:
    """Whether a text looks as if a generator had made it: letters and digits, mixed, and no placeholder."""
    letters = any(c.isalpha() for c in text)
    digits = any(c.isdigit() for c in text)
    return letters and digits and bits(text) >= least and not is_placeholder(text)
