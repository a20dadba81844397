"""Measures what rules cost a real Prometheus: `python -m tests.support.rule_cost [services…]`, by default 1, 100, 1000.

It owns the measurement: bounded in number and time, on loopback and one core. It judges by the budgets below and ends
by itself; what is scraped, `rule_world` knows. Every group is evaluated HASTE times as often as it is generated: few
minutes see each, in the proportion in which they are due, so that dear ones count as in a cluster.
"""

import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from serinus.core.model import Manifest
from serinus.resources import prometheus_rule, service_rules, shared_alerts, signal_rules
from tests.alerts import cases
from tests.cluster.binaries import ensure
from tests.golden import render
from tests.support.processes import free_ports
from tests.support.rule_world import PACE, configuration, world

INTERVAL = 30
"""Seconds between evaluations that are reckoned with: the default of kube-prometheus-stack."""
HASTE = INTERVAL / PACE
CYCLE = 300 / HASTE
"""Seconds in which a group of the longest interval is evaluated once."""
FEWEST = 10
"""Scrapes that are watched without rules: what a process costs at rest counts as scraping."""
DEADLINE = 420.0
"""Seconds after which a step of the measurement is given up."""
SCRAPES = "prometheus_target_interval_length_seconds_count"
EVALUATIONS = "prometheus_rule_evaluations_total"
BUDGET = {100: 0.05, 1000: 0.50}
"""Part of one core that evaluation may take, by the number of services."""


@dataclass(frozen=True)
class Cost:
    """What was measured with a number of services; `each` and `evaluation` in seconds of CPU."""

    services: int
    own_rules: int
    rules: int
    series: int
    each: float
    evaluation: float
    evaluated: int
    failed: int

    @property
    def line(self) -> str:
        """A row of the table."""
        return (
            f"| {self.services} | {self.own_rules} | {self.rules} | {self.series} | {self.evaluated} | "
            f"{1e6 * self.each:.0f} | {self.evaluation:.2f} | {100 * self.evaluation / 60:.1f} % | {self.failed} |"
        )


