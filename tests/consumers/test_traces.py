"""Owns the proof that a real collector takes what is generated, and does to traces and log records what is promised.

A request's trace has planted addresses and keys in it, and an answer of 100 KB.
"""

import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from serinus.core.genai import CONTENT_KEYS
from serinus.resources.collector_statements import ATTRIBUTE_BYTES
from tests.cluster.binaries import ensure
from tests.consumers.conftest import Start
from tests.consumers.otlpbed import Sink, Span, halves, on_loopback, sink
from tests.support import traces
from tests.support.processes import Child, eventually, free_ports

PLANTED = (
    "jane.doe@example.org",
    "4111 1111 1111 1111",
    "sk-abcdefghijklmnop1234",
    "hunter2hunter2",
    "DE44500105175407324931",
)
BACKENDS = ("langfuse", "langsmith", "lunary", "grafana")
QUIET = 400
SHARE = 10
WORDS = "the answer goes on and on; "
LONG = f"begin mail {PLANTED[0]} card {PLANTED[1]} {WORDS * 4000}key {PLANTED[2]} the end"
REDACTED = f"begin mail <redacted:email> card <redacted:card> {WORDS * 4000}key <redacted:secret> the end"
KEYS = {f"SERINUS_KEY_{i}": f"key-of-{name}" for i, name in enumerate(BACKENDS)}
PRESETS = list(traces.settings().presets)


def attributes(**found: Any) -> list[dict[str, Any]]:
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue"}
    written = []
    for name, value in found.items():
        if isinstance(value, list):
            item: dict[str, Any] = {"arrayValue": {"values": [{"stringValue": v} for v in value]}}
        else:
            item = {kinds[type(value)]: value}
        written.append({"key": name.replace("__", "."), "value": item})
    return written


def span(trace: str, name: str, **found: Any) -> Span:
    now = time.time_ns()
    return {
        "traceId": trace,
        "spanId": secrets.token_hex(8),
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(now - 2 * 10**9),
        "endTimeUnixNano": str(now),
        "attributes": attributes(**found),
    }


FAILED, FLAGGED, EVENT = "a" * 32, "b" * 32, "c" * 32


def failed() -> Span:
    """A failed request by the names of before, with everything in it that must not leave."""
    made = span(
        FAILED,
        f"chat for {PLANTED[0]}",
        gen_ai__system="vllm",
        gen_ai__request__model="llama-3.1-8b",
        gen_ai__usage__prompt_tokens=7,
        gen_ai__response__finish_reason="error",
        gen_ai__prompt=f"my password: {PLANTED[3]}",
        gen_ai__completion=LONG,
        http__request__header__authorization=f"Bearer {PLANTED[2]}",
        llm__embeddings__0__embedding__vector="0.1,0.2",
        note=f"pays from {PLANTED[4]}",
        many="x" * 5000,
    )
    event = {"name": "gen_ai.content.prompt", "timeUnixNano": "1", "attributes": attributes(gen_ai__prompt=PLANTED[0])}
    error = {"name": "exception", "timeUnixNano": "2", "attributes": attributes(exception__message=PLANTED[0])}
    return {**made, "status": {"code": 2, "message": f"no route to {PLANTED[0]}"}, "events": [event, error]}


def flagged() -> Span:
    return span(FLAGGED, "chat", gen_ai__request__model="m", gen_ai__response__finish_reasons=["content_filter"])


def details() -> dict[str, Any]:
    """The log record that the conventions of today have for content."""
    found = attributes(
        event__name="gen_ai.client.inference.operation.details", gen_ai__output__messages=LONG, gen_ai__system="vllm"
    )
    return {"timeUnixNano": str(time.time_ns()), "traceId": EVENT, "spanId": "d" * 16, "attributes": found}


def send(port: int, signal: str, body: dict[str, Any]) -> None:
    answer = requests.post(f"http://127.0.0.1:{port}/v1/{signal}", json=body, timeout=20)
    answer.raise_for_status()


RESOURCE = {"attributes": attributes(service__name="shop", service__owner=PLANTED[0])}


def of_spans(spans: list[Span]) -> dict[str, Any]:
    return {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}]}


class Run:
    """A collector that has been sent everything."""

    def __init__(self, found: Sink, metrics: str) -> None:
        self.sink, self.metrics = found, metrics

    def trace(self, name: str, trace: str) -> list[Span]:
        """Spans of one trace at a backend, once there are some."""
        eventually(lambda: any(s["traceId"] == trace for s in self.sink.spans(name)), f"{name} has {trace}", seconds=60)
        return [s for s in self.sink.spans(name) if s["traceId"] == trace]

    def record(self, trace: str) -> Span:
        """The log record of one trace, once it is there."""
        found: list[Span] = []

        def there() -> bool:
            found[:] = [r for r in self.sink.records("grafana") if r.get("traceId") == trace]
            return bool(found)

        eventually(there, f"the record of {trace} is there", seconds=60)
        [only] = found
        return only


