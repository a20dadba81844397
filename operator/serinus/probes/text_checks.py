"""The scorers as checks of a whole text: `language`, `no-pii`, `no-secrets`, `no-repetition`, `no-toxicity`.

It reads the values that assertions give them, and repeats nothing that is found.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from serinus.core.probe import Json
from serinus.probes.ports import TextCheck, TextChecks
from serinus.probes.scorers.finding import Finding
from serinus.probes.scorers.language import other_language
from serinus.probes.scorers.pii import KINDS, pii
from serinus.probes.scorers.repetition import Limits, repetition
from serinus.probes.scorers.secrets import secrets
from serinus.probes.scorers.toxicity import CATEGORIES, toxicity


def _reason(found: Finding) -> str:
    return found.reason if found.found else ""


def _language(value: Json) -> TextCheck:
    wanted = tuple(str(v).lower() for v in (value if isinstance(value, list) else [value]))
    return lambda text: _reason(other_language(text, wanted))


def _no_pii(value: Json) -> TextCheck:
    kinds = _chosen(value, KINDS)
    return lambda text: _reason(pii(text, kinds))


def _no_toxicity(value: Json) -> TextCheck:
    kinds = _chosen(value, CATEGORIES)
    return lambda text: _reason(toxicity(text, kinds))


def _chosen(value: Json, allowed: Sequence[str]) -> tuple[str, ...]:
    """The kinds that a value asks for, in the scorer's order; all of them where there is none."""
    asked = [value] if isinstance(value, str) else allowed if value is None else value
    unknown = [k for k in asked if k not in allowed] if isinstance(asked, list | tuple) else ["a mapping"]
    if unknown:
        raise ValueError(f"found {', '.join(map(str, unknown))}, allowed are {', '.join(allowed)}")
    return tuple(k for k in allowed if k in asked)


def _no_secrets(value: Json) -> TextCheck:
    if value is not None:
        raise ValueError("allowed is no value")
    return lambda text: _reason(secrets(text))


def _no_repetition(value: Json) -> TextCheck:
    limits, options = Limits(), {} if value is None else value
    numbers = isinstance(options, dict) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in options.values()
    )
    if not numbers or set(options) - {"share", "ratio"}:
        raise ValueError("allowed are the numbers share and ratio, or nothing")
    limits = replace(limits, **{name: float(number) for name, number in options.items()})
    return lambda text: _reason(repetition(text, limits))


TEXT_CHECKS: Final[TextChecks] = {
    "language": _language,
    "no-pii": _no_pii,
    "no-secrets": _no_secrets,
    "no-repetition": _no_repetition,
    "no-toxicity": _no_toxicity,
}
