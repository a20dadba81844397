"""Owns the cluster's control groups: one folder of ours in every hierarchy, so that we know what to remove.

It must not move or end processes outside that folder.
"""

import contextlib
from pathlib import Path

from tests.cluster.native import processes
from tests.cluster.native.layout import CGROUP
from tests.cluster.waiting import wait_for

MOUNTS = Path("/proc/self/mountinfo")


def ensure() -> None:
    """Make our folder in every hierarchy, with the parent's CPUs and memory nodes or controllers."""
    for hierarchy in _hierarchies():
        folder = hierarchy / CGROUP
        folder.mkdir(exist_ok=True)
        _copy_cpuset(hierarchy, folder)
        _enable_controllers(hierarchy, folder)


def remove() -> None:
    """End every process in our folders (pods that outlived containerd) and remove the folders."""
    wait_for(lambda: not pids() or _end_all(), 30.0, "the end of the pods' processes")
    wait_for(_remove_folders, 30.0, "the removal of the control groups")


def leftovers() -> list[Path]:
    """Return our folders that are there."""
    return [folder for hierarchy in _hierarchies() if (folder := hierarchy / CGROUP).is_dir()]


def _end_all() -> bool:
    processes.end(pids(), grace=0)
    return not pids()


def pids() -> list[int]:
    """Return the live processes in our folders."""
    found: set[int] = set()
    for top in leftovers():
        for listing in top.rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(line) for line in listing.read_text().split())
    return sorted(pid for pid in found if processes.start_time(pid))


def _remove_folders() -> bool:
    for top in leftovers():
        inner = sorted((f for f in top.rglob("*") if f.is_dir()), key=lambda f: len(f.parts), reverse=True)
        for folder in [*inner, top]:
            with contextlib.suppress(OSError):
                folder.rmdir()
    return not leftovers()


def _hierarchies() -> list[Path]:
    found = []
    for line in MOUNTS.read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] in {"cgroup", "cgroup2"}:
            found.append(Path(before.split()[4]))
    return found


def _copy_cpuset(hierarchy: Path, folder: Path) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):
        source, target = hierarchy / name, folder / name
        if source.is_file() and target.is_file() and not target.read_text().strip():
            target.write_text(source.read_text())


def _enable_controllers(hierarchy: Path, folder: Path) -> None:
    listing = hierarchy / "cgroup.controllers"
    if not listing.is_file():
        return
    for controller in listing.read_text().split():
        for place in (hierarchy, folder):
            # a controller without a hierarchy of its own level (a threaded one, say) stays as it is
            with contextlib.suppress(OSError):
                (place / "cgroup.subtree_control").write_text(f"+{controller}")
