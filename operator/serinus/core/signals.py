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


UP: Final = "llm:up"
"""Share of a revision's pods that can be scraped, 0 to 1: recorded for every runtime that is scraped."""

ERROR_RATIO: Final = f"llm:request_error:ratio{WINDOW}"
PREFIX_CACHE_HIT: Final = f"llm:prefix_cache_hit:ratio{WINDOW}"
SPEC_DECODE_ACCEPTANCE: Final = f"llm:spec_decode_acceptance:ratio{WINDOW}"

PROBES_PASSED: Final = "llm:probe_pass:ratio"
PROBE_SCORE: Final = "llm:probe_score:mean"
"""Of the newest run of each gate, 0 to 1, by revision: from the operator's own series, with source="probe"."""
COST: Final = f"llm:cost_usd:rate{WINDOW}"
COST_PER_REQUEST: Final = f"llm:cost_per_request_usd:mean{WINDOW}"
UNPRICED_TOKENS: Final = f"llm:unpriced_tokens:rate{WINDOW}"
PRICE: Final = "llm:token_price_usd"
"""USD per token by model and kind (prompt, cached, generated), from the operator's price book."""
LOG_ERRORS: Final = f"llm:log_errors:rate{WINDOW}"
"""Lines of level error or critical per second, counted by the log agents, with source="log"."""
SERVED: Final = "llm:served_model:info"
"""1 for each model that one service alone serves: what a second observer's series are joined by."""

NOT_THE_SERVERS_FAULT: Final = ("client", "cancelled")
"""Error classes that the error ratio leaves out."""

PROBE: Final = "probe"
"""Source of what probes measured in the newest run of a gate: it stands until the next one, so no alert is on it."""
SOURCE: Final = "source"
"""Label of who observed a series: engine, gateway, epp, client, device, probe. A service's own is its runtime's."""


class RuntimeKind(StrEnum):
    """What a runtime of the catalogue is: it serves, passes on, asks, or is what the serving runs on."""

    ENGINE = "engine"
    GATEWAY = "gateway"
    CLIENT = "client"
    DEVICE = "device"


class Kind(StrEnum):
    """What a raw series of a runtime is."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    MEAN = "mean"  # two counters: what was spent, and on how many
    INFO = "info"


class Unit(StrEnum):
    """Unit of a raw series; what is recorded is in seconds, 0 to 1, bytes, or a plain count."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    RATIO = "ratio"
    PERCENT = "percent"
    COUNT = "count"
    USD = "usd"
    BYTES = "bytes"
    MEBIBYTES = "mebibytes"


DIVISOR: Final[Mapping[Unit, int]] = MappingProxyType(
    {Unit.MILLISECONDS: 1000, Unit.MICROSECONDS: 1_000_000, Unit.PERCENT: 100}
)
"""What a value in a unit is divided by to be recorded."""
FACTOR: Final[Mapping[Unit, int]] = MappingProxyType({Unit.MEBIBYTES: 1_048_576})
"""What a value in a unit is multiplied with to be recorded."""


class Form(StrEnum):
    """What is recorded of a signal."""

    RATE = "rate"  # per second, summed over pods
    LEVEL = "level"  # the value now, summed over pods
    HIGHEST = "highest"  # the value now, of the pod that has the most
    LOWEST = "lowest"  # the value now, of the pod that has the least
    AVERAGE = "average"  # the value now, of the average pod or device
    DISTRIBUTION = "distribution"  # buckets, quantiles and mean
    MEAN = "mean"  # sum over count of a histogram
    INFO = "info"  # 1, with labels
    PART = "part"  # nothing by itself: a part of a ratio


_ANY: Final = frozenset({RuntimeKind.ENGINE, RuntimeKind.GATEWAY, RuntimeKind.CLIENT})
_SERVER: Final = frozenset({RuntimeKind.ENGINE, RuntimeKind.GATEWAY})
_ENGINE: Final = frozenset({RuntimeKind.ENGINE})
_BETWEEN: Final = frozenset({RuntimeKind.GATEWAY, RuntimeKind.CLIENT})
_DEVICE: Final = frozenset({RuntimeKind.DEVICE})


@dataclass(frozen=True, slots=True)
class Entry:
    """One signal: the form it is recorded in, its series, the classes that it is split into, and who may see it."""

    form: Form
    series: str = ""
    class_label: str = ""
    classes: tuple[str, ...] = ()
    kinds: frozenset[RuntimeKind] = _ANY  # runtimes of another kind cannot have it: that is no gap


