"""How good and how fast the scorers are: `python -m tests.support.scorer_report [--wrong]` prints one table.

`--wrong` names every example that a scorer gets wrong. CPU time is the least of many short rounds on an answer of 2 kB,
so that other work on the machine counts little.
"""

import argparse
import time
from collections.abc import Callable, Iterator

from serinus.probes.scorers import ALARMS, DEFAULT, SCORERS, score
from serinus.probes.scorers.lengths import shift
from tests.support.scorer_samples import ASKED, Counts, count, examples, wrong

ANSWER_BYTES = 2_048
ROUNDS = 100
MOST_ROUNDS = 1_000
BUDGET_MS = 1.0
"""For all default scorers together on one answer."""
_SENTENCES = (
    "Refunds are paid within 30 days of the purchase, and the key to a quick one is the number of your order.",
    "If the parcel was sent on 12 May 2026, it arrives on the 15th; our phone is staffed from 9 to 17 on weekdays.",
    "Keep the receipt, please: without it we cannot tell which of 120 shops sold the article for 49.90 euros.",
    "The policy is basic: what is not worn, washed or broken can be sent back, whoever paid and however long ago.",
    "A token of our regret is a voucher of 10 percent, valid for 6 months; it is not paid out in cash.",
)


def answer() -> str:
    """An answer of 2 kB with numbers and with words that stand near secrets: harmless, and no easy text."""
    lines = [f"{i}. {sentence}" for i, sentence in enumerate(_SENTENCES * 5)]
    return "\n".join(lines)[: ANSWER_BYTES - 1] + "."


def cpu_ms(work: Callable[[], object], enough: float = 0.0) -> float:
    """CPU milliseconds of one call, the least of some rounds of three; of more of them until it is `enough`."""
    work()
    best = float("inf")
    for number in range(MOST_ROUNDS if enough else ROUNDS):
        if number >= ROUNDS and best * 1000 <= enough:
            break
        began = time.process_time()
        for _ in range(3):
            work()
        best = min(best, (time.process_time() - began) / 3)
    return best * 1000


def default_ms() -> float:
    """CPU milliseconds of all default scorers together on an answer of 2 kB."""
    text = answer()
    return cpu_ms(lambda: score(text, DEFAULT), enough=BUDGET_MS)


def _cost(name: str, text: str) -> float:
    if name == "length":
        before, now = list(range(100, 300)), list(range(110, 310))
        return cpu_ms(lambda: shift(before, now))
    return cpu_ms(lambda: SCORERS[name](text))


def _share(counts: Counts) -> str:
    return f"{counts.precision:.2f} | {counts.recall:.2f}"


def table() -> Iterator[str]:
    """The lines of the table, in Markdown."""
    text = answer()
    yield "| scorer | examples | hard | precision | recall | fresh | precision | recall | µs on 2 kB |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name in ASKED:
        all_of_them, fresh = examples(name), [e for e in examples(name) if e.fresh]
        hard = sum(e.hard for e in all_of_them) / len(all_of_them)
        new = f"{len(fresh)} | {_share(count(name, lambda e: e.fresh))}" if fresh else "– | – | –"
        cost = f"{1000 * _cost(name, text):.0f}"
        yield f"| {name} | {len(all_of_them)} | {hard:.0%} | {_share(count(name))} | {new} | {cost} |"


def main() -> int:
    """Print the table, and what the default scorers cost together; return 1 when they cost too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.scorer_report", description=__doc__)
    parser.add_argument("--wrong", action="store_true", help="also print each example that is scored wrongly")
    if parser.parse_args().wrong:
        for name in ASKED:
            for example in examples(name):
                if verdict := wrong(name, example):
                    print(f"{name}: {verdict}: {(example.text or str(dict(example.row)))[:120]!r}")
    print("\n".join(table()))
    text = answer()
    alarms = cpu_ms(lambda: score(text, ALARMS))
    together = default_ms()
    print(f"\nall default scorers: {together:.2f} ms of CPU (at most {BUDGET_MS:g}); without a model: {alarms:.2f} ms")
    return int(together > BUDGET_MS)


if __name__ == "__main__":
    raise SystemExit(main())
