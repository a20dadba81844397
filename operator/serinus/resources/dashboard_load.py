"""Rows of a service's dashboard about what serving takes: tokens and cost, saturation, GPU. It owns panels."""

from typing import Final

from serinus.core.signals import COST, COST_PER_REQUEST, PREFIX_CACHE_HIT, SPEC_DECODE_ACCEPTANCE, UNPRICED_TOKENS
from serinus.resources.dashboard_frame import Row
from serinus.resources.dashboard_panel import BAD, FAIR, GOOD, PLAIN, Look, Panel, Query
from serinus.resources.dashboard_query import by_revision, chosen, series

_WHO: Final = "{{revision}} {{source}}"
_HOUR: Final = 3600


def taken() -> tuple[Row, ...]:
    """Tokens and cost, saturation, GPU."""
    return (
        Row("Tokens and cost", (*_tokens(), *_costs())),
        Row("Saturation", (*_saturation(), *_engines())),
        Row("GPU", _gpu(), folded=True),
    )


def _tokens() -> tuple[Panel, ...]:
    kinds = ("prompt", "generated", "cached")
    return (
        Panel(
            title="Tokens",
            description="Tokens per second; cached ones are a part of the prompt.",
            queries=tuple(Query(by_revision("sum", series(f"{k}_tokens")), f"{k} {_WHO}") for k in kinds),
            unit="suffix: tok/s",
            least=0,
        ),
        Panel(
            title="Prompt tokens from the cache",
            description="Share of the prompt tokens that a prefix cache saved.",
            queries=(Query(by_revision("max", PREFIX_CACHE_HIT), _WHO),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            title="Length of an answer",
            description="Mean tokens of an answer. A shift between revisions is a shift of what users get and pay.",
            queries=(Query(by_revision("max", series("output_tokens_per_request")), _WHO),),
            unit="suffix: tok",
            least=0,
        ),
    )


def _costs() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Cost an hour",
            description="USD an hour at the prices of the operator's price book.",
            queries=(Query(f"{_HOUR} * {by_revision('sum', COST)}", _WHO),),
            unit="currencyUSD",
            least=0,
        ),
        Panel(
            title="Cost of a request",
            description="Mean USD of a request, by revision.",
            queries=(Query(by_revision("max", COST_PER_REQUEST), _WHO),),
            unit="currencyUSD",
            least=0,
        ),
        Panel(
            title="Tokens without a price",
            description="Tokens per second of a model that the price book does not know: they are in no cost.",
            queries=(Query(by_revision("sum", UNPRICED_TOKENS), _WHO),),
            unit="suffix: tok/s",
            least=0,
        ),
    )


def _saturation() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Requests at work and waiting",
            description="Requests that are worked on, and that wait for a place.",
            queries=(
                Query(by_revision("sum", series("requests_running")), f"running {_WHO}"),
                Query(by_revision("sum", series("requests_waiting")), f"waiting {_WHO}"),
            ),
            unit="short",
            least=0,
        ),
        Panel(
            title="KV cache in use",
            description="Of the pod that has the most; at 1 requests wait or are preempted.",
            queries=(Query(by_revision("max", series("kv_cache_usage")), _WHO),),
            unit="percentunit",
            least=0,
            most=1,
            steps=((0, GOOD), (0.9, FAIR)),
        ),
        Panel(
            title="Preemptions",
            description="Requests per second whose work is thrown away for want of cache.",
            queries=(Query(by_revision("sum", series("preemptions")), _WHO),),
            unit="cps",
            least=0,
        ),
    )


def _engines() -> tuple[Panel, ...]:
    loaded = f"group by (revision, served_model, version) ({chosen(series('model'))})"
    return (
        Panel(
            title="Drafted tokens that are accepted",
            description="Speculative decoding: share of the drafted tokens that the model accepted.",
            queries=(Query(by_revision("min", SPEC_DECODE_ACCEPTANCE), _WHO),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            title="Adapters",
            description="LoRA adapters that requests use, as the runtime names them.",
            queries=(Query(f"max without (source) ({chosen(series('lora_adapters'))})"),),
            unit="none",
            look=Look.TABLE,
            hidden=("Value", "namespace", "llmservice", "runtime"),
        ),
        Panel(
            title="Model that is loaded",
            description="What the server itself says that it serves.",
            queries=(Query(loaded),),
            unit="none",
            look=Look.TABLE,
            hidden=("Value",),
        ),
    )


def _gpu() -> tuple[Panel, ...]:
    return (
        Panel(
            title="GPU at work",
            description="Mean over the devices of a revision's pods.",
            queries=(Query(by_revision("avg", series("gpu_util")), "{{revision}}"),),
            unit="percentunit",
            least=0,
            most=1,
        ),
        Panel(
            title="GPU memory in use",
            description="Sum over the devices of a revision's pods. Runtimes take most of it at their start.",
            queries=(Query(by_revision("sum", series("gpu_memory_used")), "{{revision}}"),),
            unit="bytes",
            least=0,
        ),
        Panel(
            title="Last XID error",
            description="Code of the last error of a device's driver; 0: none.",
            queries=(Query(by_revision("max", series("gpu_xid_last")), "{{revision}}"),),
            unit="none",
            look=Look.BARS,
            steps=((0, PLAIN), (1, BAD)),
        ),
    )
