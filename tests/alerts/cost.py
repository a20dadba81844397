"""Measures what the rules of a runtime cost, `python -m tests.alerts.cost [runtime] [services]`, in a real Prometheus.

It prints series and seconds of evaluation for each service. It starts one Prometheus and one exporter, both on the
loopback, scrapes for half a minute, and stops them.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from serinus.core.runtime import Runtime
from serinus.resources import signal_rules
from tests.alerts import observed
from tests.alerts.sample import Sample, exposition
from tests.cluster.binaries import ensure
from tests.golden import render

_EVERY = "10s"
_SECONDS = 45
_A_MINUTE = 2  # evaluations, at the usual interval of 30 s


def main(arguments: list[str]) -> int:
    """Measure and print."""
    name, count = (*arguments, "vllm")[0], int((*arguments, "", "100")[1] or 100)
    runtime = render.library().runtimes[name]
    sample = Sample.of(observed.files(runtime)[0])
    began = time.monotonic()

    class Exporter(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exposition(sample, 1 + int(time.monotonic() - began)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:  # type: ignore[explicit-override]
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        _measure(runtime, count, server.server_port, Path(folder))
    server.shutdown()
    return 0


def _measure(runtime: Runtime, count: int, exporter: int, folder: Path) -> None:
    [rules] = signal_rules.build(runtime, render.SETTINGS)
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules["spec"]))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(_config(runtime, count, exporter)))
    port = _free_port()
    process = subprocess.Popen(
        [
            ensure("prometheus"),
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(_SECONDS)
        spent = _number(port, "prometheus_rule_group_last_duration_seconds")
        series = _number(port, 'count({__name__=~"llm:.+"})')
        raw = _number(port, 'count({llmservice!="",__name__!~"llm:.+"})')
    finally:
        process.terminate()
        process.wait()
    each = 1000 * spent / count
    print(f"{runtime.name}: {count} services, {raw / count:.0f} raw and {series / count:.0f} recorded series each")
    print(f"{each:.2f} ms of evaluation for each service, {_A_MINUTE * each:.2f} ms a minute at an interval of 30 s")


def _config(runtime: Runtime, count: int, exporter: int) -> dict[str, Any]:
    targets = [
        {
            "targets": [f"127.0.0.1:{exporter}"],
            "labels": {
                "namespace": "team-a",
                "llmservice": f"s{i}",
                "model": "m",
                "runtime": runtime.name,
                "role": runtime.role,
                "revision": "r0",
                "pod": f"s{i}-0",
            },
        }
        for i in range(count)
    ]
    return {
        "global": {"scrape_interval": _EVERY, "evaluation_interval": _EVERY},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "services", "static_configs": targets}],
    }


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as free:
        return free.server_port


def _number(port: int, query: str) -> float:
    """The value of a query, or, for a metric of Prometheus itself, of its own exposition."""
    base = f"http://127.0.0.1:{port}"
    if query.startswith("prometheus_"):
        with urllib.request.urlopen(f"{base}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(query + "{")).rsplit(" ", 1)[1])
    with urllib.request.urlopen(f"{base}/api/v1/query?query={urllib.parse.quote(query)}", timeout=60) as answer:
        return float(json.load(answer)["data"]["result"][0]["value"][1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
