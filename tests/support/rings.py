"""Owns the order in which `make test` runs the rings, and what it prints last: pytest's own closing lines.

It must not know any test. A ring in which nothing runs has failed. Programs that take minutes to build are made before
the ring that needs them: a test has its time for itself.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass

CLOSING = re.compile(rb"^(?:\x1b\[[0-9;]*m)*=+ .* in [0-9.]+s.* =+(?:\x1b\[[0-9;]*m)*$|^no tests ran in .*$")

SLOWEST = ("--durations=8", "--durations-min=8")
"""What took longest stands in the output of every run: that is where the next minute is to be saved."""


@dataclass(frozen=True)
class Ring:
    """One call of pytest: a name for people, its arguments, and the programs that must be there before."""

    name: str
    arguments: tuple[str, ...]
    programs: tuple[str, ...] = ()


RINGS = (
    Ring(
        "unit, golden, alerts, engine",
        (
            "-n",
            "2",
            "--dist",
            "loadscope",
            "tests/unit",
            "tests/golden",
            "tests/alerts",
            "tests/engine",
            "tests/parity",
        ),
        (
            "kubectl",
            "helm",
            "kube",
            "promtool",
            "prometheus",
            "amtool",
            "alertmanager",
            "prometheus-operator-crds",
            "kyverno-crds",
        ),
    ),
    # Most of it is waiting for time to pass: more workers than cores, each with a bed of its own.
    Ring("api", ("-n", "4", "--dist", "worksteal", "tests/api")),
    Ring(
        "cluster, e2e",
        ("tests/cluster", "tests/e2e"),
        ("coredns", "pause", "prometheus-operator", "prometheus-config-reloader"),
    ),
)


def run(ring: Ring) -> tuple[int, str]:
    """Run one ring with its output passed on at once; return the exit code and pytest's closing line."""
    if ring.programs and (code := _make(ring.programs)):
        return code, f"{ring.name}: not run, for a program that it needs could not be made"
    color = "yes" if sys.stdout.isatty() else "no"
    command = [sys.executable, "-m", "pytest", f"--color={color}", *SLOWEST, *ring.arguments]
    print(f"== {ring.name}: pytest {' '.join(ring.arguments)}", flush=True)
    tail = b""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := os.read(process.stdout.fileno(), 65536):
            sys.stdout.buffer.write(chunk)
            sys.stdout.buffer.flush()
            tail = (tail + chunk)[-65536:]
    return process.returncode, closing_line(
        tail
    ) or f"{ring.name}: pytest ended with {process.returncode}, no closing line"


def _make(programs: tuple[str, ...]) -> int:
    """Make what the cache does not hold; the exit code."""
    command = [sys.executable, "-m", "tests.cluster.binaries", *programs]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def closing_line(output: bytes) -> str:
    """Return the last line of pytest's output that counts the tests, or nothing."""
    found = [line for line in output.splitlines() if CLOSING.match(line)]
    return found[-1].decode(errors="replace") if found else ""


def main() -> int:
    """Run all rings, also after one has failed; return 0 only when every ring did."""
    results = [run(ring) for ring in RINGS]
    print("\n" + "\n".join(line for _, line in results), flush=True)
    return max(abs(code) for code, _ in results)


if __name__ == "__main__":
    sys.exit(main())
