"""What is recorded of each model server, in raw names of its samples, written down a second time. It reads no rule."""

from typing import Final

from tests.alerts.oracle import (
    Rows,
    errors,
    finished,
    histogram,
    info,
    level,
    matches,
    mean,
    other,
    over,
    rate,
    scalars,
    starts,
    tokens,
)

_UP: Final[Rows] = scalars(up=lambda _: 1.0)

SGLANG: Final[Rows] = {
    **_UP,
    **finished(unknown=rate("sglang:num_requests_total")),
    **scalars(requests_arrived__rate5m=rate("sglang:http_requests_total")),
    **errors(
        rate("sglang:http_requests_total"),
        overload=rate("sglang:http_responses_total", status_code=matches("429", "503")),
        server=rate("sglang:http_responses_total", status_code=starts("5", "503")),
        client=rate("sglang:http_responses_total", status_code=starts("4", "429")),
        cancelled=rate("sglang:num_aborted_requests_total"),
    ),
    **histogram("e2e_latency", "sglang:e2e_request_latency_seconds"),
    **histogram("ttft", "sglang:time_to_first_token_seconds"),
    **histogram("itl", "sglang:inter_token_latency_seconds"),
    **histogram("tpot", "sglang:request_time_per_output_token_seconds"),
    **histogram("queue", "sglang:queue_time_seconds"),
    **tokens(
        rate("sglang:prompt_tokens_total"),
        rate("sglang:generation_tokens_total"),
        rate("sglang:cached_tokens_total", cache_source=other("total")),
    ),
    **scalars(
        requests_waiting=level("sglang:num_queue_reqs", priority=""),
        requests_running=level("sglang:num_running_reqs", priority=""),
        output_tokens_per_request__mean5m=mean("sglang:generation_tokens_histogram"),
        kv_cache_usage__ratio=level("sglang:token_usage"),
        preemptions__rate5m=rate("sglang:num_retracted_requests_total"),
        spec_decode_acceptance__ratio5m=level("sglang:spec_accept_rate"),
    ),
    **info("llm:model:info", served_model="Qwen/Qwen3-32B"),
}

TGI: Final[Rows] = {
    **_UP,
    **finished(unknown=rate("tgi_request_success")),
    **scalars(requests_arrived__rate5m=rate("tgi_request_count")),
    **errors(
        rate("tgi_request_count"),
        overload=rate("tgi_request_failure", err="overloaded"),
        server=rate("tgi_request_failure", err="generation"),
        client=rate("tgi_request_failure", err="validation"),
    ),
    **histogram("e2e_latency", "tgi_request_duration"),
    **histogram("tpot", "tgi_request_mean_time_per_token_duration"),
    **histogram("queue", "tgi_request_queue_duration"),
    **tokens(rate("tgi_request_input_length_sum"), rate("tgi_request_generated_tokens_sum")),
    **scalars(
        requests_waiting=level("tgi_queue_size"),
        requests_running=level("tgi_batch_current_size"),
        output_tokens_per_request__mean5m=mean("tgi_request_generated_tokens"),
    ),
}

LLAMACPP: Final[Rows] = {
    **_UP,
    **tokens(
        lambda _: (1_281_230 + 30_110) / 60,
        rate("llamacpp:tokens_predicted_total"),
        rate("llamacpp:prompt_tokens_cached_total"),
    ),
    **scalars(
        tpot_seconds__mean5m=lambda _: 633.9 / 21877,
        requests_waiting=lambda _: 0.0,
        requests_running=lambda _: 2.0,
        spec_decode_acceptance__ratio5m=lambda _: 3177 / 5200,
    ),
}

_LMDEPLOY_DONE: Final = "lmdeploy:request_success_total"
LMDEPLOY: Final[Rows] = {
    **_UP,
    **finished(
        stop=lambda _: 405 / 60,
        abort=lambda _: 3 / 60,
        error=lambda _: 2 / 60,
        other=lambda _: 0.0,
    ),
    **errors(
        rate(_LMDEPLOY_DONE),
        server=rate(_LMDEPLOY_DONE, finished_reason="ResponseType.INTERNAL_ENGINE_ERROR"),
        overload=lambda _: 0.0,
        client=rate(_LMDEPLOY_DONE, finished_reason="ResponseType.INPUT_LENGTH_ERROR"),
        cancelled=rate(_LMDEPLOY_DONE, finished_reason="ResponseType.CANCEL"),
    ),
    **histogram("e2e_latency", "lmdeploy:e2e_request_latency_seconds"),
    **histogram("ttft", "lmdeploy:time_to_first_token_seconds"),
    **histogram("itl", "lmdeploy:iter_token_latency"),
    **histogram("tpot", "lmdeploy:time_per_output_token_seconds"),
    **histogram("queue", "lmdeploy:request_queue_time_seconds"),
    **tokens(
        rate("lmdeploy:prompt_tokens_total"),
        rate("lmdeploy:generation_tokens_total"),
        rate("lmdeploy:cached_tokens_total"),
    ),
    **scalars(
        requests_waiting=level("lmdeploy:num_requests_waiting"),
        requests_running=level("lmdeploy:num_requests_running"),
        output_tokens_per_request__mean5m=mean("lmdeploy:request_generation_tokens"),
        kv_cache_usage__ratio=level("lmdeploy:gpu_cache_usage_perc"),
        spec_decode_acceptance__ratio5m=over(
            rate("lmdeploy:spec_decode_num_accepted_tokens_total"), rate("lmdeploy:spec_decode_num_draft_tokens_total")
        ),
    ),
    **info("llm:model:info", served_model="internlm3-8b-instruct"),
}

RAY: Final[Rows] = {
    **_UP,
    **finished(stop=lambda _: 150 / 60, length=lambda _: 12 / 60),
    **scalars(requests_arrived__rate5m=rate("ray_serve_num_http_requests_total")),
    **errors(
        rate("ray_serve_num_http_requests_total"),
        overload=lambda _: 0.0,
        server=rate("ray_serve_num_http_error_requests_total", error_code="500"),
        client=lambda _: 0.0,
    ),
    **histogram("e2e_latency", "ray_vllm_e2e_request_latency_seconds"),
    **histogram("ttft", "ray_vllm_time_to_first_token_seconds"),
    **histogram("itl", "ray_vllm_inter_token_latency_seconds"),
    **histogram("tpot", "ray_vllm_request_time_per_output_token_seconds"),
    **histogram("queue", "ray_vllm_request_queue_time_seconds"),
    **tokens(
        rate("ray_vllm_prompt_tokens_total"),
        rate("ray_vllm_generation_tokens_total"),
        rate("ray_vllm_prefix_cache_hits_total"),
    ),
    **scalars(
        requests_waiting=level("ray_vllm_num_requests_waiting"),
        requests_running=level("ray_vllm_num_requests_running"),
        output_tokens_per_request__mean5m=mean("ray_vllm_request_generation_tokens"),
        kv_cache_usage__ratio=level("ray_vllm_kv_cache_usage_perc"),
        preemptions__rate5m=rate("ray_vllm_num_preemptions_total"),
        ready=level("ray_serve_deployment_replica_healthy"),
    ),
    **info("llm:model:info", served_model="llama-3.1-8b"),
}
