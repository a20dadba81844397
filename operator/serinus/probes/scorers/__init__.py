"""Scorers of texts: what stands in an answer, told from the answer alone, in under a millisecond. Pure, no I/O.

They serve assertions, samples and redaction. A new scorer is a module here with its row in a table below, its labelled
examples in `tests/samples/scorers`, and its line in `docs/scorers.md`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from serinus.probes.scorers.finding import FOUND, Finding, Span
from serinus.probes.scorers.form import cut, form
from serinus.probes.scorers.language import language
from serinus.probes.scorers.pii import pii
from serinus.probes.scorers.refusal import refusal
from serinus.probes.scorers.repetition import repetition
from serinus.probes.scorers.secrets import secrets
from serinus.probes.scorers.toxicity import toxicity

__all__ = ["ALARMS", "DEFAULT", "FOUND", "SCORERS", "Finding", "Span", "alarms", "score"]

Scorer = Callable[[str], Finding]

ALARMS: Final[Mapping[str, Scorer]] = {
    "refusal": refusal,
    "cut": cut,
    "repetition": repetition,
    "secrets": secrets,
    "pii": pii,
}
"""Those that find something remarkable, and need no model."""
DEFAULT: Final[Mapping[str, Scorer]] = {**ALARMS, "form": form, "language": language}
SCORERS: Final[Mapping[str, Scorer]] = {**DEFAULT, "toxicity": toxicity}
"""All that look at one text; shifts of lengths compare many (`lengths.py`)."""
_READ: Final = 32_768


def score(text: str, scorers: Mapping[str, Scorer] = DEFAULT) -> tuple[Finding, ...]:
    """What each scorer finds in a text, in the order of the table."""
    return tuple(scorer(text) for scorer in scorers.values())


def alarms(text: str, finish_reason: str = "") -> dict[str, list[str]]:
    """What the scorers of ALARMS find, with its kinds; of a long text they read the first and last 32,768 signs."""
    text = text if len(text) <= 2 * _READ else text[:_READ] + "\n" + text[-_READ:]
    found: dict[str, list[str]] = {}
    for name, scorer in ALARMS.items():
        finding = cut(text, finish_reason) if scorer is cut else scorer(text)
        if finding.found:
            found[name] = list(finding.kinds)
    return found
