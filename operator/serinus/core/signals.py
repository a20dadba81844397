"""The vocabulary of signals: what may be recorded for any runtime, under which series, with which labels.

One table. It owns names and forms, not how a runtime exposes them (`runtimes/*.yaml`) nor any expression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

COMMON_LABELS: Final = ("namespace", "llmservice", "model", "runtime", "role", "revision")
"""Labels on every recorded series."""

WINDOW: Final = "5m"
QUANTILES: Final = ("0.5", "0.95", "0.99")


class Kind(StrEnum):
    """What a raw series of a runtime is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Form(StrEnum):
    """What is recorded of a signal."""

    RATE = "rate"  # per second, summed over pods
    LEVEL = "level"  # the value now, summed over pods
    HIGHEST = "highest"  # the value now, of the pod that has the most
    DISTRIBUTION = "distribution"  # buckets, quantiles and mean
    MEAN = "mean"  # sum over count of a histogram
    INFO = "info"  # 1, with labels
    PART = "part"  # nothing by itself: a part of a ratio


@dataclass(frozen=True, slots=True)
class Entry:
    """One signal: the form it is recorded in, its series, and the classes that it is split into."""

    form: Form
    series: str = ""
    class_label: str = ""
    classes: tuple[str, ...] = ()


def _rate(name: str) -> Entry:
    return Entry(Form.RATE, f"llm:{name}:rate{WINDOW}")


def _seconds(name: str) -> Entry:
    return Entry(Form.DISTRIBUTION, f"llm:{name}_seconds")


VOCABULARY: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "requests_finished": Entry(
            Form.RATE,
            f"llm:requests_finished:rate{WINDOW}",
            "finish_reason",
            ("stop", "length", "abort", "error", "other", "unknown"),
        ),
        "requests_arrived": _rate("requests_arrived"),
        "request_errors": Entry(
            Form.RATE,
            f"llm:request_errors:rate{WINDOW}",
            "error_class",
            ("server", "overload", "client", "cancelled", "upstream"),
        ),
        "e2e_latency": _seconds("e2e_latency"),
        "ttft": _seconds("ttft"),
        "itl": _seconds("itl"),
        "tpot": _seconds("tpot"),
        "queue": _seconds("queue"),
        "requests_waiting": Entry(Form.LEVEL, "llm:requests_waiting"),
        "requests_running": Entry(Form.LEVEL, "llm:requests_running"),
        "prompt_tokens": _rate("prompt_tokens"),
        "generated_tokens": _rate("generated_tokens"),
        "cached_tokens": _rate("cached_tokens"),
        "output_tokens_per_request": Entry(Form.MEAN, f"llm:output_tokens_per_request:mean{WINDOW}"),
        "kv_cache_usage": Entry(Form.HIGHEST, "llm:kv_cache_usage:ratio"),
        "preemptions": _rate("preemptions"),
        "refusals": _rate("refusals"),
        "repetitions": _rate("repetitions"),
        "fallbacks": _rate("fallbacks"),
        "retries": _rate("retries"),
        "spec_decode_accepted": Entry(Form.PART),
        "spec_decode_drafted": Entry(Form.PART),
        "lora_adapters": Entry(Form.INFO, "llm:lora_adapters:info"),
        "model": Entry(Form.INFO, "llm:model:info"),
        "ready": Entry(Form.HIGHEST, "llm:ready"),
    }
)
"""Signals that a model server itself can expose, by their name in the catalogue."""

KINDS: Final[Mapping[Form, Kind]] = MappingProxyType(
    {
        Form.RATE: Kind.COUNTER,
        Form.LEVEL: Kind.GAUGE,
        Form.HIGHEST: Kind.GAUGE,
        Form.DISTRIBUTION: Kind.HISTOGRAM,
        Form.MEAN: Kind.HISTOGRAM,
        Form.INFO: Kind.INFO,
        Form.PART: Kind.COUNTER,
    }
)
"""The kind of raw series that each form is made from."""

UP: Final = "llm:up"
"""Share of a revision's pods that can be scraped, 0 to 1: recorded for every runtime."""

ERROR_RATIO: Final = f"llm:request_error:ratio{WINDOW}"
PREFIX_CACHE_HIT: Final = f"llm:prefix_cache_hit:ratio{WINDOW}"
SPEC_DECODE_ACCEPTANCE: Final = f"llm:spec_decode_acceptance:ratio{WINDOW}"

NOT_THE_SERVERS_FAULT: Final = ("client", "cancelled")
"""Error classes that the error ratio leaves out."""
