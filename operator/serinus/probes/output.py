"""What a run says while it goes on: a JSON line for each thing that happened, progress every few seconds.

It decides nothing. What the lines hold is in `lines.py`, a display for terminals in `progress.py`.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

import msgspec

from serinus.core.model import GatePolicy
from serinus.core.report import Report
from serinus.core.verdict import weigh

_PROGRESS_SECONDS: Final = 5.0
_encode: Final = msgspec.json.Encoder().encode


class Output:
    """Lines go to one stream, progress to the other; a reader that went away stops neither the run nor its report."""

    def __init__(self, lines: TextIO | None = None, progress: TextIO | None = None) -> None:
        self._lines = lines or sys.stdout
        self._progress = progress or sys.stderr

    def line(self, fields: dict[str, Any]) -> None:
        """Write one line of evidence."""
        with contextlib.suppress(OSError, ValueError):
            self._lines.write(_encode(fields).decode() + "\n")

    def say(self, line: str) -> None:
        """Write one line for people, at once."""
        with contextlib.suppress(OSError, ValueError):
            self._lines.flush()
            self._progress.write(line + "\n")
            self._progress.flush()

    async def progress(self, policy: GatePolicy, report: Callable[[], Report]) -> None:
        """Write a line every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self.say(progress_line(policy, report()))


def progress_line(policy: GatePolicy, report: Report) -> str:
    """How far a run is, with its evidence beside the limits."""
    found, pairs = weigh(policy, report), report.pairs
    parts = [f"{report.usage.calls} calls"]
    if report.identity.baseline:
        parts.append(
            f"{pairs.scored} pairs: lost {pairs.lost}, tied {pairs.tied}, won {pairs.won}, unscored {pairs.unscored}"
        )
        parts.append(f"evidence to roll back {found.rollback:.3g} of {1 / policy.alpha:.3g}")
        parts.append(f"to promote {found.promotion:.3g} of {1 / policy.beta:.3g}")
    else:
        parts.append(f"{report.canary.passed} of {report.canary.scored} passed, unscored {pairs.unscored}")
    parts.append(f"above the floor {found.floor_promotion:.3g} of {1 / policy.beta:.3g}")
    return ", ".join(parts)
