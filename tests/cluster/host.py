"""Owns how commands of this host are called: their output as text, their failure as one readable error.

It must not know what the commands do.
"""

import subprocess

from tests.cluster.progress import StepError


def output(*command: str, stdin: str | None = None) -> str:
    """Run a command and return what it printed; StepError with its own words when it fails."""
    process = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        said = (process.stderr.strip() or process.stdout.strip() or "no output")[-2000:]
        raise StepError(f"`{' '.join(command)}` ended with {process.returncode}: {said}")
    return process.stdout


def succeeds(*command: str, timeout: float = 20.0) -> bool:
    """Tell whether a command is there and ends with 0 within `timeout` seconds."""
    try:
        process = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False)
    except (FileNotFoundError, PermissionError, subprocess.TimeoutExpired):
        return False
    return process.returncode == 0
