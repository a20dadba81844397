"""The questions of a service's gates: a ProbeSet resolved once, or why it cannot be asked."""

from collections.abc import Mapping
from typing import Final

from serinus.core.judge_cost import judged_of
from serinus.core.model import Manifest, QualityGate
from serinus.core.probe import ProbeSet
from serinus.core.probeset import resolve_probe_set
from serinus.core.rollout import Hold
from serinus.core.seen import ProbeSetSeen, Questions

_CHARACTERS_PER_TOKEN: Final = 4
_NO_FILES: Final[Mapping[str, str]] = {}


def read_probe_set(
    name: str,
    spec: Manifest,
    files: Mapping[str, str],
    labelled: Mapping[str, str] = _NO_FILES,
    *,
    python: bool = True,
) -> tuple[ProbeSetSeen, ProbeSet]:
    """Resolve a ProbeSet with its files and labelled answers; slow for a large one, so done once per version.

    `python` False: the cluster refuses Python, and a ProbeSet that has some cannot be asked.
    """
    parsed, text = resolve_probe_set(spec, files, labelled, python=python)
    if parsed.problems:
        return ProbeSetSeen(name=name, reason="ProbeSetInvalid", problem=first_problem(parsed)), parsed
    questions = Questions(
        digest=parsed.digest,
        probes=len(parsed.probes),
        weighted=parsed.weighted,
        text=text,
        critical=parsed.critical,
        metrics=tuple(sorted({a.metric for p in parsed.probes for a in p.assertions if a.metric})),
        tokens=_tokens(parsed),
        timeout=parsed.request.timeout,
        concurrency=parsed.request.concurrency,
        judged=judged_of(parsed.judging, parsed.probes, answer_tokens=parsed.request.max_tokens),
    )
    return ProbeSetSeen(name=name, questions=questions), parsed


def _tokens(parsed: ProbeSet) -> int:
    """The most tokens that a call takes, about: a question as long as its template, and an answer up to its limit."""
    length = sum(p.weight * (len(p.prompt) + len(str(p.variables))) for p in parsed.probes)
    return length // (_CHARACTERS_PER_TOKEN * max(1, parsed.weighted)) + parsed.request.max_tokens


def questions_of(
    gates: tuple[QualityGate, ...], seen: Mapping[str, ProbeSetSeen]
) -> tuple[dict[str, Questions], Hold | None]:
    """Find the questions of all gates by ProbeSet; the second value is the first thing that is wrong with them."""
    found: dict[str, Questions] = {}
    problem: Hold | None = None
    for gate in gates:
        resolved = _resolve(gate, seen.get(gate.probe_set))
        if isinstance(resolved, Questions):
            found[gate.probe_set] = resolved
        else:
            problem = problem or resolved
    return found, problem


def _resolve(gate: QualityGate, seen: ProbeSetSeen | None) -> Questions | Hold:
    where = f"spec.gates.quality[{gate.name}]"
    if seen is None:
        message = f"{where}.probeSetRef.name: found {gate.probe_set!r}, allowed is a ProbeSet of this namespace"
        return Hold(reason="ProbeSetNotFound", message=message)
    if seen.questions is None:
        return Hold(reason=seen.reason, message=f"{where}.probeSetRef: ProbeSet {seen.name}: {seen.problem}")
    pairs = gate.policy.budget.pairs
    if seen.questions.weighted > pairs:
        message = f"{where}.budget.pairs: found {pairs}, allowed is one round of ProbeSet {seen.name} or more: "
        return Hold(reason="BudgetTooSmall", message=message + str(seen.questions.weighted))
    for i, metric in enumerate(gate.policy.metrics):
        if metric.name not in seen.questions.metrics:
            allowed = ", ".join(seen.questions.metrics) or "none: no assertion of it has a metric"
            message = f"{where}.metrics[{i}].name: found {metric.name!r}, ProbeSet {seen.name} measures {allowed}"
            return Hold(reason="MetricNotFound", message=message)
    return seen.questions


def first_problem(parsed: ProbeSet) -> str:
    """Put the first problem in words, and say how many more there are."""
    first = parsed.problems[0]
    where = f"{first.file}: " if first.file else ""
    line = f"line {first.line}: " if first.line else ""
    more = f" (and {len(parsed.problems) - 1} more)" if len(parsed.problems) > 1 else ""
    return f"{where}{line}{first.field}: {first.message}{more}"
