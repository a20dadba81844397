"""Three built-in questions that no model answers alike twice, asked twice: what comes back word for word was stored.

Pure: it holds the questions and compares answers. Short, empty or structured answers may well repeat, and a model that
says the same to every question is no cache but a bad model: neither proves anything here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from serinus.probes.scoring import Question

_ASKED: Final = (
    "Invent a story of four sentences about people who never met, with names and a town that nobody else would choose.",
    "Write eight lines of a poem about a machine that dreams, with pictures that surprise and words that you like.",
    "Name twenty things that could lie in an old drawer, each with a colour, a material and a number, in any order.",
)
QUESTIONS: Final = tuple(Question(prompt=text, messages=({"role": "user", "content": text},)) for text in _ASKED)
TIMES: Final = 2
TEMPERATURE: Final = 1.0
MAX_TOKENS: Final = 64
_LEAST: Final = 60
"""Characters from which two equal answers of a model at temperature 1 are no chance."""


def sign(answers: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """Why the answers look stored, or nothing. By side: for each question the texts that came back, empty if none did.

    All three questions must have been answered at length, each differently, and each the same every time.
    """
    for side, found in answers.items():
        firsts = [texts[0].strip() for texts in found]
        stored = all(len(texts) == TIMES and len({t.strip() for t in texts}) == 1 for texts in found)
        long = all(len(text) >= _LEAST for text in firsts)
        if stored and long and len(set(firsts)) == len(QUESTIONS):
            return f"{side} answered {len(QUESTIONS)} questions of high entropy word for word the same again"
    return ""
