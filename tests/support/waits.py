"""Owns deadlines of loops that do something while they wait. It must not know what is waited for."""

import time
from collections.abc import Callable


class Deadline:
    """Raises AssertionError with `what` when so many seconds have passed."""

    def __init__(self, seconds: float, what: Callable[[], str]) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds
        self._what = what

    def wait(self, seconds: float) -> None:
        """Pause a loop for a moment; raises when the deadline is over."""
        if time.monotonic() > self._end:
            raise AssertionError(f"not within {self._seconds:g} s: {self._what()}")
        time.sleep(seconds)
