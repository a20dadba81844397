"""A sample exposition as the input of a promtool test, and a second, naive reckoning of what must come out.

It owns arithmetic on the raw names of the sample; it must not read a rule or the catalogue. A counter grows by its
value each minute, so its rate is the value over 60; a gauge stays.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

FOLDER = Path(__file__).parents[1] / "samples"
TARGET = {
    "namespace": "team-a",
    "llmservice": "chat",
    "model": "llama-3.1-8b",
    "runtime": "vllm",
    "role": "server",
    "revision": "r8d21bb77f0",
}
RECORDED = TARGET | {"source": "engine"}
"""Labels of what is recorded of it."""
MINUTES = 10
Want = str | Callable[[str], bool]
"""A label's value, or what is asked of it."""


@dataclass(frozen=True)
class Row:
    """One series of the sample."""

    name: str
    labels: dict[str, str]
    value: float
    counts: bool  # it grows: a counter, or a part of a histogram


class Sample:
    """A file of `tests/samples`, scraped from one pod."""

    def __init__(
        self, text: str, *, pod: str = "chat-0", target: dict[str, str] | None = None, ours: bool = True
    ) -> None:
        self.target = {**(TARGET if ours else {}), **_scraped(pod), **(target or {})}
        known = set(re.findall(r"(?m)^[a-zA-Z_:][a-zA-Z0-9_:]*", text))
        self.rows = [
            Row(_name(s.name, known), s.labels, s.value, family.type in ("counter", "histogram", "summary"))
            for family in text_string_to_metric_families(text)
            for s in family.samples
            if not s.name.endswith("_created")
        ]

    @classmethod
    def of(cls, file: str, *, target: dict[str, str] | None = None, ours: bool = True) -> "Sample":
        """Read a file by its name; `ours`: a ServiceMonitor of a service has scraped it."""
        return cls((FOLDER / file).read_text(encoding="utf-8"), target=target, ours=ours)

    def input_series(self) -> list[dict[str, str]]:
        """Every series as promtool wants it, with the labels of its target, and `up`."""
        up = {"series": _series("up", self.target), "values": f"1x{MINUTES}"}
        return [up, *({"series": _series(r.name, self._kept(r.labels)), "values": _values(r)} for r in self.rows)]

    def _kept(self, labels: dict[str, str]) -> dict[str, str]:
        """Labels after the scrape: a server's own that the target has too is renamed, as Prometheus does."""
        return {f"exported_{key}" if key in self.target else key: value for key, value in labels.items()} | self.target

    def rows_of(self, name: str, labels: dict[str, Want]) -> list[Row]:
        """Series of a name whose labels are as wanted, a label that is not there being empty; KeyError without any."""
        found = [r for r in self.rows if r.name == name and all(_is(r.labels.get(k, ""), w) for k, w in labels.items())]
        if not found:
            raise KeyError(name)
        return found

    def sum(self, name: str, **labels: Want) -> float:
        """Sum of the series of a name that have these labels; KeyError when there is none."""
        return sum(r.value for r in self.rows_of(name, labels))

    def rate(self, name: str, **labels: Want) -> float:
        """Growth a second, as `rate` finds it."""
        return self.sum(name, **labels) / 60

    def mean(self, name: str, **labels: Want) -> float:
        """Mean of a histogram."""
        return self.sum(f"{name}_sum", **labels) / self.sum(f"{name}_count", **labels)

    def buckets(self, name: str, **labels: Want) -> dict[str, float]:
        """Cumulative counts of a histogram by upper edge, lowest first, summed over its series."""
        found: dict[str, float] = {}
        for row in self.rows_of(f"{name}_bucket", labels):
            found[row.labels["le"]] = found.get(row.labels["le"], 0.0) + row.value
        return dict(sorted(found.items(), key=lambda item: float(item[0])))

    def quantile(self, name: str, q: float) -> float:
        """Quantile of a histogram."""
        return quantile(self.buckets(name), q)


def quantile(buckets: dict[str, float], q: float) -> float:
    """Quantile by linear interpolation within the bucket, as Prometheus documents it."""
    rank = q * buckets["+Inf"]
    lower_edge = lower_count = 0.0
    for i, (le, count) in enumerate(buckets.items()):
        if count >= rank:
            if le == "+Inf":
                return lower_edge
            if i == 0 and float(le) <= 0:
                return float(le)
            return lower_edge + (float(le) - lower_edge) * (rank - lower_count) / (count - lower_count)
        lower_edge, lower_count = float(le), count
    raise AssertionError("a histogram ends in +Inf")


def _is(found: str, wanted: "Want") -> bool:
    return wanted(found) if callable(wanted) else found == wanted


def _name(parsed: str, known: set[str]) -> str:
    """The name as it stands in the text: the parser ends every counter in `_total`."""
    return parsed if parsed in known else parsed.removesuffix("_total")


def _scraped(pod: str) -> dict[str, str]:
    """Labels that discovery by a ServiceMonitor gives a target."""
    return {
        "pod": pod,
        "instance": f"{pod}:8000",
        "job": "chat-metrics",
        "service": "chat-metrics",
        "endpoint": "metrics",
        "container": "server",
    }


def _values(row: Row) -> str:
    return f"0+{row.value!r}x{MINUTES}" if row.counts else f"{row.value!r}+0x{MINUTES}"


def _series(name: str, labels: dict[str, str]) -> str:
    inside = ",".join(f'{key}="{_escaped(value)}"' for key, value in sorted(labels.items()))
    return f"{name}{{{inside}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def expectation(series: str, found: list[tuple[dict[str, str], float]]) -> dict[str, Any]:
    """What promtool must find under the name of a recorded series, at the end of the input, to a millionth.

    promtool compares to the last bit, and a sum in another order differs there.
    """
    samples = [{"labels": _series("", labels), "value": math.floor(value * 1e6 + 0.5) / 1e6} for labels, value in found]
    return {"expr": f"round({series}, 1e-6)", "eval_time": f"{MINUTES}m", "exp_samples": samples}
