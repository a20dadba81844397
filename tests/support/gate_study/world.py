"""The simulated world: probes of varied difficulty, two revisions, a judge, a cache. It draws outcomes and judges none.

Difficulty is logit-normal (sd 2); the canary's is correlated 0.9 with stable's; both mean pass rates are exact on the
probes of each rollout. Repeats are independent given the probe, unless a fault says otherwise.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

PROBES = 100
STABLE = 0.95
_SD = 2.0
_CORRELATION = 0.9
LOOK = 10
"""Pairs between two looks at the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with the measurement; ratios in [0, 1]. The default is nothing."""

    bad_batches: float = 0.0  # share of batches of 20 calls that meet a bad judge
    sequential: bool = False  # the revisions meet different batches
    cached: bool = False  # repeats are copies of the first answer
    judge_errors: float = 0.0  # chance that the judge turns a score round, each way
    transport: float = 0.0  # chance that a call of either side ends in an error
    stable_errors: float = 0.0  # chance that a call of stable ends in an error besides
    garbage: bool = False  # no answer of the canary is right


BAD_JUDGE = 0.5
"""Good answers that a bad judge fails."""

Pair = tuple[int, bool, bool | None]
"""Probe, canary's score, stable's score; no score of stable: its call ended in an error."""


def pairs(rng: random.Random, drop: float, fault: Fault = Fault()) -> Iterator[Pair]:
    """Endless pairs of one rollout whose canary passes `drop` (a ratio) less than stable; a round is 100 pairs."""
    stable, canary = _probes(rng, drop)
    clean = fault == Fault()
    draw = rng.random
    order = list(range(PROBES))
    seen = _Measurement(rng, fault)
    while True:
        rng.shuffle(order)
        if clean:
            yield from [(i, draw() < canary[i], draw() < stable[i]) for i in order]
            continue
        for i in order:
            c, s = seen.pair(i, draw() < canary[i], draw() < stable[i])
            yield i, c, s


def answers(rng: random.Random, rate: float) -> Iterator[tuple[int, bool]]:
    """Endless scored answers of one revision alone that passes `rate` of them."""
    chances = _calibrated([_SD * rng.gauss(0, 1) for _ in range(PROBES)], rate)
    order = list(range(PROBES))
    while True:
        rng.shuffle(order)
        yield from [(i, rng.random() < chances[i]) for i in order]


class _Measurement:
    """The scores of one rollout as a faulty measurement sees them; it remembers batches and cached answers."""

    def __init__(self, rng: random.Random, fault: Fault) -> None:
        self.rng, self.fault = rng, fault
        self.asked = 0
        self.bad = (False, False)
        self.cache: dict[int, tuple[bool, bool]] = {}

    def pair(self, probe: int, canary: bool, stable: bool) -> tuple[bool, bool | None]:
        """Canary's and stable's score as they are seen."""
        f, draw = self.fault, self.rng.random
        if f.cached:
            canary, stable = self.cache.setdefault(probe, (canary, stable))
        if f.bad_batches:
            canary, stable = self._through_batches(canary, stable)
        if f.judge_errors:
            canary ^= draw() < f.judge_errors
            stable ^= draw() < f.judge_errors
        if f.garbage:
            canary = False
        canary_arrived, stable_arrived = draw() >= f.transport, draw() >= f.transport
        if f.stable_errors and draw() < f.stable_errors:
            stable_arrived = False
        return canary and canary_arrived, stable if stable_arrived else None

    def _through_batches(self, canary: bool, stable: bool) -> tuple[bool, bool]:
        draw, share = self.rng.random, self.fault.bad_batches
        calls = 20 if self.fault.sequential else 10  # of each side in one batch of 20 calls
        if self.asked % calls == 0:
            first = draw() < share
            self.bad = (first, draw() < share if self.fault.sequential else first)
        self.asked += 1
        return (
            canary and not (self.bad[0] and draw() < BAD_JUDGE),
            stable and not (self.bad[1] and draw() < BAD_JUDGE),
        )


def _probes(rng: random.Random, drop: float) -> tuple[list[float], list[float]]:
    """Chances to pass of stable and canary, by probe."""
    base = [rng.gauss(0, 1) for _ in range(PROBES)]
    rest = math.sqrt(1 - _CORRELATION**2)
    other = [_CORRELATION * z + rest * rng.gauss(0, 1) for z in base]
    stable = _calibrated([_SD * z for z in base], STABLE)
    return stable, _calibrated([_SD * z for z in other], STABLE - drop)


def _calibrated(logits: list[float], rate: float) -> list[float]:
    """Shift the logits until the mean chance is `rate`: Newton's method inside a bracket that shrinks."""
    low, high = -40.0, 40.0
    shift = math.log(rate / (1 - rate))
    for _ in range(100):
        chances = [1 / (1 + math.exp(-x - shift)) for x in logits]
        miss = sum(chances) / len(chances) - rate
        if abs(miss) < 1e-9:
            return chances
        low, high = (low, shift) if miss > 0 else (shift, high)
        step = shift - miss * len(chances) / sum(p * (1 - p) for p in chances)
        shift = step if low < step < high else (low + high) / 2
    raise ArithmeticError(f"no shift gives the pass rate {rate}")
