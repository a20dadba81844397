"""Owns the one folder that a running test cluster leaves on the host, and which kind of cluster it describes.

It must not start or stop anything.
"""

import json
import os
from enum import Enum
from pathlib import Path


class Mode(Enum):
    """How the test cluster is provided."""

    NATIVE = "native"
    KIND = "kind"
    EXISTING = "existing"


def folder() -> Path:
    """Return the state folder: SERINUS_CLUSTER_STATE, else /var/lib for root and ~/.local/state for others."""
    if own := os.environ.get("SERINUS_CLUSTER_STATE"):
        return Path(own)
    if os.geteuid() == 0:
        return Path("/var/lib/serinus-cluster")
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "serinus-cluster"


def kubeconfig() -> Path:
    """Return the path of the cluster's administrator kubeconfig, which `up` writes."""
    return folder() / "kubeconfig"


def read_mode() -> Mode | None:
    """Return the mode of the cluster that `up` has begun, or None when there is none."""
    try:
        return Mode(json.loads((folder() / "cluster.json").read_text())["mode"])
    except FileNotFoundError:
        return None


def write_mode(mode: Mode) -> None:
    """Remember the mode, so that `down` and `status` need no arguments."""
    folder().mkdir(parents=True, exist_ok=True)
    replace_file(folder() / "cluster.json", json.dumps({"mode": mode.value}) + "\n")


def replace_file(path: Path, text: str, permissions: int = 0o644) -> None:
    """Write a file so that a reader, or a run after a crash, finds the old or the new text and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text)
    partial.chmod(permissions)
    partial.replace(path)
