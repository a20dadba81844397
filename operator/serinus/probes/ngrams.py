"""Scores of word overlap: ROUGE-1, BLEU, GLEU, METEOR, each in [0, 1]. Pure; thresholds are not known here.

Meanings are those of promptfoo 0.123.1, texts lower-cased. METEOR matches words and stems, not synonyms: there is no
dictionary of them here.
"""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from serinus.core.jstext import WHITESPACE
from serinus.core.lazy import lazy
from serinus.probes.porter import stem
from serinus.probes.treebank import words as treebank_words

_SPACES: Final = lazy(f"[{WHITESPACE}]+")
_MAX_ORDER: Final = 4
_SMALLEST: Final = 1e-7
"""What BLEU takes for a precision of zero, so that its logarithm exists."""
_ALPHA: Final = 0.9
_BETA: Final = 3.0
_GAMMA: Final = 0.5
"""METEOR's weights of precision, fragments and their penalty (Banerjee and Lavie, 2005, as NLTK sets them)."""


def rouge_1(candidate: str, reference: str) -> float:
    """F1 of clipped single words (Lin, 2004) over Treebank tokens."""
    found, wanted = treebank_words(candidate.lower()), treebank_words(reference.lower())
    overlap = sum((Counter(found) & Counter(wanted)).values())
    if overlap == 0:
        return 0.0
    precision, recall = overlap / len(found), overlap / len(wanted)
    return 2 * precision * recall / (precision + recall)


def bleu(candidate: str, references: Sequence[str]) -> float:
    """Geometric mean of clipped precisions of 1 to 4 words, with the brevity penalty (Papineni et al., 2002).

    Orders that the candidate is too short for are left out, the weights of the others scaled up.
    """
    if not candidate.strip(WHITESPACE):
        return 0.0
    found = _split(candidate.strip(WHITESPACE))
    wanted = [_split(r.strip(WHITESPACE)) for r in references]
    closest = min((len(w) for w in wanted), key=lambda n: (abs(n - len(found)), n))
    logarithms: list[float] = []
    for order in range(1, min(_MAX_ORDER, len(found)) + 1):
        grams = _grams(found, order)
        clipped = max(sum((grams & _grams(w, order)).values()) for w in wanted)
        logarithms.append(math.log(clipped / sum(grams.values()) or _SMALLEST))
    penalty = 1.0 if len(found) > closest else math.exp(1 - closest / len(found))
    return penalty * math.exp(sum(logarithms) / len(logarithms))


def gleu(candidate: str, references: Sequence[str]) -> float:
    """The lower of precision and recall of all runs of 1 to 4 words (Wu et al., 2016), the best reference counting."""
    found = _bare(candidate)
    return max((_gleu_of(found, _bare(r)) for r in references), default=0.0) if found else 0.0


def _gleu_of(found: list[str], wanted: list[str]) -> float:
    if found == wanted:
        return 1.0
    left = sum((_grams(found, n) for n in range(1, _MAX_ORDER + 1)), Counter[str]())
    right = sum((_grams(wanted, n) for n in range(1, _MAX_ORDER + 1)), Counter[str]())
    if not left or not right:
        return 0.0
    matches = sum((left & right).values())
    return min(matches / sum(left.values()), matches / sum(right.values()))


def meteor(candidate: str, references: Sequence[str]) -> float:
    """METEOR (Banerjee and Lavie, 2005) over words and stems, the best reference counting."""
    found = [w.rstrip(".").lower() for w in _SPACES.split(candidate)]
    return max((_meteor_of(found, [w.rstrip(".").lower() for w in _SPACES.split(r)]) for r in references), default=0.0)


def _meteor_of(found: list[str], wanted: list[str]) -> float:
    left, right = dict(enumerate(found)), dict(enumerate(wanted))
    pairs = _matches(left, right)
    pairs += _matches({i: stem(w) for i, w in left.items()}, {i: stem(w) for i, w in right.items()})
    if not pairs:
        return 0.0
    pairs.sort()
    precision, recall = len(pairs) / len(found), len(pairs) / len(wanted)
    mean = precision * recall / (_ALPHA * precision + (1 - _ALPHA) * recall)
    breaks = sum(1 for a, b in pairwise(pairs) if (a[0] + 1, a[1] + 1) != b)
    return float((1 - _GAMMA * ((breaks + 1) / len(pairs)) ** _BETA) * mean)


def _matches(left: dict[int, str], right: dict[int, str]) -> list[tuple[int, int]]:
    """Pairs of positions with the same word, from the end; what is matched is taken out of both."""
    places: dict[str, list[int]] = {}
    for position, word in right.items():
        places.setdefault(word, []).append(position)
    pairs: list[tuple[int, int]] = []
    for position in reversed(left):
        at = places.get(left[position])
        if at:
            pairs.append((position, at.pop()))
    for first, second in pairs:
        del left[first], right[second]
    return pairs


def _split(text: str) -> list[str]:
    return _SPACES.split(text.lower())


def _bare(text: str) -> list[str]:
    words = [w.rstrip(".") for w in _split(text.strip(WHITESPACE))]
    return words if any(words) else []


def _grams(words: Sequence[str], order: int) -> Counter[str]:
    return Counter(" ".join(words[i : i + order]) for i in range(len(words) - order + 1))
