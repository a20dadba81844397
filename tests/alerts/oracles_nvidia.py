"""What is recorded of NVIDIA's servers, in raw names of their samples, written down a second time. It reads no rule."""

from typing import Final

from tests.alerts.oracle import (
    Rows,
    either,
    errors,
    finished,
    histogram,
    info,
    level,
    matches,
    mean,
    newest,
    other,
    rate,
    scalars,
    tokens,
)
from tests.alerts.sample import Sample

_UP: Final[Rows] = scalars(up=lambda _: 1.0)

_TRTLLM_DONE: Final = "trtllm_request_success_total"
TRTLLM: Final[Rows] = {
    **_UP,
    **finished(
        stop=rate(_TRTLLM_DONE, finished_reason="stop"),
        length=rate(_TRTLLM_DONE, finished_reason="length"),
        abort=rate(_TRTLLM_DONE, finished_reason="cancelled"),
        other=rate(_TRTLLM_DONE, finished_reason=other("stop", "length", "cancelled")),
    ),
    **errors(
        rate(_TRTLLM_DONE),
        overload=rate("trtllm_request_error_total", http_code=matches("429", "503")),
        server=rate("trtllm_request_error_total", http_code="500"),
        client=rate("trtllm_request_error_total", http_code="400"),
        cancelled=rate(_TRTLLM_DONE, finished_reason="cancelled"),
    ),
    **histogram("e2e_latency", "trtllm_e2e_request_latency_seconds"),
    **histogram("ttft", "trtllm_time_to_first_token_seconds"),
    **histogram("tpot", "trtllm_time_per_output_token_seconds"),
    **histogram("queue", "trtllm_request_queue_time_seconds"),
    **tokens(
        rate("trtllm_prompt_tokens_total"),
        rate("trtllm_generation_tokens_total"),
        rate("trtllm_prompt_cached_tokens_total"),
    ),
    **scalars(
        requests_waiting=level("trtllm_num_requests_waiting"),
        requests_running=level("trtllm_num_requests_running"),
        output_tokens_per_request__mean5m=lambda _: 71216 / 300,
        kv_cache_usage__ratio=level("trtllm_kv_cache_utilization"),
        spec_decode_acceptance__ratio5m=lambda _: 12400 / 18000,
    ),
    **info("llm:model:info", served_model="Llama-3.1-70B-Instruct"),
}

_TRT: Final = {"model": "tensorrt_llm"}
TRITON: Final[Rows] = {
    **_UP,
    **finished(unknown=lambda _: 420 / 60),
    **scalars(requests_arrived__rate5m=lambda _: 424 / 60),
    **errors(
        lambda _: 424 / 60,
        overload=rate("nv_inference_request_failure", reason="REJECTED", **_TRT),
        server=rate("nv_inference_request_failure", reason=matches("BACKEND", "OTHER"), **_TRT),
        cancelled=rate("nv_inference_request_failure", reason="CANCELED", **_TRT),
    ),
    **histogram("ttft", "nv_inference_first_response_histogram_ms", divisor=1000),
    **tokens(rate("nv_llm_input_token_len_sum"), rate("nv_llm_output_token_len_sum")),
    **scalars(
        e2e_latency_seconds__mean5m=lambda _: 1300 / 420,
        queue_seconds__mean5m=lambda _: 5.2 / 420,
        requests_waiting=level("nv_trt_llm_request_metrics", request_type="waiting"),
        requests_running=level("nv_trt_llm_request_metrics", request_type="scheduled"),
        output_tokens_per_request__mean5m=mean("nv_llm_output_token_len"),
        kv_cache_usage__ratio=lambda _: 0.4875,
    ),
    **info("llm:model:info", served_model="tensorrt_llm", version="1"),
}

