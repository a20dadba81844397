"""The form of an answer: JSON, code, Markdown or prose; and whether it was cut off in the middle. Pure."""

import json
import re
from typing import Final

from serinus.core.lazy import lazy
from serinus.probes.scorers.finding import Finding, Span

FORM: Final = "form"
CUT: Final = "cut"
_NEAR: Final = 800
"""Characters before the end in which whole sentences are looked for."""
_JSON_READ: Final = 262_144
_READ: Final = 16_384
_FENCE: Final = lazy(r"^ {0,3}(`{3,}+|~{3,}+)[ \t]*([\w+#.-]{0,30})[^\n`]{0,200}$", re.MULTILINE)
_LIST: Final = lazy(
    r"^ {0,6}(?:[-*+]|\d{1,3}[.)]) {1,4}\S[^\n]{0,2000}\n(?:[^\n]{0,2000}\n){0,3}"
    r" {0,6}(?:[-*+]|\d{1,3}[.)]) {1,4}\S",
    re.MULTILINE,
)
_MARKDOWN: Final = (
    ("#", lazy(r"^ {0,3}#{1,6} \S", re.MULTILINE)),
    ("**", lazy(r"(?<![\w*])\*\*[^\s*][^*\n]{0,200}\*\*(?![\w*])")),
    ("__", lazy(r"(?<![\w_])__[^\s_][^_\n]{0,200}__(?!\w|\.\w|\()")),
    ("\n", _LIST),
    ("---", lazy(r"^\|?(?: {0,9}:?-{3,20}:? {0,9}\|){1,30}(?: {0,9}:?-{3,20}:? {0,9})?$", re.MULTILINE)),
    ("](", lazy(r"(?<!!)\[[^\]\n]{1,200}\]\((?:https?://|/|#|mailto:)[^()\s]{0,500}\)")),
    ("> ", lazy(r"^> \S", re.MULTILINE)),
    ("`", lazy(r"(?<!`)`[^`\n]{1,200}`(?!`)")),
)
"""A sign without which there is none, and the pattern."""
_ENDS: Final = frozenset(".!?…。！？：:؟।॥\"'”’»›」』）)]}>*_`~|؛;\u2026")
_JOINS: Final = frozenset(",、，-–—/(&=+[{<“„«「『")
_WORDS: Final = """
    a an the and or but of to in on at with for from by as that which is are was were be been will would can could
    should not your our their this these if when because so it's its into than then also have has
    der die das den dem des ein eine einen einem einer und oder aber von zu mit für auf bei dass wenn weil ist sind wird
    werden nicht im am zum zur sowie als
    le la les un une des du de et ou mais à au aux avec pour que qui dans sur par est sont ne
    el los las una unos y o pero del al con para en por es son no su sus se
    il lo gli e ed ma di da per che nel nella è sono non della dei
    os as um uma mas do dos das com na são não
    het een maar van met voor dat te op bij zijn wordt niet
"""
_OPEN_WORDS: Final = frozenset(_WORDS.split())
"""Words that no sentence ends with, in eight languages."""
_LATE: Final = frozenset(("to", "of", "in", "on", "at", "with", "for", "from", "by", "as"))
_RELATIVE: Final = lazy(r"\b(?:what|which|who|whom|where)\b", re.IGNORECASE)
"""Where one of these stands before, a sentence may end with one of the words above: "what you are looking for"."""
_WORD_END: Final = lazy(r"[^\W\d_]+$")
_ITEM: Final = lazy(r"\s*(?:[-*+•–]\s|\d{1,3}[.)]\s|#{1,6}\s|\||>\s)")
_ENDING_LINK: Final = lazy(
    r"(?:https?://\S+|\S+@\S+\.\w+|[\w-]+\.(?:com|org|net|io|de|fr|dev|py|js|txt|md|json|yaml))$"
)
_SENTENCE: Final = lazy(r"[.!?。！？।][\"'”’»)]*(?:\s|$)|[。！？]")
_LIKELY, _SURE = 0.7, 1.0


def form(text: str) -> Finding:
    """What an answer is made of, as kinds of its spans: `json`, `code`, `markdown`, or `prose` where it is none."""
    stripped = text.strip()
    if not stripped:
        return Finding(name=FORM)
    start = len(text) - len(text.lstrip())
    if _is_json(stripped):
        return _formed((Span(start, start + len(stripped), "json"),))
    spans = _blocks(text[:_READ])
    outside = _outside(text[:_READ], spans)
    signs = [m for sign, pattern in _MARKDOWN if sign in outside and (m := pattern.search(outside))]
    spans += [Span(*signs[0].span(), "markdown")] if signs else []
    return _formed(tuple(spans) or (Span(start, start + len(stripped), "prose"),))


