"""An alert as data (`alert-rules/*.yaml`), parsed. Knows nothing of any one service, nor of Prometheus' objects."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from serinus.core.promql import Duration, parse_duration, parse_number


class Severity(StrEnum):
    """Who is to be woken by it: nobody, somebody tomorrow, somebody now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Unit(StrEnum):
    """The unit of a threshold; each has its own field in an override."""

    PERCENT = "percent"
    DURATION = "duration"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Threshold:
    """A limit: percent in 0–100, a duration in seconds, or a plain value."""

    unit: Unit
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert with its default parameters; `expr`, `summary` and `description` have `$placeholders`."""

    name: str
    expr: str
    hold: Duration
    severity: Severity
    threshold: Threshold | None
    summary: str
    description: str
    runbook: str  # section of runbooks.md, as an anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """Alerts that are evaluated together."""

    name: str
    alerts: tuple[Alert, ...]


def parse_threshold(unit: Unit, text: str) -> Threshold:
    """Read a threshold written in its unit: `5`, `2500ms`; raises InvalidQuery."""
    if unit is Unit.DURATION:
        return Threshold(unit, parse_duration(text).seconds)
    return Threshold(unit, parse_number(text))
