"""The contract between the probe Job and the operator: a report of at most 4,096 bytes, with a checksum.

It carries counts, never a verdict that is believed. Reading and writing are here; judging is in `verdict.py`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from serinus.core import measure, strict, timing
from serinus.core.judge_quality import Quality
from serinus.core.measure import MAX_METRICS, Measure
from serinus.core.probe import SCORING
from serinus.core.text import cut
from serinus.core.timing import UNTIMED, Timing

FORMAT: Final = 3
MAX_BYTES: Final = 4096
MAX_COUNT: Final = 10_000_000
MAX_USAGE: Final = 10**12
"""Tokens, calls and seconds of a run; a budget may allow more tokens than there may be pairs."""
MAX_ATTEMPT: Final = 10**9
"""The most that a ProbeRun may have."""
MAX_CRITICAL: Final = 20
MAX_WORST: Final = 3
MAX_TEXT_BYTES: Final = 160
"""Of an example, as JSON writes it."""
MAX_ERROR_BYTES: Final = 480
ENDS: Final = ("", "Decided", "Budget", "Interrupted", "Error")
_MAGIC: Final = "serinus-report"
_FLOOR_SUMS: Final = 9


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
    """Pairs by outcome: lost = stable passed and the canary did not.

    Among the unscored ones are those at fault: stable answered with an error. They count as stable's failure in the
    evidence to roll back, and nowhere else, so that a fault of both sides is not held against the canary alone.
    """

    lost: int = 0
    tied: int = 0
    won: int = 0
    unscored: int = 0
    worst_window: int = 0  # unscored pairs in the worst 50 consecutive ones
    fault_tied: int = 0  # stable answered with an error, and the canary failed too
    fault_won: int = 0  # stable answered with an error, and the canary passed

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
    judge_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """One of the probes that lost most; counts as `passed/asked`, the example redacted and ≤ 160 bytes."""

    probe: str
    canary: str
    stable: str = ""
    example: str = ""
    broke: bool = False  # by Fisher's test, with 10 % false discoveries among the probes that are named


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
    judge: Quality = field(default_factory=Quality)  # of the judges on the labelled answers
    flagged: int = 0  # answers of the canary that spoke to the judge, and were scored by rules alone
    measures: tuple[Measure, ...] = ()  # of graded scores or of the gate's metrics, in their order; else empty
    floor: tuple[float, ...] = ()  # graded: the sum of the canary's scores, then four and four sums of the floor test
    timing: tuple[Timing, Timing] = UNTIMED  # of streamed answers, the canary's and stable's


def encode(report: Report) -> str:
    """Write a report as a header line and a line of JSON, at most 4,096 bytes, without a newline at the end.

    Examples go first, then the worst probes, then the times of streamed answers, which decide nothing, then the middle
    of long names and of the error; raises ValueError if it is still too long. Examples, `error` and `cached` are always
    cut to their limit; what is no Unicode becomes `?`.
    """
    text = ""
    for candidate in _ever_shorter(report):
        raw = dataclasses.asdict(candidate) | {
            "measures": [measure.flat(m) for m in candidate.measures],
            "timing": timing.flat(*candidate.timing),
        }
        body = json.dumps(raw, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        body = body.encode(errors="replace").decode()  # an answer may hold half of a surrogate pair
        text = f"{_MAGIC} {FORMAT} {SCORING} {_checksum(body)}\n{body}"
        if len(text.encode()) <= MAX_BYTES:
            return text
    raise ValueError(f"report of {len(text.encode())} bytes without examples: allowed are {MAX_BYTES}")


def decode(text: str) -> Report:
    """Read a report; raises UnreadableReport that says what is wrong, and nothing else.

    Counts must be whole and in [0, 10 million], and possible together; every key must be there, once.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as e:
        raise UnreadableReport("the report is not valid Unicode") from e
    if not text.strip():
        raise UnreadableReport("the report is empty")
    if size > MAX_BYTES + 1:  # a newline at the end is forgiven
        raise UnreadableReport(f"the report has {size} bytes: allowed are {MAX_BYTES}")
    header, _, body = text.removesuffix("\n").partition("\n")
    fields = header.split(" ")
    if len(fields) != 4 or fields[0] != _MAGIC:
        raise UnreadableReport(f"not a report: it begins with {header[:40]!r}")
    if fields[1:3] != [str(FORMAT), str(SCORING)]:
        found = f"format {strict.shown(fields[1])}, scoring {strict.shown(fields[2])}"
        raise UnreadableReport(f"the report has {found}; read are {FORMAT} and {SCORING}")
    if _checksum(body) != fields[3]:
        raise UnreadableReport(f"the report is cut or altered: its checksum does not match ({size} bytes)")
    try:
        return _build(strict.loads(body))
    except ValueError as e:
        raise UnreadableReport(f"the report's content is not valid: {e}") from e


