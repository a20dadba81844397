"""A runtime of the catalogue, parsed from its data file (`runtimes/*.yaml`). Knows nothing of any one service."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How a runtime exposes one signal: names of raw series, and what they are."""

    metrics: tuple[str, ...]  # newest name first; older names are joined with `or` before aggregation
    kind: str  # counter, gauge, histogram
    matchers: Mapping[str, str] = field(default_factory=dict, hash=False)
    buckets: tuple[float, ...] = ()  # upper edges of a histogram, in the signal's unit
    by: tuple[str, ...] = ()  # labels kept besides the common ones
    errors: str = ""  # for error counters: label=~"pattern" that marks an error


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Port, paths, signals and log format of one kind of model server."""

    name: str
    title: str
    port: str  # default serving port: a name or a number
    metrics_port: str
    metrics_path: str
    health_path: str
    api: str  # what probes speak: chat, completions
    role: str
    signals: Mapping[str, Signal] = field(default_factory=dict, hash=False)
    log_format: str = "text"
    requires_flags: tuple[str, ...] = ()  # without these container arguments there are no metrics


Catalogue = Mapping[str, Runtime]
"""The runtimes by name."""
