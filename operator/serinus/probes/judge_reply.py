"""What a judge's reply means. Pure. A reply that is not exactly a verdict is no verdict: nothing is guessed."""

import json
import re
import unicodedata
from typing import Any, Final

from serinus.core import strict
from serinus.probes.judge_prompt import CANNOT, Shown, allowed
from serinus.probes.ports import Inquiry, Ruling, Task

_KEYS: Final = {"reason", "quote", "verdict"}
_FACTUAL: Final = frozenset("ABCE")
_FENCE: Final = re.compile(r"```(?:json)?\s*\n(.*)\n```", re.DOTALL)
_MAX_REASON: Final = 600
_LEAST_QUOTE: Final = 3


class BadReply(Exception):
    """The reply is no verdict; asking again may help."""


class Abstained(Exception):
    """The judge says that the criterion cannot be applied; asking again would not help."""


def read_reply(inquiry: Inquiry, shown: Shown, text: str) -> Ruling:
    """The ruling in a reply; raises BadReply or Abstained."""
    found = _object(text)
    verdict = found["verdict"]
    if verdict not in allowed(inquiry.task):
        raise BadReply(f"verdict: found {strict.shown(verdict)}, allowed are {', '.join(allowed(inquiry.task))}")
    reason = found["reason"][:_MAX_REASON]
    if verdict == CANNOT:
        raise Abstained(reason or "the judge gave no reason")
    ruling = _ruling(inquiry.task, verdict, reason)
    _check_quote(found["quote"], shown.answer, needed=ruling.passed)
    return ruling


def _object(text: str) -> dict[str, Any]:
    fenced = _FENCE.fullmatch(text.strip())
    try:
        found = strict.keys("the reply", strict.loads(fenced[1] if fenced else text), _KEYS)
    except ValueError as e:
        raise BadReply(f"no verdict: {e}") from e
    wrong = next((key for key in sorted(_KEYS) if not isinstance(found[key], str)), "")
    if wrong:
        raise BadReply(f"{wrong}: found {strict.shown(json.dumps(found[wrong]))}, allowed is a text")
    return found


def _ruling(task: Task, verdict: str, reason: str) -> Ruling:
    if task is Task.FACTS:
        passed = verdict in _FACTUAL
        return Ruling(passed=passed, score=float(passed), reason=reason, choice=verdict)
    if task is Task.GRADE:
        score = int(verdict) / 5
        return Ruling(passed=score >= 0.5, score=score, reason=reason)
    return Ruling(passed=verdict == "pass", score=float(verdict == "pass"), reason=reason)


def _check_quote(quote: str, answer: str, *, needed: bool) -> None:
    """A verdict in favour of an answer rests on words of it; one against it may rest on what is missing."""
    words = _plain(quote)
    if words and words not in _plain(answer):
        raise BadReply(f"quote: found {strict.shown(quote)}, which does not occur in the answer")
    if needed and len(words) < min(_LEAST_QUOTE, len(_plain(answer))):
        raise BadReply("quote: found nothing, allowed are words of the answer that the verdict rests on")


def _plain(text: str) -> str:
    """Letters and digits in one case: judges change white space, quotation marks and dashes when they copy."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in folded if c.isalnum() or unicodedata.category(c).startswith("M"))
