"""The oracle of each runtime, by its name. It reads no rule.

A runtime that is not here is proved to record something of each signal from its sample, and no value.
"""

from typing import Final

from tests.alerts import oracles_engines, oracles_nvidia, oracles_observers
from tests.alerts.oracle import Rows

LLAMA: Final = "meta-llama/Llama-3.1-8B-Instruct"
OWN: Final[dict[str, Rows]] = {
    "sglang": oracles_engines.SGLANG,
    "tgi": oracles_engines.TGI,
    "trtllm-serve": oracles_nvidia.TRTLLM,
    "triton-tensorrtllm": oracles_nvidia.TRITON,
    "nim": oracles_nvidia.NIM,
    "llamacpp": oracles_engines.LLAMACPP,
    "lmdeploy": oracles_engines.LMDEPLOY,
    "ray-serve-llm": oracles_engines.RAY,
    "litellm": oracles_observers.LITELLM_OWN,
    "production-stack-router": oracles_observers.ROUTER_OWN,
}
"""Of a service's own pods; vLLM has an oracle of its own, Dynamo two samples."""
ATTACHED: Final[dict[str, tuple[Rows, str]]] = {
    "litellm": (oracles_observers.LITELLM, "chat-large"),
    "envoy-ai-gateway": (oracles_observers.ENVOY, LLAMA),
    "llm-d-epp": (oracles_observers.EPP, LLAMA),
    "production-stack-router": (oracles_observers.ROUTER, "llama"),
    "kubeai": (oracles_observers.KUBEAI, "llama-3.1-8b"),
    "otel-genai": (oracles_observers.OTEL, "chat-large"),
    "dcgm": (oracles_observers.DCGM, ""),
}
"""Rows, and the name of the model in the sample: what the label of the runtime says."""
