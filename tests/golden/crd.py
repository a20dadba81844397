"""A CustomResourceDefinition's schema as JSON schema with unknown fields refused: pruning would hide a typo.

It owns the tightening. It runs no rule in CEL; that is the API server's.
"""

from pathlib import Path
from typing import Any

import jsonschema
import yaml

from serinus.core.model import Manifest

Schema = dict[str, Any]
GRAFANA_DASHBOARDS = Path(__file__).parents[1] / "samples" / "crds" / "grafana.integreatly.org_grafanadashboards.yaml"
SAMPLES = Path(__file__).parents[1] / "samples" / "crds"
"""Schemas of ours of kinds whose own files are in no package registry, or are too large to be fetched by every run."""
POD_LOGS = SAMPLES / "monitoring.grafana.com_podlogs.yaml"
OPENTELEMETRY = (
    SAMPLES / "opentelemetry.io_opentelemetrycollectors.yaml",
    SAMPLES / "opentelemetry.io_instrumentations.yaml",
)
CILIUM = (SAMPLES / "cilium.io_ciliumnetworkpolicies.yaml", SAMPLES / "cilium.io_tracingpoliciesnamespaced.yaml")
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


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads a lone `=`, which YAML 1.1 gives a meaning of its own and CRDs list among allowed values."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: node.value)


def read_crd(path: Path) -> dict[str, Any]:
    """Read a CustomResourceDefinition, with whatever stands in it."""
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    return found


class CrdFolder:
    """The CRDs of some folders, one file each, named `<group>_<plural>.yaml` or `<plural>.yaml`."""

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._schemas: dict[tuple[str, str], Schema | None] = {}

    def problems(self, manifest: Manifest) -> list[str]:
        """One line for each field that the CRD does not know or does not allow, with its path."""
        key = manifest["apiVersion"], manifest["kind"]
        if key not in self._schemas:
            self._schemas[key] = self._read(*key)
        schema = self._schemas[key]
        if schema is None:
            return [f"no CRD has {key[0]} {key[1]}"]
        errors = jsonschema.Draft202012Validator(schema).iter_errors(manifest)
        return sorted(f"{error.json_path}: {error.message}" for error in errors)

    def _read(self, api_version: str, kind: str) -> Schema | None:
        group, _, wanted = api_version.partition("/")
        files = [f"{begin}{name}.yaml" for name in _plurals(kind) for begin in (f"{group}_", "")]
        for path in (folder / file for folder in self._folders for file in files):
            if not path.is_file():
                continue
            crd = read_crd(path)
            for version in crd["spec"]["versions"]:
                if (version["name"], crd["spec"]["names"]["kind"]) == (wanted, kind):
                    return strict(version["schema"]["openAPIV3Schema"])
        return None


def _plurals(kind: str) -> tuple[str, ...]:
    name = kind.lower()
    return (f"{name}s", name, f"{name}es", f"{name.removesuffix('y')}ies", name.replace("policy", "policies"))


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
    for bound, exclusive in (("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")):
        if found.pop(exclusive, False):  # true in OpenAPI 3.0, the bound itself in JSON Schema
            found[exclusive] = found.pop(bound)
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.pop("nullable", False) and "type" in found:
        found["type"] = [found["type"], "null"]
    return found
