"""Checks a file of probes on a laptop: a ProbeSet, or promptfoo's own files. It prints nothing and needs no cluster."""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from serinus.core.probe import MAX_SOURCE_BYTES, ProbeSet, Problem
from serinus.core.probeset import parse_probe_set
from serinus.core.tree import Node, UnreadableDocument
from serinus.core.yaml12 import read_yaml

_MAX_FILES: Final = 5000
_MAIN: Final = ("promptfooconfig.yaml", "promptfooconfig.yml", "promptfooconfig.json")
_ROWS: Final = (".csv", ".jsonl")
_OBJECT: Final = re.compile(r"^[\"']?apiVersion[\"']?\s*:|^\s*\{\s*\"apiVersion\"", re.MULTILINE)
_SUITE: Final = re.compile(
    r"^[\s\[{-]*[\"']?(?:prompts|tests|defaultTest|vars|assert|scenarios|redteam|providers)[\"']?\s*:", re.MULTILINE
)
_PATTERN: Final = re.compile(r"[\w./-]*\*[\w./*-]*\.\w+")
_NAMING: Final = (".yaml", ".yml", ".json")
"""Files that may name other files."""
_ANY_JUDGE: Final = {"name": "any", "model": "any", "serviceRef": {"name": "any", "port": 80}}
"""Stands for the judges that the ProbeSet will name: a file of tests cannot."""
_KIND: Final = "ProbeSet"
_ANYBODY: Final[Mapping[str, Any]] = {
    "judges": [{"name": "any", "model": "any", "endpointRef": {"name": "any"}}],
    "embeddings": {"model": "any", "endpointRef": {"name": "any"}},
}
"""Who judges is said by the ProbeSet to be, not by its files."""
_BLOCK: Final = re.compile(r"inline:\s*\|")
_STEP: Final = re.compile(r"[^.\[\]]+")


def is_probe_file(path: Path) -> bool:
    """Whether this is a folder or a file of promptfoo's, or rows of a data set, rather than Kubernetes objects."""
    if path.is_dir():
        return any((path / name).is_file() for name in _MAIN)
    if path.suffix in _ROWS:
        return True
    try:
        text = _read(path)
    except (OSError, UnicodeError, ValueError):
        return False
    return _OBJECT.search(text) is None and _SUITE.search(text) is not None


def validate_probeset_file(path: Path, prompts: tuple[str, ...] = ()) -> list[Problem]:
    """Everything that is wrong with a file, in the order of its lines; empty when it can be used.

    `prompts` are those of the ProbeSet to be, for files that have none; a `file://` resolves in the file's folder and
    below it, not beyond it. A folder is that of its promptfooconfig.
    """
    path = _main_file(path)
    try:
        text = _read(path)
    except (OSError, UnicodeError, ValueError) as e:
        return [Problem(line=0, field="", message=f"cannot be read: {e}", file=path.name)]
    manifest = _manifest(text, path)
    if manifest is not None:
        return _of_manifest(manifest, text, path.name)
    spec, files = _suite(path, text, prompts)
    spec |= {"judges": [_ANY_JUDGE], "embeddings": {k: v for k, v in _ANY_JUDGE.items() if k != "name"}}
    spec |= _ANYBODY
    return _ordered(_problems(parse_probe_set(spec, files), path.name))


def read_suite(path: Path, prompts: tuple[str, ...] = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """The spec of a ProbeSet with these tests, and the files that it reads; raises OSError or ValueError."""
    path = _main_file(path)
    return _suite(path, _read(path), prompts)


def _suite(path: Path, text: str, prompts: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, str]]:
    spec: dict[str, Any] = {"source": {"configMapRef": {"name": "folder", "key": path.name}}}
    spec["format"] = {".csv": "csv", ".jsonl": "jsonl"}.get(path.suffix, "promptfoo")
    spec["prompts"] = list(prompts)
    return spec, {path.name: text, **_beside(path, text)}


def _main_file(path: Path) -> Path:
    """The file itself, or the promptfooconfig of a folder."""
    if not path.is_dir():
        return path
    return next((path / name for name in _MAIN if (path / name).is_file()), path / _MAIN[0])


def _problems(found: ProbeSet, name: str) -> list[Problem]:
    from serinus.probes.check import check_probes  # noqa: PLC0415 - takes long to import, and runs check themselves

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
    """The files in the folder and below it that are named in the text, or in a file that is named there."""
    names = [p for p in _files(path.parent) if p != path]
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        here = waiting.pop()
        patterns = [p.lstrip("/").removeprefix("./") for p in _PATTERN.findall(here)]
        for other in names:
            name = other.relative_to(path.parent).as_posix()
            if name not in found and (other.name in here or any(fnmatchcase(name, p) for p in patterns)):
                try:
                    found[name] = _read(other)
                except (OSError, UnicodeError, ValueError):
                    continue
                if name.endswith(_NAMING):
                    waiting.append(found[name])
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder that a test could refer to; links that lead out of it are not followed."""
    root, seen = folder.resolve(), 0
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith(".") and f != "node_modules")
        for name in sorted(names):
            path = Path(here, name)
            seen += 1
            if seen > _MAX_FILES:
                return
            if path.is_file() and path.resolve().is_relative_to(root):
                yield path