@pytest.fixture(scope="module")
def run(start: Start, folder: Path) -> Iterator[Run]:
    with sink() as found:
        base = f"http://127.0.0.1:{found.port}"
        generated = traces.config(*BACKENDS, found=traces.settings(base), content="Redact", samplePercent=SHARE)
        ports = free_ports(3)
        spool = folder / "spool"
        spool.mkdir()
        parts = halves(on_loopback(generated, (ports[0], ports[1], ports[2]), spool))
        for name, part in zip(("otelcol", "otelcol-content"), parts, strict=True):
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(part, allow_unicode=True), encoding="utf-8")
        children = [launch(start, folder, name) for name in ("otelcol", "otelcol-content")]
        metrics = f"http://127.0.0.1:{ports[2]}/metrics"
        eventually(lambda: answers(children, metrics), "the collectors answer", seconds=60)
        quiet = [span(secrets.token_hex(16), "chat", gen_ai__request__model="m") for _ in range(QUIET)]
        send(ports[1], "traces", of_spans([failed(), flagged(), *quiet]))
        send(ports[1], "logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [details()]}]}]})
        yield Run(found, metrics)


def launch(start: Start, folder: Path, name: str) -> Child:
    assignments = [f"{k}={v}" for k, v in KEYS.items()]
    return start(name, ["/usr/bin/env", *assignments, ensure(name), f"--config=file:{folder / name}.yaml"])


def answers(children: list[Child], metrics: str) -> bool:
    for child in children:
        child.check()
    try:
        return requests.get(metrics, timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_an_answer_of_100_kb_is_whole_and_redacted_in_the_logs(run: Run) -> None:
    record = run.record(FAILED)
    content = json.loads(record["body"]["stringValue"])

    assert len(LONG) > 100_000
    assert content["gen_ai.output.messages"] == REDACTED
    assert content["gen_ai.input.messages"] == "my password: <redacted:secret>"
    assert record["spanId"] == run.trace("grafana", FAILED)[0]["spanId"]
    assert record["resource"]["llmservice"] == "chat"


def test_the_content_of_a_log_event_moves_to_its_body_whole(run: Run) -> None:
    record = run.record(EVENT)

    assert json.loads(record["body"]["stringValue"])["gen_ai.output.messages"] == REDACTED
    assert record["attributes"]["gen_ai.provider.name"] == "vllm"
    assert not any("messages" in name for name in record["attributes"])


def test_nothing_that_was_planted_leaves_the_collector(run: Run) -> None:
    run.record(FAILED), run.record(EVENT)
    for name in BACKENDS[:3]:
        run.trace(name, FAILED)
    text = json.dumps([body for _, _, body in run.sink.requests]) + requests.get(run.metrics, timeout=10).text

    assert [secret for secret in PLANTED if secret in text] == []
    assert "<redacted:iban>" in text
    assert "0.1,0.2" not in text


def test_a_trace_store_gets_short_attributes_and_no_content(run: Run) -> None:
    [found] = run.trace("grafana", FAILED)
    texts = {k: v for k, v in found["attributes"].items() if isinstance(v, str)}

    assert all(len(v.encode()) <= ATTRIBUTE_BYTES for v in texts.values())
    assert len(texts["many"]) == ATTRIBUTE_BYTES
    assert not any(re.search(CONTENT_KEYS, k) for k in found["attributes"])
    assert [e["name"] for e in found["events"]] == ["exception"]
    assert found["name"] == "chat for <redacted:email>"


def test_names_of_before_are_those_of_today(run: Run) -> None:
    [found] = run.trace("grafana", FAILED)

    assert found["attributes"]["gen_ai.provider.name"] == "vllm"
    assert found["attributes"]["gen_ai.usage.input_tokens"] == "7"
    assert found["attributes"]["gen_ai.response.finish_reasons"] == {"values": [{"stringValue": "error"}]}
    assert found["attributes"]["gen_ai.operation.name"] == "chat"
    assert "gen_ai.system" not in found["attributes"]


def test_each_backend_gets_what_its_preset_says(run: Run) -> None:
    [langfuse], [langsmith] = run.trace("langfuse", FAILED), run.trace("langsmith", FAILED)
    [lunary] = run.trace("lunary", FAILED)
    headers = {path: found for path, found, _ in run.sink.requests}

    assert langfuse["attributes"]["gen_ai.output.messages"] == REDACTED
    assert langfuse["attributes"]["langfuse.trace.name"] == "chat"
    assert headers["/langfuse/api/public/otel/v1/traces"]["x-langfuse-ingestion-version"] == "4"
    assert headers["/langfuse/api/public/otel/v1/traces"]["authorization"] == "Basic key-of-langfuse"
    assert headers["/langsmith/otel/v1/traces"]["x-api-key"] == "key-of-langsmith"
    assert langsmith["attributes"]["langsmith.trace.id"] == "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
    assert langsmith["attributes"]["langsmith.span.id"].replace("-", "").endswith(langsmith["spanId"])
    assert lunary["attributes"]["gen_ai.system"] == "vllm"
    assert run.sink.of("langfuse", "/v1/logs") == []


def test_failures_and_flagged_answers_are_kept_and_of_the_rest_a_part(run: Run) -> None:
    run.trace("lunary", FAILED), run.trace("lunary", FLAGGED)
    quiet = {s["traceId"] for s in run.sink.spans("lunary")} - {FAILED, FLAGGED}

    assert 0 < len(quiet) < QUIET * SHARE / 100 * 2.5


def test_metrics_count_every_span_before_sampling(run: Run) -> None:
    def counted() -> int:
        text = requests.get(run.metrics, timeout=10).text
        return sum(int(float(n)) for n in re.findall(r"(?m)^llm_spans_calls_total\{[^}]*\} ([0-9.e+]+)", text))

    eventually(lambda: counted() == QUIET + 2, "every span is counted", seconds=60)


def test_content_that_is_to_be_dropped_leaves_in_no_form(start: Start, folder: Path) -> None:
    with sink() as found:
        generated = traces.config("grafana", found=traces.settings(f"http://127.0.0.1:{found.port}"))
        ports = free_ports(3)
        written = on_loopback(generated, (ports[0], ports[1], ports[2]), folder)
        (folder / "otelcol.yaml").write_text(yaml.safe_dump(written, allow_unicode=True), encoding="utf-8")
        child = launch(start, folder, "otelcol")
        eventually(lambda: answers([child], f"http://127.0.0.1:{ports[2]}/metrics"), "it answers", seconds=60)
        old = {
            "timeUnixNano": "1",
            "traceId": EVENT,
            "body": {"kvlistValue": {"values": attributes(content=WORDS)}},
            "attributes": attributes(event__name="gen_ai.user.message"),
        }
        plain = {"timeUnixNano": "1", "traceId": FLAGGED, "body": {"stringValue": "an ordinary line"}}
        records = [details(), old, plain]
        send(ports[1], "traces", of_spans([failed(), flagged()]))
        send(ports[1], "logs", {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": records}]}]})
        eventually(
            lambda: len(found.spans("grafana")) == 2 and len(found.records("grafana")) == 3, "all came", seconds=60
        )
        text = json.dumps([body for _, _, body in found.requests])

    assert "an ordinary line" in text
    assert [words for words in (WORDS, *PLANTED, "my password", "redacted:card") if words in text] == []


def validate(config: Path, name: str) -> str:
    command = [
        "/usr/bin/env",
        *(f"{k}={v}" for k, v in KEYS.items()),
        str(ensure(name)),
        "validate",
        f"--config=file:{config}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("version", ["0.155.0", "0.156.0"])
@pytest.mark.parametrize("names", [PRESETS[i : i + 4] for i in range(0, len(PRESETS), 4)], ids="-".join)
def test_a_collector_takes_the_configuration_of_every_preset(tmp_path: Path, names: list[str], version: str) -> None:
    for content in ("Drop", "Redact"):
        generated = traces.config(*names, found=traces.settings(version=version), content=content, samplePercent=SHARE)
        for name, part in zip(("otelcol", "otelcol-content"), halves(generated), strict=True):
            path = tmp_path / "config.yaml"
            path.write_text(yaml.safe_dump(part, allow_unicode=True), encoding="utf-8")
            if part["service"]["pipelines"]:
                assert validate(path, name) == ""


def test_a_component_and_a_statement_that_a_collector_does_not_know_are_seen(tmp_path: Path) -> None:
    good = yaml.safe_dump(traces.config("grafana"), allow_unicode=True)
    path = tmp_path / "config.yaml"
    for right, wrong in (
        ("memory_limiter", "memory_limitter"),
        ("truncate_all", "truncate_al"),
        ("check_interval", "check"),
    ):
        path.write_text(good.replace(right, wrong), encoding="utf-8")
        assert wrong in validate(path, "otelcol")
