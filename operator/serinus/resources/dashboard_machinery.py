"""Rows of a service's dashboard about its logs and about the operator. It owns panels, not their form."""

from typing import Final

from serinus.core.log_pipeline import METRIC_PREFIX
from serinus.core.promql import Matcher, Op, selector
from serinus.core.signals import LOG_ERRORS
from serinus.resources.dashboard_frame import Row
from serinus.resources.dashboard_panel import BAD, FAIR, GOOD, PLAIN, Column, Look, Panel, Query
from serinus.resources.dashboard_query import LOG_STREAM, RATE, by_revision, one, trace

_PART: Final = f"[{RATE}]"
_LATE: Final = 30


def logs() -> Row:
    """What the service writes, and what the pipeline did to it."""
    return Row("Logs", (*_counted(), *_lines()))


def _counted() -> tuple[Panel, ...]:
    return (
        Panel(
            title="Errors in the log",
            description="Lines of level error or critical per second, counted before any is dropped.",
            queries=(Query(by_revision("sum", LOG_ERRORS), "{{revision}}"),),
            unit="cps",
            least=0,
        ),
        Panel(
            title="Lines by level",
            description="Lines per second that are stored, by level; sampling may drop harmless ones.",
            queries=(Query(f"sum by (level) (rate({{{LOG_STREAM}}}[$__auto]))", "{{level}}"),),
            unit="cps",
            logs=True,
            stacked=True,
            least=0,
        ),
        Panel(
            title="Lines with a redaction or a flag",
            description="Lines per second out of which something was taken, and lines of answers that were flagged.",
            queries=tuple(Query(_log_rate(f"{name}_lines_total"), name) for name in ("redacted", "flagged")),
            unit="cps",
            least=0,
        ),
    )


def _log_rate(counter: str) -> str:
    """A scrape without honorLabels keeps the service's namespace as `exported_namespace`."""
    found = (
        selector(f"{METRIC_PREFIX}{counter}", (Matcher(label, "$namespace"), Matcher("llmservice", "$service")))
        for label in ("namespace", "exported_namespace")
    )
    return f"sum ({' or '.join(f'rate({series}{_PART})' for series in found)})"


def _lines() -> tuple[Panel, ...]:
    errors = f'{{{LOG_STREAM}, level=~"error|critical"}}'
    return (
        Panel(
            title="Error lines",
            description="Lines of level error or critical, after redaction. A line with a trace id leads to its trace.",
            queries=(Query(errors),),
            unit="none",
            look=Look.LOGS,
            logs=True,
            width=14,
            height=10,
        ),
        Panel(
            title="Lines with a trace",
            description="Lines that name a trace; a click on its id opens it.",
            queries=(Query(f'{{{LOG_STREAM}}} | trace_id != ""'),),
            unit="none",
            look=Look.TABLE,
            logs=True,
            width=10,
            height=10,
            extract=True,
            columns=(Column("trace_id", "Trace", link=trace("Open the trace", "${__value.raw}")),),
            hidden=("labels", "labelTypes", "id", "tsNs", "namespace", "llmservice", "model", "runtime", "role"),
        ),
    )


def operator() -> Row:
    """Whether the operator itself works: of the service its outputs, else of the whole installation."""
    return Row("Operator", (*_work(), *_engine()), folded=True)


def _work() -> tuple[Panel, ...]:
    not_applied = one("serinus_output_state", Matcher("state", "Applied", Op.NOT_EQUAL))
    slow = f"histogram_quantile(0.99, sum by (le, outcome) (rate(serinus_reconcile_seconds_bucket{_PART})))"
    return (
        Panel(
            title="Outputs that are not applied",
            description="Generated objects of the service that were skipped or failed; its status says why.",
            queries=(Query(f"max by (kind, state) ({not_applied}) == 1"),),
            unit="none",
            look=Look.TABLE,
            hidden=("Value",),
        ),
        Panel(
            title="Leaders",
            description="Replicas of the operator that lead: 1, or for some seconds 0.",
            queries=(Query("sum (serinus_leader)", "leaders"),),
            unit="short",
            look=Look.NUMBER,
            width=4,
            steps=((0, BAD), (1, GOOD), (2, BAD)),
        ),
        Panel(
            title="Waiting keys",
            description="Keys that wait for a worker, and seconds that the oldest one has waited.",
            queries=(
                Query("sum (serinus_queue_depth)", "keys"),
                Query("max (serinus_queue_age_seconds)", "oldest (s)"),
            ),
            unit="short",
            width=6,
            least=0,
        ),
        Panel(
            title="Time of a reconcile",
            description="99 of 100 reconciles are faster, by outcome.",
            queries=(Query(slow, "{{outcome}}"),),
            unit="s",
            width=6,
            least=0,
        ),
    )


def _engine() -> tuple[Panel, ...]:
    calls = f"sum by (verb, code) (rate(serinus_api_calls_total{_PART}))"
    late = f"histogram_quantile(0.99, sum by (le, verb) (rate(serinus_api_call_seconds_bucket{_PART})))"
    dropped = f"sum (rate(serinus_events_dropped_total{_PART}))"
    return (
        Panel(
            title="Calls to the API server",
            description="Calls per second by verb and code; code 0 is no answer. In steady state nothing is written.",
            queries=(Query(calls, "{{verb}} {{code}}"), Query(dropped, "events dropped")),
            unit="cps",
            least=0,
        ),
        Panel(
            title="Time of a call",
            description="99 of 100 calls to the API server are faster, by verb.",
            queries=(Query(late, "{{verb}}"),),
            unit="s",
            least=0,
        ),
        Panel(
            title="Age of watches, lease and loop",
            description="Seconds since a watch said something and since the lease was renewed; lag of the loop.",
            queries=(
                Query("max by (resource) (serinus_watch_age_seconds)", "{{resource}}"),
                Query("min (serinus_lease_age_seconds)", "lease"),
                Query("max (serinus_loop_lag_seconds)", "loop"),
            ),
            unit="s",
            least=0,
            steps=((0, PLAIN), (_LATE, FAIR)),
        ),
        Panel(
            title="Objects that cannot be read",
            description="Times that an object of a watch could not be read, since the start.",
            queries=(Query("sum by (resource) (serinus_watch_unreadable)", "{{resource}}"),),
            unit="short",
            look=Look.BARS,
            steps=((0, GOOD), (1, BAD)),
        ),
    )
