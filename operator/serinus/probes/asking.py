"""Asks a judge or the embeddings endpoint what no rule can tell of one assertion. It joins and weighs no scores."""

import asyncio
from typing import Final

from serinus.core.probe import Assertion, Probe
from serinus.probes.assertions import weighed
from serinus.probes.assertions.asked import JUDGED, of_rulings, of_vectors
from serinus.probes.outcome import Ask, Outcome
from serinus.probes.ports import Embeddings, Inquiry, Judge, NoVerdict, Task
from serinus.probes.settle import Opinions

_TASKS: Final = {"model-graded-factuality": Task.FACTS}


async def opinion(assertion: Assertion, ask: Ask, probe: Probe, question: str, opinions: Opinions) -> Outcome:
    """What those who are asked say of an assertion, as its weight lets it count; raises NoVerdict."""
    if assertion.type in JUDGED:
        found = await _ruled(assertion, ask, probe, question, opinions.judge)
    else:
        found = await _compared(assertion, ask, opinions.embeddings)
    return weighed(assertion, found)


async def _ruled(assertion: Assertion, ask: Ask, probe: Probe, question: str, judge: Judge | None) -> Outcome:
    if judge is None:
        raise NoVerdict("there is no judge to ask")
    task = _TASKS.get(assertion.type) or Task(assertion.type)
    rulings = await asyncio.gather(
        *(
            judge.rule(Inquiry(task=task, criterion=c, question=question, answer=ask.text, probe=probe.id))
            for c in ask.criteria
        )
    )
    return of_rulings(assertion, rulings)


async def _compared(assertion: Assertion, ask: Ask, embeddings: Embeddings | None) -> Outcome:
    if embeddings is None:
        raise NoVerdict("there is no embeddings endpoint to ask")
    answer, *wanted = await embeddings.embed([ask.text, *ask.criteria])
    try:
        return of_vectors(assertion, answer, wanted)
    except ValueError as e:
        raise NoVerdict("the vectors of the embeddings endpoint differ in length") from e
