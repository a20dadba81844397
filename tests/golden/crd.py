"""A CustomResourceDefinition's schema as JSON schema with unknown fields refused: pruning would hide a typo.

It owns the tightening. It runs no rule in CEL; that is the API server's.
"""

from pathlib import Path
from typing import Any

import jsonschema
import yaml

from serinus.core.model import Manifest

Schema = dict[str, Any]
_METADATA: Schema = {
    "type": "object",
    "required": ["name", "namespace"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
        "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}},
        "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


class CrdFolder:
    """The CRDs of a folder, found by apiVersion and kind."""

    def __init__(self, *folders: Path) -> None:
        self._schemas: dict[tuple[str, str], Schema] = {}
        for path in (p for folder in folders for p in sorted(folder.glob("*.yaml"))):
            self._read(path)

    def _read(self, path: Path) -> None:
        crd = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
        for version in crd["spec"]["versions"]:
            key = f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]
            self._schemas[key] = strict(version["schema"]["openAPIV3Schema"])

    def problems(self, manifest: Manifest) -> list[str]:
        """One line for each field that the CRD does not know or does not allow, with its path."""
        schema = self._schemas.get((manifest["apiVersion"], manifest["kind"]))
        if schema is None:
            return [f"no CRD has {manifest['apiVersion']} {manifest['kind']}"]
        errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
        return sorted(f"{error.json_path}: {error.message}" for error in errors)


class _Loader(yaml.SafeLoader):
    """A CRD of prometheus-operator has an enum item `=`, which YAML 1.1 gives a tag of its own."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: loader.construct_scalar(node))


def strict(schema: Schema) -> Schema:
    """Tighten a structural schema of an object: only known fields, and metadata as it is for any object."""
    tightened = _strict(schema)
    tightened["properties"]["metadata"] = _METADATA
    tightened["required"] = sorted({*tightened.get("required", []), "apiVersion", "kind", "metadata"})
    return tightened


def _strict(schema: Schema) -> Schema:
    found = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "default"}
    if "properties" in found:
        found["properties"] = {name: _strict(child) for name, child in found["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            found["additionalProperties"] = False
    elif isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _strict(found["additionalProperties"])
    if "items" in found:
        found["items"] = _strict(found["items"])
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.pop("nullable", False) and "type" in found:
        found["type"] = [found["type"], "null"]
    return found
