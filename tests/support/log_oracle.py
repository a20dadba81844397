"""Runs a log pipeline's description in Python: what the agents must do, computed apart from them.

It must not know the agents' syntax or templates: checksums are computed here by their definitions.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from serinus.core.iban import IBAN_LENGTHS
from serinus.core.log_pipeline import (
    Choose,
    Count,
    Find,
    Json,
    Label,
    Logfmt,
    Metadata,
    Multiline,
    Sample,
    Stage,
    Unlabel,
)
from serinus.core.log_redaction import HARMLESS_WORDS, Check, Pattern

_PAIR = re.compile(r'([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


@dataclass
class Entry:
    """One entry on its way: `droppable` once a stage may drop it, with its rate."""

    line: str
    labels: dict[str, str]
    fields: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    counted: dict[str, dict[str, str]] = field(default_factory=dict)
    droppable: float = 1.0


def run(stages: Iterable[Stage], lines: Iterable[str], labels: Mapping[str, str]) -> list[Entry]:
    """Send lines of one container through a pipeline."""
    stages = list(stages)
    if stages and isinstance(stages[0], Multiline):
        lines = _joined(stages.pop(0), lines)
    entries = [Entry(line, dict(labels), dict(labels)) for line in lines]
    for entry in entries:
        for stage in stages:
            _apply(stage, entry)
    return entries


def _joined(stage: Any, lines: Iterable[str]) -> list[str]:
    found: list[str] = []
    begun = False
    for line in lines:
        if _search(stage.first, line):
            begun = True
            found.append(line)
        elif begun:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def _search(expression: str, text: str) -> re.Match[str] | None:
    return re.search(expression, text, re.ASCII)


def _apply(stage: Stage, entry: Entry) -> None:
    match stage:
        case Json(fields=fields):
            entry.fields |= _json(fields, entry.line)
        case Logfmt(fields=fields):
            pairs = {m[1]: m[2] if m[2] is not None else m[3] for m in _PAIR.finditer(entry.line)}
            entry.fields |= {name: pairs[key] for name, key in fields if key in pairs}
        case Find(expression=expression):
            if found := _search(expression, entry.line):
                entry.fields |= {k: v for k, v in found.groupdict().items() if v is not None}
        case Pattern():
            entry.line = redact(stage, entry.line)
        case Choose():
            _choose(stage, entry)
        case _:
            _leave(stage, entry)


def _leave(stage: Stage, entry: Entry) -> None:
    match stage:
        case Count(counters=counters):
            for counter in counters:
                if not counter.source or counter.source in entry.fields:
                    entry.counted[counter.name] = dict(entry.labels)
        case Label(names=names):
            entry.labels |= {n: entry.fields[n] for n in names if n in entry.fields}
        case Unlabel(names=names):
            entry.labels = {k: v for k, v in entry.labels.items() if k not in names}
        case Metadata(names=names):
            entry.metadata |= {n: entry.fields[n] for n in names if n in entry.fields}
        case Sample(label=label, value=value, rate=rate):
            entry.droppable = rate if entry.labels.get(label) == value else 1.0
        case _:
            raise AssertionError(f"no oracle for {stage}")


def _json(fields: tuple[tuple[str, tuple[str, ...]], ...], line: str) -> dict[str, str]:
    try:
        body = json.loads(line)
    except ValueError:
        return {}
    found = {}
    for name, paths in fields:
        values = (_at(body, path) for path in paths)
        if value := next((v for v in values if v), None):
            found[name] = str(value)
    return found


def _at(body: Any, path: str) -> Any:
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _choose(stage: Choose, entry: Entry) -> None:
    value = next((entry.fields[s] for s in stage.sources if entry.fields.get(s)), "").lower()
    word = next((word for name, word in stage.overrides if entry.fields.get(name)), None)
    if word is None:
        word = next((word for word, values in stage.words if value in values), stage.otherwise)
    if word:
        entry.fields[stage.target] = word
    else:
        entry.fields.pop(stage.target, None)


def redact(pattern: Pattern, line: str) -> str:
    """Replace the captured groups that pass the check, from left to right, as the agents do."""
    parts, at = [], 0
    for match in re.finditer(pattern.expression, line, re.ASCII):
        for group in range(1, len(match.groups()) + 1):
            start, end = match.span(group)
            if start >= at and start != -1:
                parts += [line[at:start], pattern.mark if passes(pattern.check, line[start:end]) else line[start:end]]
                at = end
    return "".join(parts) + line[at:]


def passes(check: Check, text: str) -> bool:
    """Whether a text is what a check asks for."""
    match check:
        case Check.NONE:
            return True
        case Check.WORD:
            return text.lower() not in HARMLESS_WORDS
        case Check.LUHN:
            doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(text))]
            return sum(d // 10 + d % 10 for d in doubled) % 10 == 0
        case Check.IBAN:
            plain = re.sub("[ -]", "", text).upper()
            if plain[:2] not in IBAN_LENGTHS.get(len(plain), []):
                return False
            return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
