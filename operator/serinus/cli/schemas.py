"""Our objects against the schemas of the CRDs, unknown fields refused. CEL rules are the API server's alone."""

import copy
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, cast

import jsonschema
import yaml

from serinus.cli.context import data_folder
from serinus.core import naming
from serinus.core.datafile import InvalidCatalogue

_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_SHOWN = 200
_EXCLUSIVE = {"maximum": "exclusiveMaximum", "minimum": "exclusiveMinimum"}
"""OpenAPI 3.0 says with true that a bound is not allowed itself; JSON Schema has the bound there."""


def is_ours(body: dict[str, Any]) -> bool:
    """Whether an object is of our API group, or was meant to be: our kind under no or another apiVersion."""
    group = str(body.get("apiVersion", "")).partition("/")[0]
    return group == naming.GROUP or (body.get("kind") in _schemas() and "/" not in str(body.get("apiVersion", "")))


def problems(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return path and message of everything that the schema of one of our objects refuses, at most 20."""
    schema, version = _schemas().get(str(body.get("kind"))), body.get("apiVersion")
    if schema is None:
        return [("kind", f"found {body.get('kind')!r}, allowed are {', '.join(_schemas())}")]
    if version != naming.API_VERSION:
        return [("apiVersion", f"found {version!r}, allowed is {naming.API_VERSION}")]
    metadata = body.get("metadata") or {}
    if not (metadata.get("name") or metadata.get("generateName")):
        return [("metadata.name", "is required")]
    validator = jsonschema.Draft202012Validator(schema)
    wanted = {"spec": body["spec"]} if "spec" in body else {}
    errors = sorted(validator.iter_errors(wanted), key=lambda e: list(map(str, e.absolute_path)))
    found = dict.fromkeys(problem for error in errors for problem in _problems(error))
    return list(found)[:20]


@lru_cache(maxsize=1)
def _schemas() -> dict[str, dict[str, Any]]:
    folder = data_folder("crds", "SERINUS_CRDS_DIR")
    found = {}
    for file in sorted(folder.glob("*.yaml")):
        crd = yaml.safe_load(file.read_text(encoding="utf-8"))
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        properties = {"spec": _closed(copy.deepcopy(schema["properties"]["spec"]))}
        found[crd["spec"]["names"]["kind"]] = {
            "type": "object",
            "required": ["spec"],
            "properties": properties,
        }
    if not found:
        raise InvalidCatalogue(f"{folder}: found no file *.yaml, allowed is the folder of the CRDs (SERINUS_CRDS_DIR)")
    return found


def _closed(schema: Any) -> Any:
    """Refuse unknown fields, and read Kubernetes' int-or-string and exclusive bounds as JSON Schema does."""
    if isinstance(schema, list):
        return [_closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if schema.get("x-kubernetes-int-or-string"):
        closed["type"] = ["integer", "string"]
    for bound, exclusive in _EXCLUSIVE.items():
        if closed.pop(exclusive, False) and bound in closed:
            closed[exclusive] = closed.pop(bound)
    open_ended = schema.get(_PRESERVE) or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and not open_ended:
        closed["additionalProperties"] = False
    return closed


def _problems(error: jsonschema.ValidationError) -> Iterator[tuple[str, str]]:
    """One problem, or one for each field that is missing or unknown."""
    path, schema, fields = _path(error.absolute_path), cast("Any", error.schema), cast("Any", error.instance)
    match error.validator:
        case "required":
            yield from ((_join(path, key), "is required") for key in schema["required"] if key not in fields)
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            yield from (
                (_join(path, k), f"is unknown, allowed are {', '.join(known)}") for k in fields if k not in known
            )
        case _:
            yield path or "spec", _message(error)


def _path(parts: Iterable[str | int]) -> str:
    text = ""
    for part in parts:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, part)
    return text


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _message(error: jsonschema.ValidationError) -> str:
    """What was found and what is allowed, in one line."""
    rule, found, value = error.validator, _shown(error.instance), cast("Any", error.validator_value)
    match rule:
        case "enum":
            return f"found {found}, allowed are {', '.join(map(str, value))}"
        case "type":
            return f"found {found}, allowed is {_types(value)}"
        case "minimum" | "maximum":
            return f"found {found}, allowed is {'at least' if rule == 'minimum' else 'at most'} {value}"
        case "pattern":
            return f"found {found}, allowed is what matches {value}"
        case _:
            return f"found {found}, which breaks {rule}: {_shown(value)}"


def _types(value: Any) -> str:
    words = {"integer": "a whole number", "array": "a list", "object": "an object"}
    return " or ".join(words.get(t, f"a {t}") for t in ([value] if isinstance(value, str) else value))


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
