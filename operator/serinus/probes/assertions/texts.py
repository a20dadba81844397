"""Checks of an answer's text: equality, substrings, patterns, lengths, words, refusals, the scorers. Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final

from serinus.core.comma_list import split_commas
from serinus.core.jstext import WHITESPACE, js_text
from serinus.core.probe import Assertion
from serinus.probes import ngrams
from serinus.probes.answer_json import NoJson, deep_equal, parse_json
from serinus.probes.outcome import Answer, Check, Outcome, binary, graded, shown
from serinus.probes.refusal import is_refusal
from serinus.probes.scorers.refusal import refusal
from serinus.probes.script import Tools

_MAX_PATTERN: Final = 100
_TO_SPACE: Final = dict.fromkeys(map(ord, WHITESPACE), " ")
_DISTANCE: Final = 5.0
_ROUGE: Final = 0.75
_OVERLAP: Final = 0.5


def _equals(assertion: Assertion, _: Tools) -> Check:
    value = assertion.value
    if not isinstance(value, dict | list):
        wanted = js_text(value)
        return binary(assertion, f"equal {shown(value)}", lambda answer: answer.text == wanted)

    def holds(answer: Answer) -> bool:
        try:
            return deep_equal(value, parse_json(answer.text))
        except NoJson:
            return False

    return binary(assertion, f"equal {shown(value)}", holds)


def _contains(assertion: Assertion, _: Tools) -> Check:
    wanted = _needle(assertion)
    return binary(assertion, f"contain {shown(wanted)}", lambda answer: wanted in answer.text)


def _icontains(assertion: Assertion, _: Tools) -> Check:
    wanted = _needle(assertion).lower()
    return binary(assertion, f"contain {shown(wanted)} in any case", lambda answer: wanted in answer.text.lower())


def _starts_with(assertion: Assertion, _: Tools) -> Check:
    wanted = _needle(assertion)
    return binary(assertion, f"start with {shown(wanted)}", lambda answer: answer.text.startswith(wanted))


def _contains_any(assertion: Assertion, _: Tools) -> Check:
    wanted = _needles(assertion)
    return binary(assertion, f"contain any of {shown(wanted)}", lambda a: any(w in a.text for w in wanted))


def _contains_all(assertion: Assertion, _: Tools) -> Check:
    wanted = _needles(assertion)
    return binary(assertion, f"contain all of {shown(wanted)}", lambda a: all(w in a.text for w in wanted))


def _icontains_any(assertion: Assertion, _: Tools) -> Check:
    wanted = [w.lower() for w in _needles(assertion)]
    words = f"contain any of {shown(wanted)} in any case"
    return binary(assertion, words, lambda a: any(w in a.text.lower() for w in wanted))


def _icontains_all(assertion: Assertion, _: Tools) -> Check:
    wanted = [w.lower() for w in _needles(assertion)]
    words = f"contain all of {shown(wanted)} in any case"
    return binary(assertion, words, lambda a: all(w in a.text.lower() for w in wanted))


def _needle(assertion: Assertion) -> str:
    text = js_text(assertion.value)
    if not text:
        raise ValueError("the value is empty once it is rendered, and every answer contains nothing")
    return text


def _needles(assertion: Assertion) -> list[str]:
    value = assertion.value
    texts = split_commas(value) if isinstance(value, str) else [js_text(v) for v in value]
    if not texts or not all(texts):
        raise ValueError("an entry of the value is empty once it is rendered, and every answer contains nothing")
    return texts


def _regex(assertion: Assertion, tools: Tools) -> Check:
    pattern = _needle(assertion)
    tools.engine.check_pattern(pattern)
    words = f"match /{pattern[:_MAX_PATTERN]}/"
    return binary(assertion, words, lambda answer: tools.engine.matches(pattern, answer.text))


def _word_count(assertion: Assertion, _: Tools) -> Check:
    value = assertion.value
    if not isinstance(value, dict):
        exact = float(value)
        return binary(assertion, f"have {exact:g} words", lambda answer: _words(answer.text) == exact)
    low, high = bounds(value)
    return binary(assertion, f"have {low:g} to {high:g} words", lambda answer: low <= _words(answer.text) <= high)


def _words(text: str) -> int:
    return sum(1 for word in text.translate(_TO_SPACE).split(" ") if word)


def _length(assertion: Assertion, _: Tools) -> Check:
    low, high = bounds(assertion.value)
    return binary(assertion, f"have {low:g} to {high:g} characters", lambda answer: low <= len(answer.text) <= high)


def bounds(value: Mapping[str, Any]) -> tuple[float, float]:
    """The numbers min and max of a value, infinite where they are absent."""
    low, high = value.get("min"), value.get("max")
    return -math.inf if low is None else low, math.inf if high is None else high


def _levenshtein(assertion: Assertion, _: Tools) -> Check:
    from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - few probes need it, and it takes long to import

    wanted = _units(js_text(assertion.value))
    limit = _DISTANCE if assertion.threshold is None else assertion.threshold
    words = f"be at most {limit:g} edits away from {shown(assertion.value)}"
    return binary(assertion, words, lambda answer: Levenshtein.distance(_units(answer.text), wanted) <= limit)


def _units(text: str) -> list[int]:
    """UTF-16 code units, in which JavaScript counts edits."""
    raw = text.encode("utf-16-le", "surrogatepass")
    return [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]


def _rouge(assertion: Assertion, _: Tools) -> Check:
    return lambda answer: graded(assertion, ngrams.rouge_1(answer.text, assertion.value), _ROUGE)


def _bleu(assertion: Assertion, _: Tools) -> Check:
    return lambda answer: graded(assertion, ngrams.bleu(answer.text, _references(assertion)), _OVERLAP)


def _gleu(assertion: Assertion, _: Tools) -> Check:
    return lambda answer: graded(assertion, ngrams.gleu(answer.text, _references(assertion)), _OVERLAP)


def _meteor(assertion: Assertion, _: Tools) -> Check:
    return lambda answer: graded(assertion, ngrams.meteor(answer.text, _references(assertion)), _OVERLAP)


def _references(assertion: Assertion) -> list[str]:
    return assertion.value if isinstance(assertion.value, list) else [assertion.value]


def _is_refusal(assertion: Assertion, _: Tools) -> Check:
    refuses = binary(assertion, "be a refusal", lambda answer: is_refusal(answer.text))

    def judge(answer: Answer) -> Outcome:
        if isinstance(answer.output, str) and answer.text.strip(WHITESPACE):
            found = refuses(answer)
            assert isinstance(found, Outcome)
            return found
        # no words at all count as a refusal, but a score is only for one that was given in words
        passed = not assertion.negated
        return Outcome(passed=passed, score=0.0, reason="" if passed else "expected an answer, found none")

    return judge


def _refusal(assertion: Assertion, _: Tools) -> Check:
    return binary(assertion, "refuse what was asked", lambda answer: refusal(answer.text).found)


def _text_check(assertion: Assertion, tools: Tools) -> Check:
    check = tools.texts[assertion.type](assertion.value)

    def judge(answer: Answer) -> Outcome:
        wrong = check(answer.text)
        passed = (not wrong) != assertion.negated
        reason = "" if passed else wrong or f"expected {assertion.type} to find something"
        return Outcome(passed=passed, score=1.0 if passed else 0.0, reason=reason)

    return judge


TEXT: Final = {
    "equals": _equals,
    "contains": _contains,
    "icontains": _icontains,
    "contains-any": _contains_any,
    "contains-all": _contains_all,
    "icontains-any": _icontains_any,
    "icontains-all": _icontains_all,
    "starts-with": _starts_with,
    "regex": _regex,
    "word-count": _word_count,
    "length": _length,
    "levenshtein": _levenshtein,
    "rouge-n": _rouge,
    "bleu": _bleu,
    "gleu": _gleu,
    "meteor": _meteor,
    "is-refusal": _is_refusal,
    "refusal": _refusal,
    "language": _text_check,
    "no-pii": _text_check,
    "no-secrets": _text_check,
    "no-repetition": _text_check,
    "no-toxicity": _text_check,
}
