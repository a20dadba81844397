"""What checks found, and what judges and embeddings say, into the score of an answer. It asks through ports only."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.probe import Assertion, Probe, flat
from serinus.probes.exchange import decode, within
from serinus.probes.outcome import Ask, NoScore, Outcome, combine
from serinus.probes.ports import Embeddings, Judge, NoVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinions:
    """Who is asked what no rule can tell. `graded`: the score counts too, so judges are asked where a rule failed."""

    judge: Judge | None = None
    embeddings: Embeddings | None = None
    graded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What an answer is worth, in [0, 1], and why it failed; `passed` is None where there is no score, `reason` why.

    `assertions` follow those of the probe: type, passed, score, reason. `metrics` are the means of those with a name.
    """

    passed: bool | None
    score: float
    reason: str = ""
    assertions: tuple[Mapping[str, Any], ...] = ()
    metrics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One assertion: its outcome, or why there is none; what is set aside counts nothing."""

    outcome: Outcome | None
    why: str = ""
    aside: bool = False
    by_rules: bool = False  # the answer speaks to the judge: the others decide alone


_DECIDED: Final = _Part(outcome=None, why="a rule has failed the answer already", aside=True)


async def settle(
    probe: Probe, question: str, found: Sequence[Mapping[str, Any]], metrics: Sequence[str], opinions: Opinions
) -> Score:
    """Join what the scoring process found out of one answer, after asking for what it left open."""
    leaves = [decode(raw) for raw in found]
    assertions = list(flat(probe.assertions))
    pairs = list(zip(assertions, leaves, strict=True))
    known = [_known(a, leaf) for a, leaf in pairs]
    told: Iterator[_Part] = iter(())
    if None in known and (opinions.graded or not _is_decided(probe, assertions, leaves)):
        asked = (_asked(a, leaf, probe, question, opinions) for a, leaf in pairs if isinstance(leaf, Ask))
        told = iter(await asyncio.gather(*asked))
    parts = [part or next(told, _DECIDED) for part in known]
    joined = _join(probe.assertions, iter(parts))
    total = _combined(joined, [a.weight for a in probe.assertions], probe.threshold)
    outcome = total.outcome or Outcome(passed=False, score=0.0)
    return Score(
        passed=None if total.outcome is None else outcome.passed,
        score=within(outcome.score),
        reason=total.why if total.outcome is None else outcome.reason,
        assertions=tuple(map(_shown, probe.assertions, joined)),
        metrics=_metrics(assertions, metrics, parts),
    )


def _is_decided(probe: Probe, assertions: Sequence[Assertion], leaves: Sequence[object]) -> bool:
    """Whether a rule has failed the answer whatever a judge would say; rules in sets with a threshold may not have."""
    if probe.threshold is not None:
        return False
    forgiving = {id(c) for a in probe.assertions if a.threshold is not None for c in a.children}
    pairs = zip(assertions, leaves, strict=True)
    return any(isinstance(leaf, Outcome) and not leaf.passed and id(a) not in forgiving for a, leaf in pairs)


def _known(assertion: Assertion, leaf: Outcome | Ask | NoScore) -> _Part | None:
    """What needs nobody else; None for what has to be asked."""
    if isinstance(leaf, Outcome):
        return _Part(outcome=leaf)
    return _Part(outcome=None, why=str(leaf), aside=assertion.weight == 0) if isinstance(leaf, NoScore) else None


async def _asked(assertion: Assertion, ask: Ask, probe: Probe, question: str, opinions: Opinions) -> _Part:
    from serinus.probes.asking import opinion  # noqa: PLC0415 - takes long to import, and most runs ask nobody

    try:
        return _Part(outcome=await opinion(assertion, ask, probe, question, opinions))
    except NoVerdict as e:
        aside = e.by_rules or assertion.weight == 0
        return _Part(outcome=None, why=f"{assertion.type}: {e}", aside=aside, by_rules=e.by_rules)


def _join(assertions: Sequence[Assertion], parts: Iterator[_Part]) -> list[_Part]:
    """One part for each assertion of the probe; those of a set are joined as a test's are."""
    joined: list[_Part] = []
    for assertion in assertions:
        if not assertion.children:
            joined.append(next(parts))
            continue
        own = [next(parts) for _ in assertion.children]
        found = _combined(own, [c.weight for c in assertion.children], assertion.threshold)
        joined.append(found)
    return joined


def _combined(parts: Sequence[_Part], weights: Sequence[float], threshold: float | None) -> _Part:
    """No score while one is missing, unless the answer has failed without it."""
    counted = [(p, w) for p, w in zip(parts, weights, strict=True) if not p.aside]
    if not counted:
        return _Part(outcome=None, why=parts[0].why if parts else "nothing was checked")
    missing = next((p for p, _ in counted if p.outcome is None), None)
    scored = [(p.outcome, w) for p, w in counted if p.outcome is not None]
    if missing is not None and (threshold is not None or all(o.passed for o, _ in scored)):
        return _Part(outcome=None, why=missing.why)
    return _Part(outcome=combine([o for o, _ in scored], [w for _, w in scored], threshold))


def _shown(assertion: Assertion, part: _Part) -> Mapping[str, Any]:
    name = ("not-" if assertion.negated else "") + assertion.type
    if part.outcome is None:
        shown = {"type": name, "passed": None, "score": 0.0, "reason": part.why}
        return {**shown, "byRules": True} if part.by_rules else shown
    outcome = part.outcome
    return {"type": name, "passed": outcome.passed, "score": within(outcome.score), "reason": outcome.reason}


def _metrics(
    assertions: Sequence[Assertion], names: Sequence[str], parts: Sequence[_Part]
) -> Mapping[str, float] | None:
    """The weighted mean of the scores under each name."""
    if not any(names):
        return None
    sums: dict[str, tuple[float, float]] = {}
    for assertion, name, part in zip(assertions, names, parts, strict=True):
        if name and part.outcome is not None:
            total, weight = sums.get(name, (0.0, 0.0))
            sums[name] = (total + part.outcome.score * assertion.weight, weight + assertion.weight)
    return {name: within(total / weight) if weight > 0 else 0.0 for name, (total, weight) in sums.items()} or None
