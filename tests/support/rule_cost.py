"""Measures what rules cost a real Prometheus: `python -m tests.support.rule_cost [services…]`, by default 1, 100, 1000.

It owns the measurement: bounded in number and time, on loopback and one core. It judges by the budgets below and ends
by itself; what is scraped, `rule_world` knows. Groups that are evaluated seldom are evaluated often here, so that each
is seen; "evaluation" reckons that back, "CPU" does not.
"""

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
from serinus.core.slo import Slo
from serinus.resources import prometheus_rule, service_rules, signal_rules
from tests.alerts import cases
from tests.cluster.binaries import ensure
from tests.golden import render
from tests.support.processes import free_ports
from tests.support.rule_world import INTERVAL, configuration, world

SETTLE, WINDOW, QUIET = 65, 60, 30
"""Seconds until rates are there; of the measurement; of the measurement without rules."""
BUDGET = {100: 0.05, 1000: 0.50}
"""Part of one core that evaluation may take, by the number of services."""


@dataclass(frozen=True)
class Cost:
    """What was measured with a number of services; seconds are seconds of evaluation a minute."""

    services: int
    own_rules: int
    rules: int
    series: int
    evaluation: float
    cpu: float
    failed: int
    missed: int

    @property
    def line(self) -> str:
        """A row of the table."""
        return (
            f"| {self.services} | {self.own_rules} | {self.rules} | {self.series} | {self.evaluation:.2f} | "
            f"{100 * self.evaluation / 60:.1f} % | {100 * self.cpu:.1f} % | {self.failed} | {self.missed} |"
        )


HEAD = (
    "| services | rules of each | all rules | series | evaluation, s/min | of one core | CPU beyond scraping | "
    "failed | missed |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def slos() -> tuple[Slo, ...]:
    """The three objectives of the example."""
    return cases.context().service.slos


def rule_files(services: int) -> dict[str, list[Manifest]]:
    """Groups by file: those that all share, then those of each service, intervals as they are generated."""
    base = replace(cases.context(), service=replace(cases.context().service, slos=slos()))
    vllm = render.library().runtimes["vllm"]
    shared = [*signal_rules.build(vllm, base.settings), *service_rules.build(base.settings)]
    files = {m["metadata"]["name"]: m["spec"]["groups"] for m in shared}
    for i in range(services):
        context = replace(base, service=replace(base.service, name=f"chat-{i}"))
        [own] = prometheus_rule.build(context)
        files[f"chat-{i}"] = own["spec"]["groups"]
    return files


def hurried(groups: list[Manifest]) -> list[Manifest]:
    """Groups that are evaluated seldom, often: each once in the window. What they cost is reckoned back."""
    return [{**g, "interval": f"{min(_seconds(g), INTERVAL)}s"} for g in groups]


def _seconds(group: Manifest) -> int:
    text = str(group.get("interval", f"{INTERVAL}s"))
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600}[text[-1]]


@contextmanager
def prometheus(config: Path, folder: Path) -> Iterator[tuple[int, str]]:
    """A Prometheus on one core: its pid and address."""
    [port] = free_ports(1)
    command = [ensure("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
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


def used(pid: int, seconds: int) -> float:
    """Cores that a process uses over a time: the measurement, so the time has to pass."""
    before, start = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - start)


def metrics(address: str) -> list[tuple[str, str, float]]:
    """Prometheus' own series: name, labels, value."""
    with urlopen(f"{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return [(n, labels, float(v)) for n, labels, v in re.findall(r"(?m)^([a-z_]+)(\{.*\})? (\S+)$", text)]


def total(found: list[tuple[str, str, float]], name: str) -> float:
    """Sum of the series of a name."""
    return sum(value for series, _, value in found if series == name)


def evaluation(found: list[tuple[str, str, float]], files: dict[str, list[Manifest]]) -> float:
    """Seconds a minute: the last duration of each group, as often as it is evaluated where it is not hurried."""
    often = {(file, g["name"]): _seconds(g) for file, groups in files.items() for g in groups}
    seconds = 0.0
    for name, labels, value in found:
        match = re.search(r'rule_group="[^"]*/([^/"]+)\.yaml;([^"]+)"', labels)
        if name == "prometheus_rule_group_last_duration_seconds" and match:
            seconds += value * 60 / often[match[1], match[2]]
    return seconds


def measure(services: int) -> Cost:
    """Run Prometheus without and with the rules of so many services."""
    files = rule_files(services)
    with tempfile.TemporaryDirectory() as name, world() as target:
        folder = Path(name)
        (folder / "rules").mkdir()
        config = configuration(services, target, folder)
        with prometheus(config, folder / "quiet") as (pid, _):
            time.sleep(SETTLE // 2)
            quiet = used(pid, QUIET)
        for file, groups in files.items():
            text = json.dumps({"groups": hurried(groups)})
            (folder / "rules" / f"{file}.yaml").write_text(text, encoding="utf-8")
        with prometheus(config, folder) as (pid, address):
            time.sleep(SETTLE)
            busy = used(pid, WINDOW)
            found = metrics(address)
            series = int(query(address, 'count({__name__=~".+",job!="x"})'))
    per_service = sum(len(g["rules"]) for g in files["chat-0"])
    return Cost(
        services=services,
        own_rules=per_service,
        rules=sum(len(g["rules"]) for groups in files.values() for g in groups),
        series=series,
        evaluation=evaluation(found, files),
        cpu=busy - quiet,
        failed=int(total(found, "prometheus_rule_evaluation_failures_total")),
        missed=int(total(found, "prometheus_rule_group_iterations_missed_total")),
    )


def query(address: str, expr: str) -> float:
    """One number; 0 for none."""
    with urlopen(f"{address}/api/v1/query?{urlencode({'query': expr})}", timeout=120) as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def main(arguments: list[str]) -> int:
    """Print the table; 1 if a budget is broken, a rule failed, or nothing was evaluated."""
    os.nice(15)
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
