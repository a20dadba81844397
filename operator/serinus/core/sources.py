"""The texts of a ProbeSet and how they refer to each other. A reference resolves within them and nowhere else."""

import posixpath
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from serinus.core.findings import Findings, Place
from serinus.core.json_tree import read_json
from serinus.core.jstext import WHITESPACE
from serinus.core.references import dereferenced
from serinus.core.tree import Node, UnreadableDocument
from serinus.core.yaml12 import read_yaml

FILE: Final = "file://"
YAML_ENDINGS: Final = (".yaml", ".yml")
SCRIPT_ENDINGS: Final = (".js", ".cjs", ".mjs")
"""JavaScript that stands alone. `.ts` is another language."""
_MAX_LISTS: Final = 200
_OTHER_SCRIPTS: Final = (".ts", ".mts", ".cts", ".py", ".rb")


class Sources:
    """The files of a ProbeSet by name, and what is found while reading them. `python`: scripts may be in Python."""

    def __init__(self, files: Mapping[str, str], findings: Findings, *, python: bool = True) -> None:
        self._files = files
        self._flat: dict[str, str] = {}
        self._lists = 0
        self.findings = findings
        self.python = python

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return self._resolve(name, "") is not None

    def open_list(self, where: Place) -> bool:
        """Count one more file of tests; False, and a problem, where files lead to each other without end."""
        self._lists += 1
        if self._lists == _MAX_LISTS + 1:
            self.findings.problem(where, f"found more than {_MAX_LISTS} files of tests, each time counted")
        return self._lists <= _MAX_LISTS

    def matching(self, pattern: str) -> list[str]:
        """The names that a pattern such as `file://tests/*.yaml` stands for, in order."""
        plain = _plain_name(pattern) or ""
        return sorted(name for name in self._files if fnmatchcase(name, plain))

    def text(self, where: Place, reference: str) -> tuple[str, str] | None:
        """Name and text that a reference (`file://name`) leads to; None, and a problem, when it leads nowhere."""
        name = self._resolve(reference, where.file)
        if name is None:
            known = ", ".join(sorted(self._files)[:10]) or "none, because the source is inline"
            self.findings.problem(where, f"found {reference[:100]!r}, allowed are the files of the ProbeSet: {known}")
            return None
        return name, self._files[name]

    def _resolve(self, reference: str, beside: str) -> str | None:
        """The file that a reference means: by its path, beside the file that names it, or flat as in a ConfigMap.

        The keys of a ConfigMap have no slashes: `a/b.txt` is the key `a__b.txt`, or `b.txt` if nothing else is that.
        """
        plain = _plain_name(reference)
        if plain is None:
            return None
        near = _plain_name(posixpath.join(posixpath.dirname(beside), plain))
        for name in (plain, near, plain.replace("/", "__")):
            if name is not None and name in self._files:
                return name
        base = posixpath.basename(plain)
        return base if base in self._files and self._flat.setdefault(base, plain) == plain else None

    def document(self, where: Place, reference: str) -> Place | None:
        """The tree that a reference to a YAML or JSON file leads to, with its own lines."""
        found = self.text(where, reference)
        if found is None:
            return None
        name, text = found
        return self.tree(text, name)

    def tree(self, text: str, name: str, *, references: bool = True) -> Place | None:
        """Read a text as JSON (by its ending or its first sign) or YAML; None, and a problem, when it is neither."""
        try:
            node = read_json(text) if _is_json(text, name) else read_yaml(text)
            node = dereferenced(node) if references and "$ref" in text else node
        except UnreadableDocument as e:
            self.findings.problem(Place(Node(e.line, None), "", name), e.message)
            return None
        return Place(node, "", name)

    def literal(self, where: Place, reference: str) -> Place | None:
        """The value of a file as promptfoo reads it for an assertion: data, or text without white space at its ends."""
        found = self.text(where, reference)
        if found is None:
            return None
        name, text = found
        if name.endswith((*YAML_ENDINGS, ".json")):
            return self.tree(text, name, references=False)  # a schema has references of its own
        if not name.endswith(".txt"):
            self.findings.problem(where, f"found {reference[:100]!r}, allowed are .txt, .json, .yaml and .yml")
            return None
        return Place(Node(where.node.line, text.strip(WHITESPACE)), where.path, where.file)


def is_reference(value: object) -> bool:
    """Whether a value is `file://…`."""
    return isinstance(value, str) and value.startswith(FILE)


def is_script(reference: str) -> bool:
    """Whether a reference leads to a JavaScript module, with or without `:function`."""
    return _without_function(reference).endswith(SCRIPT_ENDINGS)


def is_other_script(reference: str) -> bool:
    """Whether a reference leads to a script that nothing here can run."""
    return _without_function(reference).endswith(_OTHER_SCRIPTS)


def split_function(reference: str) -> tuple[str, str]:
    """`file://check.js:name` as (`file://check.js`, `name`)."""
    path, _, function = reference.removeprefix(FILE).partition(":")
    return FILE + path, function


def _without_function(reference: str) -> str:
    return split_function(reference)[0]


def _plain_name(reference: str) -> str | None:
    """The path below the root, without `.` and `..`; None for one that leads out of it."""
    path = posixpath.normpath(reference.removeprefix(FILE).replace("\\", "/"))
    return None if path.startswith(("/", "..")) or path == "." else path


def _is_json(text: str, name: str) -> bool:
    """YAML readers refuse the surrogate escapes of JSON, so a text that may be JSON is tried as JSON first."""
    if name.endswith(".json"):
        return True
    if name.endswith(YAML_ENDINGS) or not text.lstrip().startswith(("{", "[")):
        return False
    try:
        read_json(text)
    except UnreadableDocument:
        return False
    return True
