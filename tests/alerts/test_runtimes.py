"""Owns the proof that every series recorded of every runtime has the right value, from expositions, by promtool."""

from dataclasses import replace
from pathlib import Path

import pytest

from serinus.core.runtime import Signal, Source
from serinus.core.signals import Kind, RuntimeKind
from serinus.resources import signal_rules
from tests.alerts import observed, oracles_engines, oracles_nvidia, oracles_observers
from tests.alerts.observed import Observed, reckoned
from tests.alerts.oracle import Found
from tests.alerts.oracles import ATTACHED, LLAMA, OWN
from tests.golden import render

RUNTIMES = render.library().runtimes
ITL = "vllm:inter_token_latency_seconds"
TPOT = {f"llm:tpot_seconds{suffix}" for suffix in ("_bucket:rate5m", ":p50_5m", ":p95_5m", ":p99_5m", ":mean5m")}
QUEUE = {name.replace("tpot", "queue") for name in TPOT}
ABSENT = {
    "sglang-0.5.3.prom": {
        "llm:requests_arrived:rate5m",
        "llm:request_error:ratio5m",
        "llm:preemptions:rate5m",
        "llm:spec_decode_acceptance:ratio5m",
        *TPOT,
    },
    "nim.prom": {
        "llm:cached_tokens:rate5m",
        "llm:prefix_cache_hit:ratio5m",
        "llm:preemptions:rate5m",
        *TPOT,
        *QUEUE,
    },
    "llm-d-epp-gie-1.5.prom": {
        "llm:cached_tokens:rate5m",
        "llm:prefix_cache_hit:ratio5m",
        "llm:requests_running",
        *(
            f"llm:{name}_seconds{suffix}"
            for name in ("ttft", "itl", "tpot")
            for suffix in ("_bucket:rate5m", ":p50_5m", ":p95_5m", ":p99_5m", ":mean5m")
        ),
    },
}
"""Recorded series that a sample has nothing for: an older version, or a share of nothing."""


@pytest.mark.parametrize("name", sorted(OWN))
def test_every_series_recorded_of_a_services_own_pods_has_its_value(name: str, tmp_path: Path) -> None:
    runtime = RUNTIMES[name]
    seen = Observed(runtime, attached=False)
    assert set(OWN[name]) == signal_rules.series(runtime)
    for file in observed.files(runtime):
        sample = seen.sample(file)
        wanted = reckoned(OWN[name], sample)

        assert {series for series, found in wanted.items() if not found} == ABSENT.get(file, set()), file
        assert seen.judge([sample], wanted, tmp_path) == "", file


@pytest.mark.parametrize("name", sorted(ATTACHED))
def test_every_series_recorded_of_a_second_observer_has_its_value(name: str, tmp_path: Path) -> None:
    runtime = RUNTIMES[name]
    rows, served = ATTACHED[name]
    seen = Observed(runtime, attached=True, served=served)
    assert set(rows) == {rule.record for rule in signal_rules.attached_rules(runtime)}
    for file in observed.files(runtime):
        sample = seen.sample(file)
        wanted = reckoned(rows, sample)

        assert {series for series, found in wanted.items() if not found} == ABSENT.get(file, set()), file
        assert seen.judge([sample], wanted, tmp_path) == "", file


def added(founds: list[Found]) -> Found:
    """Series of several samples, those with the same labels added up."""
    total: dict[tuple[tuple[str, str], ...], float] = {}
    for own, value in (pair for found in founds for pair in found):
        key = tuple(sorted(own.items()))
        total[key] = total.get(key, 0.0) + value
    return [(dict(key), value) for key, value in total.items()]


def test_a_frontend_and_its_worker_in_one_pod_are_recorded_with_their_roles(tmp_path: Path) -> None:
    dynamo = RUNTIMES["dynamo"]
    [worker] = dynamo.components
    seen = Observed(dynamo, attached=False)
    frontend, beside = seen.sample("dynamo.prom"), seen.sample("dynamo-worker.prom", role=worker.role, endpoint="w")
    wanted = reckoned(oracles_nvidia.DYNAMO, frontend)
    for series, row in oracles_nvidia.DYNAMO_WORKER.items():
        wanted.setdefault(series, []).extend(({"role": "server"} | own, value) for own, value in row(beside))

    assert set(wanted) == signal_rules.series(dynamo)
    assert seen.judge([frontend, beside], wanted, tmp_path) == ""


