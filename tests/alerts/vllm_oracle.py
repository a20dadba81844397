"""What the recorded series of vLLM must be, reckoned from a sample's raw names. It must not read a rule.

One row for each recorded series. A KeyError says that the sample has no such series: the recorded one must be absent.
"""

from collections.abc import Callable, Iterator

from tests.alerts.sample import RECORDED, Sample

Found = list[tuple[dict[str, str], float]]
HTTP = "http_requests_total"
FINISHED = "vllm:request_success_total"
HISTOGRAMS = {
    "llm:e2e_latency_seconds": ("vllm:e2e_request_latency_seconds",),
    "llm:ttft_seconds": ("vllm:time_to_first_token_seconds",),
    "llm:itl_seconds": ("vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
    "llm:tpot_seconds": ("vllm:request_time_per_output_token_seconds",),
    "llm:queue_seconds": ("vllm:request_queue_time_seconds",),
}


def newest(sample: Sample, *names: str) -> str:
    """The first of the names that the sample has."""
    known = {row.name for row in sample.rows}
    for name in names:
        if name in known or f"{name}_count" in known:
            return name
    raise KeyError(names[0])


def one(value: float) -> Found:
    """A single series with nothing but the common labels."""
    return [(RECORDED, value)]


def finished(s: Sample) -> Found:
    reasons = [r.labels["finished_reason"] for r in s.rows if r.name == FINISHED]
    named = ("stop", "length", "abort", "error")
    found = {r: s.rate(FINISHED, finished_reason=r) for r in reasons if r in named}
    if others := [r for r in reasons if r not in named]:
        found["other"] = sum(s.rate(FINISHED, finished_reason=r) for r in others)
    return [(RECORDED | {"finish_reason": reason}, rate) for reason, rate in found.items()]


def errors(s: Sample) -> dict[str, float]:
    """Errors a second by class. A 5xx that is a rejection is overload; of two observers of the rest the greater."""
    overload = optional(lambda: s.rate("vllm:admission_rejections_total"))
    engine = optional(lambda: s.rate(FINISHED, finished_reason="error"))
    return {
        "overload": overload,
        "server": max(s.rate(HTTP, status="5xx") - overload, engine),
        "client": s.rate(HTTP, status="4xx"),
        "cancelled": s.rate(FINISHED, finished_reason="abort"),
    }


def optional(read: Callable[[], float]) -> float:
    """A count that is 0 where the version has no such series."""
    try:
        return read()
    except KeyError:
        return 0.0


def cached(s: Sample) -> float:
    return s.rate(
        newest(s, "vllm:prompt_tokens_cached_total", "vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total")
    )


ROWS: dict[str, Callable[[Sample], Found]] = {
    "llm:up": lambda _: one(1),
    "llm:requests_finished:rate5m": finished,
    "llm:requests_arrived:rate5m": lambda s: one(s.rate(HTTP)),
    "llm:request_errors:rate5m": lambda s: [(RECORDED | {"error_class": c}, rate) for c, rate in errors(s).items()],
    "llm:request_error:ratio5m": lambda s: one((errors(s)["server"] + errors(s)["overload"]) / s.rate(HTTP)),
    "llm:requests_waiting": lambda s: one(s.sum("vllm:num_requests_waiting")),
    "llm:requests_running": lambda s: one(s.sum("vllm:num_requests_running")),
    "llm:prompt_tokens:rate5m": lambda s: one(s.rate("vllm:prompt_tokens_total")),
    "llm:generated_tokens:rate5m": lambda s: one(s.rate("vllm:generation_tokens_total")),
    "llm:cached_tokens:rate5m": lambda s: one(cached(s)),
    "llm:prefix_cache_hit:ratio5m": lambda s: one(cached(s) / s.rate("vllm:prompt_tokens_total")),
    "llm:output_tokens_per_request:mean5m": lambda s: one(s.mean("vllm:request_generation_tokens")),
    "llm:repetitions:rate5m": lambda s: one(s.rate(FINISHED, finished_reason="repetition")),
    "llm:kv_cache_usage:ratio": lambda s: one(
        s.sum(newest(s, "vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"))
    ),
    "llm:preemptions:rate5m": lambda s: one(s.rate("vllm:num_preemptions_total")),
    "llm:spec_decode_acceptance:ratio5m": lambda s: one(
        s.sum("vllm:spec_decode_num_accepted_tokens_total") / s.sum("vllm:spec_decode_num_draft_tokens_total")
    ),
    "llm:lora_adapters:info": lambda _: [(RECORDED | {"max_lora": "4", "running": "sql-lora,chat-lora"}, 1)],
    "llm:model:info": lambda _: [(RECORDED | {"served_model": "meta-llama/Llama-3.1-8B-Instruct"}, 1)],
}


def rows() -> dict[str, Callable[[Sample], Found]]:
    """Every row, those of the histograms included."""
    return ROWS | {series: row for name, raw in HISTOGRAMS.items() for series, row in _histogram(name, raw)}


def _histogram(name: str, raw: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Sample], Found]]]:
    def buckets(s: Sample) -> Found:
        found = s.buckets(newest(s, *raw))
        return [(RECORDED | {"le": le}, count / 60) for le, count in found.items()]

    yield f"{name}_bucket:rate5m", buckets
    for label, q in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        yield f"{name}:{label}_5m", lambda s, q=q: one(s.quantile(newest(s, *raw), q))  # type: ignore[misc]
    yield f"{name}:mean5m", lambda s: one(s.mean(newest(s, *raw)))
