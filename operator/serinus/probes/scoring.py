"""The parent's side of the scoring process: starts it, hands it answers one by one, ends it when it takes too long."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.probe import Probe

_LINE_BYTES: Final = 64 * 1024 * 1024
_PREPARE_SECONDS: Final = 15.0
"""For one probe; a template of normal size takes a thousandth of a second."""
_START_SECONDS: Final = 30.0
_BASE_SECONDS: Final = 8.0
_SECONDS_EACH: Final = 1.5
"""For one answer: time for a busy node, and for each script a little more than the engine's own limit."""


class ScoringFailed(Exception):
    """The probes cannot be prepared, or the scoring process cannot run; the run cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A rendered probe."""

    prompt: str
    messages: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What an answer is worth, in [0, 1], and why it failed."""

    passed: bool
    score: float
    reason: str = ""
    assertions: tuple[Mapping[str, Any], ...] = ()


class Scorer:
    """A scoring process. `start` first, `close` at the end; answers wait for each other in between."""

    def __init__(self, path: str, probes: tuple[Probe, ...]) -> None:
        self._path = path
        self._probes = probes
        self._limits = [_BASE_SECONDS + _SECONDS_EACH * len(p.assertions) for p in probes]
        self._lock = asyncio.Lock()
        self._process: Process | None = None

    async def start(self) -> tuple[Question, ...]:
        """Start the process and prepare every probe; raises ScoringFailed that names the probe."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "serinus.probes.scorer", self._path, stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES
        )
        questions: list[Question] = []
        for number, probe in enumerate(self._probes):
            try:
                found = await self._read(_START_SECONDS if number == 0 else _PREPARE_SECONDS)
            except (TimeoutError, ScoringFailed) as e:
                await self.close()
                why = "took too long" if isinstance(e, TimeoutError) else str(e)
                raise ScoringFailed(f"probe {probe.id!r}: its templates or scripts cannot be prepared: {why}") from e
            if "error" in found:
                await self.close()
                raise ScoringFailed(str(found["error"]))
            questions.append(Question(prompt=found["prompt"], messages=tuple(found["messages"])))
        return tuple(questions)

    async def score(self, number: int, text: str, latency_ms: float) -> Score | None:
        """Score an answer to a probe; None, and a new process, when scoring does not end: that says nothing of it."""
        request = json.dumps({"probe": number, "text": text, "ms": latency_ms}).encode() + b"\n"
        async with self._lock:
            try:
                found = await self._exchange(request, self._limits[number])
            except (TimeoutError, ScoringFailed, ConnectionError):
                await self.close()
                await self.start()
                return None
        return Score(
            passed=found["passed"],
            score=found["score"],
            reason=found["reason"],
            assertions=tuple(found["assertions"]),
        )

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()

    async def _exchange(self, request: bytes, seconds: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(request)
        await self._process.stdin.drain()
        return await self._read(seconds)

    async def _read(self, seconds: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), seconds)
        if not line.endswith(b"\n"):
            raise ScoringFailed("the scoring process ended")
        found: dict[str, Any] = json.loads(line)
        return found
