"""The lines of a run: one JSON object each, from which the run can be counted again. Pure; it writes and reads no file.

In this order: `run`, `ready`, two `sample`s for each pair (one without a baseline), `end`. They hold no key and no
address of one; texts of models are redacted and cut. docs/reference/evidence.schema.json describes every field.
"""

import dataclasses
import json
from dataclasses import replace
from typing import Any, Final

from serinus.core import runspec
from serinus.core.judge_quality import Quality
from serinus.core.model import GatePolicy
from serinus.core.probe import Probe
from serinus.core.report import MAX_TEXT_BYTES, Report, encode
from serinus.core.runspec import RunSpec
from serinus.core.verdict import judge
from serinus.core.wording import describe
from serinus.probes.ledger import Sample
from serinus.probes.order import Turn
from serinus.probes.redact import cut, redact
from serinus.probes.reply import Kind, Reply
from serinus.probes.scorers import alarms
from serinus.probes.settle import Score
from serinus.probes.tally import Mark

FORMAT: Final = 1
CANARY: Final = "canary"
STABLE: Final = "stable"
_TEXT_BYTES: Final = 400


def run_line(spec: RunSpec, probes: tuple[Probe, ...], *, judge_digest: str) -> dict[str, Any]:
    """What is asked and how it is judged; where tokens are is left out."""
    public = replace(spec, token_path="", judges=())
    return {
        "event": "run",
        "format": FORMAT,
        "run": json.loads(runspec.to_json(public)),
        "probes": [p.id for p in probes],
        "critical": [p.id for p in probes if p.critical],
        "judgeDigest": judge_digest,
    }


def ready_line(quality: Quality, *, cached: str) -> dict[str, Any]:
    """What was found before the first pair: a cache, and how good the judges are."""
    return {"event": "ready", "cached": cached, "judge": dataclasses.asdict(quality)}


def sample_line(turn: Turn, probe: str, side: str, reply: Reply, score: Score | None, sample: Sample) -> dict[str, Any]:
    """One answer and what it is worth."""
    mark = sample.mark
    line = {
        "event": "sample",
        "probe": probe,
        "side": side,
        "pair": turn.number,
        "round": turn.round,
        "status": reply.status,
        "latencyMs": round(reply.latency_ms, 1),
        **_timing(reply, sample),
        "promptTokens": reply.prompt_tokens,
        "completionTokens": reply.completion_tokens,
        **({"tokensEstimated": True} if reply.estimated else {}),
        "passed": mark.passed,
        "score": None if mark.passed is None else mark.score,
        "reason": mark.why,
        "assertions": [{k: a[k] for k in ("type", "passed", "score")} for a in (score.assertions if score else ())],
        "answer": redact(reply.text, _TEXT_BYTES),
    }
    rare = {
        "values": mark.values,
        "found": alarms(reply.text, reply.finish_reason),
        "fault": mark.fault,
        "flagged": mark.flagged,
        "cached": sample.cached,
    }
    return line | {k: v for k, v in rare.items() if v}


def end_line(policy: GatePolicy, report: Report, *, probes: int, counted: int) -> dict[str, Any]:
    """How a run ended, with its report as the operator reads it."""
    found = judge(policy, report, probes=probes)
    return {
        "event": "end",
        "verdict": str(found.verdict),
        "reason": found.reason,
        "message": describe(policy, report, found),
        "counted": counted,
        "report": encode(report),
    }


def mark_of(side: str, reply: Reply, score: Score | None) -> Mark:
    """Which replies count: a canary that answers badly fails; what nobody or a broken stable says counts nothing."""
    if reply.kind is Kind.ANSWER:
        if score is None:
            return Mark(passed=None, why="scoring did not end")
        why = redact(score.reason, _TEXT_BYTES)
        if score.passed is None:
            return Mark(passed=None, why=why)
        flagged = side == CANARY and any(a.get("byRules") for a in score.assertions)
        mark = Mark(passed=score.passed, score=score.score, why=why, flagged=flagged)
        return mark if score.passed else replace(mark, example=_example(reply, why))
    why = redact(reply.reason, _TEXT_BYTES)
    if reply.kind is Kind.EMPTY or (side == CANARY and reply.kind is Kind.WRONG):
        return Mark(passed=False, why=why, example=_example(reply, why))
    return Mark(passed=None, why=f"{side}: {why}", fault=reply.kind is Kind.WRONG)


def _example(reply: Reply, why: str) -> str:
    return cut(redact(reply.text, _TEXT_BYTES) or why, MAX_TEXT_BYTES)


def first_token_ms(reply: Reply) -> float:
    """When the first text of a streamed answer came, as lines hold it and as it is counted; 0: it was not timed."""
    return max(0.1, round(reply.first_ms, 1)) if reply.first_ms else 0.0


def _timing(reply: Reply, sample: Sample) -> dict[str, Any]:
    """When the parts of a streamed answer came, measured by the probe."""
    if not sample.first_ms:
        return {}
    found = {"firstTokenMs": sample.first_ms, "betweenTokensMs": round(reply.between_ms, 2)}
    return found | ({"betweenTokens": list(sample.gaps)} if sample.gaps else {})
