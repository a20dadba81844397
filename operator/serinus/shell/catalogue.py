"""Reads the catalogue's files: runtimes and alert rules. It owns the reading alone; `core` says what they mean."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from serinus.core.alertfile import parse_alerts
from serinus.core.catalogue import Library, join, parse_runtime
from serinus.core.datafile import InvalidCatalogue

T = TypeVar("T")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RUNTIMES = Path(__file__).parents[1] / "runtimes"
"""The runtimes that come with the package."""


def load(runtimes_dir: Path, alert_rules_dir: Path) -> Library:
    """Read every `*.yaml` of both folders; raises InvalidCatalogue for a folder or file that cannot be used."""
    return join(_parsed(runtimes_dir, parse_runtime), _parsed(alert_rules_dir, parse_alerts))


def _parsed(folder: Path, parse: Callable[[object, str], T]) -> dict[str, T]:
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise InvalidCatalogue(f"{folder}: found no file *.yaml, allowed is a folder with at least one")
    return {file.name: parse(_read(file), file.name) for file in files}


def _read(file: Path) -> object:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InvalidCatalogue(f"{file.name}: cannot be read as YAML: {e}") from e
