"""The model server's metrics equal vLLM's, and count what happened."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.support.modelserver.settings import Mode, Pace, Quality
from tests.support.modelserver.testing import ASK, CHAT, SETTINGS, chunks, serving, until

SAMPLE = Path(__file__).resolve().parents[1] / "samples" / "vllm.prom"
# vLLM shows these only with a feature that the imitation does not have
WITH_FEATURES_ONLY = ("vllm:spec_decode_", "vllm:lora_requests_info", "vllm:tool_call_parser_invocations")


async def families(client: aiohttp.ClientSession) -> dict[str, Metric]:
    async with client.get("/metrics") as response:
        text = await response.text()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(found: dict[str, Metric], sample: str, **labels: str) -> float:
    return sum(
        s.value for f in found.values() for s in f.samples
        if s.name == sample and labels.items() <= s.labels.items()
    )  # fmt: skip


def shape(family: Metric) -> tuple[str, frozenset[str], frozenset[str]]:
    labels = frozenset(name for s in family.samples for name in s.labels if name != "le")
    return family.type, labels, frozenset(s.labels["le"] for s in family.samples if "le" in s.labels)


async def test_metrics_have_the_names_types_labels_and_buckets_of_the_vllm_sample() -> None:
    sample = {f.name: shape(f) for f in text_string_to_metric_families(SAMPLE.read_text())}
    wanted = {name: found for name, found in sample.items() if not name.startswith(WITH_FEATURES_ONLY)}
    async with serving() as (_, client):
        async with client.post(CHAT, json=ASK):
            pass
        ours = {name: shape(family) for name, family in (await families(client)).items()}
    assert ours == wanted
    assert len(wanted) > 60


async def test_finish_reasons_are_present_at_zero_from_the_start_as_in_the_sample() -> None:
    def reasons(found: dict[str, Metric]) -> set[str]:
        return {s.labels["finished_reason"] for s in found["vllm:request_success"].samples}

    sample = {f.name: f for f in text_string_to_metric_families(SAMPLE.read_text())}
    async with serving() as (_, client):
        found = await families(client)
    assert reasons(found) == reasons(sample)
    assert value(found, "vllm:request_success_total") == 0


async def test_metrics_count_requests_tokens_and_statuses() -> None:
    async with serving() as (_, client):
        async with client.post(CHAT, json=ASK) as response:
            usage = (await response.json())["usage"]
        async with client.post(CHAT, json={**ASK, "max_tokens": 2, "stream": True}) as response:
            await chunks(response)
        async with client.post(CHAT, data=b"{"):
            pass
        found = await families(client)
    assert value(found, "vllm:request_success_total", finished_reason="stop") == 1
    assert value(found, "vllm:request_success_total", finished_reason="length") == 1
    assert value(found, "vllm:prompt_tokens_total") == 2 * usage["prompt_tokens"]
    assert value(found, "vllm:generation_tokens_total") == usage["completion_tokens"] + 2
    assert value(found, "vllm:time_to_first_token_seconds_count") == 2
    assert value(found, "vllm:e2e_request_latency_seconds_count") == 2
    assert value(found, "http_requests_total", handler=CHAT, method="POST", status="2xx") == 2
    assert value(found, "http_requests_total", handler=CHAT, method="POST", status="4xx") == 1
    assert value(found, "vllm:num_requests_running") == 0
    assert value(found, "vllm:kv_cache_usage_perc") == 0


async def test_a_repeated_long_prompt_hits_the_prefix_cache_by_whole_blocks() -> None:
    ask = {"messages": [{"role": "user", "content": "word " * 40}]}
    async with serving() as (_, client):
        for _ in range(2):
            async with client.post(CHAT, json=ask) as response:
                tokens = (await response.json())["usage"]["prompt_tokens"]
        found = await families(client)
    assert value(found, "vllm:prefix_cache_hits_total") == (tokens - 1) // 16 * 16
    assert value(found, "vllm:prompt_tokens_by_source_total") == 2 * tokens


async def test_fail_mode_answers_500_and_counts_errors() -> None:
    async with serving(replace(SETTINGS, quality=Quality(mode=Mode.FAIL, fail_percent=100))) as (_, client):
        async with client.post(CHAT, json={**ASK, "stream": True}) as response:
            assert response.status == 500
        found = await families(client)
    assert value(found, "http_requests_total", status="5xx") == 1
    assert value(found, "vllm:request_success_total", finished_reason="error") == 1


async def test_slow_mode_shows_in_the_time_to_first_token() -> None:
    slow = Quality(mode=Mode.SLOW, slow_seconds=0.3)
    async with serving(replace(SETTINGS, quality=slow)) as (_, client):
        async with client.post(CHAT, json=ASK):
            pass
        found = await families(client)
    assert value(found, "vllm:time_to_first_token_seconds_sum") >= 0.3


async def test_token_rate_sets_the_time_of_an_answer_and_of_each_token() -> None:
    async with serving(replace(SETTINGS, pace=Pace(first_token_seconds=0, tokens_per_second=40))) as (_, client):
        began = time.monotonic()
        async with client.post(CHAT, json=ASK) as response:
            tokens = (await response.json())["usage"]["completion_tokens"]
        took = time.monotonic() - began
        found = await families(client)
    assert took >= (tokens - 1) / 40 * 0.95
    assert value(found, "vllm:inter_token_latency_seconds_count") == tokens - 1


async def test_requests_beyond_the_concurrency_wait_and_beyond_the_queue_are_shed() -> None:
    pace = Pace(first_token_seconds=30, max_concurrency=1, max_queued=1)
    async with serving(replace(SETTINGS, pace=pace)) as (server, client):
        calls = []
        for number in (1, 2):
            calls.append(asyncio.create_task(client.post(CHAT, json=ASK)))
            await until(lambda wanted=number: server.lifecycle.in_flight == wanted)  # type: ignore[misc]
        async with client.post(CHAT, json=ASK) as response:
            assert response.status == 503
        found = await families(client)
        assert value(found, "vllm:num_requests_running") == 1
        assert value(found, "vllm:num_requests_waiting") == 1
        assert value(found, "vllm:num_requests_waiting_by_reason", reason="capacity") == 1
        assert value(found, "vllm:admission_rejections_total", reason="max_num_queued_reqs") == 1
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await until(lambda: server.lifecycle.in_flight == 0)
        found = await families(client)
    assert value(found, "vllm:request_success_total", finished_reason="abort") == 2
    assert value(found, "vllm:num_requests_running") == 0
    assert value(found, "vllm:num_requests_waiting") == 0
