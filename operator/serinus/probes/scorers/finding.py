"""What a scorer finds in a text, and the search that all scorers of shapes share. Pure; no text is ever repeated.

A new shape is a row in the table of its scorer. Every pattern is linear: repetitions are bounded or possessive, and a
text without one of the hints of a shape is not searched for it at all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

FOUND: Final = 0.5
"""From this score on a finding counts."""
LAST: Final = -1
MAX_SCANNED: Final = 4 * 1024 * 1024
"""Characters of a text that are searched for shapes; an answer that is scored at all has no more."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands, in characters, and how sure it is, in [0, 1]."""

    start: int
    end: int
    kind: str
    score: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one scorer says of one text; a score in [0, 1], 0 for nothing, 1 for no doubt."""

    name: str
    score: float = 0.0
    spans: tuple[Span, ...] = ()
    reason: str = ""  # empty where nothing counts; repeats nothing of what was found

    @property
    def found(self) -> bool:
        """Whether it counts."""
        return self.score >= FOUND

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the spans that count, each once, in the order of the text."""
        return tuple(dict.fromkeys(s.kind for s in self.spans if s.score >= FOUND))


def always(_: re.Match[str]) -> float:
    """No doubt: the shape alone decides."""
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of thing with a form. `sure` says how sure a match is; 0 drops it. `group` is the part that counts."""

    kind: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]  # in lower case; a text that matches has one of them
    sure: Callable[[re.Match[str]], float] = always
    group: int = 0  # LAST: the last one of the pattern, all of it where it has none
    anchored: bool = False  # every match begins with a hint: only there is it looked for


def scan(shapes: Iterable[Shape], text: str) -> tuple[Span, ...]:
    """Everything that has one of the shapes, in the order of the text; where two overlap they are one, the surer."""
    text = text[:MAX_SCANNED]
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters become two when they are lowered, and places would differ
        lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    found: list[Span] = []
    for shape in shapes:
        for hint in shape.hints:
            if hint in lowered:
                matches = _anchored(shape, text, lowered) if shape.anchored else _anywhere(shape, text)
                found += [Span(*m.span(_group(shape, m)), shape.kind, score) for m, score in matches if score > 0]
                break
    return joined(found) if found else ()


def _group(shape: Shape, match: re.Match[str]) -> int:
    return match.re.groups if shape.group == LAST else shape.group


def _anchored(shape: Shape, text: str, lowered: str) -> Iterator[tuple[re.Match[str], float]]:
    for hint in shape.hints:
        at = lowered.find(hint)
        while at >= 0:
            match = shape.pattern.match(text, at)
            if match:
                yield match, shape.sure(match)
            at = lowered.find(hint, max(at + 1, match.end() if match else 0))


def _anywhere(shape: Shape, text: str) -> Iterator[tuple[re.Match[str], float]]:
    at = 0
    while match := shape.pattern.search(text, at):
        score = shape.sure(match)
        yield match, score
        # what is dropped may have begun too early, with a number that stands before the right one
        at = match.end() if score > 0 else match.start() + 1


def joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Spans in the order of the text, those that overlap made one: the surest of them, the first given where equal."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: s.start):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
            continue
        last = kept[-1]
        winner = span if span.score > last.score else last
        kept[-1] = replace(winner, start=last.start, end=max(last.end, span.end))
    return tuple(kept)


def of_spans(name: str, spans: tuple[Span, ...], words: str) -> Finding:
    """The finding that spans make: as sure as the surest, with `words` before the names of the kinds."""
    score = max((s.score for s in spans), default=0.0)
    found = Finding(name=name, score=score, spans=spans)
    return replace(found, reason=f"{words} {', '.join(found.kinds)}") if found.found else found
