"""Owns the proof that a catalogue file is read as it says, and that one that cannot be used says where and why."""

import copy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from serinus.core.alert import Severity, Threshold, Unit
from serinus.core.alertfile import parse_alerts
from serinus.core.catalogue import parse_runtime
from serinus.core.datafile import InvalidCatalogue
from serinus.core.promql import Duration, Matcher, Op
from serinus.shell.catalogue import RUNTIMES, load

ROOT = Path(__file__).parents[2]
VLLM = yaml.safe_load((RUNTIMES / "vllm.yaml").read_text(encoding="utf-8"))
GROUP = {
    "group": "rollout",
    "alerts": [
        {
            "name": "LLMTest",
            "expr": "100 * llm:up{$service} < $threshold",
            "for": "5m",
            "severity": "warning",
            "threshold": {"percent": 90},
            "summary": "$namespace/$name is down",
            "description": "Below $threshold for $for: {{ $labels.revision }}, {{ $value }}.",
            "runbook": "llmtest",
        }
    ],
}


def put(data: Any, path: str, value: object) -> Any:
    """A copy with one value set at a dotted path; the value `...` removes it."""
    changed = copy.deepcopy(data)
    *parents, last = path.split(".")
    at = changed
    for key in parents:
        at = at[int(key)] if isinstance(at, list) else at[key]
    if value is ...:
        del at[last]
    else:
        at[int(last) if isinstance(at, list) else last] = value
    return changed


def test_the_catalogue_of_this_repository_is_read() -> None:
    library = load(RUNTIMES, ROOT / "alert-rules")
    vllm = library.runtimes["vllm"]

    assert {"custom", "vllm"} <= set(library.runtimes)
    assert (vllm.port, vllm.port_number, vllm.metrics_port, vllm.metrics_path) == ("http", 8000, "http", "/metrics")
    assert (vllm.health_path, vllm.role, vllm.api) == ("/health", "server", "chat")
    assert vllm.signals["ttft"].buckets[:3] == (0.001, 0.005, 0.01)
    assert vllm.signals["itl"].source.metrics[0] == "vllm:inter_token_latency_seconds"
    assert vllm.signals["ttft"].source.matchers == (Matcher("server", ""),)
    assert [g.name for g in library.alerts][:3] == ["cost", "gateway", "gpu"]


def test_matchers_of_every_operator_are_read() -> None:
    data = put(VLLM, "signals.requests_arrived.matchers", {"a": "1", "b": {"not": "2", "regex": "3", "notRegex": "4"}})

    assert parse_runtime(data, "x.yaml").signals["requests_arrived"].source.matchers[1:] == (
        Matcher("a", "1"),
        Matcher("b", "2", Op.NOT_EQUAL),
        Matcher("b", "3", Op.REGEX),
        Matcher("b", "4", Op.NOT_REGEX),
    )


