"""What judging costs, about, and what a reader of the status must know of the judges. It asks nobody."""

from collections.abc import Sequence
from typing import Final

from serinus.core import naming
from serinus.core.judge import JUDGED, Cost, Judged, Judging, Label
from serinus.core.judge_sanity import SANITY
from serinus.core.model import Manifest
from serinus.core.probe import Probe, flat
from serinus.core.seen import Questions

_OVERHEAD_TOKENS: Final = 450
_VERDICT_TOKENS: Final = 120
_CHARACTERS_PER_TOKEN: Final = 4
_SHOWN_ANSWER_TOKENS: Final = 8000 // _CHARACTERS_PER_TOKEN


def cost_of(judging: Judging, probes: Sequence[Probe], *, answer_tokens: int) -> Cost:
    """What judging these probes costs about, one side and one round, where an answer has so many tokens at most."""
    judges, calls, tokens = len(judging.judges), 0, 0
    for probe in probes:
        for assertion in flat(probe.assertions):
            if assertion.type in JUDGED:
                times = probe.weight * judges * (len(assertion.value) if isinstance(assertion.value, list) else 1)
                calls += times
                tokens += times * inquiry_tokens(probe.prompt, str(assertion.value), answer=answer_tokens)
    labels = label_cost(judging.labels, judges)
    return Cost(calls=calls, tokens=tokens, calibration_calls=labels[0], calibration_tokens=labels[1])


def judged_of(judging: Judging, probes: Sequence[Probe], *, answer_tokens: int) -> Judged | None:
    """What the operator keeps of the judging; None where nothing is judged."""
    if not judging.endpoints:
        return None
    return Judged(
        judges=judging.judges,
        embeddings=judging.embeddings,
        labels=len(judging.labels),
        cost=cost_of(judging, probes, answer_tokens=answer_tokens),
    )


def inquiry_tokens(*texts: str, answer: int) -> int:
    """Tokens of one call of a judge, about: its instructions, these texts, an answer of so many tokens, its verdict."""
    shown = min(answer, _SHOWN_ANSWER_TOKENS)
    return _OVERHEAD_TOKENS + sum(len(t) for t in texts) // _CHARACTERS_PER_TOKEN + shown + _VERDICT_TOKENS


def label_cost(labels: Sequence[Label], judges: int) -> tuple[int, int]:
    """Calls and tokens of judging these labelled answers once by every judge."""
    tokens = (inquiry_tokens(x.criterion, x.question, answer=len(x.answer) // _CHARACTERS_PER_TOKEN) for x in labels)
    return judges * len(labels), judges * sum(tokens)


def expected(judged: Judged) -> Manifest:
    """What judging will cost, for `status.judge` of a ProbeSet: one round on both sides, and once before it."""
    return {
        "judges": len(judged.judges),
        "labels": judged.labels,
        "callsPerRound": 2 * judged.cost.calls,
        "tokensPerRound": 2 * judged.cost.tokens,
        "calibrationCalls": judged.cost.calibration_calls,
        "calibrationTokens": judged.cost.calibration_tokens,
    }


def in_a_run(asked: Questions, *, calls: int, paired: bool) -> Manifest:
    """What judging adds to a run that asks the models so many times, about; empty where nobody judges."""
    judged = asked.judged
    if judged is None or not judged.judges:
        return {}
    tests = label_cost(SANITY, len(judged.judges))
    sides = 2 if paired else 1
    times = calls / max(1, asked.weighted * sides) * sides  # rounds of one side
    cost = judged.cost
    return {
        "expectedCalls": tests[0] + cost.calibration_calls + round(times * cost.calls),
        "expectedTokens": tests[1] + cost.calibration_tokens + round(times * cost.tokens),
    }


def warning(judged: Judged | None, *, model: str, service: str) -> str:
    """What a reader of the status must know of the judges of a service; empty if there is nothing."""
    if judged is None or not judged.judges:
        return ""
    own = {service, naming.stable_service(service), naming.canary_service(service)}
    same = [j.name for j in judged.judges if j.model == model or j.service in own]
    found = []
    if same:
        found.append(f"judge {', '.join(same)} is the model under test, which favours itself: take another model")
    if not judged.labels:
        found.append("the judges are not calibrated (spec.calibration of the ProbeSet): their error rates are unknown")
    return "; ".join(found)
