"""How the queries of dashboards are written: selectors by the variables of a dashboard, quantiles, links to Explore.

It owns the variables' names in queries. It knows no panel.
"""

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from serinus.core.promql import Matcher, Op, selector
from serinus.core.runtime import Runtime
from serinus.core.signals import VOCABULARY, WINDOW, Kind, Unit
from serinus.resources.dashboard_panel import Link, Query
from serinus.resources.observer import OwnPods, joined

RATE: Final = "$__rate_interval"
ONE: Final = (Matcher("namespace", "$namespace"), Matcher("llmservice", "$service"))
"""The service that is looked at."""
CHOSEN: Final = (*ONE, Matcher("revision", "$revision", Op.REGEX))
"""Those of its revisions that are looked at; what a gateway sees has no revision and is always among them."""
OWN: Final = Matcher("revision", "", Op.NOT_EQUAL)
"""What the service's own pods say: a second observer counts the same requests again, in other buckets."""
ALL: Final = (Matcher("namespace", "$namespace", Op.REGEX),)
"""Every service of the namespaces that are looked at."""
LOG_STREAM: Final = 'namespace="$namespace", llmservice="$service", revision=~"$revision"'
_LOG_URL_SAFE: Final = "${}_.:,[]"


def series(signal: str) -> str:
    """Name the recorded series of a signal."""
    return VOCABULARY[signal].series


def one(name: str, *matchers: Matcher) -> str:
    """Select a series of the service."""
    return selector(name, (*ONE, *matchers))


def chosen(name: str, *matchers: Matcher) -> str:
    """Select a series of the chosen revisions."""
    return selector(name, (*CHOSEN, *matchers))


def fleet(name: str, *matchers: Matcher) -> str:
    """Select a series of every service."""
    return selector(name, (*ALL, *matchers))


def by_revision(operation: str, name: str, *more: str) -> str:
    """Aggregate a recorded series by revision, by who has observed it, and by other labels."""
    return f"{operation} by ({', '.join(('revision', 'source', *more))}) ({chosen(name)})"


def quantiles(name: str) -> tuple[Query, ...]:
    """Quantiles and mean of a recorded distribution, the slowest role of each revision."""
    names = ("p50", "p95", "p99", "mean")
    recorded = [f"{name}:{n}{WINDOW}" if n == "mean" else f"{name}:{n}_{WINDOW}" for n in names]
    return tuple(
        Query(by_revision("max", s), f"{n} {{{{revision}}}} {{{{source}}}}")
        for n, s in zip(names, recorded, strict=True)
    )


def raw_quantile(runtimes: Mapping[str, Runtime], signal: str, quantile: str) -> str:
    """Take a quantile from the raw histograms of all runtimes: recorded series have no exemplars, these may have some.

    Edges of two runtimes are never mixed: one service has one runtime.
    """
    parts = [
        joined(OwnPods(runtime, CHOSEN), found.source, suffix="_bucket", window=RATE)
        for _, runtime in sorted(runtimes.items())
        if runtime.serves and (found := runtime.signals.get(signal))
        if found.kind is Kind.HISTOGRAM and found.unit is Unit.SECONDS
    ]
    return f"histogram_quantile({quantile}, sum by (le, revision) ({' or '.join(parts)}))"


def logs_of_revision(title: str, pipeline: str = "") -> Link:
    """Lead from a value to the log lines of its revision, at the time that is looked at."""
    stream = '{namespace="${namespace}", llmservice="${service}", revision="${__field.labels.revision}"}'
    return Link(title, explore("logs", {"expr": f"{stream}{pipeline}", "queryType": "range"}))


def trace(title: str, field: str) -> Link:
    """Lead from a field that holds a trace id to the trace."""
    return Link(title, explore("traces", {"query": field, "queryType": "traceql"}))


def explore(variable: str, query: Mapping[str, str]) -> str:
    """Write the address of Grafana's Explore for a query of the datasource in a variable."""
    asked = {"refId": "A", "datasource": {"uid": f"${{{variable}}}"}, **query}
    times = {"from": "${__from}", "to": "${__to}"}
    pane = {"a": {"datasource": f"${{{variable}}}", "queries": [asked], "range": times}}
    return f"/explore?schemaVersion=1&panes={quote(json.dumps(pane, separators=(',', ':')), safe=_LOG_URL_SAFE)}"
