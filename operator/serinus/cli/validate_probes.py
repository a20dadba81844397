"""Checks a file of probes on a laptop: a ProbeSet, or promptfoo's own files. It prints nothing and needs no cluster."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from serinus.core.probe import MAX_SOURCE_BYTES, ProbeSet, Problem
from serinus.core.probeset import parse_probe_set
from serinus.core.tree import Node, UnreadableDocument
from serinus.core.yaml12 import read_yaml
from serinus.probes.check import check_probes

_ENDINGS: Final = (".yaml", ".yml", ".json", ".csv", ".txt", ".md", ".j2", ".js", ".cjs")
_KIND: Final = "ProbeSet"
_ANYBODY: Final[Mapping[str, Any]] = {
    "judges": [{"name": "any", "model": "any", "endpointRef": {"name": "any"}}],
    "embeddings": {"model": "any", "endpointRef": {"name": "any"}},
}
"""Who judges is said by the ProbeSet to be, not by its files."""
_BLOCK: Final = re.compile(r"inline:\s*\|")
_STEP: Final = re.compile(r"[^.\[\]]+")


def validate_probeset_file(path: Path, prompts: tuple[str, ...] = ()) -> list[Problem]:
    """Everything that is wrong with a file, in the order of its lines; empty when it can be used.

    `prompts` are those of the ProbeSet to be, for files that have none; a `file://` resolves beside the file only.
    """
    try:
        text = _read(path)
    except (OSError, UnicodeError, ValueError) as e:
        return [Problem(line=0, field="", message=f"cannot be read: {e}", file=path.name)]
    manifest = _manifest(text, path)
    if manifest is not None:
        return _of_manifest(manifest, text, path.name)
    files = {path.name: text, **_beside(path, text)}
    spec: dict[str, Any] = {"source": {"configMapRef": {"name": "folder", "key": path.name}}}
    spec["format"] = "csv" if path.suffix == ".csv" else "promptfoo"
    spec["prompts"] = list(prompts)
    spec |= _ANYBODY
    return _ordered(_problems(parse_probe_set(spec, files), path.name))


def _problems(found: ProbeSet, name: str) -> list[Problem]:
    problems = found.problems or check_probes(found)
    return [p if p.file else dataclasses.replace(p, file=name) for p in problems]


def _ordered(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.file, p.line))


def _read(path: Path) -> str:
    size = path.stat().st_size
    if size > MAX_SOURCE_BYTES:
        raise ValueError(f"found {size} bytes, allowed are {MAX_SOURCE_BYTES}")
    return path.read_text(encoding="utf-8")


def _manifest(text: str, path: Path) -> Node | None:
    """The document, if it is a Kubernetes object."""
    if path.suffix not in (".yaml", ".yml", ".json"):
        return None
    try:
        node = read_yaml(text)
    except UnreadableDocument:
        return None  # the parser of probes says it with its line
    return node if "apiVersion" in node.fields and "kind" in node.fields else None


def _of_manifest(node: Node, text: str, name: str) -> list[Problem]:
    if node.fields["kind"].value != _KIND:
        kind = node.fields["kind"]
        return [Problem(line=kind.line, field="kind", message=f"found {kind.shown()}, allowed is {_KIND}", file=name)]
    spec = node.fields.get("spec", Node(node.line, {}))
    source = spec.get("source") or Node(spec.line, {})
    if source.get("configMapRef") is not None and source.get("inline") is None:
        message = "the probes are in a ConfigMap: check the file that it is made from"
        return [Problem(line=source.line, field="spec.source.configMapRef", message=message, file=name)]
    inline = source.get("inline") or source
    found = parse_probe_set(spec.plain() if isinstance(spec.value, dict) else {}, {})
    block = _BLOCK.search(text.split("\n")[inline.line - 1]) is not None
    return _ordered([_placed(p, node, inline.line, block=block) for p in _problems(found, name)])


def _placed(problem: Problem, node: Node, inline: int, *, block: bool) -> Problem:
    """A problem with its line in the manifest instead of in the text within it."""
    if problem.line:
        return dataclasses.replace(problem, line=inline + problem.line if block else inline)
    line = node.line
    for step in _STEP.findall(problem.field):
        below: Node | None = node.fields.get(step)
        if below is None and step.isdigit() and int(step) < len(node.items):
            below = node.items[int(step)]
        if below is None:
            break
        node, line = below, below.line
    return dataclasses.replace(problem, line=line)


def _beside(path: Path, text: str) -> Mapping[str, str]:
    """The files of the same folder that are named in the text, or in a file that is named there."""
    names = [p for p in sorted(path.parent.iterdir()) if p.is_file() and p.name.endswith(_ENDINGS) and p != path]
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        here = waiting.pop()
        for other in names:
            if other.name in here and other.name not in found:
                try:
                    found[other.name] = _read(other)
                except (OSError, UnicodeError, ValueError):
                    continue
                waiting.append(found[other.name])
    return found
