"""Owns the cache folder of built things: its place, its locks, how a finished folder appears at once.

It must not know what is built. A folder that has its final name is complete; everything else is a leftover.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.cluster import progress


def root() -> Path:
    """Return the cache folder: SERINUS_CACHE, or serinus below XDG_CACHE_HOME, or ~/.cache/serinus."""
    if own := os.environ.get("SERINUS_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "serinus"


@contextlib.contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on a file while the block runs; say every 10 s that another process holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        ticker = progress.Ticker(f"waiting for the process that makes {what}")
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                ticker.tick()
                time.sleep(0.1)
        yield


def publish(target: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `target`, made by `build(empty folder)` if it is not there; never half made.

    Two processes may ask at once: the second waits and uses what the first has made.
    """
    if target.is_dir():
        return target
    with lock(root() / "locks" / f"{target.name}.lock", target.name):
        if target.is_dir():
            return target
        for leftover in target.parent.glob(f"{target.name}.*.partial"):
            remove_tree(leftover)
        partial = target.parent / f"{target.name}.{os.getpid()}.partial"
        partial.mkdir(parents=True)
        try:
            build(partial)
            partial.rename(target)
        finally:
            remove_tree(partial)
    return target


def drop_older(made: Path) -> None:
    """Of the folders that differ from `made` only in the key after the last dash, keep the newest other one."""
    stem, _, key = made.name.rpartition("-")
    others = [p for p in made.parent.glob(f"{stem}-*") if len(p.name) == len(stem) + 1 + len(key) and p != made]
    for old in sorted(others, key=lambda p: p.stat().st_mtime, reverse=True)[1:]:
        remove_tree(old)


def remove_tree(folder: Path) -> None:
    """Remove a folder if it is there, read-only folders inside it included."""
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