RUNTIME_ERRORS: list[tuple[str, object, str]] = [
    ("nmae", "vllm", "nmae: is unknown, allowed are name, title"),
    ("name", "v LLM", "name: found 'v LLM', allowed is"),
    ("name", 5, "name: found a number, allowed is a string"),
    ("title", ..., "title: is required"),
    ("port", 8000, "port: found a number, allowed is an object"),
    ("port.number", 0, "port.number: found 0, allowed is an integer from 1 to 65535"),
    ("port.nummer", 1, "port.nummer: is unknown, allowed are name, number"),
    ("metrics.paths", "/x", "metrics.paths: is unknown, allowed are port, number, path"),
    ("api", "soap", "api: found 'soap', allowed are chat, completions"),
    ("role", "boss", "role: found 'boss', allowed are server, router, prefill, decode"),
    ("logs", "xml", "logs: found 'xml', allowed are json, logfmt, text"),
    ("requires", ["--metrics"], "requires[0]: found a string, allowed is an object"),
    ("requires", [{"flag": "--metrics", "says": "x"}], "requires[0].says: is unknown, allowed are flag, env, files"),
    ("requires", [{"env": "METRICS"}], "requires[0].flag: is required"),
    ("requires", [{"flag": "-m", "signals": ["x"]}], "requires[0].signals[0]: found 'x', allowed is a signal of this"),
    ("components", [{"name": "w", "role": "boss"}], "components[0].role: found 'boss', allowed are server, router"),
    ("kind", "model", "kind: found 'model', allowed are engine, gateway, client, device"),
    ("kind", "device", "signals.requests_finished: is unknown, allowed are gpu_util"),
    ("modelLabel", "model", "modelLabel: found with kind engine, allowed is only with gateway and client"),
    ("metrics", ..., "metrics: is required where there are signals"),
    ("signals.ttft.unit", "minutes", "signals.ttft.unit: found 'minutes', allowed are seconds, milliseconds"),
    ("signals.requests_waiting.unit", "seconds", "signals.requests_waiting.unit: found 'seconds', allowed are count"),
    ("signals.ttft.sum", ["x"], "signals.ttft.sum: found with kind histogram, allowed is only with mean"),
    ("signals.ttft", {"kind": "mean", "sum": ["x"]}, "signals.ttft.count: is required, allowed is a list of metric"),
    ("signals.ttft", {"kind": "mean", "metrics": ["x"]}, "signals.ttft.metrics: found with kind mean, allowed are sum"),
    ("signals.tfft", {}, "signals.tfft: is unknown, allowed are requests_finished"),
    ("signals.ttft.kind", "gauge", "signals.ttft.kind: found 'gauge', allowed are histogram, mean"),
    ("signals.ttft.kind", ..., "signals.ttft.kind: is required"),
    ("signals.ttft.metric", [], "signals.ttft.metric: is unknown, allowed are kind, unit, metrics"),
    ("signals.ttft.metrics", [], "signals.ttft.metrics: is required, allowed is a list of metric names"),
    ("signals.ttft.metrics", "x", "signals.ttft.metrics: found a string, allowed is a list"),
    ("signals.ttft.metrics", ["a b"], "signals.ttft.metrics[0]: metric: found 'a b', allowed is"),
    ("signals.ttft.metrics", ["x", 5], "signals.ttft.metrics[1]: found 5, allowed is a string"),
    ("signals.ttft.buckets", [1, "2"], "signals.ttft.buckets[1]: found '2', allowed is a number"),
    ("signals.ttft.buckets", [2, 1], "signals.ttft.buckets: found edges that do not ascend"),
    ("signals.ttft.classes", {}, "signals.ttft.classes: found, allowed are metrics and matchers"),
    ("signals.ttft.latest", True, "signals.ttft.latest: found with kind histogram, allowed is only with info"),
    ("signals.requests_waiting.buckets", [1], "buckets: found with kind gauge, allowed is only with histogram"),
    ("signals.requests_waiting.labels", {"a": "b"}, "labels: found with kind gauge, allowed is only with info"),
    ("signals.request_errors.metrics", ["x"], "signals.request_errors: found metrics or matchers, allowed is classes"),
    ("signals.request_errors.classes", {}, "signals.request_errors.classes: is required, allowed are server"),
    ("signals.request_errors.classes.servers", [], "classes.servers: is unknown, allowed are server, overload"),
    ("signals.request_errors.classes.client", [], "classes.client: found an empty list, allowed is at least one"),
    ("signals.request_errors.classes.client.0.name", "x", "client[0].name: is unknown, allowed are metrics, matchers"),
    (
        "signals.request_errors.classes.overload.0.minus",
        "server",
        "classes.overload[0].minus: found 'server', allowed is a class that stands before it: none does",
    ),
    ("matchers", {"a-b": ""}, "matchers.a-b: label: found 'a-b', allowed is"),
    ("matchers", {"server": {"is": "x"}}, "matchers.server.is: is unknown, allowed are not, regex, notRegex"),
    ("matchers", {"server": 5}, "matchers.server: found a number, allowed is an object"),
]


