"""English words and signs of a text as the Penn Treebank writes them. Pure; it knows no sentence and no score."""

import re
from typing import Final

from serinus.core.lazy import lazy

_SPACE: Final = lazy(r"[\s\x85\ufeff]+")
_QUOTES: Final = lazy(r"``|''|\"")
_BEFORE_OPENING: Final = lazy(r"[\s(\[{<]")
_CONTRACTIONS: Final = tuple(
    lazy(rf"(?<![\w\u200c\u200d]){pattern}(?![\w\u200c\u200d])", re.IGNORECASE)
    for pattern in (
        *("(can)(not)", "(d)('ye)", "(gim)(me)", "(gon)(na)", "(got)(ta)", "(lem)(me)", "(more)('n)"),
        *("(wan)(na)(?= )", "('t)(is)", "('t)(was)"),
    )
)
_RULES: Final = tuple(
    (lazy(pattern), replacement)
    for pattern, replacement in (
        (r"\.{3}", " ... "),
        (r"[:,](?!\d)", r" \g<0> "),
        (r"[;@#$%&]", r" \g<0> "),
        (r"([^.])(?<!\b[A-Za-z]\.[A-Za-z])(\.)([\])}>'\s]*)$", r"\1 \2\3 "),
        (r"[?!]", r" \g<0> "),
        (r"[\]\[(){}<>]", r" \g<0> "),
        (r"--", " -- "),
    )
)
_SUFFIXES: Final = (
    (lazy(r"([^'])' "), r"\1 ' "),
    (lazy(r"'([sSmMdD]) "), r" '\1 "),
    (lazy(r"('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) "), r" \1 "),
)


def words(text: str) -> list[str]:
    """The words of a text in order, signs and the parts of contractions apart."""
    line = _SPACE.sub(" ", text).strip(" ")
    if not line:
        return []
    line = _with_quotes(line)
    for pattern, replacement in _RULES:
        line = pattern.sub(replacement, line)
    line = f" {line} "
    for pattern, replacement in _SUFFIXES:
        line = pattern.sub(replacement, line)
    for pattern in _CONTRACTIONS:
        line = pattern.sub(r" \1 \2 ", line)
    return line.split()


def _with_quotes(line: str) -> str:
    """Double quotes that open as `` and others as ''."""

    def name(match: re.Match[str]) -> str:
        start = match.start()
        opens = match[0] == '"' and (start == 0 or _BEFORE_OPENING.match(line[start - 1]) is not None)
        opens = opens and match.end() < len(line)
        return " `` " if opens or match[0] == "``" else " '' "

    return _QUOTES.sub(name, line)
