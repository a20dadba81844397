"""A runtime of the catalogue, parsed from its data file (`runtimes/*.yaml`). Knows nothing of any one service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serinus.core.promql import Matcher
from serinus.core.signals import Kind


class LogFormat(StrEnum):
    """How a runtime writes its log lines."""

    JSON = "json"
    LOGFMT = "logfmt"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Raw series that count one thing. Newest name first; older names are joined with `or` before aggregation.

    `minus` names the class whose events these series count too, and which are taken off.
    """

    metrics: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()
    minus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How a runtime exposes one signal.

    `classes` maps a class of the vocabulary to its sources; a signal without classes has the one class "". Several
    sources of one class see the same events from different places: the greater counts.
    """

    kind: Kind
    classes: Mapping[str, tuple[Source, ...]] = field(hash=False)
    buckets: tuple[float, ...] = ()  # upper edges of a histogram, in the signal's unit, ascending, without +Inf
    buckets_flag: str = ""  # the server's argument that sets other edges; empty: there is none
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)  # label that is recorded -> raw label
    latest: bool = False  # the value is a time; only the newest series of a pod is true

    @property
    def source(self) -> Source:
        """The source of a signal without classes."""
        return self.classes[""][0]


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
    port_number: int = 0  # the number that the server listens on unless told otherwise; 0: not known
    signals: Mapping[str, Signal] = field(default_factory=dict, hash=False)
    log_format: LogFormat = LogFormat.TEXT
    requires_flags: tuple[str, ...] = ()  # without these container arguments there are no metrics


Catalogue = Mapping[str, Runtime]
"""The runtimes by name."""
