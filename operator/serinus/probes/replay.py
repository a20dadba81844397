"""Counts a run again from its lines. Pure; it believes no verdict, and asks nobody.

Lines that are no JSON object are left out: `kubectl logs` mixes them with those for people.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from serinus.core import runspec, timing
from serinus.core.fields import Fields
from serinus.core.judge_quality import Quality
from serinus.core.model import InvalidSpec, Verdict
from serinus.core.probe import Probe
from serinus.core.report import MAX_COUNT, MAX_TEXT_BYTES, Report, UnreadableReport, Usage, decode, encode
from serinus.core.runspec import RunSpec
from serinus.core.verdict import Judgement, judge
from serinus.core.wording import describe
from serinus.probes.ledger import NOBODY, Judges, Ledger, Look, Sample
from serinus.probes.lines import CANARY, FORMAT, STABLE
from serinus.probes.redact import cut
from serinus.probes.tally import Mark

_EVENTS: Final = ("run", "ready", "sample", "end")


class UnreadableLines(Exception):
    """The lines are not those of one run; names the line, the field, what was found and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A run counted again. `differs`: what the run said otherwise; empty: nothing, or it never said how it ended."""

    spec: RunSpec
    report: Report
    judgement: Judgement
    counted: int
    looks: tuple[Look, ...]
    complete: bool  # whether the run said how it ended
    differs: str = ""

    @property
    def message(self) -> str:
        """The verdict in words."""
        return describe(self.spec.policy, self.report, self.judgement)


@dataclass(slots=True)
class _Run:
    """What the lines told so far."""

    spec: RunSpec
    probes: tuple[Probe, ...]
    positions: Mapping[str, int]
    judge_digest: str
    quality: Quality = field(default_factory=Quality)
    cached: str = ""
    waiting: dict[int, tuple[int, str, Sample]] = field(default_factory=dict)
    pairs: dict[int, tuple[int, Sample, Sample]] = field(default_factory=dict)
    usage: list[int] = field(default_factory=lambda: [0, 0, 0])
    said: str = ""  # the report, as the run wrote it
    counted: int = MAX_COUNT


def replay(lines: Iterable[str]) -> Replayed:
    """Count a run again from its lines; raises UnreadableLines."""
    run: _Run | None = None
    for number, raw in _objects(lines):
        try:
            run = _take(run, Fields(raw, f"line {number}"))
        except InvalidSpec as e:
            raise UnreadableLines(str(e)) from e
    if run is None:
        raise UnreadableLines("line 1: event: found no run, allowed is a run, which comes first")
    return _count(run)


def _objects(lines: Iterable[str]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """JSON objects with the numbers of their lines; one that was cut may only be the last."""
    broken = 0
    for number, line in enumerate(lines, 1):
        if not line.startswith("{"):
            continue
        if broken:
            raise UnreadableLines(f"line {broken}: found no JSON, allowed is one JSON object")
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError):
            broken = number


def _take(run: _Run | None, line: Fields) -> _Run:
    event = line.text("event")
    if event not in _EVENTS:
        raise InvalidSpec(line.at("event"), f"found {event!r}, allowed are {', '.join(_EVENTS)}")
    if (event == "run") is not (run is None):
        raise InvalidSpec(line.at("event"), f"found {event!r}, allowed is one run, which comes first")
    if run is None:
        return _begin(line)
    if event == "ready":
        run.cached = line.text("cached")
        counts = line.child("judge")
        run.quality = Quality(**{name: counts.integer(name, high=MAX_COUNT) for name in Quality.__slots__})
    elif event == "sample":
        _sample(run, line)
    else:
        run.said, run.counted = line.text("report"), line.integer("counted", high=MAX_COUNT)
    return run


def _begin(line: Fields) -> _Run:
    if line.integer("format") != FORMAT:
        raise InvalidSpec(line.at("format"), f"found {line.raw['format']!r}, allowed is {FORMAT}")
    critical = frozenset(map(str, line.values("critical")))
    ids = tuple(map(str, line.values("probes")))
    try:
        spec = runspec.from_json(json.dumps(line.child("run").raw))
    except InvalidSpec as e:
        raise InvalidSpec(line.at("run"), str(e)) from e
    return _Run(
        spec=spec,
        probes=tuple(Probe(id=i, prompt="", critical=i in critical) for i in ids),
        positions={name: i for i, name in enumerate(ids)},
        judge_digest=line.text("judgeDigest"),
    )


def _sample(run: _Run, line: Fields) -> None:
    """Keep one side; two of the same number are a pair."""
    name, side, number = line.text("probe"), line.text("side"), line.integer("pair", high=MAX_COUNT)
    probe = run.positions.get(name)
    if probe is None:
        raise InvalidSpec(line.at("probe"), f"found {name!r}, allowed are those that the run names")
    if side not in (CANARY, STABLE):
        raise InvalidSpec(line.at("side"), f"found {side!r}, allowed are {CANARY} and {STABLE}")
    found = Sample(mark=_mark(line), cached=line.text("cached", ""), first_ms=_first_ms(line), gaps=_gaps(line))
    for i, tokens in enumerate(("promptTokens", "completionTokens"), 1):
        run.usage[i] += line.integer(tokens)
    run.usage[0] += 1
    if not run.spec.identity.baseline:
        run.pairs[number] = (probe, found, NOBODY)
        return
    other = run.waiting.pop(number, None)
    if other is None:
        run.waiting[number] = (probe, side, found)
        return
    if other[:2] != (probe, STABLE if side == CANARY else CANARY):
        raise InvalidSpec(line.at("side"), f"found {side!r} of {name!r}, allowed is the other side of pair {number}")
    run.pairs[number] = (probe, found, other[2]) if side == CANARY else (probe, other[2], found)


def _mark(line: Fields) -> Mark:
    passed = line.boolean("passed", default=False) if line.has("passed") else None
    why = line.text("reason")
    example = cut(line.text("answer") or why, MAX_TEXT_BYTES) if passed is False else ""
    return Mark(
        passed=passed,
        why=why,
        example=example,
        fault=line.boolean("fault", default=False),
        score=0.0 if passed is None else _number(line, line.raw.get("score"), "score"),
        values=tuple(None if v is None else _number(line, v, "values") for v in line.values("values")),
        flagged=line.boolean("flagged", default=False),
    )


def _first_ms(line: Fields) -> float:
    value = line.raw.get("firstTokenMs", 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_COUNT:
        raise InvalidSpec(line.at("firstTokenMs"), f"found {value!r}, allowed is a number from 0 to {MAX_COUNT}")
    return float(value)


def _gaps(line: Fields) -> timing.Counts:
    try:
        return timing.read("betweenTokens", line.raw.get("betweenTokens", []), most=MAX_COUNT)
    except ValueError as e:
        raise InvalidSpec(line.at("betweenTokens"), str(e)) from e


def _number(line: Fields, value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidSpec(line.at(key), f"found {value!r}, allowed is a number from 0 to 1")
    return float(value)


def _count(run: _Run) -> Replayed:
    ledger = Ledger(run.spec, run.probes, Judges(digest=run.judge_digest, quality=run.quality), cached=run.cached)
    for number, (probe, canary, stable) in sorted(run.pairs.items()):
        if number >= run.counted or ledger.decided:
            break
        ledger.add(number, probe, canary, stable)
    report = _report(run, ledger)
    judgement = judge(run.spec.policy, report, probes=len(run.probes))
    if not run.said:  # whatever was counted: a run that was cut off never came to its verdict
        judgement = replace(judgement, verdict=Verdict.BROKEN, reason="Interrupted")
    return Replayed(
        spec=run.spec,
        report=report,
        judgement=judgement,
        counted=ledger.counted,
        looks=tuple(ledger.looks),
        complete=bool(run.said),
        differs=_difference(run, report),
    )


def _report(run: _Run, ledger: Ledger) -> Report:
    """Of what nobody can count again only the end and the cost are taken over; a run without an end was cut off."""
    if not run.said:
        calls, prompt, completion = run.usage
        usage = Usage(calls=calls, prompt_tokens=prompt, completion_tokens=completion)
        return ledger.report(usage, end="Interrupted")
    try:
        said = decode(run.said)
    except UnreadableReport as e:
        raise UnreadableLines(f"the last line: report: {e}") from e
    return ledger.report(said.usage, end=said.end, error=said.error if said.end == "Error" else "")


def _difference(run: _Run, report: Report) -> str:
    if not run.said or encode(report) == run.said:
        return ""
    said = decode(run.said)
    names = [name for name in Report.__slots__ if getattr(decode(encode(report)), name) != getattr(said, name)]
    return f"its report has other {', '.join(names) or 'texts'} than its lines"
