"""The synthetic world of the measurement of rules: pods of vLLM and the operator, on loopback, and their targets.

It owns what is exposed. It must not know a rule beyond which raw series rules read.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from serinus.resources import signal_rules
from tests.alerts.sample import FOLDER
from tests.golden import render

PACE = 15
"""Seconds between scrapes and between evaluations while it is measured."""
REVISION = "r8d21bb77f0"
_PHASES = ("Pending", "Stable", "Progressing", "Held", "RolledBack", "Ungated", "Invalid")


class World(BaseHTTPRequestHandler):
    """Answers scrapes: `/metrics` for the pod of any service, `/operator/<n>` for n services."""

    protocol_version = "HTTP/1.1"
    started = time.monotonic()
    raw: tuple[tuple[str, float, bool], ...] = ()

    def do_GET(self) -> None:
        """Write the exposition of now: counters have grown since the start."""
        if self.path.startswith("/operator/"):
            body = operator(int(self.path.rpartition("/")[2]))
        else:
            minutes = (time.monotonic() - self.started) / 60
            body = "".join(f"{name} {value * minutes if grows else value}\n" for name, value, grows in self.raw)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:  # type: ignore[explicit-override]
        """Say nothing: there are thousands."""


def operator(services: int) -> str:
    """What the operator exports of these services."""
    return "".join(f"serinus_{line}\n" for i in range(services) for line in _exported(f"chat-{i}"))


def _exported(name: str) -> Iterator[str]:
    who, gate = f'namespace="team-a",llmservice="{name}"', 'gate="support"'
    yield f'service_info{{{who},model="llama-3.1-8b",runtime="vllm",stable="{REVISION}",canary=""}} 1'
    yield f'service_owner{{{who},team="search",runbook=""}} 1'
    yield f'output_state{{{who},kind="ServiceMonitor",state="Applied"}} 1'
    for phase in _PHASES:
        yield f'rollout_phase{{{who},phase="{phase}",revision="{REVISION}"}} {int(phase == "Stable")}'
    yield f'rollout_stage{{{who},stage="Starting",revision=""}} 0'
    yield f'probe_answers_total{{{who},{gate},pass="true"}} 90'
    yield f'probe_answers_total{{{who},{gate},pass="false"}} 2'
    yield f"drift_cusum{{{who},{gate}}} 1"
    yield f'probe_pass_ratio{{{who},{gate},revision="{REVISION}"}} 0.97'


def raw_series() -> tuple[tuple[str, float, bool], ...]:
    """The series of vLLM's sample that rules read: name with labels, value, and whether it grows."""
    vllm = render.library().runtimes["vllm"]
    wanted = {m for r in signal_rules.rules(vllm) for m in re.findall(r"\b(?:vllm:|http_)[a-z0-9_:]+", r.expr)}
    text = (FOLDER / "vllm.prom").read_text(encoding="utf-8")
    kinds = dict(re.findall(r"(?m)^# TYPE (\S+) (\w+)", text))
    found = []
    for line in text.splitlines():
        name = re.split(r"[{ ]", line, maxsplit=1)[0]
        if name in wanted:
            grows = kinds.get(name) != "gauge"
            found.append((line.rpartition(" ")[0], float(line.rpartition(" ")[2]), grows))
    return tuple(found)


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024

    def handle_error(self, *_: object) -> None:  # type: ignore[explicit-override]
        """A Prometheus that ends breaks its connections; scrapes that failed are counted by their `up`."""


@contextmanager
def world() -> Iterator[int]:
    """Serve expositions on a port of loopback."""
    World.raw, World.started = raw_series(), time.monotonic()
    server = _Server(("127.0.0.1", 0), World)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def configuration(services: int, target: int, folder: Path) -> Path:
    """Prometheus' configuration: one target for each service, labelled as a ServiceMonitor of ours does it."""
    address = f"127.0.0.1:{target}"
    common = {"namespace": "team-a", "model": "llama-3.1-8b", "runtime": "vllm", "role": "server", "revision": REVISION}
    pods = [
        {
            "targets": [address],
            "labels": {**common, "llmservice": f"chat-{i}", "pod": f"chat-{i}-0", "instance": f"p{i}"},
        }
        for i in range(services)
    ]
    content = {
        "global": {"scrape_interval": f"{PACE}s", "evaluation_interval": f"{PACE}s"},
        "rule_files": [str(folder / "rules" / "*.yaml")],
        "scrape_configs": [
            {"job_name": "pods", "static_configs": pods},
            {
                "job_name": "serinus",
                "honor_labels": True,
                "metrics_path": f"/operator/{services}",
                "static_configs": [{"targets": [address]}],
            },
        ],
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path
