"""What the tables of refusals are made of: the words of one language, and the short gap within a clause. Pure."""

import re
from dataclasses import dataclass
from typing import Final

from serinus.core.lazy import lazy

_GAP: Final = r"[^.,;:!?()\n。，！？、؛،।]{0,40}?"


@dataclass(frozen=True, slots=True)
class Words:
    """One language: hints in lower case, one of which every refusal has, and the pattern of all its refusals."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]


def words(hints: str, *patterns: str) -> Words:
    """The hints, divided by `|`, and the patterns of one language; `~` stands for a short gap without punctuation."""
    joined = "|".join(patterns).replace("~", _GAP)
    return Words(hints=tuple(hints.split("|")), pattern=lazy(joined))
