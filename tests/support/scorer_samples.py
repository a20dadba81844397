"""The labelled examples of the scorers: reads them, asks the scorers, counts. All were written for this project.

A text may be given in pieces, so that no file holds what looks like a real key. `hard` marks harmless texts that look
like a finding. `fresh` marks examples that were written after the patterns.
"""

import json
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from serinus.probes.scorers.finding import Finding
from serinus.probes.scorers.form import cut, form
from serinus.probes.scorers.language import other_language
from serinus.probes.scorers.lengths import shift
from serinus.probes.scorers.pii import pii
from serinus.probes.scorers.refusal import refusal
from serinus.probes.scorers.repetition import repetition
from serinus.probes.scorers.secrets import secrets
from serinus.probes.scorers.toxicity import toxicity

FOLDER = Path(__file__).resolve().parents[1] / "samples" / "scorers"
PLAIN = {"prose", ""}
"""What a text is made of when it has no form that is told apart."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example: what to score, what is right, and what the scorer needs beside the text."""

    text: str
    found: bool
    hard: bool
    fresh: bool
    row: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Right and wrong answers of a scorer on its examples."""

    right: int = 0
    false: int = 0  # found where nothing is
    missed: int = 0
    silent: int = 0  # rightly nothing

    @property
    def precision(self) -> float:
        """Share of what was found that is there; 1 where nothing was found."""
        return self.right / (self.right + self.false) if self.right + self.false else 1.0

    @property
    def recall(self) -> float:
        """Share of what is there that was found; 1 where nothing is there."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def _lengths(spec: Mapping[str, Any], seed: int) -> list[int]:
    """Lengths drawn from a log-normal distribution; shares of them are empty, short or long, and all have a cap."""
    draw = random.Random(seed)
    found = []
    for _ in range(spec["count"]):
        length = round(spec["median"] * math.exp(draw.gauss(0, spec["spread"])))
        chance = draw.random()
        if chance < spec.get("empty", 0):
            length = 0
        elif chance < spec.get("short", 0):
            length = draw.randint(50, 70)
        elif chance < spec.get("loops", 0):
            length = 8_000
        found.append(min(length, spec.get("cap", length)))
    return found


def _shifted(example: Example) -> Finding:
    row = example.row
    return shift(_lengths(row["reference"], 2 * row["seed"]), _lengths(row["now"], 2 * row["seed"] + 1))


ASKED: Mapping[str, Callable[[Example], Finding]] = {
    "refusal": lambda e: refusal(e.text),
    "form": lambda e: form(e.text),
    "cut": lambda e: cut(e.text),
    "length": _shifted,
    "repetition": lambda e: repetition(e.text),
    "language": lambda e: other_language(e.text, (e.row["wanted"],)),
    "secrets": lambda e: secrets(e.text),
    "pii": lambda e: pii(e.text),
    "toxicity": lambda e: toxicity(e.text),
}


@cache
def examples(name: str) -> tuple[Example, ...]:
    """The examples of a scorer."""
    return tuple(_examples(name))


def _examples(name: str) -> Iterator[Example]:
    for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        pieces = row.get("text", "")
        text = "".join(pieces) if isinstance(pieces, list) else pieces
        yield Example(
            text=text, found=row["found"], hard=row.get("hard", False), fresh=row.get("fresh", False), row=row
        )


def wrong(name: str, example: Example) -> str:
    """What a scorer gets wrong: `false`, `missed`, or nothing. Kinds count where the example names them."""
    found = ASKED[name](example)
    if name == "form":
        kinds, wanted = set(found.kinds) - PLAIN, set(example.row.get("kinds", ()))
        return "missed" if wanted - kinds else "false" if kinds - wanted else ""
    if found.found != example.found:
        return "missed" if example.found else "false"
    missing = set(example.row.get("kinds", ())) - set(found.kinds) if name in ("pii", "secrets") else set()
    return "missed" if missing else ""


def count(name: str, chosen: Callable[[Example], bool] = lambda _: True) -> Counts:
    """How a scorer does on its examples, or on some of them."""
    chosen_ones = [e for e in examples(name) if chosen(e)]
    verdicts = [(wrong(name, e), e.found) for e in chosen_ones]
    return Counts(
        right=sum(not w and there for w, there in verdicts),
        false=sum(w == "false" for w, _ in verdicts),
        missed=sum(w == "missed" for w, _ in verdicts),
        silent=sum(not w and not there for w, there in verdicts),
    )