@pytest.mark.parametrize(("path", "value", "message"), RUNTIME_ERRORS)
def test_a_runtime_that_cannot_be_used_says_where_and_why(path: str, value: object, message: str) -> None:
    with pytest.raises(InvalidCatalogue) as caught:
        parse_runtime(put(VLLM, path, value), "vllm.yaml")

    assert str(caught.value).startswith("vllm.yaml: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("data", [None, [], "vllm"])
def test_a_file_that_is_no_object_says_so(data: object) -> None:
    with pytest.raises(InvalidCatalogue, match=r"^x.yaml: found .*, allowed is an object$"):
        parse_runtime(data, "x.yaml")


def test_an_alert_is_read() -> None:
    [alert] = parse_alerts(GROUP, "x.yaml").alerts

    assert (alert.name, alert.hold, alert.severity) == ("LLMTest", Duration(300_000), Severity.WARNING)
    assert alert.threshold == Threshold(Unit.PERCENT, Decimal(90))


ALERT_ERRORS: list[tuple[str, object, str]] = [
    ("groups", "x", "groups: is unknown, allowed are group, interval, alerts"),
    ("group", "Roll out", "group: found 'Roll out', allowed is"),
    ("alerts", [], "alerts: is required, allowed is a list of alerts"),
    ("alerts.0.nam", "x", "alerts[0].nam: is unknown, allowed are name, expr, for"),
    ("alerts.0.name", "Test", "alerts[0].name: found 'Test', allowed is LLM"),
    ("alerts.0.for", "5", "alerts[0].for: found '5', allowed is a duration"),
    ("alerts.0.for", 5, "alerts[0].for: found a number, allowed is a string"),
    ("alerts.0.severity", "page", "alerts[0].severity: found 'page', allowed are info, warning, critical"),
    ("alerts.0.severity", ..., "alerts[0].severity: is required"),
    (
        "alerts.0.threshold",
        {"points": 5},
        "alerts[0].threshold.points: is unknown, allowed are percent, duration, value",
    ),
    ("interval", "5", "interval: found '5', allowed is a duration"),
    ("alerts.0.needs", "luck", "alerts[0].needs: found 'luck', allowed are continuousProbing"),
    ("alerts.0.gates", "yes", "alerts[0].gates: found 'yes', allowed are true and false"),
    ("alerts.0.burn", {"short": "5m"}, "alerts[0].burn.budgetPercent: found 'None', allowed is a number"),
    (
        "alerts.0.burn",
        {"short": "5 m", "long": "1h", "budgetPercent": 2},
        "alerts[0].burn.short: found '5 m', allowed is",
    ),
    (
        "alerts.0.burn",
        {"short": "5m", "long": "1h", "budgetPercent": 2},
        "alerts[0].threshold: found with burn, allowed is one of both",
    ),
    ("alerts.0.shared", "yes", "alerts[0].shared: found 'yes', allowed are true and false"),
    ("alerts.0.coveredBy", ["ttft", "speed"], "alerts[0].coveredBy[1]: found 'speed', allowed are ttft, itl, tpot"),
    ("alerts.0.threshold", {}, "alerts[0].threshold: found 0 units, allowed is one of"),
    ("alerts.0.threshold", {"percent": "5 or 1"}, "alerts[0].threshold.percent: found '5 or 1', allowed is a number"),
    ("alerts.0.threshold", {"duration": 5}, "alerts[0].threshold.duration: found '5', allowed is a duration"),
    (
        "alerts.0.threshold",
        ...,
        "alerts[0].expr: found placeholders $service, $threshold, allowed are exactly $service",
    ),
    ("alerts.0.expr", "llm:up < $threshold", "alerts[0].expr: found placeholders $threshold, allowed are exactly"),
    ("alerts.0.expr", "llm:up{$service} < $threshold and", "alerts[0].expr: found"),
    ("alerts.0.expr", "llm:up{$service} < $threshold and up", "alerts[0].expr: selector of up: lacks namespace="),
    ("alerts.0.summary", "$nmae", "alerts[0].summary: found $nmae, allowed are $for, $model"),
    ("alerts.0.description", ..., "alerts[0].description: is required"),
    ("alerts.0.runbook", "A B", "alerts[0].runbook: found 'A B', allowed is"),
]


@pytest.mark.parametrize(("path", "value", "message"), ALERT_ERRORS)
def test_an_alert_that_cannot_be_used_says_where_and_why(path: str, value: object, message: str) -> None:
    with pytest.raises(InvalidCatalogue) as caught:
        parse_alerts(put(GROUP, path, value), "x.yaml")

    assert str(caught.value).startswith("x.yaml: ")
    assert message in str(caught.value)


LIMIT = 'llm:slo_error:limit{$service,window="1h"}'
BURN = put(put(GROUP, "alerts.0.threshold", ...), "alerts.0.burn", {"short": "5m", "long": "1h", "budgetPercent": 2})
BURN = put(BURN, "alerts.0.expr", f"$step * {LIMIT} > $least")
BURN = put(put(BURN, "alerts.0.summary", "$slo"), "alerts.0.description", "$objective in $long")


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("alerts.0.shared", True, "alerts[0].shared: found with burn, allowed is one of both: objectives are a"),
        ("alerts.0.burn.long", "6h", 'alerts[0].expr: found no window="6h", allowed is the limit of burn.long'),
        ("alerts.0.expr", f"{LIMIT} > $least", "alerts[0].expr: found placeholders $least, $service, allowed are"),
        ("alerts.0.summary", "$limit", "alerts[0].summary: found $limit, allowed are $for, $long, $model"),
    ],
)
def test_a_burn_rate_that_cannot_be_used_says_where_and_why(path: str, value: object, message: str) -> None:
    assert parse_alerts(BURN, "x.yaml").alerts[0].burn is not None

    with pytest.raises(InvalidCatalogue) as caught:
        parse_alerts(put(BURN, path, value), "x.yaml")
    assert message in str(caught.value)


