"""What scoring asks of others: judges, embeddings, checks of texts. Interfaces only; who answers is wired elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from serinus.core.probe import Json


class Task(StrEnum):
    """What a judge is asked to do; the values are the assertion types."""

    RUBRIC = "llm-rubric"  # pass or fail by a criterion
    GRADE = "g-eval"  # how well a criterion is met; the score decides
    FACTS = "factuality"  # how the answer relates to a reference: choice A to E
    CLOSED = "model-graded-closedqa"  # whether a criterion is met, yes or no


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """One question to a judge. Every text is rendered; `answer` is untrusted and may attack whoever reads it."""

    task: Task
    criterion: str  # the rubric; for FACTS the reference answer
    question: str  # the prompt that was asked, as text
    answer: str  # the answer after the probe's transforms
    probe: str = ""  # id of the probe, for messages; it must not reach the judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a judge said. It knows no threshold and no negation: those are applied by whoever asked."""

    passed: bool
    score: float  # in [0, 1]; 1 or 0 where the judge only says pass or fail
    reason: str = ""
    choice: str = ""  # FACTS: A subset, B superset, C agrees, D disagrees, E differs without contradiction


class NoVerdict(Exception):
    """The judge gave no usable verdict: the sample has no score, which never promotes.

    `by_rules` is True where the answer speaks to the judge: then the probe's other assertions decide alone.
    """

    def __init__(self, reason: str, *, by_rules: bool = False) -> None:
        super().__init__(reason)
        self.by_rules = by_rules


class Judge(Protocol):
    """One judge, or a majority of several."""

    async def rule(self, inquiry: Inquiry) -> Ruling:
        """Judge one answer; raises NoVerdict."""


class Embeddings(Protocol):
    """An embeddings endpoint of the cluster."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        """One vector for each text, all of one length; raises NoVerdict."""


TextCheck = Callable[[str], str]
"""What is wrong with a text, in words that repeat no secret of it; empty where nothing is."""

TextChecks = Mapping[str, Callable[[Json], TextCheck]]
"""For the types in `text_checks.py`: the assertion's value to its check; raises ValueError."""
