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

__all__ = ["DEFAULT", "FOUND", "LIGHT", "SCORERS", "Finding", "Span", "score"]

Scorer = Callable[[str], Finding]

LIGHT: Final[Mapping[str, Scorer]] = {
    "refusal": refusal,
    "form": form,
    "cut": cut,
    "repetition": repetition,
    "secrets": secrets,
    "pii": pii,
}
"""Those that need no model."""
DEFAULT: Final[Mapping[str, Scorer]] = {**LIGHT, "language": language}
SCORERS: Final[Mapping[str, Scorer]] = {**DEFAULT, "toxicity": toxicity}
"""All that look at one text; shifts of lengths compare many (`lengths.py`)."""


def score(text: str, scorers: Mapping[str, Scorer] = DEFAULT) -> tuple[Finding, ...]:
    """What each scorer finds in a text, in the order of the table."""
    return tuple(scorer(text) for scorer in scorers.values())
