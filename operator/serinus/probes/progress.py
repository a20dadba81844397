"""A display of a run for a terminal: a bar, the pairs by outcome and the evidence, drawn in place.

It decides nothing.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Callable
from typing import Any, Final, TextIO

from serinus.core.model import GatePolicy
from serinus.core.report import Report
from serinus.core.verdict import answers_that_count
from serinus.probes.output import Output, progress_line

_SECONDS: Final = 0.25
_WIDTH: Final = 30
_UP: Final = "\x1b[1A"
_CLEAR: Final = "\x1b[2K"


class Screen(Output):
    """Draws on a terminal; `see` is told every line of evidence, which is written only where there is a stream."""

    def __init__(self, screen: TextIO, lines: TextIO | None, see: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(lines or screen, screen)
        self._writes = lines is not None
        self._see = see
        self._drawn = 0

    def line(self, fields: dict[str, Any]) -> None:  # type: ignore[explicit-override]
        """Pass on one line of evidence."""
        self._see(fields)
        if self._writes:
            super().line(fields)

    def say(self, line: str) -> None:  # type: ignore[explicit-override]
        """Write lines below what is drawn, which stays."""
        self._drawn = 0
        super().say(line)

    async def progress(  # type: ignore[explicit-override]
        self, policy: GatePolicy, report: Callable[[], Report]
    ) -> None:
        """Draw until cancelled; lines every five seconds where the stream is no terminal."""
        if not self._progress.isatty():
            await super().progress(policy, report)
        try:
            while True:
                await asyncio.sleep(_SECONDS)
                self._draw(drawing(policy, report()))
        finally:
            self._draw(drawing(policy, report()))

    def _draw(self, lines: tuple[str, ...]) -> None:
        width = shutil.get_terminal_size().columns - 1  # a line that wraps could not be drawn over
        lines = tuple(line[:width] for line in lines)
        with contextlib.suppress(OSError, ValueError):
            self._progress.write((_UP + _CLEAR) * self._drawn + "\r" + "\n".join(lines) + "\n")
            self._progress.flush()
            self._drawn = len(lines)


def drawing(policy: GatePolicy, report: Report) -> tuple[str, ...]:
    """The bar of the budget's pairs, and what was counted, each on a line of its own."""
    asked = answers_that_count(report) + report.pairs.unscored
    share = min(1.0, asked / policy.budget.pairs)
    bar = "#" * int(share * _WIDTH)
    first, *others = progress_line(policy, report).split(", evidence")
    lines = [f"[{bar:<{_WIDTH}}] {asked} of at most {policy.budget.pairs} pairs, {report.usage.seconds:.0f} s"]
    return (*lines, first, *(f"evidence{other}" for other in others))
