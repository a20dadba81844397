"""The metrics of vLLM 0.33 that an imitation can fill honestly: same names, types, labels and buckets.

It owns the metric families and their children; it must not measure time itself. Left out, because this server has
no such feature and vLLM shows them only with it: speculative decoding, LoRA, tool parsers.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

BLOCK_TOKENS = 16
NUM_BLOCKS = 27114
FINISH_REASONS = ("stop", "length", "abort", "error", "repetition")
_ENGINE = ("model_name", "engine")

_FIRST_TOKEN = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_TOKEN_GAP = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
    *(20.0, 40.0, 80.0),
)
_REQUEST = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_STEP_TOKENS = (1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384)


def one_two_five(limit: int) -> list[int]:
    """1, 2, 5, 10, 20, … up to `limit`: vLLM's token buckets for a model of that length."""
    edges, decade = [], 1
    while decade <= limit:
        edges += [decade * step for step in (1, 2, 5) if decade * step <= limit]
        decade *= 10
    return edges


class Metrics:
    """All engine metrics of one served model, in a registry of their own."""

    def __init__(self, model: str, max_model_len: int) -> None:
        self.registry = CollectorRegistry()
        self._model = model
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._states()
        self._tokens()
        self._requests(one_two_five(max_model_len))
        self._times()

    def _states(self) -> None:
        self.running = self._gauge("num_requests_running", "Number of requests in model execution batches.")
        self.waiting = self._gauge("num_requests_waiting", "Number of requests waiting to be processed.")
        text = "Number of waiting requests by reason: capacity, or deferred by transient constraints."
        by_reason = Gauge("vllm:num_requests_waiting_by_reason", text, (*_ENGINE, "reason"), registry=self.registry)
        self.waiting_for_capacity = by_reason.labels(self._model, "0", "capacity")
        by_reason.labels(self._model, "0", "deferred")
        self.kv_usage = self._gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.")
        text = "Engine sleep state; awake = 1 means engine is awake."
        sleep = Gauge("vllm:engine_sleep_state", text, (*_ENGINE, "sleep_state"), registry=self.registry)
        for state in ("awake", "weights_offloaded", "discard_all"):
            sleep.labels(self._model, "0", state).set(state == "awake")
        config = {
            "block_size": str(BLOCK_TOKENS),
            "cache_dtype": "auto",
            "enable_prefix_caching": "True",
            "engine": "0",
            "gpu_memory_utilization": "0.92",
            "num_gpu_blocks": str(NUM_BLOCKS),
        }
        text = "Information of the LLMEngine CacheConfig"
        Gauge("vllm:cache_config_info", text, tuple(config), registry=self.registry).labels(**config).set(1)

    def _tokens(self) -> None:
        self.cache_queries = self._counter("prefix_cache_queries", "Prefix cache queries, in queried tokens.")
        self.cache_hits = self._counter("prefix_cache_hits", "Prefix cache hits, in cached tokens.")
        self._counter("external_prefix_cache_queries", "Prefix cache queries to other instances, in tokens.")
        self._counter("external_prefix_cache_hits", "Prefix cache hits in other instances, in tokens.")
        self._counter("mm_cache_queries", "Multi-modal cache queries, in queried items.")
        self._counter("mm_cache_hits", "Multi-modal cache hits, in cached items.")
        self._counter("num_preemptions", "Cumulative number of preemption from the engine.")
        self.prompt_tokens = self._counter("prompt_tokens", "Number of prefill tokens processed.")
        self.generation_tokens = self._counter("generation_tokens", "Number of generation tokens processed.")
        self.prompt_tokens_cached = self._counter("prompt_tokens_cached", "Number of cached prompt tokens.")
        self.by_source = self._counters(
            "prompt_tokens_by_source",
            "Number of prompt tokens by source.",
            ("source", "local_compute", "local_cache_hit", "external_kv_transfer"),
        )
        self.cached_by_source = self._counters(
            "prompt_tokens_cached_by_source",
            "Prefix-cache hit tokens by the cache tier that supplied them.",
            ("source", "device", "host", "p2p", "disk", "external_unspecified"),
        )

    def _requests(self, tokens: Iterable[float]) -> None:
        tokens = tuple(tokens)
        self.finished = self._counters(
            "request_success", "Count of successfully processed requests.", ("finished_reason", *FINISH_REASONS)
        )
        text = "Number of admission attempts rejected by a queue limit, by reason."
        rejected = Counter("vllm:admission_rejections", text, ("model_name", "reason"), registry=self.registry)
        self.rejected = rejected.labels(self._model, "max_num_queued_reqs")
        rejected.labels(self._model, "max_num_queued_tokens")
        self.prompt_length = self._histogram("request_prompt_tokens", "Prefill tokens of a request.", tokens)
        self.answer_length = self._histogram("request_generation_tokens", "Generated tokens of a request.", tokens)
        self.step_tokens = self._histogram("iteration_tokens_total", "Tokens per engine step.", _STEP_TOKENS)
        self.longest_choice = self._histogram(
            "request_max_num_generation_tokens", "Longest choice of a request, in tokens.", tokens
        )
        self.choices = self._histogram("request_params_n", "The n request parameter.", (1, 2, 5, 10, 20))
        self.max_tokens = self._histogram("request_params_max_tokens", "The max_tokens request parameter.", tokens)
        self.preemptions = self._histogram(
            "request_num_preemptions", "How often a request was preempted.", (1, 2, 3, 4, 5, 10, 20)
        )
        self.computed = self._histogram(
            "request_prefill_kv_computed_tokens", "Prefill tokens computed, without cached ones.", tokens
        )

    def _times(self) -> None:
        self.first_token = self._histogram("time_to_first_token_seconds", "Time to first token.", _FIRST_TOKEN)
        self.token_gap = self._histogram("inter_token_latency_seconds", "Inter-token latency.", _TOKEN_GAP)
        self.per_token = self._histogram(
            "request_time_per_output_token_seconds", "Mean time per output token of a request.", _TOKEN_GAP
        )
        self.e2e = self._histogram("e2e_request_latency_seconds", "End-to-end request latency.", _REQUEST)
        self.queue = self._histogram("request_queue_time_seconds", "Time in WAITING phase.", _REQUEST)
        self.inference = self._histogram("request_inference_time_seconds", "Time in RUNNING phase.", _REQUEST)
        self.prefill = self._histogram("request_prefill_time_seconds", "Time in PREFILL phase.", _REQUEST)
        self.decode = self._histogram("request_decode_time_seconds", "Time in DECODE phase.", _REQUEST)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"vllm:{name}", text, _ENGINE, registry=self.registry).labels(self._model, "0")

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"vllm:{name}", text, _ENGINE, registry=self.registry).labels(self._model, "0")

    def _counters(self, name: str, text: str, label: tuple[str, ...]) -> dict[str, Counter]:
        """One counter for each value of a label, all present from the start; `label` = its name, then values."""
        family = Counter(f"vllm:{name}", text, (*_ENGINE, label[0]), registry=self.registry)
        return {value: family.labels(self._model, "0", value) for value in label[1:]}

    def _histogram(self, name: str, text: str, buckets: Iterable[float]) -> Histogram:
        family = Histogram(f"vllm:{name}", text, _ENGINE, buckets=tuple(buckets), registry=self.registry)
        return family.labels(self._model, "0")