def _ever_shorter(report: Report) -> Iterator[Report]:
    """The report, and what is left of it when it does not fit; counts that a verdict rests on are never touched."""
    report = dataclasses.replace(
        report,
        cached=cut(report.cached, MAX_ERROR_BYTES),
        error=cut(report.error, MAX_ERROR_BYTES),
        worst=tuple(dataclasses.replace(w, example=cut(w.example, MAX_TEXT_BYTES)) for w in report.worst[:MAX_WORST]),
    )
    yield report
    yield dataclasses.replace(report, worst=tuple(dataclasses.replace(w, example="") for w in report.worst))
    report = dataclasses.replace(report, worst=())
    yield report
    report = dataclasses.replace(report, timing=UNTIMED)
    yield report
    for limit in (80, 40, 16):
        yield dataclasses.replace(
            report,
            cached=cut(report.cached, 2 * limit),
            error=cut(report.error, 2 * limit),
            critical=tuple(dataclasses.replace(c, probe=cut(c.probe, limit)) for c in report.critical),
        )


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:16]


def _build(raw: object) -> Report:
    values = strict.record(Report, "", raw, high=MAX_COUNT)
    strict.require(values["end"] in ENDS, "end", values["end"], f"one of {', '.join(ENDS[1:])}, or empty")
    critical = strict.items("critical", values["critical"], most=MAX_CRITICAL)
    worst = strict.items("worst", values["worst"], most=MAX_WORST)
    values |= {
        "identity": _identity(values["identity"]),
        "critical": tuple(Critical(**strict.record(Critical, "critical[]", c, high=MAX_COUNT)) for c in critical),
        "worst": tuple(Worst(**strict.record(Worst, "worst[]", w, high=MAX_COUNT)) for w in worst),
        "usage": Usage(**strict.record(Usage, "usage", values["usage"], high=MAX_USAGE)),
        "judge": Quality(**strict.record(Quality, "judge", values["judge"], high=MAX_COUNT)),
        "pairs": Pairs(**strict.record(Pairs, "pairs", values["pairs"], high=MAX_COUNT)),
    }
    found = strict.items("measures", values["measures"], most=MAX_METRICS)
    values["measures"] = tuple(measure.unflat(f"measures[{i}]", m, most=MAX_COUNT) for i, m in enumerate(found))
    sums = strict.items("floor", values["floor"], most=_FLOOR_SUMS)
    strict.require(len(sums) in (0, _FLOOR_SUMS), "floor", f"{len(sums)} numbers", f"0 or {_FLOOR_SUMS}")
    values["floor"] = measure.numbers("floor", sums)
    values["timing"] = timing.unflat("timing", values["timing"], most=MAX_USAGE)
    for name in ("canary", "stable"):
        values[name] = Side(**strict.record(Side, name, values[name], high=MAX_COUNT))
    report = Report(**values)
    _check_possible(report)
    return report


def _identity(raw: Any) -> Identity:
    values = strict.record(Identity, "identity", raw, low=-1, high=MAX_ATTEMPT)
    strict.require(values["attempt"] >= 0, "identity.attempt", values["attempt"], "0 or more")
    return Identity(**values)


def _check_possible(report: Report) -> None:
    """Refuse counts that contradict each other: they were not counted, and could only make a revision look proven.

    With a baseline an answer counts only in its pair: each side has as many answers as there are pairs.
    """
    pairs, canary, stable = report.pairs, report.canary, report.stable
    answers = pairs.scored if report.identity.baseline else canary.scored
    limits: list[tuple[str, float, float]] = [
        ("probes_seen", report.probes_seen, answers),
        ("flagged", report.flagged, canary.scored),
    ]
    limits += [("pairs.fault_tied and fault_won", pairs.fault_tied + pairs.fault_won, pairs.unscored)]
    for i, found in enumerate(report.measures):
        limits += [(f"measures[{i}]", found.scored, answers), (f"measures[{i}]", found.faults, pairs.unscored)]
    limits += [(f"critical {c.probe}", c.passed + c.failed, canary.scored) for c in report.critical]
    if report.identity.baseline:
        limits += [
            ("pairs.lost", pairs.lost, min(canary.failed, stable.passed)),
            ("pairs.won", pairs.won, min(canary.passed, stable.failed)),
        ]
    limits += _timing_limits(report, answers + pairs.unscored)
    for path, counted, most in limits:
        strict.require(counted <= most, path, counted, f"at most {most} with the other counts")
    if report.identity.baseline:
        for path, side in (("canary", canary), ("stable", stable)):
            strict.require(side.scored == pairs.scored, path, side.scored, f"as many answers as pairs, {pairs.scored}")
        more, most = pairs.won - pairs.lost, canary.passed - stable.passed
        strict.require(more == most, "pairs", f"{more} more won than lost", f"{most} as the answers passed say")


def _timing_limits(report: Report, asked: int) -> Iterator[tuple[str, float, float]]:
    """One first token an answer, tokens after it only, and no time that is longer than the whole run."""
    sides = (("canary", asked), ("stable", asked if report.identity.baseline else 0))
    for (side, most), found in zip(sides, report.timing, strict=True):
        firsts, betweens = timing.number(found.first), timing.number(found.between)
        yield f"timing of {side}", firsts, most
        yield f"timing of {side}, between tokens", betweens, MAX_USAGE if firsts else 0
        yield f"timing of {side}, in seconds", timing.longest(found.first), report.usage.seconds
        yield f"timing of {side}, between tokens in seconds", timing.longest(found.between), report.usage.seconds
