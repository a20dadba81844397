"""Rows of a service's dashboard about what its users feel: latency and errors. It owns panels, not their form."""

from collections.abc import Mapping
from typing import Final

from serinus.core.runtime import Runtime
from serinus.core.signals import (
    ERROR_RATIO,
    WINDOW,
)
from serinus.resources.dashboard_frame import Row
from serinus.resources.dashboard_panel import BAD, GOOD, Look, Panel, Query
from serinus.resources.dashboard_query import (
    OWN,
    by_revision,
    chosen,
    logs_of_revision,
    quantiles,
    raw_quantile,
    series,
)

_WHO: Final = "{{revision}} {{source}}"
_ERRORS: Final = logs_of_revision("Errors in the log", ' | level=~"error|critical"')
_PROBED: Final = "Source probe: of streamed probes, in the newest run."
_LATENCIES: Final = (
    ("ttft", "Time to the first token", f"From the arrival of a request to its first token. {_PROBED}"),
    (
        "itl",
        "Time between tokens",
        f"Between two tokens of an answer; some runtimes count steps of the engine. {_PROBED}",
    ),
    ("tpot", "Time per output token", "Mean of a request without its first token."),
    ("e2e_latency", "Time of a request", "From the arrival of a request to the end of its answer."),
    ("queue", "Time in the queue", "From the arrival of a request to the begin of its work."),
)


def felt(runtimes: Mapping[str, Runtime]) -> tuple[Row, ...]:
    """Latency and errors; the raw histograms are those of the catalogue."""
    return (
        Row("Latency", (*(_latency(*about) for about in _LATENCIES), _slow(runtimes), _heat())),
        Row("Errors", (*_errors(), *_odd())),
    )


def _latency(signal: str, title: str, description: str) -> Panel:
    return Panel(
        title=title,
        description=f"{description} Quantiles and mean over {WINDOW}.",
        queries=quantiles(series(signal)),
        unit="s",
        least=0,
        links=(logs_of_revision("Log lines of this revision"),),
    )


def _slow(runtimes: Mapping[str, Runtime]) -> Panel:
    names = (("ttft", "first token"), ("e2e_latency", "request"))
    return Panel(
        title="Slow requests, with traces",
        description="95 of 100 are faster; from the runtime's own histogram. A dot is one request that was traced.",
        queries=tuple(Query(raw_quantile(runtimes, n, "0.95"), f"{text} {{{{revision}}}}", True) for n, text in names),
        unit="s",
        least=0,
    )


def _heat() -> Panel:
    buckets = f"{series('e2e_latency')}_bucket:rate{WINDOW}"
    return Panel(
        title="Requests by their time",
        description="How many requests per second took how long: two humps are two kinds of requests.",
        queries=(Query(f"sum by (le) ({chosen(buckets, OWN)})", "{{le}}"),),
        unit="s",
        look=Look.HEAT,
        width=24,
    )


def _errors() -> tuple[Panel, ...]:
    errors, finished = (by_revision("sum", series(n), c) for n, c in _CLASSED)
    return (
        Panel(
            title="Requests that fail",
            description="Share of the requests that fail by the server's fault, not by clients or cancelling.",
            queries=(Query(by_revision("max", ERROR_RATIO), _WHO),),
            unit="percentunit",
            least=0,
            steps=((0, GOOD), (0.05, BAD)),
            links=(_ERRORS,),
        ),
        Panel(
            title="Errors by class",
            description="Errors per second: of the server, overload, of clients, cancelled, of what is upstream.",
            queries=(Query(errors, "{{error_class}} {{revision}} {{source}}"),),
            unit="reqps",
            least=0,
            links=(_ERRORS,),
        ),
        Panel(
            title="How answers end",
            description="Finished requests per second by reason; `length` means cut off.",
            queries=(Query(finished, "{{finish_reason}} {{revision}} {{source}}"),),
            unit="reqps",
            least=0,
        ),
    )


def _odd() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Refusals and repetitions",
            description="Answers per second that somebody counts as refused, or as going round in circles.",
            queries=(
                Query(by_revision("sum", series("refusals")), f"refused {_WHO}"),
                Query(by_revision("sum", series("repetitions")), f"repeating {_WHO}"),
            ),
            unit="reqps",
            width=12,
            least=0,
        ),
        Panel(
            title="Fallbacks and retries",
            description="Requests per second that a gateway or client sent again, or to another model.",
            queries=(
                Query(by_revision("sum", series("fallbacks")), "fallbacks {{source}}"),
                Query(by_revision("sum", series("retries")), "retries {{source}}"),
            ),
            unit="reqps",
            width=12,
            least=0,
        ),
    )


_CLASSED: Final = (("request_errors", "error_class"), ("requests_finished", "finish_reason"))