def test_versions_of_sglang_side_by_side_are_added_up(tmp_path: Path) -> None:
    seen = Observed(RUNTIMES["sglang"], attached=False)
    samples = [seen.sample("sglang.prom", pod="chat-new"), seen.sample("sglang-0.5.3.prom", pod="chat-old")]
    tokens = ("llm:prompt_tokens:rate5m", "llm:cached_tokens:rate5m")
    counted = (*tokens, "llm:requests_finished:rate5m", "llm:ttft_seconds_bucket:rate5m")
    wanted = {name: added([reckoned(oracles_engines.SGLANG, s)[name] for s in samples]) for name in counted}

    assert len(wanted["llm:ttft_seconds_bucket:rate5m"]) == 19
    assert seen.judge(samples, wanted, tmp_path) == ""


def test_versions_of_vllm_side_by_side_are_added_up(tmp_path: Path) -> None:
    seen = Observed(RUNTIMES["vllm"], attached=False)
    new, old = seen.sample("vllm.prom", pod="chat-new"), seen.sample("vllm-0.10.prom", pod="chat-old")
    cached = new.rate("vllm:prompt_tokens_cached_total") + old.rate("vllm:prefix_cache_hits_total")
    spent, tokens = (new.sum(f"{ITL}{suffix}") + old.sum(f"{ITL}{suffix}") for suffix in ("_sum", "_count"))
    wanted: dict[str, Found] = {
        "llm:cached_tokens:rate5m": [({}, cached)],
        "llm:kv_cache_usage:ratio": [({}, max(s.sum("vllm:kv_cache_usage_perc") for s in (new, old)))],
        "llm:prompt_tokens:rate5m": [({}, sum(s.rate("vllm:prompt_tokens_total") for s in (new, old)))],
        "llm:itl_seconds:mean5m": [({}, spent / tokens)],
    }

    assert seen.judge([new, old], wanted, tmp_path) == ""


def test_a_new_endpoint_picker_that_exports_the_old_names_too_counts_once(tmp_path: Path) -> None:
    seen = Observed(RUNTIMES["llm-d-epp"], attached=True, served=LLAMA)
    new, old = (seen.sample(file) for file in ("llm-d-epp.prom", "llm-d-epp-gie-1.5.prom"))
    counted = ("llm:requests_finished:rate5m", "llm:requests_arrived:rate5m", "llm:prompt_tokens:rate5m")
    wanted = {series: row(new) for series, row in oracles_observers.EPP.items() if series in counted}

    assert seen.judge([new, old], wanted, tmp_path) == ""


def test_a_device_whose_exporter_keeps_its_labels_is_joined_too(tmp_path: Path) -> None:
    seen = Observed(RUNTIMES["dcgm"], attached=True)
    sample = seen.sample("dcgm.prom")
    sample.target = {k: v for k, v in sample.target.items() if k not in ("namespace", "pod", "container")}

    assert seen.judge([sample], reckoned(oracles_observers.DCGM, sample), tmp_path) == ""


def test_a_runtime_without_an_oracle_records_every_series_from_its_samples(tmp_path: Path) -> None:
    known = {*OWN, *ATTACHED, "vllm", "dynamo"} - {"tgi"}  # one that is known is among them, so that there is one
    seen = [Observed(r, attached=not r.serves) for n, r in RUNTIMES.items() if r.signals and n not in known]

    assert "tgi" in [found.runtime.name for found in seen]
    for found in seen:
        versions = enumerate(observed.files(found.runtime))
        samples = [found.sample(file, pod=f"chat-{i}", instance=f"chat-{i}:8000") for i, file in versions]
        assert found.missing(samples, tmp_path) == "", found.runtime.name


def test_a_rule_over_a_name_that_the_sample_lacks_is_seen(tmp_path: Path) -> None:
    wrong = Signal(kind=Kind.GAUGE, classes={"": (Source(metrics=("tgi_queue_sise",)),)})
    tgi = RUNTIMES["tgi"]
    seen = Observed(replace(tgi, signals={**tgi.signals, "requests_waiting": wrong}), attached=False)

    assert "llm:requests_waiting" in seen.missing([seen.sample("tgi.prom")], tmp_path)


def test_every_runtime_with_signals_has_a_sample() -> None:
    assert [name for name, runtime in RUNTIMES.items() if runtime.signals and not observed.files(runtime)] == []


def test_devices_record_nothing_of_their_own_and_gateways_without_a_port_serve_nothing() -> None:
    for runtime in RUNTIMES.values():
        if runtime.kind is RuntimeKind.DEVICE or not runtime.serves:
            assert signal_rules.rules(runtime) == ()
