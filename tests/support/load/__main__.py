"""Owns the load ring: many services on the API bed, and what the operator costs. It prints, and fails over a budget.

`python -m tests.support.load --services 200`: cold reconcile, a while at rest, restart. CPU is that of the operator's
process alone, from /proc; a write is a request of the operator that may change something, Lease renewals apart. CPU
time grows when others use the machine: a bare client, measured in the same run, says what a call costs there and then.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.support.apibed import ApiBed
from tests.support.load.fleet import Fleet
from tests.support.load.pod import in_pod
from tests.support.operatorproc import Cost, Operator
from tests.support.processes import eventually

CALLS_PER_WRITE = 7.5
"""CPU of a write, as a multiple of what the bare client beside it needs for one apply: milliseconds alone would say
how busy the machine is. In it is the share of all looks, plans, reads and events that led to the write."""
CALLS_PER_SERVICE = 33.0
"""Of a first rollout with one gate, reads among them."""
RSS_FIXED, RSS_PER_SERVICE = 100.0, 0.1
"""MiB: 120 at 200 services."""
_USER = "serinus"
_PER_NAMESPACE = 100


@dataclass(frozen=True)
class Line:
    """One measured phase."""

    name: str
    wall: float
    cpu: float
    writes: int
    rss: float
    peak: float
    calls: Counter[str]
    runs: int

    def text(self) -> str:
        """The line as it is printed."""
        each = f"{1000 * self.cpu / self.writes:7.2f}" if self.writes else "      –"
        shown = f"{self.name:<28}{self.wall:9.1f}{self.cpu:9.2f}{self.writes:9d}{each}{self.rss:9.0f}{self.peak:9.0f}"
        calls = ", ".join(f"{verb} {number}" for verb, number in sorted(self.calls.items()))
        return f"{shown}\n    {self.runs} reconciles; calls since its start: {calls or 'none'}"


class Meter:
    """What an operator costs between two moments."""

    def __init__(self, bed: ApiBed, operator: Operator) -> None:
        self._bed = bed
        self._operator = operator
        self._start = time.monotonic()
        self._cost = Cost(0.0, 0.0, 0.0) if operator.ended else operator.cost()
        bed.reset_writes()

    def writes(self) -> int:
        """Writes of the operator so far."""
        return len(self._bed.writes(_USER))

    def line(self, name: str) -> Line:
        """The measured phase."""
        cost = self._operator.cost()
        wall = time.monotonic() - self._start
        calls = self._operator.sums("serinus_api_calls_total", "verb")
        runs = self._operator.sums("serinus_reconcile_seconds_count").total()
        return Line(name, wall, cost.cpu - self._cost.cpu, self.writes(), cost.rss, cost.peak, calls, runs)


def bare(bed: ApiBed) -> "subprocess.Popen[str]":
    """Start the bare client beside the operator, for it has to share the machine with the same others."""
    command = [sys.executable, "-m", "tests.support.load.bare", str(bed.kubeconfig()), bed.new_namespace()]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measure(bed: ApiBed, services: int, *, rest: float, replicas: int) -> tuple[list[Line], float]:
    """Cold reconcile of so many services, `rest` seconds of steady state, a restart; and ms of a bare apply."""
    namespaces = [bed.new_namespace() for _ in range(-(-services // _PER_NAMESPACE))]
    bed.grant(_USER, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    own = bed.new_namespace()
    settings = {"NAMESPACE": own, "RESYNC": "60s" if rest < 600 else "10m"}
    operator = in_pod(bed, _USER, settings)
    lines = []
    with Fleet(bed, namespaces, services, replicas=replicas) as fleet:
        try:
            fleet.deploy()
            meter = Meter(bed, operator)
            operator.start()
            lines.append(meter.line("start (import, login, lists)"))
            client = bare(bed)
            fleet.wait_stable(seconds=60 + 2.0 * services)
            fleet.wait_quiet(lambda: bed.writes(_USER), seconds=120)
            lines.append(meter.line(f"cold, {services} services"))
            each = float(json.loads(client.communicate(timeout=120)[0]))
            meter = Meter(bed, operator)
            eventually(lambda: time.monotonic() - meter._start >= rest, "the rest", seconds=rest + 60)
            lines.append(meter.line(f"at rest, {rest:g} s"))
            operator.stop()
            meter = Meter(bed, operator)
            operator.start()
            eventually(lambda: operator.healthy("/readyz"), "ready again", seconds=60)
            fleet.wait_quiet(lambda: bed.writes(_USER), seconds=120)
            lines.append(meter.line("restart"))
        finally:
            operator.close()
    return lines, each


def per_write(lines: list[Line]) -> float:
    """Milliseconds of CPU for each write of the cold reconcile, the start apart."""
    start, cold = lines[:2]
    return 1000 * (cold.cpu - start.cpu) / max(1, cold.writes)


def calls_each(lines: list[Line], services: int) -> float:
    """Calls that the rollout of one service took, watches and lists apart."""
    start, cold = lines[:2]
    made = cold.calls - start.calls
    return (made.total() - made["watch"] - made["list"]) / services


def problems(lines: list[Line], services: int, apply: float) -> list[str]:
    """What is over its budget; `apply`: milliseconds of one apply of the bare client."""
    _, cold, rest, restart = lines
    each, calls = per_write(lines), calls_each(lines, services)
    most, peak = RSS_FIXED + RSS_PER_SERVICE * services, max(cold.peak, rest.peak)
    allowed = CALLS_PER_WRITE * apply
    found = [
        (
            each > allowed,
            f"{each:.2f} ms of CPU per write: allowed are {CALLS_PER_WRITE:g} bare applies, {allowed:.2f}",
        ),
        (calls > CALLS_PER_SERVICE, f"{calls:.1f} calls per service: allowed are {CALLS_PER_SERVICE:g}"),
        (peak > most, f"{peak:.0f} MiB at {services} services: allowed are {most:.0f}"),
        (rest.writes > 0, f"{rest.writes} writes at rest: allowed is none"),
        (restart.writes > 0, f"{restart.writes} writes on restart: allowed is none"),
    ]
    return [text for over, text in found if over]


def main(arguments: list[str]) -> int:
    """Measure, print a table, return 1 if something is over its budget."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.load", description=main.__doc__)
    parser.add_argument("--services", type=int, default=200)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of steady state: 600 for ten minutes")
    parser.add_argument("--replicas", type=int, default=1, help="of each service; with 0 its children are made, no pod")
    parser.add_argument("--no-budget", action="store_true", help="measure only")
    options = parser.parse_args(arguments)
    bed = ApiBed()
    try:
        bed.install_crds()
        bed.start_controllers()
        lines, apply = measure(bed, options.services, rest=options.rest, replicas=options.replicas)
    finally:
        bed.close()
    print(f"{'':<28}{'wall s':>9}{'CPU s':>9}{'writes':>9}{'ms/wr':>7}{'MiB':>9}{'peak':>9}")
    for line in lines:
        print(line.text())
    calls = calls_each(lines, options.services)
    print(
        f"a write of the cold reconcile: {per_write(lines):.2f} ms of CPU; a bare client's apply beside it: {apply:.2f}"
    )
    print(f"a service: {calls:.1f} calls, which a bare client would make for {calls * apply:.1f} ms")
    found = [] if options.no_budget else problems(lines, options.services, apply)
    for text in found:
        print(f"over budget: {text}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
