"""Owns the proof that the real Promtail does to log lines what the description says, and that a real Loki stores it.

Of the file that the operator writes, only the discovery is replaced, by targets with the labels that discovery gives.
"""

import json
import re
import socket
import subprocess
import time
from collections import Counter as Bag
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from serinus.core import naming
from serinus.core.log_pipeline import METRIC_PREFIX, PLACE, STREAM_LABELS, pipeline
from serinus.core.model import Service
from serinus.resources import loki_rules, promtail
from serinus.resources.context import Context, LogSettings, Settings
from serinus.resources.log_source import source_of
from tests.cluster.binaries import ensure
from tests.consumers import lokibed
from tests.consumers.conftest import Start
from tests.consumers.lokibed import Line, Loki
from tests.support import log_corpus, log_oracle
from tests.support.processes import Child, eventually, free_ports

REVISION = "r0123456789"
SAMPLED, MIXED = "sampled", "mixed"
QUIET, LOUD = 600, 60


def place(service: Service) -> dict[str, str]:
    return {**source_of(service).labels, "revision": REVISION, "pod": f"{service.name}-0", "container": "server"}


def sampled_lines() -> list[str]:
    levels = ["info"] * QUIET + ["error"] * (LOUD // 2)
    plain = [{"level": level, "msg": "answered", "n": i} for i, level in enumerate(levels)]
    flagged = [{"level": "info", "msg": "answered", "flagged": True, "n": 10_000 + i} for i in range(LOUD // 2)]
    return [json.dumps(line) for line in plain + flagged]


SERVICES = {
    **{name: log_corpus.service(name) for name in log_corpus.NAMES},
    SAMPLED: log_corpus.service(SAMPLED, parser="json", samplePercent=5),
    MIXED: log_corpus.service(MIXED, parser="json"),
}
# Digits at random look like cards where they meet: of these lines no alert is asked for.
RULED = [service for name, service in SERVICES.items() if name != MIXED]
SOURCES = [source_of(service) for service in SERVICES.values()]
CORPORA = {
    **{name: log_corpus.lines(name) for name in log_corpus.NAMES},
    SAMPLED: sampled_lines(),
    MIXED: log_corpus.mixed(1500),
}


def write_pod_logs(folder: Path) -> None:
    """Write the files that a kubelet would have, a millisecond between two lines; one line in two parts."""
    begin = time.time() - 60
    for name, lines in CORPORA.items():
        path = folder / f"team-a_{name}-0_uid-{name}" / "server" / "0.log"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8") as file:
            for i, line in enumerate(lines):
                at = datetime.fromtimestamp(begin + i / 1000, UTC).isoformat()
                half = len(line) // 2
                file.write(f"{at} stdout P {line[:half]}\n{at} stdout F {line[half:]}\n")


def discovered(service: Service) -> dict[str, str]:
    """The labels that service discovery gives to the pod of a service."""
    return {
        "__meta_kubernetes_namespace": service.namespace,
        "__meta_kubernetes_pod_uid": f"uid-{service.name}",
        "__meta_kubernetes_pod_name": f"{service.name}-0",
        "__meta_kubernetes_pod_container_name": "server",
        "__meta_kubernetes_pod_node_name": socket.gethostname(),
        naming.pod_label_meta(naming.LABEL_SERVICE): service.name,
        naming.pod_label_meta(naming.LABEL_REVISION): REVISION,
    }


def without_cluster(job: dict[str, Any]) -> dict[str, Any]:
    groups = [{"targets": ["localhost"], "labels": discovered(s)} for s in SERVICES.values()]
    return {**{k: v for k, v in job.items() if k != "kubernetes_sd_configs"}, "static_configs": groups}


@pytest.fixture(scope="module")
def loki(start: Start, folder: Path) -> Loki:
    settings = Settings(probe_image="unused")
    texts: dict[str, str] = {}
    for service in RULED:
        [rules] = loki_rules.build(Context(service=service, settings=settings))
        texts |= rules["data"]
    return lokibed.launch(start, folder, texts)


def settings_for(folder: Path, url: str) -> LogSettings:
    return LogSettings(loki_url=url, pod_logs=str(folder / "pods"), promtail_positions=str(folder / "positions.yaml"))


@pytest.fixture(scope="module")
def agent(start: Start, folder: Path, loki: Loki) -> str:
    """The address of a Promtail that reads the corpora by the file that the operator writes."""
    write_pod_logs(folder / "pods")
    written = yaml.safe_load(promtail.merged(SOURCES, settings_for(folder, loki.push)))
    [port] = free_ports(1)
    written["server"] = {"http_listen_address": "127.0.0.1", "http_listen_port": port, "grpc_listen_port": 0}
    written["scrape_configs"] = [without_cluster(job) for job in written["scrape_configs"]]
    path = folder / "promtail.yaml"
    path.write_text(yaml.safe_dump(written))
    child = start("promtail", [ensure("promtail"), f"-config.file={path}"])
    address = f"http://127.0.0.1:{port}"
    eventually(lambda: running(child, address), "Promtail answers", seconds=60)
    return address


def running(child: Child, address: str) -> bool:
    child.check()
    try:
        return requests.get(f"{address}/metrics", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def stored(loki: Loki, name: str, number: int) -> list[Line]:
    """What Loki has of a service, once it has that many lines."""
    selector = f'{{namespace="team-a", llmservice="{name}"}}'
    found: list[Line] = []

    def enough() -> bool:
        found[:] = loki.lines(selector)
        return len(found) >= number

    eventually(enough, f"{name}: {number} lines are stored", seconds=60)
    return found


def wanted(name: str) -> list[log_oracle.Entry]:
    service = SERVICES[name]
    return log_oracle.run(pipeline(service.monitoring.logs), CORPORA[name], place(service))


def as_line(entry: log_oracle.Entry) -> Line:
    return entry.line, tuple(sorted(entry.labels.items())), tuple(sorted(entry.metadata.items()))


@pytest.mark.parametrize("name", [*log_corpus.NAMES, MIXED])
@pytest.mark.usefixtures("agent")
def test_loki_stores_what_the_description_says(loki: Loki, name: str) -> None:
    expected = sorted(as_line(e) for e in wanted(name))

    found = stored(loki, name, len(expected))

    assert lokibed.dump(found) == lokibed.dump(expected)


@pytest.mark.parametrize("name", log_corpus.NAMES)
@pytest.mark.usefixtures("agent")
def test_nothing_that_was_planted_is_stored_and_harmless_lines_are(loki: Loki, name: str) -> None:
    found = stored(loki, name, len(wanted(name)))
    text = "\n".join(line for line, _, _ in found)

    assert [secret for secret in log_corpus.planted() if secret in lokibed.dump(found) + text] == []
    assert [line for line in log_corpus.harmless(name) if line not in text.split("\n")] == []


@pytest.mark.usefixtures("agent")
def test_streams_have_few_labels_and_pods_are_metadata(loki: Loki) -> None:
    for name in log_corpus.NAMES:
        for _, labels, metadata in stored(loki, name, len(wanted(name))):
            assert {key for key, _ in labels} == set(STREAM_LABELS)
            assert {key for key, _ in metadata} >= set(PLACE)


@pytest.mark.usefixtures("agent")
def test_sampling_keeps_every_error_and_every_flagged_answer(loki: Loki) -> None:
    kept = [json.loads(line) for line, _, _ in stored(loki, SAMPLED, LOUD)]
    quiet = [line for line in kept if line["level"] == "info" and not line.get("flagged")]

    assert len(kept) - len(quiet) == LOUD
    assert 0 < len(quiet) < QUIET * 0.15


def test_metrics_count_every_line_before_sampling(loki: Loki, agent: str) -> None:
    expected: Bag[str] = Bag()
    for name in CORPORA:
        stored(loki, name, LOUD if name == SAMPLED else len(wanted(name)))
        for entry in wanted(name):
            for counter, labels in entry.counted.items():
                expected[f"{METRIC_PREFIX}{counter} {json.dumps(sorted(labels.items()))}"] += 1

    eventually(lambda: counted(agent) == expected, "the metrics are those of the description", seconds=30)


def counted(agent: str) -> Bag[str]:
    found: Bag[str] = Bag()
    for line in requests.get(f"{agent}/metrics", timeout=10).text.splitlines():
        if match := re.fullmatch(rf"({METRIC_PREFIX}[a-z_]+)\{{(.*)\}} ([0-9.e+]+)", line):
            labels = dict(re.findall(r'([a-z_]+)="([^"]*)"', match[2]))
            found[f"{match[1]} {json.dumps(sorted(labels.items()))}"] += int(float(match[3]))
    return found


@pytest.mark.usefixtures("agent")
def test_the_ruler_takes_our_rules_and_raises_the_burst_alone(loki: Loki) -> None:
    stored(loki, SAMPLED, LOUD)

    def burst() -> set[str]:
        return {f"{a['labels']['alertname']} {a['labels']['llmservice']}" for a in loki.alerts()}

    eventually(lambda: all(r.endswith(" ok") for r in loki.rule_names()), "every rule was evaluated", seconds=60)
    eventually(lambda: bool(burst()), "an alert is raised", seconds=60)

    assert len(loki.rule_names()) == 5 * len(RULED)
    assert burst() == {f"LLMLogErrorBurst {SAMPLED}"}


def test_a_line_that_was_not_redacted_is_reported(loki: Loki) -> None:
    labels = {"namespace": "team-a", "llmservice": "vllm", "level": "info"}
    line = [str(time.time_ns()), "mail somebody@example.org, who pays with 4111 1111 1111 1111"]
    sent = requests.post(loki.push, json={"streams": [{"stream": labels, "values": [line]}]}, timeout=10)
    sent.raise_for_status()

    def missed() -> set[str]:
        alerts = [a["labels"] for a in loki.alerts() if a["labels"]["alertname"] == "LLMLogRedactionMiss"]
        return {f"{a['llmservice']} {a['redact']}" for a in alerts}

    eventually(lambda: missed() == {"vllm email", "vllm card"}, "both misses are reported", seconds=60)


def check_syntax(text: str, folder: Path) -> str:
    path = folder / "promtail.yaml"
    path.write_text(text)
    command = [str(ensure("promtail")), f"-config.file={path}", "-check-syntax"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_promtail_reads_the_whole_file_and_every_fragment(tmp_path: Path) -> None:
    whole = promtail.merged(SOURCES, settings_for(tmp_path, "http://127.0.0.1:1/loki/api/v1/push"))
    assert check_syntax(whole, tmp_path) == ""
    for service in SERVICES.values():
        [fragment] = promtail.build(Context(service=service, settings=Settings(probe_image="unused")))
        [jobs] = map(yaml.safe_load, fragment["data"].values())
        assert check_syntax(promtail.file(jobs, LogSettings(loki_url="http://127.0.0.1:1")), tmp_path) == ""


def test_a_field_that_promtail_does_not_know_is_seen(tmp_path: Path) -> None:
    whole = promtail.merged(SOURCES, settings_for(tmp_path, "http://127.0.0.1:1"))

    assert "not found" in check_syntax(whole.replace("relabel_configs", "relabel_config"), tmp_path)


def test_a_stage_that_promtail_does_not_know_ends_it(tmp_path: Path) -> None:
    whole = promtail.merged(SOURCES, settings_for(tmp_path, "http://127.0.0.1:1"))
    path = tmp_path / "promtail.yaml"
    path.write_text(whole.replace("structured_metadata", "structured_metadatum"))

    command = [str(ensure("promtail")), f"-config.file={path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode != 0
    assert "structured_metadatum" in done.stdout + done.stderr