def _formed(spans: tuple[Span, ...]) -> Finding:
    found = Finding(name=FORM, score=1.0, spans=spans)
    return Finding(name=FORM, score=1.0, spans=spans, reason=f"found {', '.join(found.kinds)}")


def _is_json(text: str) -> bool:
    """Whether a whole text is an object or a list in JSON; numbers and words by themselves are prose."""
    if len(text) > _JSON_READ or (text[0], text[-1]) not in (("{", "}"), ("[", "]")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _blocks(text: str) -> list[Span]:
    """Fenced blocks, the last of them perhaps not closed; a block of JSON is `json` as well as `code`."""
    found: list[Span] = []
    if "```" not in text and "~~~" not in text:
        return found
    opened: re.Match[str] | None = None
    for match in _FENCE.finditer(text):
        if opened is None:
            opened = match
        elif match[1].startswith(opened[1]) and not match[2]:
            found.append(Span(opened.start(), match.end(), _block_kind(opened[2], text[opened.end() : match.start()])))
            opened = None
    if opened is not None:
        found.append(Span(opened.start(), len(text), "code"))
    return found


def _block_kind(tag: str, body: str) -> str:
    body = body.strip()
    return "json" if tag.lower() in ("", "json") and body and _is_json(body) else "code"


def _outside(text: str, spans: list[Span]) -> str:
    parts, end = [], 0
    for span in spans:
        parts.append(text[end : span.start])
        end = span.end
    return "".join((*parts, text[end:]))


def cut(text: str, finish_reason: str = "") -> Finding:
    """Whether an answer stops in the middle: by the server's own word, an open block or bracket, an open sentence."""
    stripped = text.rstrip()
    if finish_reason == "length":
        return _found(len(text), len(text), _SURE, "the server stopped at its limit of tokens")
    if not stripped:
        return Finding(name=CUT)
    blocks = _blocks(stripped[-_READ:])
    if blocks and _is_open(stripped[-_READ:], blocks[-1]):
        return _found(len(stripped), len(stripped), _SURE, "a block of code is not closed")
    if _is_open_row(stripped):
        return _found(len(stripped), len(stripped), _SURE, "a row of a table is not complete")
    if stripped[0] in "{[" and not _is_json(stripped) and _depth(stripped[:_JSON_READ]) > 0:
        return _found(len(stripped), len(stripped), _SURE, "brackets are not closed")
    return _open_sentence(stripped)


def _is_open(text: str, block: Span) -> bool:
    last = text[block.start :].rpartition("\n")[2].strip()
    return block.end == len(text) and (len(last) < 3 or last.strip("`~") != "")


def _is_open_row(text: str) -> bool:
    """Whether the last row of a table has fewer cells than the row before."""
    rows = text[-_READ:].rsplit("\n", 2)[-2:]
    return len(rows) == 2 and all(r.lstrip().startswith("|") for r in rows) and rows[1].count("|") < rows[0].count("|")


def _depth(text: str) -> int:
    """How many brackets are open at the end, those within quotes not counted."""
    bare = re.sub(r'"(?:[^"\\]|\\.){0,20000}+(?:"|$)', "", text)
    return sum(map(bare.count, "{[")) - sum(map(bare.count, "}]"))


def _open_sentence(text: str) -> Finding:
    """An end without a full stop is none by itself: titles, lists, links, names and short answers have none."""
    size, last = len(text), text[-1]
    line = text[text.rfind("\n") + 1 :].strip()
    word = _WORD_END.search(text[-40:])
    if word and word[0] in _OPEN_WORDS and len(line.split()) > 2:
        if word[0] in _LATE and _RELATIVE.search(line):
            return Finding(name=CUT, score=0.4)
        return _found(size - len(word[0]), size, _SURE, "the last word cannot end a sentence")
    if (
        last in _JOINS
        and len(line) > 1
        and line.strip("-–—=*_ ")
        and (len(text) > 20 or last in "、，")
        and not text.endswith((":(", ":-("))
    ):
        return _found(size - 1, size, _LIKELY, "the last sign joins what does not come")
    if last in _ENDS or not word or _ITEM.match(line) or _ENDING_LINK.search(text[-200:]):
        return Finding(name=CUT)
    complete = len(_SENTENCE.findall(text[-_NEAR:]))
    line = line[-_NEAR:]
    tail = line[[0, *(m.end() for m in _SENTENCE.finditer(line))][-1] :]
    if tail.rfind("(") > tail.rfind(")"):
        return _found(size - len(tail), size, _LIKELY, "a bracket is not closed")
    if tail != line and len(tail.split()) >= (3 if complete >= 2 else 6):
        return _found(size - len(tail), size, _LIKELY, "the last sentence has no end")
    return Finding(name=CUT, score=0.2)


def _found(start: int, end: int, score: float, reason: str) -> Finding:
    return Finding(name=CUT, score=score, spans=(Span(start, end, "end", score),), reason=f"cut off: {reason}")
