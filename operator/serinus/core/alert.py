"""An alert as data (`alert-rules/*.yaml`), parsed. Knows nothing of any one service, nor of Prometheus' objects."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from serinus.core.promql import Duration, parse_duration, parse_number
from serinus.core.slo import Burn


class Severity(StrEnum):
    """Who is to be woken by it: nobody, somebody tomorrow, somebody now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Needs(StrEnum):
    """What a service must have for an alert to be about anything."""

    CONTINUOUS_PROBING = "continuousProbing"


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
    """One alert with its default parameters; `expr`, `summary` and `description` have `$placeholders`.

    With `burn` it is made once for all objectives of a service. With `shared` one rule is for all services, where the
    operator serves the whole cluster: its series have the labels namespace and llmservice, and its texts name no model.
    """

    name: str
    expr: str
    hold: Duration
    severity: Severity
    threshold: Threshold | None
    summary: str
    description: str
    runbook: str  # section of runbooks.md, as an anchor
    burn: Burn | None = None
    needs: Needs | None = None
    gates: bool = False  # gates rest on it: who has gates cannot disable it
    shared: bool = False
    covered_by: tuple[str, ...] = ()  # signals of objectives that say the same, with a budget


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertGroup:
    """Alerts that are evaluated together; `interval` apart, or None: as often as Prometheus is set to."""

    name: str
    alerts: tuple[Alert, ...]
    interval: Duration | None = None


def parse_threshold(unit: Unit, text: str) -> Threshold:
    """Read a threshold written in its unit: `5`, `2500ms`; raises InvalidQuery."""
    if unit is Unit.DURATION:
        return Threshold(unit, parse_duration(text).seconds)
    return Threshold(unit, parse_number(text))