def _rate(name: str, kinds: frozenset[RuntimeKind] = _ANY) -> Entry:
    return Entry(Form.RATE, f"llm:{name}:rate{WINDOW}", kinds=kinds)


def _seconds(name: str, kinds: frozenset[RuntimeKind] = _ANY) -> Entry:
    return Entry(Form.DISTRIBUTION, f"llm:{name}_seconds", kinds=kinds)


VOCABULARY: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        "requests_finished": Entry(
            Form.RATE,
            f"llm:requests_finished:rate{WINDOW}",
            "finish_reason",
            ("stop", "length", "abort", "error", "other", "unknown"),
        ),
        "requests_arrived": _rate("requests_arrived", _SERVER),
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
        "queue": _seconds("queue", _SERVER),
        "requests_waiting": Entry(Form.LEVEL, "llm:requests_waiting", kinds=_SERVER),
        "requests_running": Entry(Form.LEVEL, "llm:requests_running", kinds=_SERVER),
        "prompt_tokens": _rate("prompt_tokens"),
        "generated_tokens": _rate("generated_tokens"),
        "cached_tokens": _rate("cached_tokens"),
        "output_tokens_per_request": Entry(Form.MEAN, f"llm:output_tokens_per_request:mean{WINDOW}"),
        "kv_cache_usage": Entry(Form.HIGHEST, "llm:kv_cache_usage:ratio", kinds=_ENGINE),
        "preemptions": _rate("preemptions", _ENGINE),
        "refusals": _rate("refusals"),
        "repetitions": _rate("repetitions", _ENGINE),
        # Whoever passes a request on may try again, or try another model; a server does neither.
        "fallbacks": _rate("fallbacks", _BETWEEN),
        "retries": _rate("retries", _BETWEEN),
        "spec_decode_accepted": Entry(Form.PART, kinds=_ENGINE),
        "spec_decode_drafted": Entry(Form.PART, kinds=_ENGINE),
        # Where there are no counters: a share that the server reckons itself, of the pod that does worst.
        "spec_decode_acceptance": Entry(Form.LOWEST, SPEC_DECODE_ACCEPTANCE, kinds=_ENGINE),
        "lora_adapters": Entry(Form.INFO, "llm:lora_adapters:info", kinds=_ENGINE),
        "model": Entry(Form.INFO, "llm:model:info", kinds=_ENGINE),
        "ready": Entry(Form.HIGHEST, "llm:ready", kinds=_SERVER),
        "gpu_util": Entry(Form.AVERAGE, "llm:gpu_util:ratio", kinds=_DEVICE),
        "gpu_memory_used": Entry(Form.LEVEL, "llm:gpu_memory_used_bytes", kinds=_DEVICE),
        "gpu_xid_last": Entry(Form.HIGHEST, "llm:gpu_xid_last", kinds=_DEVICE),
    }
)
"""Signals that a runtime can expose, by their name in the catalogue."""

KINDS: Final[Mapping[Form, tuple[Kind, ...]]] = MappingProxyType(
    {
        Form.RATE: (Kind.COUNTER,),
        Form.LEVEL: (Kind.GAUGE,),
        Form.HIGHEST: (Kind.GAUGE,),
        Form.LOWEST: (Kind.GAUGE,),
        Form.AVERAGE: (Kind.GAUGE,),
        Form.DISTRIBUTION: (Kind.HISTOGRAM, Kind.MEAN),
        Form.MEAN: (Kind.HISTOGRAM, Kind.MEAN),
        Form.INFO: (Kind.INFO,),
        Form.PART: (Kind.COUNTER,),
    }
)
"""The kinds of raw series that each form can be made from."""

UNITS: Final[Mapping[Form, tuple[Unit, ...]]] = MappingProxyType(
    {
        Form.HIGHEST: (Unit.RATIO, Unit.PERCENT, Unit.COUNT),
        Form.LOWEST: (Unit.RATIO, Unit.PERCENT),
        Form.AVERAGE: (Unit.RATIO, Unit.PERCENT),
        Form.LEVEL: (Unit.COUNT, Unit.BYTES, Unit.MEBIBYTES),
        Form.DISTRIBUTION: (Unit.SECONDS, Unit.MILLISECONDS, Unit.MICROSECONDS),
    }
)
"""The units that a form takes, the one that is recorded first; a form that is not here takes a plain count."""
