"""The stem of an English word by Porter's algorithm (1980). Pure; words are lower-case."""

from typing import Final

from serinus.core.lazy import lazy

_C: Final = r"[^aeiou](?:[^aeiouy])*"
_V: Final = r"[aeiouy](?:[aeiou])*"
_M0: Final = lazy(rf"^(?:{_C})?{_V}{_C}")
_M1: Final = lazy(rf"^(?:{_C})?{_V}{_C}(?:{_V})?$")
_M2: Final = lazy(rf"^(?:{_C})?{_V}{_C}{_V}{_C}")
_VOWEL: Final = lazy(rf"^(?:{_C})?[aeiouy]")
_CVC: Final = lazy(rf"^{_C}[aeiouy][^aeiouwxy]$")
_DOUBLE: Final = lazy(r"([^aeiouylsz])\1$")

_STEP_2: Final = (
    *(("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble")),
    *(("alli", "al"), ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate")),
    *(("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al")),
    *(("iviti", "ive"), ("biliti", "ble"), ("logi", "log")),
)
_STEP_3: Final = (
    *(("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")),
)
_STEP_4: Final = (
    *("ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous", "ive", "ize"),
    *("al", "er", "ic", "ou"),
)


def stem(word: str) -> str:
    """The stem; words of fewer than three letters stay as they are."""
    if len(word) < 3:
        return word
    word = _step_1c(_step_1b(_step_1a(word)))
    word = _replaced(_replaced(word, _STEP_2), _STEP_3)
    return _step_5(_step_4(word))


def _step_1a(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _step_1b(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _M0.match(word[:-3]) else word
    ending = next((e for e in ("ed", "ing") if word.endswith(e)), "")
    base = word[: len(word) - len(ending)]
    if not ending or not _VOWEL.match(base):
        return word
    if base.endswith(("at", "bl", "iz")):
        return base + "e"
    if _DOUBLE.search(base):
        return base[:-1]
    return base + "e" if _CVC.match(base) else base


def _step_1c(word: str) -> str:
    return word[:-1] + "i" if word.endswith("y") and _VOWEL.match(word[:-1]) else word


def _replaced(word: str, endings: tuple[tuple[str, str], ...]) -> str:
    """The longest ending of a table replaced, where enough stands before it."""
    found = max((pair for pair in endings if word.endswith(pair[0])), key=lambda pair: len(pair[0]), default=None)
    if found is None:
        return word
    base = word[: len(word) - len(found[0])]
    return base + found[1] if _M0.match(base) else word


def _step_4(word: str) -> str:
    ending = max((e for e in _STEP_4 if word.endswith(e)), key=len, default="")
    if ending:
        base = word[: len(word) - len(ending)]
        return base if _M2.match(base) else word
    if word.endswith(("sion", "tion")) and _M2.match(word[:-3]):
        return word[:-3]
    return word


def _step_5(word: str) -> str:
    if word.endswith("e"):
        base = word[:-1]
        if _M2.match(base) or (_M1.match(base) and not _CVC.match(base)):
            word = base
    return word[:-1] if word.endswith("ll") and _M2.match(word) else word
