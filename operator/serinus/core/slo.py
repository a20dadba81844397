"""An objective of a service (spec.slos), and how fast it may burn its budget. Knows no series and no expression."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

MIN_EVENTS: Final = 30
"""Requests or answers in the long window below which no burn-rate alert fires, whatever the objective."""

STEP: Final = 60
"""Seconds between evaluations of the rules that count: the sum of their samples times this is a number of events."""

LATENCIES: Final = ("ttft", "itl", "tpot", "e2e_latency", "queue")
AVAILABILITY: Final = "availability"
QUALITY: Final = "quality"
COST: Final = "cost_per_request"
SLO_SIGNALS: Final = (*LATENCIES, AVAILABILITY, QUALITY, COST)
"""What an objective may be about."""

_HOURS: Final = {"m": Decimal(1) / 60, "h": Decimal(1), "d": Decimal(24)}
SPAN: Final = re.compile(r"([1-9][0-9]{0,3})([mhd])")
"""A window as Prometheus writes it, in one unit: `5m`, `1h`, `3d`."""


class Window(StrEnum):
    """The time over which an objective is kept."""

    WEEK = "7d"
    FOUR_WEEKS = "28d"
    MONTH = "30d"


def hours(span: str) -> Decimal:
    """Length of a window such as `5m`, `1h`, `28d`, in hours; raises ValueError."""
    match = SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f"found {span!r}, allowed is {SPAN.pattern}")
    return int(match[1]) * _HOURS[match[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One entry of spec.slos. `objective` in (0, 1); `threshold` in seconds, USD, or percent of a score."""

    name: str
    signal: str
    objective: Decimal
    window: Window
    threshold: Decimal | None = None

    @property
    def path(self) -> str:
        """Where it stands in the spec."""
        return f"spec.slos[name={self.name}]"

    @property
    def budget(self) -> Decimal:
        """Part of the requests that may be bad."""
        return 1 - self.objective


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """Two windows, and the part of a month's budget that is spent when the long one is bad all through."""

    short: str
    long: str
    budget_percent: Decimal

    def factor(self, window: Window) -> Decimal:
        """How many times as fast as the budget allows: the SRE workbook's 14.4, 6, 3 and 1 for 30 days.

        For other windows the same part of the budget counts (Google, The Site Reliability Workbook, chapter 5). Never
        below 1: what burns slower than that leaves some of the budget.
        """
        return max(Decimal(1), self.budget_percent / 100 * hours(window) / hours(self.long))

    def limit(self, slo: Slo) -> Decimal:
        """The part of bad requests, 0 to 1, from which an objective burns this fast; 1 and more is never reached."""
        return self.factor(slo.window) * slo.budget


def is_edge(threshold: Decimal, edges: tuple[float, ...]) -> bool:
    """Whether a histogram with these upper edges can tell which requests were below the threshold."""
    return any(Decimal(str(edge)) == threshold for edge in edges)


def nearest(threshold: Decimal, edges: tuple[float, ...]) -> tuple[float, ...]:
    """The edges next to a threshold, below and above, as far as there are any."""
    below = [e for e in edges if Decimal(str(e)) < threshold]
    above = [e for e in edges if Decimal(str(e)) > threshold]
    return (*below[-1:], *above[:1])


def sets_edges(template: Mapping[str, Any], flag: str) -> bool:
    """Whether a pod template gives its server edges of its own: by an argument or an environment variable.

    A flag such as `X_{MIN,MAX}` is any of X_MIN and X_MAX.
    """
    names = _spelled(flag)
    return any(word.partition("=")[0] in names for word in _words(template))


def _spelled(flag: str) -> frozenset[str]:
    head, _, rest = flag.partition("{")
    ends, _, tail = rest.partition("}")
    return frozenset(f"{head}{end}{tail}" for end in ends.split(",")) - {""}


def _words(template: Mapping[str, Any]) -> Iterator[str]:
    containers = (template.get("spec") or {}).get("containers") or []
    for container in (c for c in containers if isinstance(c, Mapping)):
        for key in ("command", "args"):
            yield from (part for word in container.get(key) or [] for part in str(word).split())
        yield from (str(e.get("name", "")) for e in container.get("env") or [] if isinstance(e, Mapping))
