"""The profile of a log pipeline: parser, redaction, sampling. Services with the same wishes share one.

It owns the words; what a pipeline does is `log_pipeline.py`'s, how a spec reads `logspec.py`'s.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from serinus.core.runtime import LogFormat

_NAME: Final = re.compile(r"(json|logfmt|text)-([a-z-]+)-([0-9]+)")
_NOTHING: Final = "none"


class Redact(StrEnum):
    """What is taken out of the lines, in the order in which it is taken."""

    PROMPT = "prompt"
    SECRET = "secret"  # noqa: S105 - the name of a class of text
    EMAIL = "email"
    IBAN = "iban"
    CARD = "card"
    PHONE = "phone"


DEFAULT_REDACT: Final = (Redact.EMAIL, Redact.PHONE, Redact.CARD, Redact.IBAN, Redact.SECRET, Redact.PROMPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One pipeline: how lines are parsed, what is taken out, and how many of the harmless ones are kept (1 to 100)."""

    parser: LogFormat = LogFormat.TEXT
    redact: tuple[Redact, ...] = tuple(Redact)  # each once, in this order
    sample_percent: int = 100

    @property
    def name(self) -> str:
        """A label value and file name: `text-prompt-secret-100`."""
        return "-".join((self.parser, *(self.redact or (_NOTHING,)), str(self.sample_percent)))


def profile_of(name: str) -> Profile | None:
    """Read a profile back from its name; None for a text that is no profile's name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    words = [] if match[2] == _NOTHING else match[2].split("-")
    if not all(word in tuple(Redact) for word in words):
        return None
    found = Profile(
        parser=LogFormat(match[1]), redact=ordered([Redact(w) for w in words]), sample_percent=int(match[3])
    )
    return found if found.name == name and 1 <= found.sample_percent <= 100 else None


def ordered(found: Sequence[Redact]) -> tuple[Redact, ...]:
    """The classes in the order in which they are taken out."""
    return tuple(r for r in Redact if r in found)
