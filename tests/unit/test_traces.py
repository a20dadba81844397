"""Owns what is generated for traces: objects, what they hold, what is refused. A real collector is asked apart."""

import re
from typing import Any

import pytest
import yaml

from serinus.core.datafile import InvalidCatalogue
from serinus.core.model import InvalidSpec, Manifest
from serinus.core.parse import parse
from serinus.core.trace_redaction import replacements
from serinus.core.traces import Protocol, TraceEndpoint, TraceSettings
from serinus.core.tracespec import parse_endpoints, parse_presets
from serinus.resources import collector, monitoring
from serinus.resources.collector_logs import SPOOL
from serinus.shell import setting_types as types
from tests.support import collector_keys, objects, traces

PRESETS = traces.settings().presets
WANTED = {
    "langfuse",
    "phoenix",
    "langsmith",
    "datadog",
    "grafana",
    "elastic",
    "braintrust",
    "traceloop",
    "lunary",
    "portkey",
    "confident",
    "truefoundry",
    "jaeger",
    "tempo",
}
NAMES = list(PRESETS)
GROUPS = [NAMES[i : i + 4] for i in range(0, len(NAMES), 4)]


def made(*names: str, **more: Any) -> Manifest:
    [found] = collector.build(traces.context(*names, **more))
    return found


def variables(found: Manifest) -> set[str]:
    return {item["name"] for item in found["spec"].get("env", [])}


def pipelines(*names: str, **more: Any) -> dict[str, dict[str, list[str]]]:
    wanted: dict[str, dict[str, list[str]]] = traces.config(*names, **more)["service"]["pipelines"]
    return wanted


def refused(value: dict[str, Any]) -> InvalidSpec:
    with pytest.raises(InvalidSpec) as error:
        parse(objects.llmservice(monitoring={"outputs": {"traces": value}}), traces.library().runtimes)
    return error.value


# The spec


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"content": "Keep"}, "content"),
        ({"samplePercent": 0}, "samplePercent"),
        ({"instrumentation": "yes"}, "instrumentation"),
        ({"exporters": [{}]}, "exporters[0].endpointRef.name"),
        ({"exporters": [{"endpointRef": {"name": "a b"}}]}, "exporters[0].endpointRef.name"),
        ({"exporters": [{"endpointRef": {"name": "a"}}] * 2}, "exporters"),
        ({"exporters": [{"endpointRef": {"name": f"a{i}"}} for i in range(5)]}, "exporters"),
        (
            {"exporters": [{"endpointRef": {"name": "a"}, "secretKeyRef": {"name": "s"}}]},
            "exporters[0].secretKeyRef.key",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(value: dict[str, Any], path: str) -> None:
    assert refused(value).path == f"spec.monitoring.outputs.traces.{path}"


def test_without_traces_there_is_neither_object() -> None:
    context = traces.context("otlp")
    bare = parse(objects.llmservice(), traces.library().runtimes)
    off = type(context)(service=bare, settings=context.settings)
    assert collector.build(off) + collector.build_instrumentation(off) == []


def test_without_exporters_the_endpoint_named_default_is_taken() -> None:
    found = TraceSettings(endpoints={"default": TraceEndpoint(preset="tempo", url="http://t:4317")}, presets=PRESETS)
    assert set(traces.config(found=found)["exporters"]) == {"otlp/default", "prometheus"}


def test_what_cannot_be_had_is_a_problem_in_status_and_no_collector() -> None:
    cases = {
        ("nowhere",): "endpointRef.name: found 'nowhere', allowed are braintrust, ",
        ("loki",): "found places for logs alone",
        ("jaeger",): "content: found Redact, allowed is Drop",
    }
    for names, words in cases.items():
        context = traces.context(*names, content="Redact")
        assert collector.build(context) + collector.build_instrumentation(context) == []
        assert any(words in problem.message for problem in monitoring.problems(context)), words


def test_a_backend_that_wants_a_key_is_not_made_without_one() -> None:
    body = objects.llmservice(
        monitoring={"outputs": {"traces": {"exporters": [{"endpointRef": {"name": "langfuse"}}]}}}
    )
    context = traces.context("otlp")
    keyless = type(context)(service=parse(body, traces.library().runtimes), settings=context.settings)
    assert collector.problems(keyless) == (
        "spec.monitoring.outputs.traces.exporters[0].secretKeyRef: found none, allowed is the key that Langfuse wants",
    )


# The objects


@pytest.mark.parametrize("version", ["0.155.0", "0.156.0"])
@pytest.mark.parametrize("content", ["Drop", "Redact"])
@pytest.mark.parametrize("names", GROUPS, ids="-".join)
def test_every_preset_makes_a_configuration_that_fits(names: list[str], content: str, version: str) -> None:
    found = made(*names, found=traces.settings(version=version), content=content, samplePercent=10)
    assert collector_keys.problems(found["spec"]["config"], variables(found)) == []


def spoil(config: Manifest, right: str, wrong: str) -> Manifest:
    spoilt: Manifest = yaml.safe_load(yaml.safe_dump(config).replace(right, wrong))
    return spoilt


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("memory_limiter:", "memory_limitter:", "processors.memory_limitter is unknown"),
        ("check_interval:", "checkinterval:", "memory_limiter.checkinterval is unknown"),
        ("type: probabilistic", "type: probability", "policy sampled"),
        ("context: spanevent", "context: event", "context event is unknown"),
        ("forward/kept:", "forward/held:", "forward/kept is used and not defined"),
        ("env:SERINUS_KEY_0", "env:KEY", "variable KEY is not set"),
        ("- redaction\n", "", "processors.redaction is defined and not used"),
    ],
)
def test_the_checker_sees_what_is_wrong(right: str, wrong: str, words: str) -> None:
    found = made("grafana", samplePercent=10)
    spoilt = spoil(found["spec"]["config"], right, wrong)
    assert spoilt != found["spec"]["config"]
    assert any(words in problem for problem in collector_keys.problems(spoilt, variables(found)))


