"""Frozen types of a parsed ProbeSet, and its bounds. It reads no format, renders no template and scores nothing."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from serinus.core.judge import Judging

Json = Any
"""None, a boolean, a number, a string, a list or a mapping with string keys of these."""

SCORING: Final = 1
"""Raised when the meaning of a score changes; part of every digest, so that old and new counts are never added."""
MAX_SOURCE_BYTES: Final = 900 * 1024
MAX_INLINE_BYTES: Final = 200 * 1024
MAX_RESOLVED_BYTES: Final = 900 * 1024
MAX_PROBES: Final = 2000
MAX_WEIGHTED: Final = 10_000
"""Probes times their weights: calls on one side in one round."""
MAX_CRITICAL: Final = 20
MAX_ASSERTIONS: Final = 50
MAX_PROMPTS: Final = 100
MAX_WEIGHT: Final = 100
MAX_PROBLEMS: Final = 50
MAX_ID_BYTES: Final = 64
PYTHON_ENDING: Final = ".py"
"""Of the name of a module in Python; others are JavaScript."""


class Api(StrEnum):
    """Which API a probe speaks: OpenAI's two, Ollama's chat, text-generation-inference's own."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    OLLAMA = "ollama"
    TGI = "tgi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in a source that cannot be acted on. Line 0: the field is not in a file but in the ProbeSet itself."""

    line: int
    field: str
    message: str
    file: str = ""  # key of the ConfigMap; empty: the inline source or the ProbeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where something was written; not part of what it is. Line 0: unknown."""

    line: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What an answer must satisfy. `threshold` is in the unit of the type; weight 0 measures and decides nothing."""

    type: str  # without `not-`
    negated: bool = False
    value: Json = field(default=None, hash=False)
    literal: bool = False  # the value is used as it is, not rendered: it came from a file
    module: str = ""  # the value is the text of this file (`check.js`, or `check.py:function`)
    threshold: float | None = None
    weight: float = 1.0
    metric: str = ""  # a template over the variables
    transform: str = ""  # code that makes another output of the answer first: JavaScript, or a file's text
    transform_module: str = ""  # the transform is the text of this file (`x.js`, `x.py:function`)
    config: Json = field(default=None, hash=False)  # what a script finds as context.config
    children: tuple["Assertion", ...] = ()  # of an assert-set
    origin: Origin = field(default=Origin(), compare=False)


def flat(assertions: Iterable[Assertion]) -> Iterator[Assertion]:
    """Assertions with those of an assert-set in its place."""
    for assertion in assertions:
        yield from assertion.children or (assertion,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One question. `prompt` is a template over `variables`; `weight` is how often a round asks it."""

    id: str
    prompt: str
    variables: Mapping[str, Json] = field(default_factory=dict, hash=False)
    assertions: tuple[Assertion, ...] = ()
    threshold: float | None = None  # None: every assertion must pass; else the score decides
    weight: int = 1
    critical: bool = False
    metadata: Mapping[str, Json] = field(default_factory=dict, hash=False)
    transform: str = ""  # as in Assertion, before all of its assertions
    transform_module: str = ""
    origin: Origin = field(default=Origin(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How the model is called. Timeout in seconds; concurrency in calls, at most a quarter of them on stable."""

    temperature: float = 0.7
    max_tokens: int = 512
    timeout: int = 60
    concurrency: int = 16
    api: Api = Api.CHAT
    stream: bool = False  # token by token, so that the time to the first one is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeSet:
    """What a ProbeSet resolves to. With problems there are no probes and no digest; notes do not stop anything."""

    probes: tuple[Probe, ...] = ()
    request: Request = Request()
    judging: Judging = field(default_factory=Judging)
    digest: str = ""  # `sha256:…` of the resolved text of `probejson.to_json`
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = field(default=(), compare=False)

    @property
    def weighted(self) -> int:
        """Calls on one side in one round."""
        return sum(p.weight for p in self.probes)

    def needs(self, types: Container[str]) -> bool:
        """Whether any assertion is of one of these types."""
        return any(a.type in types for p in self.probes for a in flat(p.assertions))

    @property
    def critical(self) -> int:
        """Number of critical probes."""
        return sum(p.critical for p in self.probes)
