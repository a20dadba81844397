"""What the assertions need of engines that run scripts: small interfaces, so that an engine can be changed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from serinus.core.jstext import WHITESPACE
from serinus.core.probe import Json
from serinus.probes.ports import TextChecks


class ScriptFailed(Exception):
    """A script or a pattern that threw, is not valid, or met a limit of time or memory; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """Code of one assertion: the body of a function, or a module (`file` or `file:function`) and its text."""

    source: str
    module: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """What a script returned as `{pass, score, reason}`."""

    passed: bool
    score: float
    reason: str


class Scripts(Protocol):
    """Runs scripts of one language; each call is alone and bounded in time and memory."""

    def check(self, script: Script) -> None:
        """Raise ScriptFailed unless the script compiles."""

    def call(self, script: Script, output: Json, context: Mapping[str, Any]) -> float | Graded:
        """What the script returned, a boolean, a number or a grade; raises ScriptFailed."""

    def transform(self, script: Script, output: Json, context: Mapping[str, Any]) -> Json:
        """What the script made of an output, never null; raises ScriptFailed."""

    def close(self) -> None:
        """End what was started for it."""


class Engine(Scripts, Protocol):
    """JavaScript without any access to files, network or the process."""

    def check_pattern(self, pattern: str, flags: str = "") -> None:
        """Raise ScriptFailed unless this is a regular expression."""

    def matches(self, pattern: str, text: str, flags: str = "") -> bool:
        """Whether a regular expression is found anywhere in a text; raises ScriptFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What assertions work with."""

    engine: Engine
    python: Scripts
    texts: TextChecks


_DECLARATIONS: Final = tuple(f"{word}{space}" for word in ("const", "let", "var") for space in WHITESPACE)


def function_body(code: str) -> str:
    """What promptfoo makes of an inline script: several lines are a body, one line is an expression to return.

    One line that begins with a declaration returns what stands behind its last semicolon.
    """
    code = code.rstrip(WHITESPACE)
    if "\n" in code:
        return code
    line = code.strip(WHITESPACE).rstrip(";" + WHITESPACE)
    if not line.startswith(_DECLARATIONS):
        return f"return {line}"
    end = _last_semicolon(line)
    expression = line[end + 1 :].strip(WHITESPACE)
    return f"{line[: end + 1]} return {expression}" if end >= 0 and expression else line


def _last_semicolon(code: str) -> int:
    """Position of the last semicolon outside of quotes, or -1; like promptfoo it does not know regular expressions."""
    quote, last, escaped = "", -1, False
    for position, sign in enumerate(code):
        if sign == "\\":
            escaped = not escaped
            continue
        if not escaped and sign in "'\"`":
            quote = "" if quote == sign else quote or sign
        elif sign == ";" and not quote:
            last = position
        escaped = False
    return last


def returned(code: str) -> str:
    """What promptfoo makes of an inline transform: several lines are a body, one line is an expression to return."""
    return code if "\n" in code else f"return {code}"


_EXPORTS: Final = (
    (re.compile(r"^export\s+default\s+", re.MULTILINE), "module.exports.default = "),
    (re.compile(r"^export\s+((?:async\s+)?function\*?)\s*(\w+)", re.MULTILINE), r"exports.\2 = \2; \1 \2"),
    (re.compile(r"^export\s+(const|let|var)\s+(\w+)\s*=", re.MULTILINE), r"\1 \2 = exports.\2 ="),
    (re.compile(r"^export\s*\{([^}]*)\}\s*;?", re.MULTILINE), r"Object.assign(exports, {\1});"),
)
_IMPORT: Final = re.compile(r"^import\b(?!\s*\()", re.MULTILINE)


def commonjs(source: str) -> str:
    """A module that exports with `export`, as one that exports with `exports`; raises ScriptFailed for an import."""
    if _IMPORT.search(source):
        raise ScriptFailed("import is not available: a module must stand alone")
    for pattern, replacement in _EXPORTS:
        source = pattern.sub(replacement, source)
    return source
