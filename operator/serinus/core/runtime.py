"""A runtime of the catalogue, parsed from its data file (`runtimes/*.yaml`). Knows nothing of any one service."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from serinus.core.promql import Matcher
from serinus.core.signals import Kind, RuntimeKind, Unit


class LogFormat(StrEnum):
    """How a runtime writes its log lines."""

    JSON = "json"
    LOGFMT = "logfmt"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Raw series that count one thing. Newest name first; older names are joined with `or` before aggregation.

    `differ` are labels that only some of the names have: a pod that exports both counts once all the same. What
    `plus` names is added to the sum, what `less` names is taken off. `minus` names the class whose events these series
    count too, and which are taken off.
    """

    metrics: tuple[str, ...]
    matchers: tuple[Matcher, ...] = ()
    differ: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    minus: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """How a runtime exposes one signal.

    `classes` maps a class of the vocabulary to its sources; a signal without classes has the one class "". Several
    sources of one class see the same events from different places: the greater counts.
    """

    kind: Kind
    classes: Mapping[str, tuple[Source, ...]] = field(hash=False)
    unit: Unit = Unit.COUNT
    count: Source | None = None  # of a mean: on how many the source was spent
    buckets: tuple[float, ...] = ()  # upper edges of a histogram, in the signal's unit, ascending, without +Inf
    buckets_flag: str = ""  # the server's argument that sets other edges; empty: there is none
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)  # label that is recorded -> raw label
    latest: bool = False  # the value is a time; only the newest series of a pod is true
    attached: bool = True  # a second observer has it too; False: its series do not say for which model they are

    @property
    def source(self) -> Source:
        """The source of a signal without classes."""
        return self.classes[""][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a container must say so that there are metrics, or some signals.

    The flag may stand among the arguments, in an environment variable, or in a file that one of the arguments `files`
    names, which cannot be seen from outside. `signals`: what is missing without it; empty: everything. A flag that is
    `forbidden` must not be there.
    """

    flag: str
    env: str = ""
    files: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A second thing that the pods of a runtime may run, with a port and a role of its own."""

    name: str
    role: str
    port: str
    port_number: int
    path: str
    requires: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Port, paths, signals and log format of one kind of model server, gateway, client or device.

    `port` empty: it is nothing that a service can be, only a second observer. `metrics_path` empty: it has no metrics.
    """

    name: str
    title: str
    port: str  # default serving port: a name or a number
    metrics_port: str
    metrics_path: str
    health_path: str
    api: str  # what probes speak: chat, completions
    role: str
    port_number: int = 0  # the number that the server listens on unless told otherwise; 0: not known
    metrics_number: int = 0  # the number of a metrics port of its own; 0: it is the serving port
    kind: RuntimeKind = RuntimeKind.ENGINE
    source: str = "engine"  # who its series say has observed them
    signals: Mapping[str, Signal] = field(default_factory=dict, hash=False)
    log_format: LogFormat = LogFormat.TEXT
    requires: tuple[Requirement, ...] = ()
    components: tuple[Component, ...] = ()
    model_label: str = ""  # raw label that says for which model a second observer's series are; empty: none does

    @property
    def serves(self) -> bool:
        """Whether a service can be of this runtime."""
        return bool(self.port)

    @property
    def attaches(self) -> bool:
        """Whether it can be a second observer of services of other runtimes."""
        return bool(self.model_label) or self.kind is RuntimeKind.DEVICE


Catalogue = Mapping[str, Runtime]
"""The runtimes by name."""
