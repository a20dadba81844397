"""Reads the catalogue's files: runtimes and alert rules. It owns the reading alone; `core` says what they mean."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import yaml

from serinus.core.alertfile import parse_alerts
from serinus.core.catalogue import Library, join, parse_runtime
from serinus.core.datafile import InvalidCatalogue
from serinus.core.inhibition import parse_inhibitions
from serinus.core.traces import Preset
from serinus.core.tracespec import parse_presets

T = TypeVar("T")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
RUNTIMES = Path(__file__).parents[1] / "runtimes"
"""The runtimes that come with the package."""
_TRACE_PRESETS = Path(__file__).parents[1] / "data" / "trace-presets.yaml"
_INHIBITIONS = Path("routing") / "inhibitions.yaml"
"""Beside the alerts in a folder of its own: every file of the folder itself is a group of alerts."""


def load(runtimes_dir: Path, alert_rules_dir: Path) -> Library:
    """Read every `*.yaml` of both folders; raises InvalidCatalogue for a folder or file that cannot be used."""
    library = join(_parsed(runtimes_dir, parse_runtime), _parsed(alert_rules_dir, parse_alerts))
    file = alert_rules_dir / _INHIBITIONS
    if not file.is_file():  # alerts of somebody's own need not come with them
        return library
    names = [alert.name for group in library.alerts for alert in group.alerts]
    return replace(library, inhibitions=parse_inhibitions(_read(file), str(_INHIBITIONS), names))


def trace_presets() -> Mapping[str, Preset]:
    """Read the table of backends of traces; raises InvalidCatalogue."""
    return parse_presets(_read(_TRACE_PRESETS), _TRACE_PRESETS.name)


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
