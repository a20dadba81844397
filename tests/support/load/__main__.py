"""Owns the load ring: many services on the API bed, and what the operator costs. It prints, and fails over a budget.

`python -m tests.support.load --services 200`: cold reconcile, a while at rest, restart. CPU is that of the operator's
process alone, from /proc; a write is a request of the operator that may change something, Lease renewals apart.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass

from tests.support.apibed import ApiBed
from tests.support.load.fleet import Fleet
from tests.support.operatorproc import Cost, Operator
from tests.support.processes import eventually

CPU_PER_WRITE = 1.0
"""Milliseconds."""
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


def measure(bed: ApiBed, services: int, *, rest: float, replicas: int) -> list[Line]:
    """Cold reconcile of so many services, `rest` seconds of steady state, and a restart."""
    namespaces = [bed.new_namespace() for _ in range(-(-services // _PER_NAMESPACE))]
    bed.grant(_USER, [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])
    own = bed.new_namespace()
    settings = {"NAMESPACE": own, "RESYNC": "60s" if rest < 600 else "10m"}
    operator = Operator(bed.kubeconfig(_USER), bed.server.folder / "operator.log", settings)
    lines = []
    with Fleet(bed, namespaces, services, replicas=replicas) as fleet:
        try:
            fleet.deploy()
            meter = Meter(bed, operator)
            operator.start()
            lines.append(meter.line("start (import, login, lists)"))
            fleet.wait_stable(seconds=60 + 2.0 * services)
            fleet.wait_quiet(lambda: bed.writes(_USER), seconds=120)
            lines.append(meter.line(f"cold, {services} services"))
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
    return lines


def problems(lines: list[Line], services: int) -> list[str]:
    """What is over its budget."""
    start, cold, rest, restart = lines
    each = 1000 * (cold.cpu - start.cpu) / max(1, cold.writes)
    most = RSS_FIXED + RSS_PER_SERVICE * services
    found = [
        (each > CPU_PER_WRITE, f"{each:.2f} ms of CPU per write after the start: allowed is {CPU_PER_WRITE:g}"),
        (cold.peak > most, f"{cold.peak:.0f} MiB at {services} services: allowed are {most:.0f}"),
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
        lines = measure(bed, options.services, rest=options.rest, replicas=options.replicas)
    finally:
        bed.close()
    print(f"{'':<28}{'wall s':>9}{'CPU s':>9}{'writes':>9}{'ms/wr':>7}{'MiB':>9}{'peak':>9}")
    for line in lines:
        print(line.text())
    found = [] if options.no_budget else problems(lines, options.services)
    for text in found:
        print(f"over budget: {text}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