def test_new_names_of_components_come_with_the_version_that_has_them() -> None:
    old = traces.config("grafana", "tempo", content="Redact")
    new = traces.config("grafana", "tempo", found=traces.settings(version="0.156.0"), content="Redact")
    assert {"otlphttp/grafana", "otlp/tempo"} <= set(old["exporters"])
    assert {"otlp_http/grafana", "otlp_grpc/tempo"} <= set(new["exporters"])
    assert {"otlp", "file_log/content"} == set(new["receivers"])
    assert "span_metrics" in new["connectors"]


def test_keys_come_from_secrets_and_stand_nowhere() -> None:
    found = made("langfuse", "datadog")
    assert found["spec"]["env"][0] == {"name": "SERINUS_KEY_0", "valueFrom": {"secretKeyRef": traces.SECRET}}
    assert found["spec"]["config"]["exporters"]["otlphttp/datadog"]["headers"]["dd-api-key"] == "${env:SERINUS_KEY_1}"


def test_the_pod_of_a_collector_may_nothing() -> None:
    spec = made("otlp", content="Redact")["spec"]
    assert spec["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["podSecurityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["volumeMounts"] == [{"name": "content", "mountPath": SPOOL}]
    assert spec["volumes"][0]["emptyDir"]["medium"] == "Memory"
    assert "volumes" not in made("otlp")["spec"]


def test_an_image_with_a_digest_has_no_tag() -> None:
    found = traces.settings()
    pinned = TraceSettings(endpoints=found.endpoints, presets=found.presets, image=f"mirror/otelcol@sha256:{'a' * 64}")
    assert made("otlp", found=pinned)["spec"]["image"] == pinned.image
    assert made("otlp")["spec"]["image"] == "otel/opentelemetry-collector-contrib:0.155.0"


def test_applications_ask_for_the_instrumentation_which_sends_to_the_collector() -> None:
    [found] = collector.build_instrumentation(traces.context("otlp", instrumentation=True, content="Redact"))
    environment = {item["name"]: item["value"] for item in found["spec"]["env"]}
    assert (found["apiVersion"], found["metadata"]["name"]) == ("opentelemetry.io/v1alpha1", "chat-traces")
    assert found["spec"]["exporter"]["endpoint"] == "http://chat-traces-collector.default:4318"
    assert int(environment["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"]) > 128
    assert environment["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] == "span_only"
    assert collector.build_instrumentation(traces.context("otlp")) == []


# The configuration


def test_metrics_of_spans_come_after_redaction_and_before_sampling() -> None:
    found = pipelines("grafana", samplePercent=10)
    order = found["traces/in"]["processors"]
    assert "spanmetrics" in found["traces/in"]["exporters"]
    assert order.index("redaction") < order.index("transform/redact")
    assert "tail_sampling" not in order
    assert found["traces/kept"]["processors"] == ["tail_sampling"]


def test_failures_and_flagged_answers_are_kept_whatever_is_sampled() -> None:
    config = traces.config("grafana", samplePercent=5)
    policies = {p["name"]: p[p["type"]] for p in config["processors"]["tail_sampling"]["policies"]}
    assert policies["failed"] == {"status_codes": ["ERROR"]}
    assert policies["sampled"] == {"sampling_percentage": 5}
    assert any("content_filter" in condition for condition in policies["flagged"]["span"])
    assert "tail_sampling" not in traces.config("grafana")["processors"]


def test_batches_are_cut_by_bytes_below_what_the_backend_takes() -> None:
    exporters = traces.config("elastic", "langfuse", "tempo")["exporters"]
    for name in ("otlphttp/elastic", "otlphttp/langfuse", "otlp/tempo"):
        queue = exporters[name]["sending_queue"]
        assert (queue["sizer"], queue["batch"]["sizer"]) == ("bytes", "bytes")
        assert queue["batch"]["max_size"] < 4 * 1024 * 1024
    assert exporters["otlphttp/elastic"]["sending_queue"]["batch"]["max_size"] == 1_000_000


def test_content_goes_to_records_only_where_it_is_wanted_and_taken() -> None:
    assert "logs/content" in pipelines("tempo", "loki", content="Redact")
    assert "logs/content" not in pipelines("tempo", "loki", content="Drop")
    assert "logs/content" not in pipelines("langfuse", content="Redact")


def test_a_backend_without_logs_gets_none_and_one_without_traces_gets_none() -> None:
    found = pipelines("langfuse", "loki", content="Redact")
    assert found["logs/in"]["exporters"] == found["logs/content"]["exporters"] == ["otlphttp/loki"]
    assert "traces/loki" not in found


def test_a_sign_that_begins_a_reference_is_written_twice_but_in_headers() -> None:
    config = traces.config("langfuse")
    text = yaml.safe_dump({k: v for k, v in config.items() if k != "exporters"}, width=10_000)
    assert re.search(r"(?<!\$)\$(?:\$\$)*(?!\$)", text) is None
    assert config["exporters"]["otlphttp/langfuse"]["headers"]["Authorization"] == "Basic ${env:SERINUS_KEY_0}"


# Redaction


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("mail jane@example.org now", "mail <redacted:email> now"),
        ("card 4111 1111 1111 1111.", "card <redacted:card>."),
        ('{"password": "hunter2hunter2"}', '{"password": "<redacted:secret>"}'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer <redacted:secret>"),
        ("iban DE44500105175407324931 end", "iban <redacted:iban> end"),
        ("id chatcmpl-ab12cdef34567890abcdef12", "id chatcmpl-ab12cdef34567890abcdef12"),
        ("trace 1763740800000000000", "trace 1763740800000000000"),
    ],
)
def test_texts_lose_what_must_not_leave_and_keep_what_is_around(text: str, clean: str) -> None:
    for expression, mark in replacements():
        text = re.sub(expression, mark.replace("${", "\\g<").replace("}", ">"), text, flags=re.ASCII)
    assert text == clean


# Presets and settings


def test_every_backend_that_was_promised_has_a_preset() -> None:
    assert set(NAMES) >= WANTED
    assert all("6831" not in str(p) and "thrift" not in str(p) for p in PRESETS.values())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"presets": []}, "at least one"),
        ({"presets": [{"name": "a", "title": "A", "signals": ["metrics"]}]}, "signals"),
        ({"presets": [{"name": "a", "title": "A", "signals": ["traces"], "uuids": {"x": "y"}}]}, "trace and span"),
        ({"presets": [{"name": "a", "title": "A", "signals": ["traces"], "protocol": "thrift"}]}, "http, grpc"),
        ({"presets": [{"name": "a", "title": "A", "signals": ["traces"], "url": "x"}]}, "url: is unknown"),
    ],
)
def test_a_wrong_table_of_presets_is_refused(data: object, words: str) -> None:
    with pytest.raises(InvalidCatalogue, match=words):
        parse_presets(data, "trace-presets.yaml")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"a": {"preset": "zipkin", "url": "http://x"}}, "a.preset"),
        ({"a": {"preset": "tempo", "url": "http://x:4317/v1/traces"}}, "a.url"),
        ({"a": {"preset": "otlp", "url": "http://u:p@x"}}, "a.url"),
        ({"a": {"preset": "otlp", "url": "http://${env:X}"}}, "a.url"),
        ({"a": {"preset": "otlp", "url": "http://x", "project": "${env:X}"}}, "a.project"),
        ({"a": {"preset": "otlp"}}, "a.url"),
        ({"A b": {"preset": "otlp", "url": "http://x"}}, "A b"),
    ],
)
def test_a_wrong_endpoint_of_the_settings_is_refused(data: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_endpoints(data, PRESETS)
    assert error.value.path == path


def test_settings_are_read_from_their_texts() -> None:
    read = types.trace_endpoints(PRESETS)
    found = read('{"default": {"preset": "jaeger", "url": "http://jaeger:4317"}}')
    assert found["default"] == TraceEndpoint(preset="jaeger", url="http://jaeger:4317")
    assert PRESETS["jaeger"].protocol is Protocol.GRPC
    with pytest.raises(ValueError, match="preset"):
        read('{"default": {"preset": "thrift", "url": "http://jaeger:6831"}}')
    for wrong in ("0.155", "latest"):
        with pytest.raises(ValueError, match=r"0\.155\.0"):
            types.version(wrong)
    with pytest.raises(ValueError, match="image"):
        types.image("bad image")
