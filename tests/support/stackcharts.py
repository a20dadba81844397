"""Owns what the stack's chart has to know of the real charts that it joins, and stubs made from that.

`python -m tests.support.stackcharts <folder>` reads the real charts, one folder each with its dependencies, and writes
`tests/samples/stack-charts.yaml`: the keys that we set, and the Services that come out. It holds no text of theirs.
"""

import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.helm import CHART, run

STACK = CHART.parent / "serinus-stack"
RECORD = Path(__file__).parents[1] / "samples" / "stack-charts.yaml"
PROFILES = ("minimal", "quality", "full")
OPEN = (
    "loki.analytics", "loki.commonConfig", "loki.limits_config", "loki.rulerConfig", "loki.schemaConfig",
)  # fmt: skip
"""Settings of Loki itself: its chart hands them on whole, whatever their keys are."""

Values = Mapping[str, Any]


def chart() -> dict[str, Any]:
    """Return the stack's Chart.yaml."""
    return dict(yaml.safe_load((STACK / "Chart.yaml").read_text(encoding="utf-8")))


def foreign() -> dict[str, str]:
    """Return the joined charts that are not ours, by name with the pinned version."""
    return {d["name"]: d["version"] for d in chart()["dependencies"] if not d["repository"].startswith("file:")}


def value_files() -> dict[str, Values]:
    """Return everything that sets values: the chart's defaults and each profile."""
    files = [STACK / "values.yaml", *(STACK / "profiles" / f"{name}.yaml" for name in PROFILES)]
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def paths(values: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted path of each leaf; a list is a leaf."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from paths(value, f"{prefix}.{key}" if prefix else str(key))
    elif prefix:
        yield prefix


def set_keys(name: str) -> set[str]:
    """Return the paths of one joined chart that any of our files sets."""
    return {path for values in value_files().values() for path in paths(values.get(name) or {})}


def record() -> dict[str, Any]:
    """Return what was written down of the real charts."""
    return dict(yaml.safe_load(RECORD.read_text(encoding="utf-8")))


def stack(target: Path) -> Path:
    """Write the stack with the operator's real chart and a stub for each other; return its folder."""
    made = shutil.copytree(STACK, target / "serinus-stack")
    shutil.copytree(CHART, made / "charts" / "serinus")
    for name, found in record().items():
        _stub(made / "charts" / name, name, found)
    return made


def _stub(folder: Path, name: str, found: Mapping[str, Any]) -> None:
    """Write a chart that takes exactly the known keys and shows the values it was given."""
    (folder / "templates").mkdir(parents=True)
    metadata = {"apiVersion": "v2", "name": name, "version": found["version"]}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(metadata), encoding="utf-8")
    (folder / "values.yaml").write_text("{}\n", encoding="utf-8")
    (folder / "values.schema.json").write_text(json.dumps(_schema(found["keys"])), encoding="utf-8")
    (folder / "templates" / "values.yaml").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: stub-{name}}}\n"
        "data:\n  values: {{ omit .Values `global` | toJson | quote }}\n",
        encoding="utf-8",
    )


def _schema(keys: list[str]) -> dict[str, Any]:
    root: dict[str, Any] = {"type": "object", "properties": {"global": {}}, "additionalProperties": False}
    for path in keys:
        node = root
        *parents, last = path.split(".")
        for part in parents:
            below = node["properties"].setdefault(part, {"type": "object", "properties": {}})
            below["additionalProperties"] = False
            node = below
        node["properties"][last] = {}
    return root


def _known(name: str, text: str) -> list[str]:
    """Return the keys that we set and that the real chart has; raises LookupError for one that it lacks."""
    real: Values = yaml.safe_load(text)
    # A key that a chart reads without a default stands in its values as a comment.
    commented = set(re.findall(r"(?m)^ *# ?([A-Za-z]+):", text))
    keys = set()
    for path in set_keys(name):
        node: Any = real
        parts = path.split(".")
        for i, part in enumerate(parts):
            so_far = ".".join(parts[:i])
            if i and (so_far in OPEN or (isinstance(node, dict) and not node)):
                keys.add(so_far)
                break
            if isinstance(node, dict) and part not in node and part in commented:
                keys.add(path)
                break
            if not isinstance(node, dict) or part not in node:
                raise LookupError(f"{name}: {path}: found no {part!r} in the chart's values")
            node = node[part]
        else:
            keys.add(path)
    return sorted(keys)


def _services(folder: Path, name: str) -> list[str]:
    """Return `name:port` of each Service that a real chart makes with our values."""
    values = {key: value for file in value_files().values() for key, value in (file.get(name) or {}).items()}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(values, file)
        file.flush()
        text = run("template", "canary", str(folder), "--namespace", "ops", "--values", file.name)
    parts = (part for part in re.split(r"(?m)^---\n", text) if re.search(r"(?m)^kind: Service$", part))
    objects = [item for part in parts for item in yaml.safe_load_all(part)]
    ours = [o for o in objects if o["metadata"].get("namespace", "ops") == "ops"]
    return sorted(f"{o['metadata']['name']}:{port['port']}" for o in ours for port in o["spec"]["ports"])


def main(folder: Path) -> None:
    """Read the real charts and write the record."""
    found = {}
    for name, version in foreign().items():
        text = (folder / name / "values.yaml").read_text(encoding="utf-8")
        found[name] = {"version": version, "keys": _known(name, text), "services": _services(folder / name, name)}
    head = "# Written by `python -m tests.support.stackcharts <folder with the real charts>`.\n"
    RECORD.write_text(head + yaml.safe_dump(found, sort_keys=True, width=120), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
