"""Answers and what is found about them: outcomes of single checks, and how a test joins them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from serinus.core.jstext import js_json
from serinus.core.probe import Assertion, Json, Origin
from serinus.probes.script import ScriptFailed

_MAX_SHOWN: Final = 100


class Misconfigured(Exception):
    """A probe that cannot be asked, or an assertion whose value, once rendered, cannot be checked against anything."""

    def __init__(self, message: str, origin: Origin | None = None) -> None:
        super().__init__(message)
        self.origin = origin or Origin()


class NoScore(Exception):
    """An answer that a check can say nothing about, because the server did not tell what the check needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a call brought back that scoring looks at. Latency in milliseconds; cost in USD, None where unknown."""

    text: str
    latency_ms: float = 0.0
    finish_reason: str = ""
    logprobs: tuple[float, ...] = ()  # of the tokens of the answer, natural logarithms
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer on its way through the checks: as text, and as the value that transforms have made of it."""

    text: str
    value: Json = None  # what scripts see; None: the text
    latency_ms: float = 0.0
    finish_reason: str = ""
    logprobs: tuple[float, ...] = ()
    cost: float | None = None
    context: Mapping[str, Any] = field(default_factory=dict)  # what a script sees: vars, prompt, test, metadata

    @property
    def output(self) -> Json:
        """What a script is given as `output`."""
        return self.text if self.value is None else self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of an assertion or of a test; the score is usually in [0, 1], but a script may give any number."""

    passed: bool
    score: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What only a judge or an embeddings endpoint can say: the rendered criteria or texts, and the answer's text."""

    criteria: tuple[str, ...]
    text: str


Check = Callable[[Answer], Outcome | Ask]
"""Judges one answer, or says what has to be asked; raises NoScore."""
Holds = Callable[[Answer], bool]


def combine(outcomes: Sequence[Outcome], weights: Sequence[float], threshold: float | None) -> Outcome:
    """The test's result: the weighted mean, and passed when nothing failed, or, with a threshold, by the mean alone."""
    total, weight = 0.0, 0.0
    for outcome, share in zip(outcomes, weights, strict=True):
        total += outcome.score * share
        weight += share
    score = total / weight if weight > 0 else 0.0
    failed = next((o for o in outcomes if not o.passed), None)
    if threshold is None:
        return Outcome(passed=failed is None, score=score, reason=failed.reason if failed else "")
    passed = score >= threshold
    return Outcome(passed=passed, score=score, reason="" if passed else f"score {score:.2f} is below {threshold:g}")


def binary(assertion: Assertion, wanted: str, holds: Holds) -> Check:
    """Judge by yes or no; `not-` turns it around, but a check that cannot be made fails in both directions."""
    reason = f"expected the answer {'not ' if assertion.negated else ''}to {wanted}"

    def judge(answer: Answer) -> Outcome:
        try:
            passed = holds(answer) != assertion.negated
        except ScriptFailed as e:
            return Outcome(passed=False, score=0.0, reason=f"{assertion.type}: {e}")
        return Outcome(passed=passed, score=1.0 if passed else 0.0, reason="" if passed else reason)

    return judge


def graded(assertion: Assertion, score: float, default: float) -> Outcome:
    """Judge a score in [0, 1] by the assertion's threshold; `not-` turns both around."""
    limit = default if assertion.threshold is None else assertion.threshold
    passed = (score >= limit) != assertion.negated
    word = "below" if assertion.negated else "at least"
    reason = "" if passed else f"{assertion.type} is {score:.4f}, expected {word} {limit:g}"
    return Outcome(passed=passed, score=1 - score if assertion.negated else score, reason=reason)


def shown(value: Any) -> str:
    """A value for a sentence, cut at 100 characters."""
    text = js_json(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