def test_a_shared_alert_is_about_all_services_and_names_no_model() -> None:
    shared = put(put(GROUP, "alerts.0.shared", True), "alerts.0.summary", "$namespace/$name")
    assert parse_alerts(shared, "x.yaml").alerts[0].shared

    with pytest.raises(InvalidCatalogue, match=r"alerts\[0\].summary: found \$model, allowed are \$for, \$name"):
        parse_alerts(put(shared, "alerts.0.summary", "$model"), "x.yaml")


def test_a_text_names_the_threshold_only_where_there_is_one() -> None:
    without = put(put(GROUP, "alerts.0.threshold", ...), "alerts.0.expr", "llm:up{$service} < 1")

    with pytest.raises(InvalidCatalogue, match=r"description: found \$threshold, allowed are"):
        parse_alerts(without, "x.yaml")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    runtimes, rules = tmp_path / "runtimes", tmp_path / "rules"
    for folder, data in ((runtimes, VLLM), (rules, GROUP)):
        folder.mkdir()
        (folder / "one.yaml").write_text(yaml.safe_dump(data))
    return runtimes, rules


def test_two_files_that_give_one_name_are_refused(folders: tuple[Path, Path]) -> None:
    runtimes, rules = folders
    (runtimes / "two.yaml").write_text(yaml.safe_dump(VLLM))
    with pytest.raises(InvalidCatalogue, match=r"two\.yaml: runtime 'vllm' is in one\.yaml too"):
        load(runtimes, rules)

    (runtimes / "two.yaml").unlink()
    (rules / "two.yaml").write_text(yaml.safe_dump(GROUP))
    with pytest.raises(InvalidCatalogue, match=r"two\.yaml: group 'rollout' is in one\.yaml too"):
        load(runtimes, rules)

    (rules / "two.yaml").write_text(yaml.safe_dump(put(GROUP, "group", "other")))
    with pytest.raises(InvalidCatalogue, match=r"two\.yaml: alert 'LLMTest' is in one\.yaml too"):
        load(runtimes, rules)


def test_a_folder_without_files_and_a_file_without_yaml_are_refused(folders: tuple[Path, Path]) -> None:
    runtimes, rules = folders
    (rules / "one.yaml").write_text("group: [")
    with pytest.raises(InvalidCatalogue, match=r"one\.yaml: cannot be read as YAML"):
        load(runtimes, rules)

    (rules / "one.yaml").unlink()
    with pytest.raises(InvalidCatalogue, match=r"rules: found no file \*\.yaml"):
        load(runtimes, rules)
