"""Owns what a long step says while it runs: one line every ten seconds, and the end of its log when it fails.

It must not decide what runs; it only runs it, watches it and reports.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

INTERVAL = 10.0
TAIL_LINES = 25


class StepError(RuntimeError):
    """A step cannot be done; the message is one line for people, the log's end below it if there is one."""


def say(text: str) -> None:
    """Write one line to standard error: standard output belongs to results."""
    print(text, file=sys.stderr, flush=True)


class Ticker:
    """Says `what… N s` when ten seconds have passed since the last time, and nothing for a short step."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.started = time.monotonic()
        self.said = self.started

    @property
    def seconds(self) -> float:
        """Return the seconds since the step began."""
        return time.monotonic() - self.started

    def tick(self) -> None:
        """Say a line if it is time."""
        if time.monotonic() - self.said >= INTERVAL:
            self.said = time.monotonic()
            say(f"{self.what}… {self.seconds:.0f} s")


def run(command: list[str], what: str, log: Path, *, cwd: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a command with its output in `log`; raise StepError with the log's last lines when it fails."""
    ticker = Ticker(what)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                ticker.tick()
                try:
                    process.wait(timeout=1)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        raise StepError(f"{what}: `{' '.join(command[:3])} …` ended with {process.returncode}\n{tail}")
