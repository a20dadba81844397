"""Owns the proof that every series recorded for vLLM has the right value, from real expositions, by promtool."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from serinus.core.model import Manifest
from serinus.core.runtime import Runtime
from serinus.core.signals import (
    ERROR_RATIO,
    PREFIX_CACHE_HIT,
    SPEC_DECODE_ACCEPTANCE,
    VOCABULARY,
    Form,
    RuntimeKind,
)
from serinus.resources import signal_rules
from tests.alerts import promtool, vllm_oracle
from tests.alerts.sample import MINUTES, RECORDED, Sample, expectation
from tests.golden import render

VLLM = render.library().runtimes["vllm"]
SAMPLES = ("vllm.prom", "vllm-0.10.prom")
TPOT = {f"llm:tpot_seconds{suffix}" for suffix in ("_bucket:rate5m", ":p50_5m", ":p95_5m", ":p99_5m", ":mean5m")}
ABSENT = {"vllm.prom": set[str](), "vllm-0.10.prom": TPOT | {"llm:repetitions:rate5m"}}
"""Recorded series that a version has nothing for: 0.10 has no time per output token of a request, no repetitions."""


def rules() -> Manifest:
    [built] = signal_rules.build(VLLM, render.SETTINGS)
    return built


def reckoned(sample: Sample) -> dict[str, vllm_oracle.Found]:
    """What each recorded series must be; nothing where the sample lacks the raw series."""
    found = {}
    for series, row in vllm_oracle.rows().items():
        try:
            found[series] = row(sample)
        except KeyError:
            found[series] = []
    return found


def judge(samples: list[Sample], wanted: dict[str, vllm_oracle.Found], folder: Path, built: Manifest) -> str:
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [series for sample in samples for series in sample.input_series()],
        "promql_expr_test": [expectation(series, found) for series, found in wanted.items()],
    }
    return promtool.test(built, [test], folder)


def test_the_oracle_has_a_row_for_each_recorded_series() -> None:
    assert set(vllm_oracle.rows()) == signal_rules.series(VLLM)


@pytest.mark.parametrize("file", SAMPLES)
def test_every_recorded_series_has_its_value(file: str, tmp_path: Path) -> None:
    sample = Sample.of(file)
    wanted = reckoned(sample)

    assert {series for series, found in wanted.items() if not found} == ABSENT[file]
    assert judge([sample], wanted, tmp_path, rules()) == ""


def test_some_values_are_as_counted_by_hand(tmp_path: Path) -> None:
    by_hand = {
        "llm:requests_waiting": 3.0,
        "llm:kv_cache_usage:ratio": 0.4137,
        "llm:request_error:ratio5m": 11 / 61,
        "llm:prompt_tokens:rate5m": 10630.7,
        "llm:ttft_seconds:p50_5m": 0.1 + 0.15 * (300 - 104) / (370 - 104),
        "llm:output_tokens_per_request:mean5m": 144115 / 600,
    }
    wanted = {series: [(RECORDED, value)] for series, value in by_hand.items()}

    assert judge([Sample.of("vllm.prom")], wanted, tmp_path, rules()) == ""


def test_a_signal_without_raw_series_is_a_gap_and_no_rule() -> None:
    assert signal_rules.gaps(VLLM) == ("refusals", "ready")
    assert "llm:ready" not in signal_rules.series(VLLM)


def test_a_custom_runtime_records_whether_it_is_up_and_has_every_other_signal_as_a_gap() -> None:
    custom = render.library().runtimes["custom"]

    assert signal_rules.series(custom) == {"llm:up"}
    engines = [n for n, e in VOCABULARY.items() if RuntimeKind.ENGINE in e.kinds and e.form is not Form.PART]
    assert signal_rules.gaps(custom) == tuple(engines)


def test_no_value_of_a_counter_is_rated_twice() -> None:
    for rule in signal_rules.rules(VLLM):
        assert not re.search(r"(rate|increase)\(llm:", rule.expr), rule.record


OLD = """
# TYPE vllm:gpu_cache_usage_perc gauge
vllm:gpu_cache_usage_perc 0.7
# TYPE vllm:time_per_output_token_seconds histogram
vllm:time_per_output_token_seconds_bucket{le="0.1"} 60
vllm:time_per_output_token_seconds_bucket{le="+Inf"} 60
vllm:time_per_output_token_seconds_count 60
vllm:time_per_output_token_seconds_sum 3
# TYPE vllm:gpu_prefix_cache_hits_total counter
vllm:gpu_prefix_cache_hits_total 60
"""
NEW = """
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc 0.2
# TYPE vllm:inter_token_latency_seconds histogram
vllm:inter_token_latency_seconds_bucket{le="0.1"} 120
vllm:inter_token_latency_seconds_bucket{le="+Inf"} 120
vllm:inter_token_latency_seconds_count 120
vllm:inter_token_latency_seconds_sum 12
# TYPE vllm:prompt_tokens_cached_total counter
vllm:prompt_tokens_cached_total 120
"""
FLEET = {
    "llm:up": [(RECORDED, 1.0)],
    "llm:kv_cache_usage:ratio": [(RECORDED, 0.7)],
    "llm:cached_tokens:rate5m": [(RECORDED, 5.0)],
    "llm:itl_seconds_bucket:rate5m": [(RECORDED | {"le": "0.1"}, 5.0), (RECORDED | {"le": "+Inf"}, 5.0)],
    "llm:itl_seconds:mean5m": [(RECORDED, 27 / 300)],
}
"""One pod with the old names, one with the new ones, one with both: 60 + 120 + 120 a minute, none counted twice."""


def fleet() -> list[Sample]:
    texts = {"chat-old": OLD, "chat-new": NEW, "chat-both": OLD + NEW}
    return [Sample(text, pod=pod) for pod, text in texts.items()]


def test_pods_with_old_and_with_new_names_are_summed_and_none_is_counted_twice(tmp_path: Path) -> None:
    assert judge(fleet(), FLEET, tmp_path, rules()) == ""


def or_after_aggregation(expr: str) -> str:
    """`sum (new or old)` as `sum (new) or sum (old)`, the order that drops the pods with old names."""
    match = re.fullmatch(r"(sum by \([^)]*\)) \((rate\([^()]*\)(?: or rate\([^()]*\))*)\)", expr)
    return " or ".join(f"{match[1]} ({part})" for part in match[2].split(" or ")) if match else expr


def count_both(expr: str) -> str:
    """Old and new names under different labels, so that a pod that has both counts twice."""
    return re.sub(r" or (rate\(vllm:\w+\{.*?\}\[5m\]\))", r' or label_replace(\1, "old", "1", "", "")', expr)


@pytest.mark.parametrize("spoil", [or_after_aggregation, count_both])
def test_a_wrong_order_of_or_and_sum_is_seen(spoil: Callable[[str], str], tmp_path: Path) -> None:
    built = rules()
    for rule in built["spec"]["groups"][0]["rules"]:
        rule["expr"] = spoil(rule["expr"])

    assert "llm:cached_tokens:rate5m" in judge(fleet(), FLEET, tmp_path, built)


def test_names_that_a_router_exports_again_are_not_counted(tmp_path: Path) -> None:
    text = (
        '# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{model_name="m"} 3\n'
        'vllm:num_requests_waiting{server="http://chat-1:8000"} 30\n'
    )

    assert judge([Sample(text)], {"llm:requests_waiting": [(RECORDED, 3.0)]}, tmp_path, rules()) == ""


def test_two_services_and_two_revisions_stay_apart(tmp_path: Path) -> None:
    text = "# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting 3\n"
    canary, other = {"revision": "r5f9c1a03be"}, {"namespace": "team-b", "llmservice": "chat"}
    pods = [Sample(text), Sample(text, pod="chat-1"), Sample(text, pod="chat-2", target=canary)]
    foreign = Sample(text, pod="chat-3", target={"llmservice": ""})
    wanted = {"llm:requests_waiting": [(RECORDED, 6.0), (RECORDED | canary, 3.0), (RECORDED | other, 3.0)]}

    assert judge([*pods, Sample(text, pod="x", target=other), foreign], wanted, tmp_path, rules()) == ""


QUIET = """
# TYPE http_requests_total counter
http_requests_total{handler="/v1/chat/completions",status="2xx"} 60
http_requests_total{handler="/v1/models",status="2xx"} 6000
http_requests_total{handler="/metrics",status="2xx"} 6000
"""


def test_without_any_error_the_ratio_is_zero_and_not_absent(tmp_path: Path) -> None:
    classes = ("overload", "server", "client", "cancelled")
    wanted = {
        "llm:requests_arrived:rate5m": [(RECORDED, 1.0)],
        "llm:request_error:ratio5m": [(RECORDED, 0.0)],
        "llm:request_errors:rate5m": [(RECORDED | {"error_class": c}, 0.0) for c in classes],
    }

    assert judge([Sample(QUIET)], wanted, tmp_path, rules()) == ""


def without(*names: str) -> Runtime:
    """VLLM, as if it lacked some signals."""
    return replace(VLLM, signals={name: signal for name, signal in VLLM.signals.items() if name not in names})


def test_errors_are_a_share_of_finished_requests_where_arrivals_are_a_gap(tmp_path: Path) -> None:
    [built] = signal_rules.build(without("requests_arrived"), render.SETTINGS)
    text = (
        '# TYPE vllm:request_success_total counter\nvllm:request_success_total{finished_reason="stop"} 90\n'
        'vllm:request_success_total{finished_reason="error"} 30\n'
    )
    wanted = {
        "llm:request_error:ratio5m": [(RECORDED, 0.25)],
        "llm:request_errors:rate5m": [
            (RECORDED | {"error_class": name}, rate)
            for name, rate in (("overload", 0.0), ("server", 0.5), ("client", 0.0), ("cancelled", 0.0))
        ],
    }

    assert judge([Sample(text)], wanted, tmp_path, built) == ""


@pytest.mark.parametrize(
    ("lacking", "gone"),
    [
        (("requests_arrived", "requests_finished"), ERROR_RATIO),
        (("request_errors",), ERROR_RATIO),
        (("cached_tokens",), PREFIX_CACHE_HIT),
        (("spec_decode_drafted",), SPEC_DECODE_ACCEPTANCE),
    ],
)
def test_a_ratio_that_lacks_a_part_is_a_gap(lacking: tuple[str, ...], gone: str) -> None:
    assert gone in signal_rules.series(VLLM)
    assert gone not in signal_rules.series(without(*lacking))


def test_every_signal_of_a_runtime_is_recorded_or_a_part_of_a_ratio() -> None:
    for name in VLLM.signals:
        assert len(signal_rules.rules(without(name))) < len(signal_rules.rules(VLLM)), name


def test_without_any_request_there_is_no_latency_and_no_ratio(tmp_path: Path) -> None:
    idle = Sample.of("vllm.prom")
    rows = [series | {"values": f"7x{MINUTES}"} for series in idle.input_series()]
    quotients = [s for s in signal_rules.series(VLLM) if ":p9" in s or ":p5" in s or ":mean" in s or ":ratio5m" in s]
    expressions = [expectation(series, []) for series in sorted(quotients)]

    test = {"interval": "1m", "input_series": rows, "promql_expr_test": expressions}
    assert len(quotients) == 24
    assert promtool.test(rules(), [test], tmp_path) == ""


def test_a_wrong_value_and_a_series_that_is_missing_are_seen(tmp_path: Path) -> None:
    wrong = {"llm:requests_waiting": [(RECORDED, 3.1)], "llm:ready": [(RECORDED, 1.0)]}

    complaint = judge([Sample.of("vllm.prom")], wrong, tmp_path, rules())

    assert "llm:requests_waiting" in complaint
    assert "llm:ready" in complaint
