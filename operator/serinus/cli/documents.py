"""YAML files as Serinus' objects, sorted by kind. It reads files; it checks nothing but that they can be read."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]


class Unreadable(Exception):
    """A file that cannot be read as YAML objects; the message names it."""


@dataclass(frozen=True)
class Document:
    """One object and the file that it stands in."""

    file: str
    body: Manifest

    @property
    def title(self) -> str:
        """`chat.yaml: LLMService team-a/chat`."""
        metadata = self.body.get("metadata") or {}
        return (
            f"{self.file}: {self.body.get('kind')} {metadata.get('namespace', 'default')}/{metadata.get('name', '?')}"
        )


def read(paths: Iterable[str]) -> list[Document]:
    """Read every object of these files (`-`: standard input); raises Unreadable."""
    found = []
    for path in paths:
        try:
            text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
            bodies = [body for body in yaml.safe_load_all(text) if body is not None]
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
            raise Unreadable(f"{path}: {e}") from e
        for body in bodies:
            if not isinstance(body, dict) or "kind" not in body:
                raise Unreadable(f"{path}: found a document without a kind, allowed are Kubernetes objects")
            found.append(Document(path, body))
    return found
