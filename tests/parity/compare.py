"""Runs every case the whole way of a probe (parsing, rendering, scoring, settling) and compares it with promptfoo."""

import asyncio
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from serinus.core.probeset import parse_probe_set
from serinus.probes.exchange import encode
from serinus.probes.outcome import Misconfigured, Said
from serinus.probes.ports import Inquiry, NoVerdict, Ruling, Task
from serinus.probes.prepared import prepare
from serinus.probes.settle import Opinions, settle
from serinus.probes.templates import Templates
from serinus.probes.toolbox import make_tools
from tests.parity.cases import PROMPT, VARIABLES, all_cases
from tests.parity.differences import DIFFERENCES

GOLDEN = Path(__file__).with_name("promptfoo-0.123.1.json")
_TOOLS = make_tools()
_TOLERANCE = 1e-9
_JUDGE = [{"name": "canned", "model": "canned", "serviceRef": {"name": "canned", "port": 80}}]


class Canned:
    """The judge and the embeddings endpoint of a case: its replies, one after the other."""

    def __init__(self, case: dict[str, Any]) -> None:
        self._replies = list(case.get("judge", ()))
        self._vectors = case.get("vectors", {})

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Read the next reply strictly: what is missing is no verdict."""
        if inquiry.task is Task.GRADE:
            self._replies.pop(0)  # promptfoo asks for steps first
        text = self._replies.pop(0)
        if inquiry.task is Task.CLOSED:
            if text[-1] not in "YN":
                raise NoVerdict("neither yes nor no")
            return Ruling(passed=text[-1] == "Y", score=float(text[-1] == "Y"))
        try:
            found = json.loads(text)
            if inquiry.task is Task.GRADE:
                return Ruling(passed=True, score=found["score"] / 10, reason=found["reason"])
            if inquiry.task is Task.FACTS:
                return Ruling(passed=found["category"] != "D", score=1.0, choice=found["category"])
            return Ruling(passed=found["pass"], score=found["score"], reason=found["reason"])
        except (ValueError, KeyError) as e:
            raise NoVerdict(str(e)) from e

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """The vectors that the case gives its texts."""
        return [self._vectors[text] for text in texts]


def ours(case: dict[str, Any]) -> dict[str, Any]:
    """What Serinus makes of a case: pass, score, class (passed, failed, error), and metrics where there are any."""
    test = {"vars": VARIABLES, "assert": case["assert"], "threshold": case.get("threshold")}
    source = {"prompts": [PROMPT], "tests": [test]}
    spec = {"source": {"inline": json.dumps(source)}, "judges": _JUDGE, "embeddings": _JUDGE[0]}
    parsed = parse_probe_set(spec, {})
    error = {"pass": False, "score": 0, "class": "error"}
    if parsed.problems:
        return {**error, "why": parsed.problems[0].message}
    (probe,) = parsed.probes
    try:
        ready = prepare(probe, Templates(), _TOOLS)
    except Misconfigured as e:
        return {**error, "why": str(e)}
    found = [encode(f) for f in ready.score(_said(case))]
    canned = Canned(case)
    opinions = Opinions(judge=canned, embeddings=canned, graded=True)
    score = asyncio.run(settle(probe, ready.prompt, found, [a.metric for a in ready.assertions], opinions))
    if score.passed is None:
        return {**error, "why": score.reason}
    metrics = {"metrics": dict(score.metrics)} if score.metrics else {}
    return {"pass": score.passed, "score": score.score, "class": "passed" if score.passed else "failed", **metrics}


def _said(case: dict[str, Any]) -> Said:
    response, output = case.get("response", {}), case["output"]
    return Said(
        text=output if isinstance(output, str) else json.dumps(output, separators=(",", ":"), ensure_ascii=False),
        latency_ms=response.get("latencyMs", 0.0),
        finish_reason=response.get("finishReason", ""),
        logprobs=tuple(response.get("logProbs", ())),
        cost=response.get("cost"),
    )


def equal(mine: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether pass, score, class and metrics agree; scores to 1e-9, and clamped to [0, 1] as ours are."""
    if (mine["pass"], mine["class"]) != (theirs["pass"], theirs["class"]):
        return False
    mine_m, their_m = mine.get("metrics", {}), theirs.get("metrics", {})
    if mine["class"] != "error" and mine_m.keys() != their_m.keys():
        return False
    pairs = [(mine["score"], theirs["score"]), *((mine_m[k], their_m[k]) for k in mine_m)]
    return all(math.isclose(a, min(1.0, max(0.0, b or 0.0)), abs_tol=_TOLERANCE) for a, b in pairs)


def compared() -> tuple[list[str], dict[str, list[str]], list[str]]:
    """Ids that are equal, ids of each documented difference, and all others with both results."""
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    same: list[str] = []
    documented: dict[str, list[str]] = {name: [] for name in DIFFERENCES}
    others: list[str] = []
    for case in all_cases():
        mine, theirs = ours(case), golden[case["id"]]
        name = next((n for n, d in DIFFERENCES.items() if d.covers(case, mine, theirs)), "")
        if equal(mine, theirs):
            same.append(case["id"])
        elif name:
            documented[name].append(case["id"])
        else:
            others.append(f"{case['id']} {case['assert']} on {case['output']!r}: {mine}, promptfoo {theirs}")
    return same, documented, others


def summary() -> tuple[str, list[str]]:
    """One line of counts, and the rows that are neither equal nor documented."""
    same, documented, others = compared()
    differ = sum(map(len, documented.values()))
    rows = len(same) + differ + len(others)
    return f"{rows} rows, {len(same)} equal, {differ} documented differences, {len(others)} others", others
