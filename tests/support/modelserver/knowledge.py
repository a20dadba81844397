"""What the imitated model knows: the knowledge file, read and checked.

It owns the types of a question and how a prompt is recognised; it must not draw random numbers or decide quality.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DEFAULT_KNOWLEDGE = Path(__file__).resolve().parents[2] / "e2e" / "knowledge" / "support.yaml"
_NOT_A_WORD = re.compile(r"[^\w]+")


class InvalidKnowledge(ValueError):
    """The knowledge file cannot be used; the message names file, field, what was found and what is allowed."""


@dataclass(frozen=True)
class Question:
    """One thing that users ask: the facts are alternatives of one another, `say` holds `{fact}` once each."""

    id: str
    topic: str
    ask: tuple[str, ...]
    fact: tuple[str, ...]
    wrong: tuple[str, ...]
    say: tuple[str, ...]
    match: str | None = None
    critical: bool = False


def normal(text: str) -> str:
    """Lower case, words only, one blank between and around them: what two phrasings are compared by."""
    return f" {_NOT_A_WORD.sub(' ', text.lower()).strip()} "


@dataclass(frozen=True)
class Knowledge:
    """A whole knowledge file; build it with `load`."""

    shop: str
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    refusals: tuple[str, ...]
    questions: tuple[Question, ...]
    _exact: dict[str, Question] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        exact = {normal(phrase): question for question in self.questions for phrase in question.ask}
        object.__setattr__(self, "_exact", exact)

    def recognise(self, prompt: str) -> Question | None:
        """The question that the prompt asks: itself, or the longest known phrasing within it; None if none is."""
        text = normal(prompt)
        if (question := self._exact.get(text)) is not None:
            return question
        inside = [phrase for phrase in self._exact if phrase in text]
        return self._exact[max(inside, key=len)] if inside else None


def load(path: Path = DEFAULT_KNOWLEDGE) -> Knowledge:
    """Read a knowledge file; raises InvalidKnowledge when a field is missing, unknown or of another type."""
    try:
        document = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, yaml.YAMLError) as error:
        raise InvalidKnowledge(f"{path}: cannot be read as YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("questions"), list):
        raise InvalidKnowledge(f"{path}: questions: a list of questions is needed")
    knowledge = Knowledge(
        shop=_text(path, "shop", document.get("shop")),
        openers=_texts(path, "openers", document.get("openers")),
        closers=_texts(path, "closers", document.get("closers")),
        refusals=_texts(path, "refusals", document.get("refusals")),
        questions=tuple(_question(path, i, raw) for i, raw in enumerate(document["questions"])),
    )
    _check_unique(path, knowledge)
    return knowledge


def _question(path: Path, index: int, raw: Any) -> Question:
    where = f"questions[{index}]"
    if not isinstance(raw, dict):
        raise InvalidKnowledge(f"{path}: {where}: found {type(raw).__name__}, a mapping is needed")
    if unknown := set(raw) - set(Question.__dataclass_fields__):
        raise InvalidKnowledge(
            f"{path}: {where}: unknown {sorted(unknown)}; allowed: {list(Question.__dataclass_fields__)}"
        )
    say = _texts(path, f"{where}.say", raw.get("say"))
    for i, sentence in enumerate(say):
        if sentence.count("{fact}") != 1:
            raise InvalidKnowledge(f"{path}: {where}.say[{i}]: {sentence!r} must hold {{fact}} exactly once")
    return Question(
        id=_text(path, f"{where}.id", raw.get("id")),
        topic=_text(path, f"{where}.topic", raw.get("topic")),
        ask=_texts(path, f"{where}.ask", raw.get("ask")),
        fact=_texts(path, f"{where}.fact", raw.get("fact")),
        wrong=_texts(path, f"{where}.wrong", raw.get("wrong")),
        say=say,
        match=None if raw.get("match") is None else _text(path, f"{where}.match", raw["match"]),
        critical=raw.get("critical") is True,
    )


def _text(path: Path, where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidKnowledge(f"{path}: {where}: found {value!r}, a text that is not empty is needed")
    return value


def _texts(path: Path, where: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise InvalidKnowledge(f"{path}: {where}: found {value!r}, a list of at least one text is needed")
    return tuple(value)


def _check_unique(path: Path, knowledge: Knowledge) -> None:
    owners: dict[str, str] = {}
    for question in knowledge.questions:
        for key in (question.id, *map(normal, question.ask)):
            if owners.setdefault(key, question.id) != question.id:
                raise InvalidKnowledge(
                    f"{path}: {question.id}: {key.strip()!r} also belongs to {owners[key]}; each must be unique"
                )
