"""Owns the cluster's daemons as processes: start in a session of their own, find, end.

A daemon is known by a mark in its environment (state folder, name, digest of command and configuration): it survives
every crash of the program that started it, and a reused process id cannot be mistaken for it. It must not end any
process without the mark.
"""

import hashlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.native.layout import MARKER, Layout
from tests.cluster.waiting import wait_for

PROC = Path("/proc")


@dataclass(frozen=True)
class Daemon:
    """A daemon: its name, its command, and the files whose change needs a restart."""

    name: str
    command: tuple[str, ...]
    reads: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Found:
    """A running process that carries the mark."""

    pid: int
    name: str
    digest: str
    program: str


def ensure_running(layout: Layout, daemon: Daemon) -> bool:
    """Start the daemon unless it runs with this very command and configuration; tell whether it was started."""
    wanted = _digest(daemon)
    own = [found for found in running(layout) if found.name == daemon.name and _is_main(found, daemon)]
    if any(found.digest == wanted for found in own):
        return False
    end([found.pid for found in own], grace=2.0)
    layout.logs.mkdir(parents=True, exist_ok=True)
    pid = _spawn(layout, daemon, wanted)
    # the kernel shows the new environment a moment after exec has begun
    while start_time(pid) and not is_running(layout, daemon):
        time.sleep(0.005)
    return True


def _spawn(layout: Layout, daemon: Daemon, digest: str) -> int:
    """Start a process that outlives this one, with its output at the end of its log."""
    log = str(layout.logs / f"{daemon.name}.log")
    return os.posix_spawn(
        daemon.command[0],
        daemon.command,
        os.environ | {MARKER: f"{layout.root}:{daemon.name}:{digest}"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def is_running(layout: Layout, daemon: Daemon) -> bool:
    """Tell whether the daemon's own process is alive (a zombie is not)."""
    return any(found.name == daemon.name and _is_main(found, daemon) for found in running(layout))


def running(layout: Layout) -> list[Found]:
    """Return every live process that carries this cluster's mark, the children of daemons included."""
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit():
            continue
        mark = _mark(entry)
        prefix = f"{layout.root}:"
        if mark.startswith(prefix):
            name, _, digest = mark.removeprefix(prefix).partition(":")
            found.append(Found(int(entry.name), name, digest, _program(entry)))
    return found


def end(pids: list[int], grace: float) -> None:
    """Ask processes to end, kill what is left after `grace` seconds, and return when all are gone."""
    started = {pid: start_time(pid) for pid in pids}
    if grace > 0:
        _signal(started, signal.SIGTERM)
        until = time.monotonic() + grace
        while _alive(started) and time.monotonic() < until:
            time.sleep(0.05)
    _signal(started, signal.SIGKILL)
    wait_for(lambda: not _alive(started), 20.0, f"the end of processes {sorted(started)}")


def start_time(pid: int) -> str:
    """Return the start time of a live process in clock ticks, or nothing when it is gone or a zombie."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _alive(started: dict[int, str]) -> list[int]:
    return [pid for pid, since in started.items() if since and start_time(pid) == since]


def _signal(started: dict[int, str], number: signal.Signals) -> None:
    for pid in _alive(started):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _digest(daemon: Daemon) -> str:
    digest = hashlib.sha256("\0".join(daemon.command).encode())
    for path in daemon.reads:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _is_main(found: Found, daemon: Daemon) -> bool:
    return found.program == Path(daemon.command[0]).resolve().name


def _mark(entry: Path) -> str:
    try:
        variables = (entry / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
    wanted = f"{MARKER}=".encode()
    return next((v.removeprefix(wanted).decode() for v in variables if v.startswith(wanted)), "")


def _program(entry: Path) -> str:
    try:
        return (entry / "exe").readlink().name.removesuffix(" (deleted)")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""
