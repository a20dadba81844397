"""In which order probes are asked: rounds, each in a fresh random order, critical probes first in each."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from serinus.core.probe import Probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One pair to be asked: which probe, in which round, and whether the canary is asked first."""

    number: int  # counts all turns of the run from 0
    round: int  # counts from 1
    probe: int  # position in the probe set
    canary_first: bool


def turns(probes: tuple[Probe, ...], randomness: random.Random) -> Iterator[Turn]:
    """Endless turns. A probe of weight 3 comes three times in each round."""
    entries = [i for i, p in enumerate(probes) for _ in range(p.weight)]
    critical = [i for i in entries if probes[i].critical]
    others = [i for i in entries if not probes[i].critical]
    number = 0
    for number_of_round in range(1, 2**62):
        randomness.shuffle(critical)
        randomness.shuffle(others)
        for probe in (*critical, *others):
            first = randomness.random() < 0.5
            yield Turn(number=number, round=number_of_round, probe=probe, canary_first=first)
            number += 1
