"""The parent's side of the scoring process: starts it, hands it answers, ends it when it takes too long."""

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.probe import PYTHON_ENDING, Assertion, Probe, flat
from serinus.probes.exchange import EACH, NO_PYTHON
from serinus.probes.outcome import Said
from serinus.probes.settle import Opinions, Score, settle

_LINE_BYTES: Final = 64 * 1024 * 1024
_PREPARE_SECONDS: Final = 15.0
"""For one probe; a template of normal size takes a thousandth of a second."""
_START_SECONDS: Final = 30.0
_BATCH: Final = 32
_BASE_SECONDS: Final = 8.0
_SECONDS_EACH: Final = 1.5
"""For one exchange: time for a busy node, and for each script a little more than the engine's own limit."""


MAX_ANSWER: Final = 4 * 1024 * 1024
_PYTHON_SECONDS: Final = 4.0
_VARIABLES: Final = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"})
"""What the scoring process knows of the environment: where Python is, and no key."""
_SAID: Final = tuple(f.name for f in dataclasses.fields(Said))
_NOBODY: Final = Opinions()
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


class ScoringFailed(Exception):
    """The probes cannot be prepared, or the scoring process cannot run; the run cannot go on."""


class _Stuck(ScoringFailed):
    """A probe cannot be prepared in time; it is this one only where they come one by one."""


class _ProcessEnded(ScoringFailed):
    """The process went away, killed for its memory perhaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A rendered probe."""

    prompt: str
    messages: tuple[Mapping[str, Any], ...]
    metrics: tuple[str, ...] = ()  # names of the assertions' metrics, those of a set in its place; mostly empty


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """An answer that waits for its score."""

    probe: int
    request: Mapping[str, Any]
    found: asyncio.Future[Sequence[Mapping[str, Any]] | None]


class Scorer:
    """A scoring process. `start` first, `close` at the end; answers that wait for it go to it together."""

    def __init__(
        self, path: str, probes: tuple[Probe, ...], opinions: Opinions = _NOBODY, *, python: bool = True
    ) -> None:
        self._arguments = [path] if python else [path, NO_PYTHON]
        self._probes = probes
        self._opinions = opinions
        self._questions: tuple[Question, ...] = ()
        self._seconds = [sum(_seconds(a) for a in flat(p.assertions)) for p in probes]
        self._waiting: list[_Waiting] = []
        self._pump: asyncio.Future[None] | None = None
        self._process: Process | None = None

    async def start(self) -> tuple[Question, ...]:
        """Start the process and prepare every probe; raises ScoringFailed that names the probe."""
        try:
            self._questions = await self._prepared()
        except _Stuck:  # prepared probes come together: one by one shows which of them it is
            self._questions = await self._prepared(EACH)
        return self._questions

    async def _prepared(self, *more: str) -> tuple[Question, ...]:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serinus.probes.scorer", *self._arguments, *more),
            stdin=PIPE,
            stdout=PIPE,
            limit=_LINE_BYTES,
            env={k: v for k, v in os.environ.items() if k in _VARIABLES},
        )
        questions: list[Question] = []
        for number, probe in enumerate(self._probes):
            try:
                found = await self._read(_START_SECONDS if number == 0 else _PREPARE_SECONDS)
            except (TimeoutError, ScoringFailed) as e:
                await self._end()
                why = "took too long" if isinstance(e, TimeoutError) else str(e)
                raise _Stuck(f"probe {probe.id!r}: its templates or scripts cannot be prepared: {why}") from e
            if "error" in found:
                await self._end()
                raise ScoringFailed(str(found["error"]))
            messages, metrics = tuple(found["messages"]), tuple(found["metrics"])
            questions.append(Question(prompt=found["prompt"], messages=messages, metrics=metrics))
        return tuple(questions)

    async def score(self, number: int, said: Said) -> Score | None:
        """Score an answer to a probe; None when scoring does not end, which says nothing of the answer."""
        if len(said.text) > MAX_ANSWER:
            return Score(passed=None, score=0.0, reason=f"the answer has more than {MAX_ANSWER} characters")
        found: asyncio.Future[Sequence[Mapping[str, Any]] | None] = asyncio.get_running_loop().create_future()
        request = {"probe": number, "said": {name: getattr(said, name) for name in _SAID}}
        self._waiting.append(_Waiting(probe=number, request=request, found=found))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.ensure_future(self._score_waiting())
        parts = await found
        if parts is None:
            return None
        question = self._questions[number]
        return await settle(self._probes[number], question.prompt, parts, question.metrics, self._opinions)

    async def close(self) -> None:
        """End the process; answers that still wait have no score."""
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.gather(self._pump, return_exceptions=True)
        await self._end()

    async def _score_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                await self._score_batch(batch)
            except ScoringFailed as e:
                for one in (*batch, *self._waiting):
                    if not one.found.done():
                        one.found.set_exception(e)
                self._waiting = []

    async def _score_batch(self, batch: list[_Waiting]) -> None:
        """Score answers in one exchange; when it does not end, one by one, to find the one that did it."""
        request = _encode([one.request for one in batch]).encode() + b"\n"
        try:
            scores = await self._exchange(request, _BASE_SECONDS + sum(self._seconds[one.probe] for one in batch))
        except (TimeoutError, ConnectionError, _ProcessEnded):
            await self._end()
            await self.start()
            if len(batch) > 1:
                for one in batch:
                    await self._score_batch([one])
                return
            scores = [None]
        for one, found in zip(batch, scores, strict=True):
            if not one.found.done():
                one.found.set_result(found)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()

    async def _exchange(self, request: bytes, seconds: float) -> Any:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(request)
        await self._process.stdin.drain()
        return await self._read(seconds)

    async def _read(self, seconds: float) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            line = await self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise _ProcessEnded("the scoring process ended")
        return json.loads(line)


def _seconds(assertion: Assertion) -> float:
    """How long one assertion may take, with its transform."""
    own = _PYTHON_SECONDS if assertion.type == "python" else _SECONDS_EACH
    transformed = assertion.transform_module.partition(":")[0].endswith(PYTHON_ENDING)
    return own + (_PYTHON_SECONDS if transformed else 0.0)
