"""What a run says while it goes on: a JSON line for each sample, progress every few seconds. It decides nothing."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any, Final, TextIO

from serinus.core.model import GatePolicy
from serinus.core.report import Report
from serinus.core.verdict import weigh

_PROGRESS_SECONDS: Final = 5.0


class Output:
    """Samples go to one stream, progress to the other; a reader that went away stops neither the run nor its report."""

    def __init__(self, samples: TextIO = sys.stdout, progress: TextIO = sys.stderr) -> None:
        self._samples = samples
        self._progress = progress

    def sample(self, fields: dict[str, Any]) -> None:
        """Write one sample."""
        with contextlib.suppress(OSError, ValueError):
            self._samples.write(json.dumps(fields, separators=(",", ":")) + "\n")

    def say(self, line: str) -> None:
        """Write one line for people, at once."""
        with contextlib.suppress(OSError, ValueError):
            self._samples.flush()
            self._progress.write(line + "\n")
            self._progress.flush()

    async def progress(self, line: Callable[[], str]) -> None:
        """Write a line every five seconds, until cancelled."""
        while True:
            await asyncio.sleep(_PROGRESS_SECONDS)
            self.say(line())


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
