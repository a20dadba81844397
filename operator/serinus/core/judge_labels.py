"""Labelled answers: what a person says of them, to measure a judge by. It reads data files and judges nothing."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from serinus.core.findings import Findings, Place
from serinus.core.judge import Label
from serinus.core.tree import Node, UnreadableDocument, from_plain
from serinus.core.yaml12 import read_yaml

MAX_LABELS: Final = 2000
LEAST_EACH: Final = 10
"""Good and bad answers that a calibration needs at least; with fewer its error rates mean nothing."""
WANTED_EACH: Final = 50
"""Good and bad answers above which the bounds are narrow enough to lean on."""
_KEYS: Final = ("criterion", "answer", "pass", "question")
_ALIASES: Final[Mapping[str, str]] = {
    "criterion": "criterion",
    "rubric": "criterion",
    "answer": "answer",
    "output": "answer",
    "pass": "pass",
    "label": "pass",
    "question": "question",
    "prompt": "question",
}
_WORDS: Final[Mapping[object, bool]] = {
    "pass": True,
    "true": True,
    "1": True,
    "fail": False,
    "false": False,
    "0": False,
}
_MAX_TEXT: Final = 32_768


def read_labels(findings: Findings, files: Mapping[str, str]) -> tuple[Label, ...]:
    """Every labelled answer of these files (YAML, JSON, JSON lines, CSV); problems go to the findings, with lines."""
    found = tuple(label for name in sorted(files) for label in _file(findings, name, files[name]))
    whole = Place(Node(0, None), "spec.calibration")
    if len(found) > MAX_LABELS:
        findings.problem(whole, f"found {len(found)} labelled answers, allowed are {MAX_LABELS}")
    good = sum(label.good for label in found)
    if not findings.problems and min(good, len(found) - good) < LEAST_EACH:
        message = f"found {good} good and {len(found) - good} bad answers, allowed are at least {LEAST_EACH} of each"
        findings.problem(whole, f"{message}, better {WANTED_EACH}")
    return found


def _file(findings: Findings, name: str, text: str) -> list[Label]:
    rows = _rows(findings, name, text)
    return [label for row in rows if (label := _label(findings, row)) is not None]


def _rows(findings: Findings, name: str, text: str) -> list[Place]:
    if name.endswith(".csv"):
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            return [Place(from_plain(_filled(row), reader.line_num), f"row {i}", name) for i, row in enumerate(reader)]
        except csv.Error as e:
            findings.problem(Place(Node(reader.line_num, None), "", name), f"this is no CSV: {e}")
            return []
    if name.endswith((".jsonl", ".ndjson")):
        return _lines(findings, name, text)
    try:
        root = Place(read_yaml(text), "", name)
    except UnreadableDocument as e:
        findings.problem(Place(Node(e.line, None), "", name), e.message)
        return []
    if not isinstance(root.node.value, tuple):
        findings.problem(root, f"found {root.node.kind()}, allowed is a list of labelled answers")
    return root.each()


def _filled(row: Mapping[str | None, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in row.items() if value not in (None, "")}


def _lines(findings: Findings, name: str, text: str) -> list[Place]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                found.append(Place(from_plain(json.loads(line), number), "", name))
            except (ValueError, RecursionError, UnreadableDocument):
                findings.problem(Place(Node(number, None), "", name), "this line is no JSON")
    return found


def _label(findings: Findings, row: Place) -> Label | None:
    if not isinstance(row.node.value, dict):
        findings.problem(row, f"found {row.node.shown()}, allowed is a mapping of {', '.join(_KEYS)}")
        return None
    values: dict[str, Any] = {}
    for key, node in row.node.fields.items():
        if key not in _ALIASES:
            findings.problem(row.at(key), f"found {key!r}, allowed are {', '.join(_ALIASES)}")
        else:
            values[_ALIASES[key]] = node.value
    good = values.get("pass")
    good = good if isinstance(good, bool) else _WORDS.get(str(good).strip().lower())
    texts: dict[str, Any] = {
        k: values.get(k, "" if k == "question" else None) for k in ("criterion", "answer", "question")
    }
    wrong = next((k for k, v in texts.items() if not isinstance(v, str) or len(v) > _MAX_TEXT), "")
    if wrong:
        findings.problem(row.at(wrong), f"{wrong}: allowed is a text of at most {_MAX_TEXT} characters")
        return None
    if good is None:
        findings.problem(row.at("pass"), f"pass: found {values.get('pass')!r}, allowed are pass and fail")
        return None
    if not texts["criterion"].strip():
        findings.problem(row.at("criterion"), "criterion: found nothing, allowed is what a good answer does")
        return None
    return Label(good=good, **texts)
