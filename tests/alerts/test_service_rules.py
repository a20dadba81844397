"""Owns the proof, by promtool, of what is recorded of probes, prices and which service serves a model."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from serinus.core.prices import Prices
from serinus.resources import service_rules
from tests.alerts import promtool
from tests.alerts.sample import RECORDED, expectation
from tests.golden import render

LLAMA = {"llama-3.1-8b": Prices(prompt=Decimal("0.2"), cached=Decimal("0.05"), generated=Decimal("0.8"))}
INFO = 'serinus_service_info{namespace="team-a",llmservice="chat",model="llama-3.1-8b",runtime="vllm"'
LIVE = ",".join(f'{key}="{value}"' for key, value in RECORDED.items())
TOKENS = {
    f"llm:prompt_tokens:rate5m{{{LIVE}}}": "1000x10",
    f"llm:cached_tokens:rate5m{{{LIVE}}}": "400x10",
    f"llm:generated_tokens:rate5m{{{LIVE}}}": "100x10",
    f'llm:requests_finished:rate5m{{{LIVE},finish_reason="stop"}}': "3x10",
    f'llm:requests_finished:rate5m{{{LIVE},finish_reason="length"}}': "1x10",
}
USD = (600 * 0.2 + 400 * 0.05 + 100 * 0.8) / 1e6


def judge(series: dict[str, str], wanted: dict[str, Any], folder: Path, prices: dict[str, Prices] | None = None) -> str:
    """promtool's complaint; values are compared in millionths of what is recorded."""
    [built] = service_rules.build(replace(render.SETTINGS, prices=LLAMA if prices is None else prices))
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [expectation(name, found) for name, found in wanted.items()],
    }
    return promtool.test(built, [test], folder)


def million(name: str) -> str:
    return f"1e6 * {name}"


def test_tokens_cost_what_the_price_book_says_and_those_of_a_cache_their_own_price(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        million("llm:cost_usd:rate5m"): [(RECORDED, USD * 1e6)],
        million("llm:cost_per_request_usd:mean5m"): [(RECORDED, USD * 1e6 / 4)],
        "llm:unpriced_tokens:rate5m": [],
    }

    assert judge(TOKENS, wanted, tmp_path) == ""


def test_a_model_without_a_price_costs_nothing_known_and_its_tokens_are_a_series(tmp_path: Path) -> None:
    wanted: dict[str, Any] = {
        "llm:cost_usd:rate5m": [],
        "llm:cost_per_request_usd:mean5m": [],
        "llm:unpriced_tokens:rate5m": [(RECORDED, 1100.0)],
    }

    assert judge(TOKENS, wanted, tmp_path, prices={}) == ""


def test_a_runtime_that_counts_no_cached_tokens_pays_its_whole_prompt(tmp_path: Path) -> None:
    series = {name: values for name, values in TOKENS.items() if "cached" not in name}
    usd = (1000 * 0.2 + 100 * 0.8) / 1e6

    assert judge(series, {million("llm:cost_usd:rate5m"): [(RECORDED, usd * 1e6)]}, tmp_path) == ""


def test_a_service_without_tokens_is_not_unpriced(tmp_path: Path) -> None:
    series = {f"llm:prompt_tokens:rate5m{{{LIVE}}}": "0x10"}

    assert judge(series, {"llm:unpriced_tokens:rate5m": []}, tmp_path, prices={}) == ""


def test_probes_are_recorded_by_gate_and_revision_once_for_two_replicas_of_the_operator(tmp_path: Path) -> None:
    gate = 'namespace="team-a",llmservice="chat",gate="support",revision="r8d21bb77f0"'
    series = {f'{INFO},stable="r8d21bb77f0",instance="{n}"}}': "1x10" for n in "ab"}
    series |= {f'serinus_probe_pass_ratio{{{gate},instance="{n}"}}': "0.9x10" for n in "ab"}
    series |= {f'serinus_probe_score{{{gate},instance="{n}"}}': "0.7x10" for n in "ab"}
    labels = {k: v for k, v in RECORDED.items() if k != "role"} | {"gate": "support", "source": "probe"}
    wanted = {"llm:probe_pass:ratio": [(labels, 0.9)], "llm:probe_score:mean": [(labels, 0.7)]}

    assert judge(series, wanted, tmp_path) == ""


def test_times_of_streamed_probes_have_the_names_of_the_runtimes_and_say_who_measured_them(tmp_path: Path) -> None:
    gate = 'namespace="team-a",llmservice="chat",gate="support",revision="r8d21bb77f0"'
    series = {f'{INFO},stable="r8d21bb77f0"}}': "1x10"}
    series |= {
        f'serinus_probe_latency_seconds{{{gate},signal="{signal}",statistic="{name}"}}': f"{value}x10"
        for signal, values in (("ttft", (0.2, 0.4, 0.5, 0.25)), ("itl", (0.02, 0.04, 0.05, 0.025)))
        for name, value in zip(("p50", "p95", "p99", "mean"), values, strict=True)
    }
    labels = {k: v for k, v in RECORDED.items() if k != "role"} | {"gate": "support", "source": "probe"}
    wanted = {
        f"llm:{signal}_seconds:{name}": [(labels, value)]
        for signal, values in (("ttft", (0.2, 0.4, 0.5, 0.25)), ("itl", (0.02, 0.04, 0.05, 0.025)))
        for name, value in zip(("p50_5m", "p95_5m", "p99_5m", "mean5m"), values, strict=True)
    }

    assert judge(series, wanted, tmp_path) == ""


def test_a_model_that_two_services_serve_is_joined_to_neither(tmp_path: Path) -> None:
    def info(namespace: str, model: str) -> str:
        return f'serinus_service_info{{namespace="{namespace}",llmservice="chat",model="{model}"}}'

    series = {info(*pair): "1x10" for pair in (("team-a", "one"), ("team-a", "two"), ("team-b", "two"))}
    wanted = {"llm:served_model:info": [({"namespace": "team-a", "llmservice": "chat", "model": "one"}, 1.0)]}

    assert judge(series, wanted, tmp_path) == ""
