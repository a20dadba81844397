"""What keeps the monitoring of a service from being whole, in words: problems for a condition, and notes beside it.

It generates nothing and decides nothing about a rollout.
"""

from serinus.core import flags, scrapers
from serinus.core.conditions import Problem
from serinus.resources import collector, log_pipeline, prometheus_rule
from serinus.resources.context import Context
from serinus.resources.service_monitor import monitor_labels
from serinus.resources.signal_rules import gaps


def problems(context: Context) -> tuple[Problem, ...]:
    """What the spec asks for and cannot be had: metrics first, then objectives and alerts over them, then logs."""
    service = context.service
    off = (Problem(flags.METRICS_OFF, message) for message in flags.metrics_off(service))
    unseen = scrapers.not_selected(context.scrapers, service.namespace, monitor_labels(context))
    ignored = (Problem(scrapers.NOT_SELECTED, message) for message in unseen)
    logs = (Problem("NotAsSpecified", message) for message in log_pipeline.problems_of(context))
    traces = (Problem("NotAsSpecified", message) for message in collector.problems(context))
    return (*off, *ignored, *prometheus_rule.problems(context), *logs, *traces)


def note(context: Context) -> str:
    """What there is not although nothing is wrong: signals that the runtime lacks, alerts over them, what is hidden."""
    return "; ".join(text for text in (gap_note(context), prometheus_rule.left_out(context), *notes(context)) if text)


def gap_note(context: Context) -> str:
    """The signals that the runtime of a service lacks; empty if it has all."""
    names = ", ".join(gaps(context.service.runtime))
    return f"{context.service.runtime.title} has no {names}" if names else ""


def notes(context: Context) -> tuple[str, ...]:
    """What of a runtime's metrics depends on settings that are not seen, or on ones that are optional."""
    return flags.notes(context.service)