HEAD = (
    "| services | rules of each | all rules | series | evaluations | µs CPU each | s/min | of one core | failed |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def rule_files(services: int) -> dict[str, list[Manifest]]:
    """Groups by file: those that all share, then those of each service, intervals as they are generated."""
    base = cases.cluster()
    vllm, settings = render.library().runtimes["vllm"], base.settings
    shared = [*signal_rules.build(vllm, settings), *service_rules.build(settings)]
    shared += shared_alerts.build(base.alerts, settings)
    files = {m["metadata"]["name"]: m["spec"]["groups"] for m in shared}
    for i in range(services):
        context = replace(base, service=replace(base.service, name=f"chat-{i}"))
        [own] = prometheus_rule.build(context)
        files[f"chat-{i}"] = own["spec"]["groups"]
    return files


def hurried(groups: list[Manifest]) -> list[Manifest]:
    """The same groups at shorter intervals, in proportion."""
    return [{**g, "interval": f"{round(_seconds(g) / HASTE)}s"} for g in groups]


def due(files: dict[str, list[Manifest]], seconds: float) -> float:
    """Evaluations of rules in so many seconds, at the intervals as they are generated."""
    return sum(len(g["rules"]) * seconds / _seconds(g) for groups in files.values() for g in groups)


def _seconds(group: Manifest) -> int:
    text = str(group.get("interval", f"{INTERVAL}s"))
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


@contextmanager
def prometheus(config: Path, folder: Path) -> Iterator[tuple[int, str]]:
    """A Prometheus on one core: its pid and address."""
    [port] = free_ports(1)
    command = [str(ensure("prometheus")), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error", "--storage.tsdb.retention.time=2h"]
    process = subprocess.Popen(command, env={**os.environ, "GOMAXPROCS": "1"})
    try:
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=60)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metrics(address: str) -> list[tuple[str, str, float]]:
    """Prometheus' own series: name, labels, value."""
    with urlopen(f"{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return [(n, labels, float(v)) for n, labels, v in re.findall(r"(?m)^([a-z_]+)(\{.*\})? (\S+)$", text)]


def total(found: list[tuple[str, str, float]], name: str) -> float:
    """Sum of the series of a name."""
    return sum(value for series, _, value in found if series == name)


@dataclass(frozen=True)
class Work:
    """What a Prometheus did over a time: seconds of CPU, scrapes, evaluations of rules."""

    cpu: float
    scrapes: float
    evaluations: float


def work(pid: int, address: str) -> Work:
    """What a Prometheus has done so far."""
    found = metrics(address)
    return Work(cpu_seconds(pid), total(found, SCRAPES), total(found, EVALUATIONS))


def watched(pid: int, address: str, *, scrapes: int, evaluations: int) -> Work:
    """Let it settle, then measure so much work; raises TimeoutError."""
    first = _grown(pid, address, Work(0, 0, 0), scrapes=scrapes, evaluations=evaluations // 4)
    last = _grown(pid, address, first, scrapes=scrapes, evaluations=evaluations)
    return Work(last.cpu - first.cpu, last.scrapes - first.scrapes, last.evaluations - first.evaluations)


def _grown(pid: int, address: str, since: Work, *, scrapes: int, evaluations: int) -> Work:
    """A busy machine takes its time: wait for work that was done, not for seconds."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        time.sleep(1)
        with contextlib.suppress(OSError):
            found = work(pid, address)
            if found.scrapes >= since.scrapes + scrapes and found.evaluations >= since.evaluations + evaluations:
                return found
    raise TimeoutError(f"Prometheus: not {scrapes} scrapes and {evaluations} evaluations within {DEADLINE:.0f} s")


def evaluation(quiet: Work, busy: Work, files: dict[str, list[Manifest]]) -> tuple[float, float]:
    """Seconds of CPU for one evaluation of a rule, and for all that are due in a minute.

    A busy machine makes Prometheus late, which wall clocks would count: CPU time and counts do not.
    """
    scraping = quiet.cpu / max(quiet.scrapes, 1)
    each = (busy.cpu - scraping * busy.scrapes) / max(busy.evaluations, 1)
    return each, each * due(files, 60)


def measure(services: int) -> Cost:
    """Run Prometheus without and with the rules of so many services."""
    files = rule_files(services)
    loaded = sum(len(g["rules"]) for groups in files.values() for g in groups)
    with tempfile.TemporaryDirectory() as name, world() as target:
        folder = Path(name)
        (folder / "rules").mkdir()
        config = configuration(services, target, folder)
        with prometheus(config, folder / "quiet") as (pid, address):
            quiet = watched(pid, address, scrapes=max(services, FEWEST), evaluations=0)
        for file, groups in files.items():
            text = json.dumps({"groups": hurried(groups)})
            (folder / "rules" / f"{file}.yaml").write_text(text, encoding="utf-8")
        with prometheus(config, folder) as (pid, address):
            busy = watched(pid, address, scrapes=services, evaluations=int(due(files, HASTE * CYCLE)))
            found = metrics(address)
            series, down = (int(query(address, q)) for q in ('count({__name__=~".+"})', "count(up == 0)"))
    each, seconds = evaluation(quiet, busy, files)
    return Cost(
        services=services,
        own_rules=sum(len(g["rules"]) for g in files["chat-0"]),
        rules=loaded,
        series=series,
        each=each,
        evaluation=seconds,
        evaluated=int(busy.evaluations),
        failed=int(total(found, "prometheus_rule_evaluation_failures_total")) + down,
    )


def query(address: str, expr: str) -> float:
    """One number; 0 for none."""
    with urlopen(f"{address}/api/v1/query?{urlencode({'query': expr})}", timeout=120) as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def main(arguments: list[str]) -> int:
    """Print the table; 1 if a budget is broken, a rule failed, or nothing was evaluated."""
    os.nice(1)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print(HEAD, flush=True)
    good = True
    for services in [int(a) for a in arguments] or [1, 100, 1000]:
        cost = measure(services)
        print(cost.line, flush=True)
        within = cost.evaluation / 60 <= BUDGET.get(services, 1.0)
        good = good and within and cost.evaluation > 0 and not cost.failed
    return int(not good)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
