"""Our objects against the schemas of the CRDs, unknown fields refused. CEL rules are the API server's alone."""

import copy
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema
import yaml

from serinus.cli.context import data_folder

_PRESERVE = "x-kubernetes-preserve-unknown-fields"


def problems(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return path and message of everything that the schema refuses, at most 20."""
    schema = _schemas().get(str(body.get("kind")))
    if schema is None:
        return []
    validator = jsonschema.Draft202012Validator(schema)
    errors = sorted(validator.iter_errors({"spec": body.get("spec")}), key=lambda e: list(map(str, e.absolute_path)))
    return [(_path(e.absolute_path), e.message[:300]) for e in errors[:20]]


@lru_cache(maxsize=1)
def _schemas() -> dict[str, dict[str, Any]]:
    folder = data_folder("crds", "SERINUS_CRDS_DIR")
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        crd = yaml.safe_load(file.read_text(encoding="utf-8"))
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        wanted = {"type": "object", "required": ["spec"], "properties": {"spec": schema["properties"]["spec"]}}
        found[crd["spec"]["names"]["kind"]] = _closed(copy.deepcopy(wanted))
    return found


def _closed(schema: Any) -> Any:
    """Refuse unknown fields, and read Kubernetes' int-or-string as JSON Schema does."""
    if isinstance(schema, list):
        return [_closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    open_ended = schema.get(_PRESERVE) or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and not open_ended:
        closed["additionalProperties"] = False
    return closed


def _path(parts: Iterator[Any]) -> str:
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "spec"
