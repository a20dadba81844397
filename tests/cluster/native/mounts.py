"""Owns the mounts below the state folder: finds them and takes them away, the innermost first.

It must not touch a mount outside the folder that it is given.
"""

from pathlib import Path

from tests.cluster import host

MOUNTS = Path("/proc/self/mountinfo")
ESCAPES = {"\\040": " ", "\\011": "\t", "\\012": "\n", "\\134": "\\"}


def below(folder: Path) -> list[Path]:
    """Return the mount points inside a folder, newest first; a point that is mounted twice is there twice."""
    points = [Path(_unescaped(line.split()[4])) for line in MOUNTS.read_text().splitlines()]
    return [point for point in reversed(points) if folder in point.parents]


def remove(folder: Path) -> None:
    """Detach every mount inside a folder."""
    for point in below(folder):
        host.output("umount", "--lazy", str(point))


def _unescaped(text: str) -> str:
    for escape, character in ESCAPES.items():
        text = text.replace(escape, character)
    return text
