"""Checks of how an answer was made: time, price, why it ended, how sure the model was. Pure."""

import math
from typing import Final

from serinus.core.jstext import js_text
from serinus.core.probe import Assertion
from serinus.probes.outcome import Answer, Check, NoScore, Outcome, binary
from serinus.probes.script import Tools


def _latency(assertion: Assertion, _: Tools) -> Check:
    limit = math.inf if assertion.threshold is None else assertion.threshold
    return binary(assertion, f"take at most {limit:g} ms", lambda answer: answer.latency_ms <= limit)


def _cost(assertion: Assertion, _: Tools) -> Check:
    limit = math.inf if assertion.threshold is None else assertion.threshold

    def holds(answer: Answer) -> bool:
        if answer.cost is None:
            raise NoScore("cost: the server does not say what an answer costs")
        return answer.cost <= limit

    return binary(assertion, f"cost at most {limit:g} USD", holds)


def _finish_reason(assertion: Assertion, _: Tools) -> Check:
    wanted = js_text(assertion.value).lower()

    def holds(answer: Answer) -> bool:
        return answer.finish_reason.lower() == wanted

    return binary(assertion, f"end because of {wanted!r}", holds)


def _perplexity(assertion: Assertion, _: Tools) -> Check:
    limit = assertion.threshold

    def judge(answer: Answer) -> Outcome:
        found = _perplexity_of(assertion, answer)
        passed = limit is None or (found <= limit) != assertion.negated
        reason = "" if passed else f"the perplexity is {found:.2f}, the threshold {limit:g}"
        return Outcome(passed=passed, score=1.0 if passed else 0.0, reason=reason)

    return judge


def _perplexity_score(assertion: Assertion, _: Tools) -> Check:
    limit = assertion.threshold

    def judge(answer: Answer) -> Outcome:
        found = 1 / (1 + _perplexity_of(assertion, answer))
        passed = limit is None or (found >= limit) != assertion.negated
        reason = "" if passed else f"the score of the perplexity is {found:.2f}, the threshold {limit:g}"
        return Outcome(passed=passed, score=1 - found if assertion.negated else found, reason=reason)

    return judge


def _perplexity_of(assertion: Assertion, answer: Answer) -> float:
    """Exp of the negative mean of the tokens' log-probabilities."""
    if not answer.logprobs:
        raise NoScore(f"{assertion.type}: the server gives no log-probabilities")
    try:
        return math.exp(-sum(answer.logprobs) / len(answer.logprobs))
    except OverflowError:
        return math.inf


MEASURE: Final = {
    "latency": _latency,
    "cost": _cost,
    "finish-reason": _finish_reason,
    "perplexity": _perplexity,
    "perplexity-score": _perplexity_score,
}
