"""Owns a Prometheus that holds the hour of the story: raw samples first, then what the recording rules make of them.

promtool writes both as blocks. Rules are evaluated in layers, each rule after those that it reads, and Prometheus is
started anew between two layers, for it looks for new blocks but once a minute. Times are fixed: the same hour each run.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from serinus.core.model import Manifest
from serinus.core.promql import check
from serinus.resources import prometheus_rule, service_rules, signal_rules
from tests.alerts import cases
from tests.cluster.binaries import ensure
from tests.support.dashboards import story
from tests.support.dashboards.boards import Asked, boards, queries
from tests.support.processes import Child, eventually, free_ports

STEP = 30
END = 1_792_000_000 // 7200 * 7200 + 6990
BEGIN = END - story.END * 60
Json = dict[str, Any]
Rule = dict[str, Any]


@dataclass
class Store:
    """A running Prometheus and its folder."""

    folder: Path
    address: str = ""
    child: Child | None = None

    def start(self) -> None:
        """Start Prometheus over the blocks that are there."""
        [port] = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        config = self.folder / "prometheus.yaml"
        config.write_text("global: {}\n", encoding="utf-8")
        arguments: list[str | Path] = [
            ensure("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
        ]
        more = [f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.retention.time=100y", "--log.level=error"]
        # Backfilled series have no marks of their end: without this they would last five minutes longer.
        more.append(f"--query.lookback-delta={STEP + 10}s")
        self.child = Child([*arguments, *more], log=self.folder / "prometheus.log")
        eventually(self._ready, "Prometheus is ready", seconds=60)

    def stop(self) -> None:
        """End Prometheus."""
        if self.child is not None:
            self.child.stop(20)
            self.child = None

    def _ready(self) -> bool:
        assert self.child is not None
        self.child.check()
        try:
            with urlopen(f"{self.address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def instant(self, expr: str, at: int = END) -> list[Json]:
        """Answer of an instant query; raises with Prometheus' words for one that it refuses."""
        return self._ask("query", {"query": expr, "time": str(at)})

    def over(self, expr: str, *, begin: int = BEGIN, end: int = END, step: int = STEP) -> list[Json]:
        """Answer of a range query."""
        return self._ask("query_range", {"query": expr, "start": str(begin), "end": str(end), "step": str(step)})

    def answer(self, asked: Asked) -> list[Json]:
        """Answer a panel's query as Grafana asks it."""
        return self.instant(asked.expr) if asked.target["instant"] else self.over(asked.expr)

    def _ask(self, path: str, parameters: dict[str, str]) -> list[Json]:
        try:
            with urlopen(f"{self.address}/api/v1/{path}?{urlencode(parameters)}", timeout=60) as answer:
                found: list[Json] = json.load(answer)["data"]["result"]
        except OSError as error:
            words = error.read().decode() if hasattr(error, "read") else str(error)
            raise AssertionError(f"{parameters['query']}: {words}") from error
        return found


def fill(folder: Path) -> Store:
    """Make the store and start it; the caller stops it."""
    (folder / "data").mkdir(parents=True)
    _promtool("create-blocks-from", "openmetrics", "--quiet", str(_written(folder)), str(folder / "data"))
    store = Store(folder)
    for i, layer in enumerate(layers(rules())):
        store.start()
        path = folder / f"layer-{i}.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": f"layer-{i}", "rules": layer}]}), encoding="utf-8")
        span = (f"--start={BEGIN}", f"--end={END + STEP}", f"--eval-interval={STEP}s", f"--url={store.address}")
        _promtool(
            "create-blocks-from", "rules", "--quiet", f"--output-dir={folder / 'data'}", *span, path.name, folder=folder
        )
        store.stop()
    store.start()
    return store


def rules() -> list[Rule]:
    """Every recording rule of the story's services, each a file's order kept."""
    context = cases.context()
    runtimes, settings = context.runtimes, context.settings
    made: list[Manifest] = [
        *signal_rules.build(context.service.runtime, settings),
        *signal_rules.build(runtimes["dynamo"], settings),
        *(m for name in ("litellm", "dcgm") for m in signal_rules.build_attached(runtimes[name], settings)),
        *service_rules.build(settings),
        *prometheus_rule.build(context),
    ]
    return [r for m in made for g in m["spec"]["groups"] for r in g["rules"] if "record" in r]


def layers(found: list[Rule]) -> list[list[Rule]]:
    """Rules in layers: a rule is in a later layer than every rule that it reads; its own name only in earlier rules."""
    reads = [{s.metric for s in check(rule["expr"])} for rule in found]
    depth = [0] * len(found)
    for _ in found:
        before = list(depth)
        for i, rule in enumerate(found):
            known = (d for j, d in enumerate(depth) if found[j]["record"] in reads[i] and _first(found, j, i, rule))
            depth[i] = max((d + 1 for d in known), default=0)
        if depth == before:
            break
    return [[r for r, d in zip(found, depth, strict=True) if d == level] for level in range(max(depth) + 1)]


def _first(found: list[Rule], j: int, i: int, rule: Rule) -> bool:
    return found[j]["record"] != rule["record"] or j < i


def _written(folder: Path) -> Path:
    """The raw samples that somebody reads, as OpenMetrics."""
    path, read = folder / "raw.om", _read_series()
    sources = story.pods()
    with path.open("w", encoding="utf-8") as file:
        for second in range(0, story.END * 60 + 1, STEP):
            for name, labels, value in story.points(second / 60, sources):
                if name in read:
                    file.write(f"{_series(name, labels)} {value!r} {BEGIN + second}\n")
        file.write("# EOF\n")
    return path


def _read_series() -> set[str]:
    """Names of the series that rules or panels select."""
    expressions = [rule["expr"] for rule in rules()]
    expressions += [asked.expr for board in boards().values() for asked in queries(board) if not asked.logs]
    return {s.metric for expr in expressions for s in check(expr)}


def _series(name: str, labels: dict[str, str]) -> str:
    escaped = {k: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for k, v in labels.items()}
    inside = ",".join(f'{key}="{value}"' for key, value in sorted(escaped.items()))
    return f"{name}{{{inside}}}"


def _promtool(*arguments: str, folder: Path | None = None) -> None:
    """Run promtool in a folder: a group is evaluated at an offset that comes of its file's path."""
    command = [str(ensure("promtool")), "tsdb", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=folder)
    failed = done.returncode or "level=ERROR" in done.stderr
    assert not failed, f"{done.stdout}{done.stderr}"[-2000:]
