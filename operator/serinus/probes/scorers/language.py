"""The language of a text: by its script where that decides, else by the model of py3langid. Pure but for that model.

The model is loaded at first use, once (0.8 s, 70 MB); only the first 320 characters without code and links are read.
"""

import unicodedata
from collections import Counter
from functools import cache
from typing import Any, Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.finding import FOUND, Finding, Span

NAME: Final = "language"
_READ: Final = 320
_LOOKED_AT: Final = 6_000
_ENOUGH: Final = lazy(r"(?:[^\W\d_][\W\d_]*+){12}")
"""Letters of an alphabet that several languages share, under which nobody can tell which it is."""
_LEAST_OWN: Final = 2
_OWN_SHARE: Final = 0.4
_NOT_PROSE: Final = lazy(
    r"```[^`]{0,4000}(?:```|$)|`[^`\n]{1,200}`|https?://\S{1,500}+|[\w.+-]{1,64}+@[\w.-]{1,200}+|<[^<>\n]{1,200}>"
)
_DECISIVE: Final = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "GREEK": "el", "HEBREW": "he", "THAI": "th", "ARMENIAN": "hy",
    "GEORGIAN": "ka", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "GUJARATI": "gu",
    "GURMUKHI": "pa", "SINHALA": "si", "KHMER": "km", "LAO": "lo", "ORIYA": "or",
}  # fmt: skip
_NEAR: Final = {"no": "nb", "nn": "nb", "sr": "hr", "bs": "hr", "ms": "id", "zh-cn": "zh", "zh-tw": "zh"}
"""Languages that the model cannot hold apart: each pair counts as one."""
_CLOSE: Final = 0.15
"""Share of the best log-likelihood gap within which the wanted language may still be meant."""


@cache
def _model() -> Any:
    # 0.8 s and 70 MB, which few probe sets need
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def prose(text: str) -> str:
    """The beginning of a text without code, links and addresses, which are in no language."""
    text = text[:_LOOKED_AT]
    if any(sign in text for sign in ("`", "://", "@", "<")):
        text = _NOT_PROSE.sub(" ", text)
    return text[:_READ]


@cache
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def by_script(text: str) -> str:
    """The language that the script of a text decides; empty where it does not decide one."""
    if text.isascii():
        return ""
    scripts = Counter(_script(c) for c in text if c.isalpha() and c > "\u02ff")
    latin = len([c for c in text if c.isalpha() and c <= "\u02ff"])
    kana = scripts["HIRAGANA"] + scripts["KATAKANA"]
    han = scripts["CJK"]
    total = latin + scripts.total()
    # a Latin word of a product takes as many letters as a sentence in these
    if kana >= _LEAST_OWN and kana + han >= _OWN_SHARE / 2 * total:
        return "ja" if kana >= 0.08 * (kana + han) else "zh"
    if han >= _LEAST_OWN and han >= _OWN_SHARE / 2 * total:
        return "zh"
    name, count = max(scripts.items(), key=lambda item: item[1], default=("", 0))
    return _DECISIVE.get(name, "") if count >= _LEAST_OWN and count >= _OWN_SHARE * total else ""


def tell(text: str) -> tuple[str, float]:
    """The language of a text as ISO 639-1 and how sure that is, in [0, 1]; an empty language where nobody can tell."""
    found = prose(text)
    own = by_script(found)
    if own:
        return own, 1.0
    if not _ENOUGH.search(found):
        return "", 0.0
    best, sure = _model().classify(found)
    return str(best), float(sure)


def language(text: str) -> Finding:
    """Which language a text is in: the kind of its one span; nothing where it is too short to tell."""
    found, sure = tell(text)
    if not found:
        return Finding(name=NAME)
    reason = f"found {found}" if sure >= FOUND else ""
    return Finding(name=NAME, score=sure, spans=(Span(0, len(text), found, sure),), reason=reason)


def other_language(text: str, wanted: tuple[str, ...]) -> Finding:
    """Whether a text is in none of the wanted languages; where nobody can tell it is not."""
    found, sure = tell(text)
    if sure < FOUND:
        return Finding(name=NAME, score=sure / 2)
    allowed = {_NEAR.get(w.lower(), w.lower()) for w in wanted}
    if not found or _NEAR.get(found, found) in allowed:
        return Finding(name=NAME)
    if not by_script(prose(text)) and (odds := _odds(text, allowed, found)) > _CLOSE:
        return Finding(name=NAME, score=max(0.0, 0.49 - odds / 4))
    expected = " or ".join(wanted)
    span = Span(0, len(text), found, sure)
    return Finding(
        name=NAME, score=span.score, spans=(span,), reason=f"expected the language {expected}, found {found}"
    )


def _odds(text: str, allowed: set[str], best: str) -> float:
    """How likely the likeliest wanted language is, beside the likeliest of all; short texts make them near."""
    likely = dict(_model().rank(prose(text)))
    wanted = max((p for code, p in likely.items() if _NEAR.get(code, code) in allowed), default=0.0)
    return float(wanted / likely[best]) if likely.get(best) else 0.0
