"""Owns waiting: for a condition, until a deadline, with a line every ten seconds and a reason at the end.

It must not be used to wait for time to pass.
"""

import time
from collections.abc import Callable

from tests.cluster.progress import StepError, Ticker

PAUSE = 0.1


def wait_for(condition: Callable[[], object], deadline: float, what: str) -> None:
    """Return when `condition()` is true; StepError after `deadline` seconds, with the last error it raised.

    An exception of the kind StepError or OSError counts as "not yet".
    """
    ticker = Ticker(f"waiting for {what}")
    last = ""
    while True:
        try:
            if condition():
                return
            last = ""
        except (StepError, OSError) as problem:
            last = f"; last error: {problem}"
        if ticker.seconds > deadline:
            raise StepError(f"{what}: not so after {deadline:.0f} s{last}")
        ticker.tick()
        time.sleep(PAUSE)
