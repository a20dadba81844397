"""Which answer a call gets: right, subtly wrong, cut, empty, refused or garbage.

It owns the error rate of each question and the wording of answers; it must not know of HTTP, tokens or timing.
Error rates are logit-normal over the questions (standard deviation 2): a few hard questions carry most errors.
"""

import math
import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from .knowledge import Knowledge, Question
from .settings import Mode, Quality

SPREAD = 2.0  # standard deviation of the logit of a question's error rate
LIKENESS = 0.9  # correlation of a question's difficulty for a good and for a bad model
EASY = -3.0  # difficulty of critical questions for a good model, in standard deviations


@dataclass(frozen=True)
class Reply:
    """What to say: a text, why it ended (OpenAI's finish reasons), the status, and a delay before it in seconds."""

    text: str
    finish_reason: str = "stop"
    status: int = 200
    delay: float = 0.0


def difficulties(knowledge: Knowledge, seed: int) -> tuple[list[float], list[float]]:
    """Standard normal difficulty of each question for a good and for a bad model, the same for the same seed."""
    good, bad = [], []
    for question in knowledge.questions:
        draw = random.Random(f"{seed}/{question.id}")
        base, other = draw.gauss(), draw.gauss()
        good.append(EASY if question.critical else base)
        bad.append(LIKENESS * base + math.sqrt(1 - LIKENESS**2) * other)
    return good, bad


def error_rates(difficulty: list[float], mean: float) -> list[float]:
    """Error rates in [0, 1] of the questions whose average is `mean`; by bisection of the common logit."""
    if mean <= 0 or mean >= 1:
        return [min(max(mean, 0.0), 1.0)] * len(difficulty)
    low, high = -60.0, 60.0
    rates: list[float] = []
    for _ in range(60):
        middle = (low + high) / 2
        rates = [1 / (1 + math.exp(-(middle + SPREAD * z))) for z in difficulty]
        if sum(rates) / len(rates) < mean:
            low = middle
        else:
            high = middle
    return rates


class Answerer:
    """Answers prompts in the set quality; `clock` gives seconds and only differences of it are used."""

    def __init__(self, knowledge: Knowledge, quality: Quality, clock: Callable[[], float]) -> None:
        self._knowledge = knowledge
        self._quality = quality
        self._clock = clock
        self._started = clock()
        self._random = random.Random(None if quality.call_seed < 0 else quality.call_seed)
        self._good, self._bad = difficulties(knowledge, quality.seed)
        self._always_wrong = frozenset(filter(None, quality.always_wrong.split(",")))
        if unknown := self._always_wrong - {question.id for question in knowledge.questions}:
            raise ValueError(f"--always-wrong: unknown questions {sorted(unknown)}")
        self._rates: dict[int, dict[str, float]] = {}

    def error_rate(self, question: Question) -> float:
        """Chance in [0, 1] that this question is answered with a wrong fact now."""
        if question.id in self._always_wrong:
            return 1.0
        step = round(100 * self._wrongness())
        if step not in self._rates:
            self._rates[step] = self._curve(step / 100)
        return self._rates[step][question.id]

    def answer(self, prompt: str) -> Reply:
        """The reply to one call; two calls with the same prompt are independent draws."""
        quality = self._quality
        match quality.mode:
            case Mode.GOOD | Mode.WRONG | Mode.DRIFT:
                return Reply(self._say(prompt)[0])
            case Mode.SLOW:
                return Reply(self._say(prompt)[0], delay=quality.slow_seconds)
            case Mode.FAIL:
                failed = self._chance(quality.fail_percent)
                return Reply("", "error", 500) if failed else Reply(self._say(prompt)[0])
            case Mode.EMPTY:
                return Reply("")
            case Mode.REFUSE:
                return Reply(self._random.choice(self._knowledge.refusals))
            case Mode.GARBAGE:
                return Reply(self._garbage())
            case Mode.CUT:
                text, fact_begins = self._say(prompt)
                return Reply(text[: min(len(text) // 2, fact_begins)], "length")

    def _wrongness(self) -> float:
        """How much of the wrong share is in force now, in [0, 1]."""
        quality = self._quality
        if quality.mode is not Mode.DRIFT:
            return 1.0 if quality.mode is Mode.WRONG else 0.0
        since = (self._clock() - self._started) / 60 - quality.drift_after
        if since < 0 or quality.drift_over == 0:
            return 0.0 if since < 0 else 1.0
        return min(1.0, since / quality.drift_over)

    def _curve(self, wrongness: float) -> dict[str, float]:
        quality = self._quality
        mean = (quality.noise_percent + quality.wrong_percent * wrongness) / 100
        rates = error_rates(self._bad if wrongness else self._good, mean)
        return {question.id: rate for question, rate in zip(self._knowledge.questions, rates, strict=True)}

    def _say(self, prompt: str) -> tuple[str, int]:
        """A sentence, and the position in it at which the fact begins."""
        question = self._knowledge.recognise(prompt)
        if question is None:
            return self._do_not_know(), 1 << 30
        draw, varied = self._random, self._chance(self._quality.vary_percent)
        wrong = draw.random() < self.error_rate(question)
        facts = question.wrong if wrong else question.fact
        fact = draw.choice(facts) if varied else facts[0]
        sentence = draw.choice(question.say) if varied else question.say[0]
        opener = draw.choice(self._knowledge.openers) if varied else ""
        closer = draw.choice(self._knowledge.closers) if varied else ""
        before_fact = len(opener) + sentence.index("{fact}")
        return opener + sentence.replace("{fact}", fact) + closer, before_fact

    def _do_not_know(self) -> str:
        """Differs from call to call as a real model's free text does, so that nobody takes it for a cache."""
        topics = self._random.sample(self._knowledge.questions, min(5, len(self._knowledge.questions)))
        hints = " ".join(question.ask[0] for question in topics)
        return f"I only know about {self._knowledge.shop}. You could ask me: {hints}"

    def _garbage(self) -> str:
        draw = self._random
        lengths = [draw.randint(1, 9) for _ in range(draw.randint(6, 24))]
        return " ".join("".join(draw.choices(string.ascii_lowercase, k=length)) for length in lengths)

    def _chance(self, share: float) -> bool:
        return self._random.random() * 100 < share
