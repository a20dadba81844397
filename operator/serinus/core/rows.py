"""Rows of data sets (openai/evals, deepeval, Inspect, Braintrust, Langfuse, ragas) into tests, by one table of names.

How they are scored is said elsewhere (`defaultTest`): a data set has expectations, not assertions.
"""

from collections.abc import Mapping
from typing import Any, Final

from serinus.core.findings import Findings, Place
from serinus.core.json_tree import read_json
from serinus.core.jstext import js_json, js_text
from serinus.core.tree import Node, UnreadableDocument, from_plain

MAX_ROWS: Final = 2000
ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "input": ("messages", "input", "prompt", "question", "query", "user_input", "instruction"),
    "expected": (
        "ideal",
        "expected",
        "expected_output",
        "expectedOutput",
        "target",
        "reference",
        "reference_answer",
        "answer",
        "ground_truth",
        "expected_response",
    ),
    "context": ("context", "retrieved_contexts", "retrieval_context", "retrievalContext", "reference_contexts"),
}
"""Variable to the fields that it is taken from; the first that is there counts."""
ROW_PROMPT: Final = "{{input}}"
"""The prompt of rows, where the ProbeSet has none."""
_TEST_KEYS: Final = ("vars", "assert")
_LISTS: Final = ("data", "rows", "items", "examples", "samples", "goldens", "tests")
_ROLES: Final = {"human": "user", "user": "user", "ai": "assistant", "assistant": "assistant", "system": "system"}


def read_lines(findings: Findings, text: str, file: str) -> tuple[Place, ...]:
    """One row for each line of JSON Lines; problems go to the findings."""
    rows: list[Place] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(Place(_moved(read_json(line), number), f"[{len(rows)}]", file))
        except UnreadableDocument as e:
            findings.problem(Place(Node(number, None), f"[{len(rows)}]", file), e.message)
            return ()
        if len(rows) > MAX_ROWS:
            findings.problem(rows[-1], f"found more than {MAX_ROWS} rows, allowed are {MAX_ROWS}")
            return ()
    return tuple(rows)


def listed_rows(document: Place) -> list[Place]:
    """The rows of a JSON or YAML document: a list, or the list under one of the usual names."""
    for name in _LISTS:
        if document.at(name).node.items:
            return document.at(name).each()
    return document.each() or ([document] if document.node.fields else [])


def is_test(row: Place) -> bool:
    """Whether a row is a promptfoo test already."""
    return any(key in row.node.fields for key in _TEST_KEYS)


def to_test(findings: Findings, row: Place) -> Place:
    """A row as a test; its fields stay variables beside `input`, `expected` and `context`."""
    fields = row.node.fields
    if is_test(row):
        return row
    found = {name: _first(fields, aliases) for name, aliases in ALIASES.items()}
    if found["input"] is None:
        allowed = ", ".join(ALIASES["input"])
        findings.problem(row, f"found no question in the row, allowed is one of the fields {allowed}")
    metadata = fields["metadata"].plain() if "metadata" in fields else {}
    test: dict[str, Any] = {
        "vars": _variables(fields, found),
        "options": {"disableVarExpansion": True},
        "metadata": dict(metadata) if isinstance(metadata, dict) else {},
    }
    if "id" in fields and fields["id"].value is not None:
        test["description"] = js_text(fields["id"].plain())
    if "tags" in fields and fields["tags"].items:
        test["metadata"]["tags"] = [js_text(tag) for tag in fields["tags"].plain()]
    return Place(from_plain(test, row.node.line), row.path, row.file)


def _variables(fields: Mapping[str, Node], found: Mapping[str, Any]) -> dict[str, Any]:
    variables = {k: n.plain() for k, n in fields.items() if k not in ("id", "metadata", "tags") and n.value is not None}
    if isinstance(found["input"], dict):  # Braintrust and Langfuse: the input is a mapping of variables
        variables |= {k: v for k, v in found["input"].items() if v is not None}
    variables["input"] = _question(found["input"])
    expected = found["expected"]
    if expected is not None:
        choices = expected if isinstance(expected, list) else [expected]
        variables["expected"] = _text(choices[0]) if choices else ""
        variables["expected_list"] = ",".join(_quoted(_text(c)) for c in choices)
    if found["context"] is not None:
        context = found["context"]
        variables["context"] = "\n\n".join(map(_text, context)) if isinstance(context, list) else _text(context)
    return variables


def _question(value: Any) -> str:
    """The question as text; a conversation as the JSON of its messages, which is asked as one."""
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, list) and value and all(isinstance(m, dict) and "content" in m for m in value):
        return js_json([{"role": _role(m), "content": m["content"]} for m in value])
    return _text(value)


def _role(message: Mapping[str, Any]) -> str:
    name = str(message.get("role") or message.get("type") or "user")
    return _ROLES.get(name, name)


def _first(fields: Mapping[str, Node], names: tuple[str, ...]) -> Any:
    return next((fields[n].plain() for n in names if n in fields and fields[n].value is not None), None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else js_json(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _moved(node: Node, line: int) -> Node:
    return from_plain(node.plain(), line)
