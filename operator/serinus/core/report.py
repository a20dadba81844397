"""The contract between the probe Job and the operator: a report of at most 4,096 bytes, with a checksum.

It carries counts, never a verdict that is believed. Reading and writing are here; judging is in `verdict.py`.
"""

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, Final

FORMAT: Final = 1
SCORING: Final = 1
"""Raised when the meaning of a score changes; part of every digest, so that old and new counts are never added."""
MAX_BYTES: Final = 4096
MAX_COUNT: Final = 10_000_000
MAX_WORST: Final = 3
MAX_TEXT_BYTES: Final = 160
_MAGIC: Final = "serinus-report"


class UnreadableReport(Exception):
    """The text is not a report: empty, cut, altered, of another format, or with impossible numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which run a report belongs to; the operator ignores a report whose identity is not the one that it waits for."""

    namespace: str
    service: str
    revision: str
    baseline: str  # empty: no baseline, the floor alone decides
    gate: str
    purpose: str
    step: int  # -1: the purpose has no steps
    attempt: int
    digest: str  # of the probe set, `sha256:…`


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Pairs by outcome: lost = stable passed and the canary did not."""

    lost: int = 0
    tied: int = 0
    won: int = 0
    unscored: int = 0
    worst_window: int = 0  # unscored pairs in the worst 50 consecutive ones

    @property
    def scored(self) -> int:
        """Pairs that count as evidence."""
        return self.lost + self.tied + self.won


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Scored answers of one revision."""

    passed: int = 0
    failed: int = 0

    @property
    def scored(self) -> int:
        """Answers with a score."""
        return self.passed + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Critical:
    """One critical probe: the canary's answers in the rounds where stable passed it (all rounds without a baseline)."""

    probe: str
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a run cost."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    judge_calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """One of the probes that lost most; counts as `passed/asked`, the example redacted and ≤ 160 bytes."""

    probe: str
    canary: str
    stable: str = ""
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run has to say."""

    identity: Identity
    pairs: Pairs = field(default_factory=Pairs)
    canary: Side = field(default_factory=Side)
    stable: Side = field(default_factory=Side)
    critical: tuple[Critical, ...] = ()
    probes_seen: int = 0  # distinct probes with at least one pair (or answer, without a baseline) that counts
    cached: str = ""  # why answers look cached; empty: they do not
    end: str = ""  # Decided, Budget, Interrupted or Error
    error: str = ""  # one sentence when end is Error
    usage: Usage = field(default_factory=Usage)
    worst: tuple[Worst, ...] = ()
    judge_digest: str = ""


def encode(report: Report) -> str:
    """Write a report as a header line and a line of JSON, at most 4,096 bytes; examples, then worst probes go first."""
    text = ""
    for candidate in (report, _without_examples(report), dataclasses.replace(report, worst=())):
        body = json.dumps(dataclasses.asdict(candidate), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        text = f"{_MAGIC} {FORMAT} {SCORING} {_checksum(body)}\n{body}\n"
        if len(text.encode()) <= MAX_BYTES:
            return text
    raise ValueError(f"report of {len(text.encode())} bytes without examples: allowed are {MAX_BYTES}")


def decode(text: str) -> Report:
    """Read a report; raises UnreadableReport that says what is wrong. Numbers must be finite and in [0, 10 million]."""
    if not text.strip():
        raise UnreadableReport("the report is empty")
    header, _, body = text.partition("\n")
    fields = header.split(" ")
    if len(fields) != 4 or fields[0] != _MAGIC:
        raise UnreadableReport(f"not a report: it begins with {header[:40]!r}")
    if fields[1:3] != [str(FORMAT), str(SCORING)]:
        raise UnreadableReport(
            f"the report has format {fields[1]}, scoring {fields[2]}; read are {FORMAT} and {SCORING}"
        )
    body = body.removesuffix("\n")
    if _checksum(body) != fields[3]:
        raise UnreadableReport(f"the report is cut or altered: its checksum does not match ({len(text)} characters)")
    try:
        return _build(json.loads(body, parse_constant=_refuse_constant))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise UnreadableReport(f"the report's content is not valid: {e}") from e


def _without_examples(report: Report) -> Report:
    return dataclasses.replace(report, worst=tuple(dataclasses.replace(w, example="") for w in report.worst))


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _build(raw: dict[str, Any]) -> Report:
    simple = {k: raw[k] for k in ("cached", "end", "error", "judge_digest")}
    for key, value in simple.items():
        _require(isinstance(value, str), key, value)
    _count("probes_seen", raw["probes_seen"])
    return Report(
        identity=_identity(raw["identity"]),
        pairs=Pairs(**_counts("pairs", raw["pairs"])),
        canary=Side(**_counts("canary", raw["canary"])),
        stable=Side(**_counts("stable", raw["stable"])),
        critical=tuple(_critical(c) for c in raw["critical"]),
        usage=Usage(**_counts("usage", raw["usage"])),
        worst=tuple(Worst(**_texts("worst", w)) for w in raw["worst"][:MAX_WORST]),
        probes_seen=raw["probes_seen"],
        **simple,
    )


def _identity(raw: dict[str, Any]) -> Identity:
    step, attempt = raw["step"], raw["attempt"]
    for key, value in (("step", step), ("attempt", attempt)):
        _require(type(value) is int and -1 <= value <= MAX_COUNT, key, value)
    texts = _texts("identity", {k: v for k, v in raw.items() if k not in ("step", "attempt")})
    return Identity(step=step, attempt=attempt, **texts)


def _critical(raw: dict[str, Any]) -> Critical:
    return Critical(
        probe=_texts("critical", {"probe": raw["probe"]})["probe"],
        **_counts("critical", {k: v for k, v in raw.items() if k != "probe"}),
    )


def _counts(where: str, raw: dict[str, Any]) -> dict[str, Any]:
    for key, value in raw.items():
        _count(f"{where}.{key}", value)
    return raw


def _texts(where: str, raw: dict[str, Any]) -> dict[str, str]:
    for key, value in raw.items():
        _require(isinstance(value, str), f"{where}.{key}", value)
    return raw


def _count(name: str, value: object) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    real = name == "usage.seconds" and isinstance(value, float) and math.isfinite(value)
    _require((whole or real) and 0 <= value <= MAX_COUNT, name, value)  # type: ignore[operator]


def _require(condition: object, name: str, value: object) -> None:
    if not condition:
        raise ValueError(f"{name}: found {value!r}")
