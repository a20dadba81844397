"""Checks that a judge or an embeddings endpoint makes: what is asked, and what the answers mean. It asks nobody."""

import math
from collections.abc import Sequence
from typing import Final

from serinus.core.jstext import js_json
from serinus.core.probe import Assertion
from serinus.probes.outcome import Ask, Check, Outcome, graded
from serinus.probes.ports import Ruling
from serinus.probes.script import Tools

_GRADE: Final = 0.7
_SIMILARITY: Final = 0.75
_EPSILON: Final = 2.0**-52
_CHOICES: Final = {"A": 1.0, "B": 1.0, "C": 1.0, "D": 0.0, "E": 1.0}
"""Scores of factuality: subset, superset, agreement, disagreement, harmless difference."""


def _ask(assertion: Assertion, _: Tools) -> Check:
    value = assertion.value
    criteria = value if isinstance(value, list) and all(isinstance(v, str) for v in value) else [value]
    if assertion.type == "llm-rubric":
        criteria = [value]
    texts = tuple(c if isinstance(c, str) else js_json(c) for c in criteria)
    if not all(texts):
        raise ValueError("the criterion is empty once it is rendered")
    return lambda answer: Ask(criteria=texts, text=answer.text)


def of_rulings(assertion: Assertion, rulings: Sequence[Ruling]) -> Outcome:
    """What the rulings on all criteria of an assertion mean."""
    first = rulings[0]
    if assertion.type == "g-eval":
        found = graded(assertion, math.fsum(r.score for r in rulings) / len(rulings), _GRADE)
        return Outcome(passed=found.passed, score=found.score, reason="" if found.passed else _reason(rulings))
    if assertion.type in ("factuality", "model-graded-factuality"):
        score = _CHOICES.get(first.choice, first.score)
        # `not-` has no effect on these two in promptfoo; here it has, as on every type
        return _binary(assertion, score > 0, score, first.reason)
    limit = assertion.threshold
    enough = limit is None or assertion.type != "llm-rubric" or first.score >= limit
    return _binary(assertion, first.passed and enough, first.score, first.reason)


def _binary(assertion: Assertion, passes: bool, score: float, reason: str) -> Outcome:  # noqa: FBT001 - a result
    passed = passes != assertion.negated
    score = min(1.0, max(0.0, 1 - score)) if assertion.negated else score
    return Outcome(passed=passed, score=score, reason="" if passed else f"{assertion.type}: {reason}"[:500])


def _reason(rulings: Sequence[Ruling]) -> str:
    return f"g-eval: {' / '.join(r.reason for r in rulings)}"[:500]


def of_vectors(assertion: Assertion, answer: Sequence[float], wanted: Sequence[Sequence[float]]) -> Outcome:
    """What the vectors of the answer and of the texts mean: any text is enough, and with `not-` none may be.

    Raises ValueError for vectors of different lengths.
    """
    found = [_similarity(assertion, answer, vector) for vector in wanted]
    if assertion.negated:
        return next((o for o in found if not o.passed), min(found, key=lambda o: o.score))
    return next((o for o in found if o.passed), max(found, key=lambda o: o.score))


def _similarity(assertion: Assertion, left: Sequence[float], right: Sequence[float]) -> Outcome:
    limit = _SIMILARITY if assertion.threshold is None else assertion.threshold
    if assertion.type == "similar:euclidean":
        distance = math.sqrt(math.fsum((a - b) ** 2 for a, b in zip(left, right, strict=True)))
        near = distance >= limit - _EPSILON if assertion.negated else distance <= limit + _EPSILON
        score, word = 1 / (1 + distance), f"the distance is {distance:.4f}"
    else:
        score = _product(left, right) if assertion.type == "similar:dot" else _cosine(left, right)
        near = score <= limit + _EPSILON if assertion.negated else score >= limit - _EPSILON
        word = f"the similarity is {score:.4f}"
    reason = "" if near else f"{assertion.type}: {word}, the threshold {limit:g}"
    return Outcome(passed=near, score=1 - score if assertion.negated else score, reason=reason)


def _product(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))


def _cosine(left: Sequence[float], right: Sequence[float]) -> float:
    size = math.sqrt(_product(left, left)) * math.sqrt(_product(right, right))
    return _product(left, right) / size if size > 0 else 0.0


JUDGED: Final = dict.fromkeys(
    ("llm-rubric", "g-eval", "factuality", "model-graded-factuality", "model-graded-closedqa"), _ask
)
SIMILAR: Final = dict.fromkeys(("similar", "similar:cosine", "similar:dot", "similar:euclidean"), _ask)
