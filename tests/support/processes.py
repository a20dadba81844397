"""Owns child processes of the test bed: started in a session of their own, ended with us whatever happens to us.

It must not know what it runs. PR_SET_PDEATHSIG follows the thread that starts a process: start from the main thread.
"""

import atexit
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
POLL_SECONDS = 0.03


class Ended(Exception):
    """A process ended before it was ready; carries the end of its log."""


def _die_with(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Child:
    """A running program whose output goes to a log file."""

    def __init__(
        self, arguments: Sequence[str | Path], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = log
        self.name = " ".join(Path(str(a)).name for a in arguments[:2])
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(a) for a in arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 -- only two system calls run there
                env=None if environment is None else {**os.environ, **environment},
            )
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code (negative: the signal), None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise Ended, with the last lines of the log, when the process is gone."""
        if self.returncode is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise Ended(f"{self.name} ended with {self.returncode}; the end of {self.log.name}:\n{tail}")

    def signal(self, number: int) -> None:
        """Send a signal to the whole group if it is still there."""
        if self.returncode is None:
            os.killpg(self.pid, number)

    def wait(self, seconds: float) -> int:
        """Wait for the end; raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """End the whole group at once; a second call does nothing."""
        self.signal(signal.SIGKILL)
        self._process.wait(10)
        atexit.unregister(self.kill)

    def stop(self, seconds: float) -> int:
        """Ask the process to end, and end it after so many seconds; return its exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return -signal.SIGKILL
        finally:
            self.kill()


def free_ports(number: int) -> list[int]:
    """Free loopback ports, all different; another process may still take one before it is used."""
    holders = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    try:
        return [h.getsockname()[1] for h in holders]
    finally:
        for holder in holders:
            holder.close()


def eventually(condition: Callable[[], _T | None], what: str, *, seconds: float = 10.0) -> _T:
    """Return the first true value of the condition; raises AssertionError with `what` and the last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:g} s: {what}; last: {value!r}")
        time.sleep(POLL_SECONDS)
