"""A Loki on loopback, and what it stores. It owns Loki's configuration and queries; it knows no pipeline."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from tests.cluster.binaries import ensure
from tests.consumers.conftest import Start
from tests.support.processes import Child, eventually, free_ports

Line = tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""A stored line, its labels, its structured metadata."""


@dataclass(frozen=True)
class Loki:
    """A running Loki."""

    address: str
    child: Child

    @property
    def push(self) -> str:
        """Where lines are sent to."""
        return f"{self.address}/loki/api/v1/push"

    def lines(self, selector: str) -> list[Line]:
        """Every stored line of the last hours, sorted."""
        now = time.time_ns()
        times = {"start": str(now - 3 * 3600 * 10**9), "end": str(now + 60 * 10**9)}
        answer = requests.get(
            f"{self.address}/loki/api/v1/query_range",
            params={"query": selector, "limit": "5000", **times},
            headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"},
            timeout=20,
        )
        answer.raise_for_status()
        return sorted(_lines(answer.json()["data"]["result"]))

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that the ruler has raised."""
        answer = requests.get(f"{self.address}/prometheus/api/v1/alerts", timeout=20)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]["alerts"]
        return found

    def rule_names(self) -> list[str]:
        """Names of the alerts that the ruler has loaded, with their health."""
        answer = requests.get(f"{self.address}/prometheus/api/v1/rules", timeout=20)
        answer.raise_for_status()
        groups = answer.json()["data"]["groups"]
        return sorted(f"{rule['name']} {rule['health']}" for group in groups for rule in group["rules"])


def launch(start: Start, folder: Path, rules: dict[str, str]) -> Loki:
    """Start Loki with rule files by name; it is ready when this returns."""
    tenant = folder / "rules" / "fake"
    tenant.mkdir(parents=True)
    for name, text in rules.items():
        (tenant / name).write_text(text)
    http, grpc = free_ports(2)
    path = folder / "loki.yaml"
    path.write_text(yaml.safe_dump(_configuration(folder, http, grpc)))
    child = start("loki", [ensure("loki"), f"-config.file={path}"])
    address = f"http://127.0.0.1:{http}"
    eventually(lambda: _ready(child, address), "Loki is ready", seconds=120)
    return Loki(address, child)


def _ready(child: Child, address: str) -> bool:
    child.check()
    try:
        return requests.get(f"{address}/ready", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def _lines(result: Iterable[dict[str, Any]]) -> Iterable[Line]:
    for stream in result:
        for _, text, *more in stream["values"]:
            metadata = more[0].get("structuredMetadata", {}) if more else {}
            yield text, tuple(sorted(stream["stream"].items())), tuple(sorted(metadata.items()))


def _configuration(folder: Path, http: int, grpc: int) -> dict[str, Any]:
    loopback = "127.0.0.1"
    return {
        "auth_enabled": False,
        "server": {
            "http_listen_address": loopback,
            "http_listen_port": http,
            "grpc_listen_address": loopback,
            "grpc_listen_port": grpc,
            "log_level": "warn",
        },
        "common": {
            "instance_addr": loopback,
            "path_prefix": str(folder / "loki"),
            "replication_factor": 1,
            "ring": {"kvstore": {"store": "inmemory"}},
            "storage": {"filesystem": {"chunks_directory": str(folder / "chunks"), "rules_directory": "/nowhere"}},
        },
        "schema_config": {
            "configs": [
                {
                    "from": "2024-01-01",
                    "store": "tsdb",
                    "object_store": "filesystem",
                    "schema": "v13",
                    "index": {"prefix": "index_", "period": "24h"},
                }
            ]
        },
        # What Loki adds by itself would hide what the agents send.
        "limits_config": {"discover_log_levels": False, "discover_service_name": []},
        "ruler": {
            "storage": {"type": "local", "local": {"directory": str(folder / "rules")}},
            "rule_path": str(folder / "rule-scratch"),
            "evaluation_interval": "2s",
            "poll_interval": "2s",
            "ring": {"kvstore": {"store": "inmemory"}},
            "enable_api": True,
        },
        "analytics": {"reporting_enabled": False},
    }


def dump(lines: Iterable[Line]) -> str:
    """Lines for a message of a failed test."""
    return "\n".join(json.dumps(line) for line in lines)
