"""YAML files as Kubernetes objects with the file that they stand in. It checks nothing but that they can be read."""

import json
import sys
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
_LIST = "List"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"


class Unreadable(Exception):
    """A file that cannot be read as Kubernetes objects; the message is one line and names it."""


@dataclass(frozen=True)
class Document:
    """One object and the file that it stands in. `kind` is a string, `metadata` an object, its names are strings."""

    file: str
    body: Manifest

    @property
    def kind(self) -> str:
        """The kind."""
        return str(self.body["kind"])

    @property
    def namespace(self) -> str:
        """The namespace, `default` if none is written."""
        return str(self.body["metadata"].get("namespace", "default"))

    @property
    def name(self) -> str:
        """The name, `?` if none is written."""
        return str(self.body["metadata"].get("name", "?"))

    @property
    def object(self) -> str:
        """`LLMService team-a/chat`."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """`chat.yaml: LLMService team-a/chat`."""
        return f"{self.file}: {self.object}"


class _Loader(yaml.SafeLoader):
    """YAML as the API server reads it: times stay text, and a key stands there once."""

    def construct_mapping(  # type: ignore[explicit-override]
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own signature
    ) -> dict[Hashable, Any]:
        """Refuse a key that stands there twice: of two values one would be dropped without a word."""
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = getattr(key_node, "value", None)
            if isinstance(key, str) and key in seen and key != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key!r} stands there twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, str) else id(key_node))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(paths: Iterable[str]) -> list[Document]:
    """Read every object of these files (`-`: standard input), those of a List one by one; raises Unreadable."""
    found = []
    for path in paths:
        try:
            bodies = list(yaml.load_all(_text(path), Loader=_Loader))
            plain = json.loads(json.dumps(bodies, allow_nan=False))
        except OSError as e:
            raise Unreadable(f"{path}: cannot be read: {e.strerror or e}") from e
        except UnicodeDecodeError as e:
            raise Unreadable(f"{path}: cannot be read: byte {e.start + 1} is not UTF-8") from e
        except yaml.YAMLError as e:
            raise Unreadable(f"{path}: not YAML: {_reason(e)}") from e
        except (TypeError, ValueError, RecursionError) as e:
            raise Unreadable(f"{path}: cannot be written as JSON, which Kubernetes needs: {e}") from e
        found += [document for i, body in enumerate(plain, 1) for document in _documents(path, i, body)]
    return found


def _text(path: str) -> str:
    if path != "-":
        return Path(path).read_text(encoding="utf-8-sig")
    if sys.stdin is None:
        raise OSError("standard input is closed")
    return sys.stdin.buffer.read().decode("utf-8-sig")


def _reason(error: yaml.YAMLError) -> str:
    """The problem and its place, in one line."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return where + " ".join(str(getattr(error, "problem", None) or getattr(error, "reason", None) or error).split())


def _documents(path: str, number: int, body: object) -> Iterator[Document]:
    """The objects of one YAML document, the first being number 1; an empty one holds none."""
    if body is None:
        return
    where = f"{path}: document {number}"
    if not isinstance(body, dict):
        raise Unreadable(f"{where}: found {_word(body)}, allowed is a Kubernetes object")
    kind, items = body.get("kind"), body.get("items")
    if not isinstance(kind, str) or not kind:
        raise Unreadable(f"{where}: kind: found {_word(kind)}, allowed is the kind of a Kubernetes object")
    if kind == _LIST and isinstance(items, list):
        for item in items:
            yield from _documents(path, number, item)
        return
    metadata = body.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise Unreadable(f"{where}: metadata: found {_word(metadata)}, allowed is an object")
    for key in ("name", "namespace"):
        if not isinstance(metadata.get(key, ""), str):
            raise Unreadable(f"{where}: metadata.{key}: found {_word(metadata[key])}, allowed is a string")
    yield Document(path, body)


def _word(value: object) -> str:
    words = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "nothing"}
    return words.get(type(value), "a number")
