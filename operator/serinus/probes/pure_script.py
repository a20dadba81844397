"""Which scripts can change nothing but their own result, by their text alone. It runs nothing.

Such a script may share its context with others: nothing that one does can change how another scores. Most scripts of
one line are of this kind. Whatever is not surely one is none: it has a context of its own, which costs 0.2 ms.

Allowed are literals, what a script is given, comparisons, and calls of methods that change nothing, by their names.
Refused is all that assigns, and every way to a function that makes code of a text.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_MAX: Final = 2_000
_TOKEN: Final = re.compile(
    r"[ \t]*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9]+(?:\.[0-9]+)?)(?![A-Za-z0-9_.])"
    r"|(?P<text>'(?:[^'\\\n\r]|\\[^\n\r])*'|\"(?:[^\"\\\n\r]|\\[^\n\r])*\")"
    r"|(?P<sign>=>|===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|[-<>+*%!?:,().\[\]])"
    r"|(?P<regex>/(?![*/])(?:[^/\\\[\n\r]|\\[^\n\r]|\[(?:[^\]\\\n\r]|\\[^\n\r])*\])+/[gimsuy]*))"
)
_BODY: Final = re.compile(r"return[ \t](.*)", re.DOTALL)
_GIVEN: Final = frozenset({"output", "context", "true", "false", "null", "undefined", "typeof", "Infinity", "NaN"})
_FUNCTIONS: Final = frozenset({"Number", "String", "Boolean", "parseInt", "parseFloat", "isNaN", "isFinite"})
_HOLDERS: Final = frozenset({"JSON", "Math", "Array"})
_METHODS: Final = frozenset(
    {"includes", "indexOf", "lastIndexOf", "startsWith", "endsWith", "toLowerCase", "toUpperCase", "trim", "trimStart"}
    | {"trimEnd", "slice", "substring", "substr", "split", "at", "charAt", "charCodeAt", "codePointAt", "concat"}
    | {"repeat", "padStart", "padEnd", "join", "test", "match", "search", "replace", "replaceAll", "toString"}
    | {"toFixed", "normalize", "isArray", "parse", "stringify", "abs", "min", "max", "round", "floor", "ceil", "trunc"}
)
_EACH: Final = frozenset({"some", "every", "filter", "map", "find", "findIndex"})
"""They call what they are given, so that has to be written there."""
_TO_CODE: Final = frozenset({"constructor", "prototype"})
_OTHERS: Final = frozenset({"escape", "unescape", "print", "gc", "os", "std", "eval", "arguments"})
"""Names in small letters that are there without being given; those of the language cannot be parameters."""
_OWN: Final = re.compile(r"[a-z]{1,12}")
"""A parameter in small letters: none of the names that make something of a text is written so."""
_Token = tuple[str, str]


@lru_cache(maxsize=4096)
def is_pure(source: str) -> bool:
    """Whether the body of a function does nothing but return an expression that changes nothing."""
    body = _BODY.fullmatch(source) if len(source) <= _MAX else None
    tokens = _tokens(body[1].rstrip()) if body is not None else None
    return bool(tokens) and _is_harmless(tokens or [])


def _tokens(code: str) -> list[_Token] | None:
    """Kind and text of each token; None where something else stands there."""
    found: list[_Token] = []
    at = 0
    while at < len(code):
        match = _TOKEN.match(code, at)
        if match is None or match.lastgroup is None:
            return None
        token = (match.lastgroup, match[match.lastgroup])
        # behind a value a slash divides, and what follows is no expression: nobody divides here
        if token[0] == "regex" and _is_value(found):
            return None
        found.append(token)
        at = match.end()
    return found


def _is_value(before: Sequence[_Token]) -> bool:
    """Whether what was read last is a value, or its end."""
    kind, text = before[-1] if before else ("sign", "(")
    return kind != "sign" or text in (")", "]")


def _is_harmless(tokens: Sequence[_Token]) -> bool:
    own = {text for (kind, text), (_, after) in _pairs(tokens) if kind == "name" and after == "=>"}
    if not all(_OWN.fullmatch(name) for name in own) or own & (_GIVEN | _OTHERS):
        return False
    return all(_may_stand(tokens, i, own) for i in range(len(tokens)))


def _pairs(tokens: Sequence[_Token]) -> list[tuple[_Token, _Token]]:
    return list(zip(tokens, [*tokens[1:], ("", "")], strict=True))


def _may_stand(tokens: Sequence[_Token], i: int, own: set[str]) -> bool:
    """Whether a token is allowed where it stands."""
    kind, text = tokens[i]
    before = tokens[i - 1][1] if i and tokens[i - 1][0] == "sign" else ""
    after = tokens[i + 1][1] if i + 1 < len(tokens) and tokens[i + 1][0] == "sign" else ""
    if kind == "name":
        if before in (".", "?."):
            return _is_member(tokens, i, called=after == "(")
        if after == "(":
            return text in _FUNCTIONS
        return text in _GIVEN or text in own or (text in _HOLDERS and after == ".")
    if text == "(":
        # a value that is called by another way than its name may be anything
        return not _is_value(tokens[:i]) or tokens[i - 1][0] == "name"
    if text == "[" and _is_value(tokens[:i]):
        return _is_plain_key(tokens[i + 1 : i + 3])
    if text in ("+", "-") and after == text:
        return False
    return text != "?." or tokens[i + 1 : i + 2] == [] or tokens[i + 1][0] == "name"


def _is_member(tokens: Sequence[_Token], i: int, *, called: bool) -> bool:
    """Whether the name behind a dot only reads, or is called and changes nothing."""
    name = tokens[i][1]
    if not called:
        return _only_reads(name)
    if name in _EACH:
        # `some(x => …`: what is called is written here, and is harmless as all of this is
        return [k for k, _ in tokens[i + 2 : i + 4]] == ["name", "sign"] and tokens[i + 3][1] == "=>"
    if name == "parse" and tokens[i - 2][1] != "JSON":
        return False
    return name in _METHODS


def _only_reads(name: str) -> bool:
    return name not in _TO_CODE and not name.startswith("__")


def _is_plain_key(rest: Sequence[_Token]) -> bool:
    """Whether brackets behind a value hold a number or a text that is written there."""
    if len(rest) < 2 or rest[1] != ("sign", "]"):
        return False
    kind, text = rest[0]
    return kind == "number" or (kind == "text" and "\\" not in text and _only_reads(text[1:-1]))
