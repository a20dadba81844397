"""What the scoring process and its parent write to each other: findings as JSON. It starts, asks and scores nothing."""

from collections.abc import Mapping
from typing import Any, Final

from serinus.probes.outcome import Ask, NoScore, Outcome

NO_PYTHON: Final = "--no-python"
"""The argument of the scoring process that refuses assertions in Python."""
EACH: Final = "--each"
"""The argument with which every probe is written as soon as it is prepared, to find the one that cannot be."""


def within(score: float) -> float:
    """A score in [0, 1]; a script may have given any number, or none."""
    return min(1.0, max(0.0, score)) if score == score else 0.0  # noqa: PLR0124 - NaN differs from itself


def encode(found: Outcome | Ask | NoScore) -> dict[str, Any]:
    """A finding as the scoring process writes it; `settle` reads it."""
    if isinstance(found, Ask):
        return {"ask": list(found.criteria), "text": found.text}
    if isinstance(found, NoScore):
        return {"none": str(found)}
    return {"passed": found.passed, "score": within(found.score), "reason": found.reason}


def decode(raw: Mapping[str, Any]) -> Outcome | Ask | NoScore:
    """A finding as `encode` wrote it."""
    if "ask" in raw:
        return Ask(criteria=tuple(raw["ask"]), text=raw["text"])
    if "none" in raw:
        return NoScore(raw["none"])
    return Outcome(passed=raw["passed"], score=raw["score"], reason=raw["reason"])
