"""A backend of OTLP on loopback that remembers what it was sent, and a collector on its own ports.

It owns the wiring of one run. Of a generated configuration it replaces addresses, the encoding (JSON, which Python
reads), and the times that traces and batches are waited for; nothing else.
"""

import copy
import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from serinus.core.model import Manifest
from serinus.resources.collector_logs import SPOOL

Span = dict[str, Any]


@dataclass
class Sink:
    """What a backend was sent: path, headers and body of each request."""

    port: int = 0
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def url(self, name: str) -> str:
        """The address of one backend."""
        return f"http://127.0.0.1:{self.port}/{name}"

    def of(self, name: str, signal: str) -> list[Any]:
        """Bodies of one backend and signal."""
        return [body for path, _, body in list(self.requests) if path.startswith(f"/{name}/") and path.endswith(signal)]

    def spans(self, name: str) -> list[Span]:
        """Every span of a backend, with its attributes as a mapping."""
        return [
            {**span, "attributes": plain(span.get("attributes", []))}
            for body in self.of(name, "/v1/traces")
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]

    def records(self, name: str) -> list[Span]:
        """Every log record of a backend, with its attributes and its resource's as mappings."""
        return [
            {
                **record,
                "attributes": plain(record.get("attributes", [])),
                "resource": plain(resource["resource"].get("attributes", [])),
            }
            for body in self.of(name, "/v1/logs")
            for resource in body["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes as OTLP writes them in JSON, as a mapping."""
    return {item["key"]: next(iter(item.get("value", {}).values()), None) for item in attributes}


@contextmanager
def sink() -> Iterator[Sink]:
    """A backend that takes everything."""
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            text = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            headers = {k.lower(): v for k, v in self.headers.items()}
            found.requests.append((self.path, headers, json.loads(text)))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:  # type: ignore[explicit-override]
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def on_loopback(config: Manifest, ports: tuple[int, int, int], spool: Path) -> Manifest:
    """A generated configuration with its own ports (OTLP by gRPC and HTTP, metrics), JSON, a short wait, a spool."""
    found: Manifest = yaml.safe_load(yaml.safe_dump(config, allow_unicode=True).replace(SPOOL, str(spool)))
    protocols = found["receivers"]["otlp"]["protocols"]
    for protocol, port in zip(("grpc", "http"), ports, strict=False):
        protocols[protocol]["endpoint"] = f"127.0.0.1:{port}"
    found["exporters"]["prometheus"]["endpoint"] = f"127.0.0.1:{ports[2]}"
    for name, exporter in found["exporters"].items():
        if name.startswith("otlp"):
            exporter["encoding"] = "json"
            exporter["sending_queue"]["batch"]["flush_timeout"] = "200ms"
    if "tail_sampling" in found["processors"]:
        found["processors"]["tail_sampling"]["decision_wait"] = "2s"
    found["service"]["telemetry"] = {"metrics": {"level": "none"}, "logs": {"level": "warn"}}
    return found


def halves(config: Manifest) -> tuple[Manifest, Manifest]:
    """What one collector can run, and the pipelines that read files, which another one has the receiver for."""
    readers = [name for name in config["receivers"] if name.startswith(("filelog", "file_log"))]
    pipelines = config["service"]["pipelines"]
    reading = {n: p for n, p in pipelines.items() if set(p["receivers"]) & set(readers)}
    rest = {n: p for n, p in pipelines.items() if n not in reading}
    return _only(config, rest), _only(config, reading)


def _only(config: Manifest, pipelines: Manifest) -> Manifest:
    """A configuration with these pipelines and the components that they use."""
    used = {name for p in pipelines.values() for part in p.values() for name in part}
    found = copy.deepcopy(config)
    for section in ("receivers", "processors", "exporters", "connectors"):
        found[section] = {name: content for name, content in config.get(section, {}).items() if name in used}
    found["service"]["pipelines"] = pipelines
    return {k: v for k, v in found.items() if v}
