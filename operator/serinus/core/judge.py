"""Who judges the answers of a ProbeSet, what judging costs, and what is known of the judges. It asks nobody.

A judge is another model; a key of it is a reference that only the probe Job resolves.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

PROMPT: Final = 1
"""Raised when judges are asked in another way; part of every digest of a ProbeSet with judges."""
MAX_JUDGES: Final = 5
JUDGED: Final = frozenset(
    {"llm-rubric", "g-eval", "factuality", "model-graded-factuality", "model-graded-closedqa"},
)
"""Assertion types that need a judge."""
EMBEDDED: Final = frozenset({"similar", "similar:cosine", "similar:dot", "similar:euclidean"})
"""Assertion types that need an embeddings endpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One answer and whether it meets a criterion, as a person said."""

    criterion: str
    answer: str
    good: bool
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """One endpoint that is asked: a Service of the namespace with its port, or an endpoint of the settings by name."""

    name: str
    model: str
    service: str = ""
    port: int = 0
    endpoint: str = ""
    secret: str = ""  # name and key of the Secret with the bearer token; empty: none
    key: str = ""

    @property
    def identity(self) -> dict[str, Any]:
        """What changes its verdicts: a rotated key does not."""
        where = {"service": self.service, "port": self.port} if self.service else {"endpoint": self.endpoint}
        return {"name": self.name, "model": self.model, **where}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """The judges of a ProbeSet (1, 3, 5 or none), its embeddings endpoint, and the labelled answers."""

    judges: tuple[JudgeSpec, ...] = ()
    embeddings: JudgeSpec | None = None
    labels: tuple[Label, ...] = ()

    @property
    def endpoints(self) -> tuple[JudgeSpec, ...]:
        """Everything that the Job must reach."""
        return (*self.judges, *([self.embeddings] if self.embeddings else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeService:
    """Where a Service of a judge leads to: the labels of its pods, and the port (name or number) on them."""

    name: str
    port: int
    selector: tuple[tuple[str, str], ...]
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What judging costs about: calls and tokens of one round on one side, and once before the first question."""

    calls: int = 0
    tokens: int = 0
    calibration_calls: int = 0
    calibration_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What the operator needs to know of the judging of a ProbeSet: where it goes and what it costs."""

    judges: tuple[JudgeSpec, ...] = ()
    embeddings: JudgeSpec | None = None
    labels: int = 0
    cost: Cost = field(default_factory=Cost)
    services: tuple[JudgeService, ...] = ()

    @property
    def endpoints(self) -> tuple[JudgeSpec, ...]:
        """Everything that the Job must reach."""
        return (*self.judges, *([self.embeddings] if self.embeddings else []))


def judged_from_plain(raw: dict[str, Any] | None) -> Judged | None:
    """Read back what `dataclasses.asdict` made of a Judged; KeyError or TypeError for anything else."""
    if raw is None:
        return None
    return Judged(
        judges=tuple(JudgeSpec(**judge) for judge in raw["judges"]),
        embeddings=JudgeSpec(**raw["embeddings"]) if raw["embeddings"] else None,
        labels=raw["labels"],
        cost=Cost(**raw["cost"]),
    )


def digest_of(judging: Judging) -> str:
    """Digest of everything that changes what the judges say, `sha256:…`; empty without judges."""
    if not judging.judges:
        return ""
    text = json.dumps({"prompt": PROMPT, "judges": [j.identity for j in judging.judges]}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def to_plain(judging: Judging) -> dict[str, Any]:
    """The judging as JSON, for the resolved ProbeSet; empty where there is none. Keys of Secrets stay outside."""
    if judging == Judging():
        return {}
    found: dict[str, Any] = {"prompt": PROMPT, "judges": [j.identity for j in judging.judges]}
    if judging.embeddings:
        found["embeddings"] = judging.embeddings.identity
    if judging.labels:
        found["labels"] = [dataclasses.asdict(label) for label in judging.labels]
    return found


def from_plain(raw: dict[str, Any]) -> Judging:
    """Read what `to_plain` wrote; raises ValueError, KeyError or TypeError for anything else."""
    if not raw:
        return Judging()
    if raw["prompt"] != PROMPT:
        raise ValueError(f"found the judge's prompt {raw['prompt']!r}, allowed is {PROMPT}")
    embeddings = raw.get("embeddings")
    return Judging(
        judges=tuple(JudgeSpec(**judge) for judge in raw["judges"]),
        embeddings=JudgeSpec(**embeddings) if embeddings else None,
        labels=tuple(Label(**label) for label in raw.get("labels", ())),
    )
