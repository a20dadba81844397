"""Owns the documented reasons for which a file of tests is refused, as phrases of its messages. It reads one page."""

import re
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs/reference/probe-files.md"
_PHRASE = re.compile(r"`([^`]+)`")


def phrases() -> list[re.Pattern[str]]:
    """The phrases of the table; `…` stands for a word."""
    table = _PAGE.read_text(encoding="utf-8").split("## Why a file is refused")[1]
    rows = [line.rsplit("|", 2)[1] for line in table.split("\n") if line.startswith("| ") and "---" not in line][1:]
    found = [phrase for row in rows for phrase in _PHRASE.findall(row)]
    return [re.compile(re.escape(p).replace("…", r"[\w:-]+")) for p in found]


def is_documented(message: str) -> bool:
    """Whether a problem's message has a documented reason."""
    return any(phrase.search(message) for phrase in phrases())
