"""What is recorded of each gateway and client, in raw names of its samples, a second time. It reads no rule."""

from typing import Final

from tests.alerts.oracle import (
    Raw,
    Rows,
    either,
    errors,
    finished,
    histogram,
    level,
    matches,
    mean,
    newest,
    other,
    over,
    rate,
    scalars,
    starts,
    tokens,
)

_FAILED: Final = "litellm_proxy_failed_requests_metric_total"
LITELLM: Final[Rows] = {
    **finished(unknown=rate("litellm_proxy_total_requests_metric_total")),
    **errors(
        rate("litellm_proxy_total_requests_metric_total"),
        overload=rate(_FAILED, exception_status="429"),
        upstream=rate(_FAILED, exception_status=starts("5")),
        client=rate(_FAILED, exception_status=starts("4", "429")),
    ),
    **histogram("e2e_latency", "litellm_request_total_latency_metric"),
    **histogram("ttft", "litellm_llm_api_time_to_first_token_metric"),
    **histogram("queue", "litellm_request_queue_time_seconds"),
    **tokens(
        rate("litellm_input_tokens_metric_total"),
        rate("litellm_output_tokens_metric_total"),
        rate("litellm_input_cached_tokens_metric_total"),
    ),
    **scalars(
        output_tokens_per_request__mean5m=over(
            rate("litellm_output_tokens_metric_total"), rate("litellm_request_total_latency_metric_count")
        ),
        fallbacks__rate5m=lambda _: 3 / 60,
    ),
}
LITELLM_OWN: Final[Rows] = LITELLM | scalars(up=lambda _: 1.0, requests_running=level("litellm_in_flight_requests"))

_ENVOY: Final = "gen_ai_server_request_duration_seconds"
ENVOY: Final[Rows] = {
    **finished(unknown=lambda _: 406 / 60),
    **errors(lambda _: 406 / 60, upstream=lambda _: 6 / 60),
    **histogram("e2e_latency", _ENVOY),
    **histogram("ttft", "gen_ai_server_time_to_first_token_seconds"),
    **histogram("tpot", "gen_ai_server_time_per_output_token_seconds"),
    **tokens(lambda _: 287145 / 60, lambda _: 79295 / 60, lambda _: 74766 / 60),
    **scalars(output_tokens_per_request__mean5m=lambda _: 79295 / 400),
}

_EPP_ERRORS: Final = ("llm_d_epp_request_error_total", "inference_objective_request_error_total")
_KNOWN: Final = ("ResourceExhausted", "ModelServerError", "BadRequest", "NotFound")
EPP: Final[Rows] = {
    **finished(
        unknown=either(
            rate("llm_d_epp_request_duration_seconds_count"), rate("inference_objective_request_duration_seconds_count")
        )
    ),
    **scalars(
        requests_arrived__rate5m=either(rate("llm_d_epp_request_total"), rate("inference_objective_request_total"))
    ),
    **errors(
        either(rate("llm_d_epp_request_total"), rate("inference_objective_request_total")),
        overload=either(*(rate(name, error_code="ResourceExhausted") for name in _EPP_ERRORS)),
        upstream=either(*(rate(name, error_code="ModelServerError") for name in _EPP_ERRORS)),
        client=either(*(rate(name, error_code=matches("BadRequest", "NotFound")) for name in _EPP_ERRORS)),
        server=either(*(rate(name, error_code=other(*_KNOWN)) for name in _EPP_ERRORS)),
    ),
    **newest(
        histogram("e2e_latency", "llm_d_epp_request_duration_seconds"),
        histogram("e2e_latency", "inference_objective_request_duration_seconds"),
    ),
    **histogram("ttft", Raw.of("llm_d_epp_request_ttft_seconds", streaming="true")),
    **histogram("itl", "llm_d_epp_request_streaming_itl_seconds"),
    **histogram("tpot", "llm_d_epp_request_streaming_tpot_seconds"),
    **tokens(
        either(rate("llm_d_epp_request_input_tokens_sum"), rate("inference_objective_input_tokens_sum")),
        either(rate("llm_d_epp_request_output_tokens_sum"), rate("inference_objective_output_tokens_sum")),
        rate("llm_d_epp_request_cached_tokens_sum"),
    ),
    **scalars(
        requests_waiting=either(
            level("llm_d_epp_flow_control_queue_size"), level("inference_extension_flow_control_queue_size")
        ),
        requests_running=level("llm_d_epp_request_running"),
        output_tokens_per_request__mean5m=either(
            mean("llm_d_epp_request_output_tokens"), mean("inference_objective_output_tokens")
        ),
    ),
}

ROUTER: Final[Rows] = {
    **finished(unknown=rate("vllm:request_latency_seconds_count")),
    **scalars(requests_arrived__rate5m=rate("vllm:num_incoming_requests_total")),
    **errors(
        rate("vllm:num_incoming_requests_total"),
        upstream=rate("vllm:request_errors_total", error_type="upstream_5xx"),
        server=lambda _: 0.0,
    ),
    **histogram("e2e_latency", "vllm:request_latency_seconds"),
    **tokens(rate("vllm:input_tokens_total"), rate("vllm:output_tokens_total")),
    **scalars(output_tokens_per_request__mean5m=lambda _: 2 * 81233 / 800),
}
ROUTER_OWN: Final[Rows] = ROUTER | scalars(
    up=lambda _: 1.0, requests_waiting=lambda _: 2.0, requests_running=lambda _: 12.0
)

KUBEAI: Final[Rows] = scalars(requests_running=lambda _: 4.0)

_NEXT: Final = Raw.of("gen_ai_client_inference_duration_seconds")
_V141: Final = Raw.of("gen_ai_client_operation_duration_seconds", error_type="timeout")
_OLD: Final = Raw.of("gen_ai_client_operation_duration_seconds", gen_ai_system="openai")
OTEL: Final[Rows] = {
    **finished(unknown=lambda _: (200 + 2 + 30) / 60),
    **errors(lambda _: (200 + 2 + 30) / 60, upstream=lambda _: 2 / 60),
    # One client exports its 200 successes under two names; its timeouts and the old client have one.
    **histogram("e2e_latency", _NEXT, _V141, _OLD),
    **histogram("ttft", "gen_ai_client_operation_time_to_first_chunk_seconds"),
    **histogram("itl", "gen_ai_client_operation_time_per_output_chunk_seconds"),
    **tokens(lambda _: (141022 + 21213) / 60, lambda _: (38110 + 4978) / 60, lambda _: 30400 / 60),
    **scalars(output_tokens_per_request__mean5m=lambda _: (42777 + 4978) / (200 + 30)),
}

DCGM: Final[Rows] = {
    "llm:gpu_util:ratio": lambda _: [({}, (0.97 + 0.85) / 2)],
    "llm:gpu_memory_used_bytes": lambda _: [({}, 2 * 73210 * 1024 * 1024)],
    "llm:gpu_xid_last": lambda _: [({}, 31.0)],
}