_DYNAMO_DONE: Final = "dynamo_frontend_requests_total"
DYNAMO: Final[Rows] = {
    **_UP,
    **finished(unknown=rate(_DYNAMO_DONE)),
    **scalars(requests_arrived__rate5m=rate("dynamo_frontend_requests_started_total")),
    **errors(
        rate("dynamo_frontend_requests_started_total"),
        overload=rate(_DYNAMO_DONE, error_type="overload"),
        upstream=rate(_DYNAMO_DONE, error_type=matches("unavailable", "response_timeout")),
        client=rate(_DYNAMO_DONE, error_type="validation"),
        cancelled=rate(_DYNAMO_DONE, error_type="cancelled"),
        server=rate(_DYNAMO_DONE, status="error", error_type=matches("", "internal")),
    ),
    **histogram("e2e_latency", "dynamo_frontend_request_duration_seconds"),
    **histogram("ttft", "dynamo_frontend_time_to_first_token_seconds"),
    **histogram("itl", "dynamo_frontend_inter_token_latency_seconds"),
    **tokens(
        rate("dynamo_frontend_input_sequence_tokens_sum"),
        rate("dynamo_frontend_output_tokens_total"),
        rate("dynamo_frontend_cached_tokens_sum"),
    ),
    **scalars(
        requests_waiting=lambda _: 2.0,
        requests_running=lambda _: 9.0 - 2.0,
        output_tokens_per_request__mean5m=mean("dynamo_frontend_output_sequence_tokens"),
        ready=lambda _: 1.0,
    ),
    **info("llm:model:info", served_model="Qwen/Qwen3-32B"),
}
DYNAMO_WORKER: Final[Rows] = {**_UP, **scalars(kv_cache_usage__ratio=lambda _: 0.412)}

_NIM_DONE: Final = ("vllm:request_success_total", "request_finish_total")


def _nim(number: str, new: str, old: str) -> Rows:
    """A histogram by its name in 2.x and in 1.x."""
    return newest(histogram(number, f"vllm:{new}"), histogram(number, old))


NIM: Final[Rows] = {
    **_UP,
    **finished(
        stop=either(*(rate(name, finished_reason="stop") for name in _NIM_DONE)),
        length=either(*(rate(name, finished_reason="length") for name in _NIM_DONE)),
        abort=either(*(rate(name, finished_reason="abort") for name in _NIM_DONE)),
        error=either(*(rate(name, finished_reason="error") for name in _NIM_DONE)),
        other=either(*(rate(name, finished_reason=other("stop", "length", "abort", "error")) for name in _NIM_DONE)),
    ),
    **errors(
        either(*(rate(name) for name in _NIM_DONE)),
        server=either(rate(_NIM_DONE[0], finished_reason="error"), rate("request_failure_total")),
        cancelled=either(*(rate(name, finished_reason="abort") for name in _NIM_DONE)),
    ),
    **_nim("e2e_latency", "e2e_request_latency_seconds", "e2e_request_latency_seconds"),
    **_nim("ttft", "time_to_first_token_seconds", "time_to_first_token_seconds"),
    **_nim("itl", "inter_token_latency_seconds", "time_per_output_token_seconds"),
    **histogram("tpot", "vllm:request_time_per_output_token_seconds"),
    **histogram("queue", "vllm:request_queue_time_seconds"),
    **tokens(
        either(rate("vllm:prompt_tokens_total"), rate("prompt_tokens_total")),
        either(rate("vllm:generation_tokens_total"), rate("generation_tokens_total")),
        rate("vllm:prompt_tokens_cached_total"),
    ),
    **scalars(
        requests_waiting=either(level("vllm:num_requests_waiting"), level("num_requests_waiting")),
        requests_running=either(level("vllm:num_requests_running"), level("num_requests_running")),
        output_tokens_per_request__mean5m=either(
            mean("vllm:request_generation_tokens"), mean("request_generation_tokens")
        ),
        kv_cache_usage__ratio=either(level("vllm:kv_cache_usage_perc"), level("gpu_cache_usage_perc")),
        preemptions__rate5m=rate("vllm:num_preemptions_total"),
    ),
    "llm:model:info": lambda s: [({"served_model": s.rows_of(_served(s), {})[0].labels["model_name"]}, 1.0)],
}


def _served(s: Sample) -> str:
    names = ("vllm:num_requests_running", "num_requests_running")
    return next(name for name in names if any(row.name == name for row in s.rows))
