"""CSV rows into tests, as promptfoo 0.123.1 reads its special columns. What a test means is not known here."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any, Final

from serinus.core.assertion_types import ALLOWED, OWN, is_template
from serinus.core.comma_list import split_commas
from serinus.core.findings import Findings, Place
from serinus.core.jstext import WHITESPACE
from serinus.core.refused_types import PROMPTFOO
from serinus.core.sources import is_reference, is_script
from serinus.core.tree import Node, from_plain

MAX_ROWS: Final = 2000
_NAMES: Final = "|".join(sorted(map(re.escape, PROMPTFOO), key=len, reverse=True))
_TYPED: Final = re.compile(rf"(not-)?({_NAMES})(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?", re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_SCRIPT: Final = ("javascript:", "fn:", "eval:")
_JUDGE: Final = ("grade:", "llm-rubric:")
_LISTS: Final = frozenset({"contains-all", "contains-any", "icontains-all", "icontains-any"})
_ESCAPED_COMMA: Final = re.compile(r"(?<!\\),")
_CONFIG: Final = re.compile(r"__config:__expected([1-9]\d*)?:threshold")
_SPECIAL: Final = ("__expected", "__prefix", "__suffix", "__description", "__metric", "__threshold", "__metadata:")


def read_csv(findings: Findings, text: str, file: str) -> tuple[Place, ...]:
    """One test for each row, with the line where the row ends; problems go to the findings."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    tests: list[Place] = []
    header: list[str] = []
    try:
        for row in reader:
            here = Place(Node(reader.line_num, None), f"row {len(tests) + 1}" if header else "header", file)
            if not row:
                continue
            if not header:
                header = [name.strip(WHITESPACE) for name in row]
                _check_header(findings, here, header)
            elif len(row) != len(header):
                findings.problem(here, f"found {len(row)} cells, allowed are {len(header)} as in the header")
            elif len(tests) == MAX_ROWS:
                findings.problem(here, f"found more than {MAX_ROWS} rows, allowed are {MAX_ROWS}")
                return ()
            else:
                tests.append(_Row(findings, here).read(dict(zip(header, row, strict=True))))
    except csv.Error as e:
        findings.problem(Place(Node(reader.line_num, None), "", file), f"not CSV: {e}")
    return tuple(tests)


def _check_header(findings: Findings, where: Place, header: list[str]) -> None:
    for name in sorted({n for n in header if header.count(n) > 1}):
        findings.problem(where, f"found the column {name!r} twice")
    for name in header:
        single = name.startswith("_") and not name.startswith("__")
        if single and f"_{name}".startswith(_SPECIAL):
            findings.problem(where, f"found the column {name!r}; the special column is {f'_{name}'!r}")
        if name.startswith("__") and not name.startswith(_SPECIAL) and not _CONFIG.fullmatch(name):
            findings.problem(
                where, f"found the column {name!r}, allowed are {', '.join(_SPECIAL)}, __config:…:threshold"
            )


class _Row:
    """One row while it becomes a test."""

    def __init__(self, findings: Findings, where: Place) -> None:
        self._findings = findings
        self._where = where
        self._asserts: list[dict[str, Any]] = []
        self._thresholds: dict[int, float] = {}
        self._test: dict[str, Any] = {"vars": {}, "options": {}, "metadata": {}}

    def read(self, row: dict[str, str]) -> Place:
        for name, cell in row.items():
            self._cell(name, cell)
        metric = row.get("__metric", "")
        for number, assertion in enumerate(self._asserts):
            if metric:
                assertion["metric"] = metric
            if number in self._thresholds:
                assertion["threshold"] = self._thresholds[number]
        self._test["assert"] = self._asserts
        return Place(from_plain(self._test, self._where.node.line), self._where.path, self._where.file)

    def _cell(self, name: str, cell: str) -> None:
        config = _CONFIG.fullmatch(name)
        filled = cell.strip(WHITESPACE) != ""
        if name.startswith("__expected"):
            if filled:
                self._asserts.append(self._assertion(cell.strip(WHITESPACE)))
        elif name in ("__prefix", "__suffix"):
            self._test["options"][name[2:]] = cell
        elif name == "__description":
            self._test["description"] = cell
        elif name == "__threshold":
            if filled:
                self._test["threshold"] = self._number(name, cell)
        elif name.startswith("__metadata:"):
            if filled:
                self._metadata(name.removeprefix("__metadata:"), cell)
        elif config is not None:
            self._thresholds[int(config[1] or 1) - 1] = self._number(name, cell)
        elif not name.startswith("__"):
            self._test["vars"][name] = cell

    def _number(self, name: str, cell: str) -> float:
        text = cell.strip(WHITESPACE)
        if not _NUMBER.fullmatch(text):
            self._findings.problem(self._where, f"{name}: found {cell[:60]!r}, allowed is a number")
            return 0.0
        return float(text)

    def _metadata(self, name: str, cell: str) -> None:
        text = cell.strip(WHITESPACE)
        if name.endswith("[]"):
            parts = (part.strip(WHITESPACE).replace("\\,", ",") for part in _ESCAPED_COMMA.split(cell))
            self._test["metadata"][name[:-2]] = list(parts)
        elif name == "critical" and text.lower() in ("true", "false"):
            self._test["metadata"][name] = text.lower() == "true"
        elif name == "weight" and text.isascii() and text.isdigit():
            self._test["metadata"][name] = int(text[:9])
        else:
            self._test["metadata"][name] = cell

    def _assertion(self, text: str) -> dict[str, Any]:
        script = next((p for p in _SCRIPT if text.startswith(p)), "")
        if script or (is_reference(text) and is_script(text)):
            return {"type": "javascript", "value": text.removeprefix(script).strip(WHITESPACE)}
        if text.startswith(_JUDGE):
            return {"type": "llm-rubric", "value": text.partition(":")[2]}
        match = _TYPED.fullmatch(text)
        if match is None:
            return {"type": "equals", "value": text}
        negation, name, threshold, value = match.groups()
        found: dict[str, Any] = {"type": f"{negation or ''}{name}", "value": self._value(name, value)}
        if threshold is not None and name in ALLOWED and ALLOWED[name].threshold != "none":
            found["threshold"] = float(threshold)
        return found

    def _value(self, name: str, value: str | None) -> Any:
        if value is None:
            return None
        read: Callable[[str], Any] = split_commas if name in _LISTS and not is_template(value) else str
        try:
            return read(value if name in ("is-json", "contains-json") else value.strip(WHITESPACE)) or None
        except ValueError as e:
            self._findings.problem(self._where, f"{name}: {e}")
            return None


assert not OWN & PROMPTFOO
