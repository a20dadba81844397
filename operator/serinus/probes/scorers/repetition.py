"""Texts that go round in circles: one character, one phrase or one paragraph again and again. Pure.

Tables, lists of objects and code repeat their frame by nature: there only an exact loop counts.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.finding import FOUND, Finding, Span

NAME: Final = "repetition"
_READ: Final = 16_384
"""Characters at the beginning and at the end that are looked at."""
_TAIL: Final = 4_096
_RUN: Final = lazy(r"([^\s\-=_.*#~|+<>/\\—─━═·•…:`^])\1{23,}+")
_STRIDE: Final = 12
"""Half of the shortest run of one character."""
_NO_LETTERS: Final = lazy(r"[\W_]+")
_PROBE: Final = 16
_LEAST_LOOP: Final = 80
_LEAST_TIMES: Final = 4
_ANCHORS: Final = (1.0, 0.75, 0.5)
_LEAST_WORDS: Final = 30
_LEAST_BYTES: Final = 400
_NUMBER: Final = lazy(r"\d+")
_LEAST_ROWS: Final = 5
_FRAME: Final = lazy(
    r"^\s*(?:[|{}\[\]\"'<]|```|[\w.-]+\s*[:=]|-\s|\d+[.)]\s|[*+]\s|(?:[^,\n]{1,40},){3}|(?:[^,\s]{0,40},){2})",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where repetition begins: the share of runs of three words that come thrice, and how often zlib shrinks a text."""

    share: float = 0.3
    ratio: float = 4.0


_LIMITS: Final = Limits()


def repetition(text: str, limits: Limits = _LIMITS) -> Finding:
    """Loops and repeated words in a text; the score is 0.5 at a limit, and 1 for an exact loop.

    A limit of the share of 1 allows loops too.
    """
    cut = text if len(text) <= 2 * _READ else text[:_READ] + text[-_READ:]
    loop = (_character_loop(cut) or _loop(cut)) if limits.share < 1 else None
    if loop is not None:
        moved = len(text) - len(cut) if loop.start >= _READ else 0
        span = Span(loop.start + moved, loop.end + moved, loop.kind)
        words = f"found a loop: {loop.kind}, {span.end - span.start} characters long"
        return Finding(name=NAME, score=1.0, spans=(span,), reason=words)
    share, ratio = _share(cut), _ratio(cut)
    if _is_frame(cut):
        return Finding(name=NAME, score=min(0.4, max(share, ratio / 20)))
    return _graded(len(text), share, ratio, limits)


def _graded(size: int, share: float, ratio: float, limits: Limits) -> Finding:
    of_share = share / limits.share if limits.share > 0 else float(share > 0) * 2
    of_ratio = ratio / limits.ratio if limits.ratio > 0 else 2.0
    score = min(1.0, FOUND * max(of_share, of_ratio if ratio > 1 else 0.0))
    # a limit itself is allowed
    if max(of_share, of_ratio) <= 1 or score < FOUND:
        return Finding(name=NAME, score=min(score, 0.49))
    if of_share > 1:
        reason = f"{share:.0%} of the runs of three words come three times, allowed are {limits.share:.0%}"
    else:
        reason = f"the text shrinks {ratio:.1f} times, allowed is {limits.ratio:g}"
    return Finding(name=NAME, score=score, spans=(Span(0, size, "words"),), reason=reason)


def _character_loop(text: str) -> Span | None:
    # every run has two neighbours among each twelfth character: few texts need the search
    every = text[::_STRIDE]
    if not any(a == b and text[i * _STRIDE : (i + 1) * _STRIDE] == a * _STRIDE for i, (a, b) in _neighbours(every)):
        return None
    match = _RUN.search(text)
    return Span(*match.span(), "one character") if match else None


def _neighbours(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    return enumerate(pairwise(text))


def _loop(text: str) -> Span | None:
    """A phrase that follows itself at least four times, at the end or around the middle of the text."""
    for anchor in _ANCHORS:
        found = _loop_before(text[: int(len(text) * anchor)])
        if found is not None:
            return found
    return None


def _loop_before(text: str) -> Span | None:
    """A loop that ends where the text ends: its period is how far back the last characters stand once more."""
    end = text[-_PROBE:]
    if len(text) < _LEAST_LOOP or not _NO_LETTERS.sub("", end):
        return None
    before = text.rfind(end, max(0, len(text) - _TAIL), len(text) - 1)
    if before < 0:
        return None
    period = len(text) - _PROBE - before
    size = _same(text, period) + period
    if size < _LEAST_LOOP or size < _LEAST_TIMES * period:
        return None
    return Span(len(text) - size, len(text), "one phrase")


def _same(text: str, period: int) -> int:
    """How many characters at the end equal those one period before, by halving: equality of slices is fast."""
    low, high = 0, len(text) - period
    while low < high:
        middle = (low + high + 1) // 2
        if text[len(text) - middle :] == text[len(text) - middle - period : len(text) - period]:
            low = middle
        else:
            high = middle - 1
    return low


def _share(text: str) -> float:
    words = text.split()
    if len(words) <= _LEAST_WORDS:
        return 0.0
    runs = Counter(zip(words, words[1:], words[2:], strict=False))
    return sum(n for n in runs.values() if n > 2) / (len(words) - 2)


def _ratio(text: str) -> float:
    raw = text.encode("utf-8", "replace")
    return len(raw) / max(1, len(zlib.compress(raw, 1))) if len(raw) >= _LEAST_BYTES else 1.0


def _is_frame(text: str) -> bool:
    """Whether most lines are rows of something: a table, a list, an object, code."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return False
    if len(lines) <= 2:
        return text.lstrip()[:1] in ("{", "[")
    if len([line for line in lines if _FRAME.match(line)]) / len(lines) > 0.6:
        return True
    frames = {_NUMBER.sub("0", line) for line in lines}
    return len(lines) >= _LEAST_ROWS and len(set(lines)) > 0.9 * len(lines) and len(frames) < 0.5 * len(lines)
