"""Owns the two shared dashboards as files, for a Grafana into which somebody imports them by hand.

It must not add a panel: the operator writes the same ones into ConfigMaps.
"""

import json
from pathlib import Path

from serinus.core.model import Manifest
from serinus.resources import dashboard
from serinus.shell.catalogue import RUNTIMES, load
from tests.support.generate import ROOT

FOLDER = ROOT / "grafana-dashboards"


def files() -> dict[Path, str]:
    """Return the content of both files."""
    library = load(RUNTIMES, ROOT / "alert-rules")
    return {FOLDER / f"{board['uid']}.json": _text(board) for board in boards(library.runtimes)}


def boards(runtimes: dashboard.Runtimes) -> tuple[Manifest, Manifest]:
    """Make the dashboard of services and that of the fleet."""
    return dashboard.services(runtimes), dashboard.fleet()


def _text(board: Manifest) -> str:
    return json.dumps(board, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
