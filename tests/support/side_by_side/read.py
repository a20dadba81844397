"""Finds PromQL expressions in files of others: rules, PrometheusRules, templates of Helm, dashboards, ScaledObjects.

It owns what such files look like. It must not judge an expression.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

VARIABLE: Final = "__variable__"
"""What stands for a value that a dashboard's user chooses."""
_SUFFIXES: Final = (".yaml", ".yml", ".json")
_TEMPLATE_LINE: Final = re.compile(r"^\s*\{\{-?.*-?\}\}\s*$", re.MULTILINE)
_TEMPLATE: Final = re.compile(r"\{\{-?.*?-?\}\}")
_IN_BRACKETS: Final = re.compile(r"\[\[\[\w+\]\]\]|\[[^\]\[]*\$[^\]\[]*\]")
_DOLLAR: Final = re.compile(r"\$\{[^}]*\}|\$[A-Za-z_]\w*|\[\[\w+\]\]")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_LABEL_VALUES: Final = re.compile(r"^\s*label_values\((?P<query>.+),\s*(?P<label>\w+)\s*\)\s*$", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"^\s*query_result\((?P<query>.+)\)\s*$", re.DOTALL)


@dataclass(frozen=True)
class Expression:
    """One expression: `kind` is alert, record, panel, variable or query, `name` its alert, series or title."""

    file: str
    kind: str
    name: str
    text: str
    label: str = ""  # of a variable: the label whose values it asks for


class Unreadable(Exception):
    """A file that is neither YAML nor JSON, even with what a template engine would fill in left out."""


def files(paths: list[Path]) -> list[Path]:
    """The files of these paths, a folder standing for all rules and dashboards below it; FileNotFoundError."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        found += sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES) if path.is_dir() else [path]
    return found


def expressions(path: Path, name: str = "") -> list[Expression]:
    """Every expression of a file, in its order, each once; raises Unreadable."""
    text = path.read_text(encoding="utf-8")
    found = [e for document in _documents(text, path) for e in _walk(document, name or path.name, "")]
    return list(dict.fromkeys(found))


def _documents(text: str, path: Path) -> list[Any]:
    plain = _TEMPLATE.sub(VARIABLE, _TEMPLATE_LINE.sub("", text))
    for attempt in (text, plain):
        try:
            return [json.loads(attempt)] if path.suffix == ".json" else list(yaml.safe_load_all(attempt))
        except (ValueError, yaml.YAMLError):
            continue
    raise Unreadable(f"{path}: found neither YAML nor JSON, allowed are rules, dashboards and templates of them")


def _walk(node: Any, file: str, title: str) -> Iterator[Expression]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, file, title)
    elif isinstance(node, dict):
        here = _title(node) or title
        yield from _own(node, file, here)
        for key, value in node.items():
            if isinstance(value, str) and str(key).endswith(".json"):
                yield from _walk(json.loads(value), file, here)
            else:
                yield from _walk(value, file, here)


def _title(node: dict[Any, Any]) -> str:
    display = node.get("display")
    inner = display.get("name") if isinstance(display, dict) else None
    return next((str(t) for t in (node.get("title"), inner) if isinstance(t, str) and t), "")


def _own(node: dict[Any, Any], file: str, title: str) -> Iterator[Expression]:
    expr = node.get("expr")
    if isinstance(expr, str) and expr.strip():
        kind = next((k for k in ("alert", "record") if k in node), "panel")
        yield Expression(file, kind, str(node.get(kind, title)), filled(expr))
    query = node.get("query")
    if node.get("type") == "query" and query:
        yield from _variable(node, query, file)
    elif node.get("kind") == "PrometheusTimeSeriesQuery" and isinstance(node.get("spec"), dict):
        yield from _query(node["spec"].get("query"), file, title)
    elif node.get("type") == "prometheus" and isinstance(node.get("metadata"), dict):
        yield from _query(node["metadata"].get("query"), file, "trigger")
    if isinstance(node.get("metricsQuery"), str) and "<<" not in node["metricsQuery"]:
        yield from _query(node["metricsQuery"], file, "metricsQuery")


def _query(text: Any, file: str, title: str) -> Iterator[Expression]:
    if isinstance(text, str) and text.strip():
        yield Expression(file, "query", title, filled(text))


def _variable(node: dict[Any, Any], query: Any, file: str) -> Iterator[Expression]:
    text = query.get("query", "") if isinstance(query, dict) else str(query)
    asked = _LABEL_VALUES.match(text) or _QUERY_RESULT.match(text)
    if asked:
        label = asked.groupdict().get("label", "")
        yield Expression(file, "variable", str(node.get("name", "")), filled(asked["query"]), label)


def filled(text: str) -> str:
    """An expression with its variables filled in: a time for one in brackets, VARIABLE in strings, a number else."""
    text = _IN_BRACKETS.sub(lambda found: "[5m:1m]" if ":" in found.group() else "[5m]", text.strip())
    pieces, end = [], 0
    for quoted in _QUOTED.finditer(text):
        pieces += [_DOLLAR.sub("1", text[end : quoted.start()]), _in_string(quoted.group())]
        end = quoted.end()
    return "".join([*pieces, _DOLLAR.sub("1", text[end:])])


def _in_string(quoted: str) -> str:
    """`$1` of label_replace is no variable: a name begins with a letter."""
    return _DOLLAR.sub(VARIABLE, quoted)
