"""Large ProbeSets are read outside the engine's loop: one process at a time, with a time limit. It keeps no result.

A process of its own for each source, and no pool: one that takes too long is ended without harm to others, its memory
goes back at once, and it needs neither semaphores in /dev/shm nor a second import of the whole operator.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, Final

import serinus
from serinus.core.seen import ProbeSetSeen
from serinus.shell import probe_reader

SMALL: Final = 16 << 10
"""Bytes of a source (spec and files) that are read in the loop: some 25 ms at most."""
LIMIT: Final = 60.0
"""Seconds that the reading of one source may take."""
_TRIES: Final = 2
_COMMAND: Final = ("-P", "-m", probe_reader.__name__)  # -P: no module is taken from the working directory
_ENVIRONMENT: Final = {"PYTHONPATH": str(Path(serinus.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}

Result = tuple[ProbeSetSeen, dict[str, Any]]


class CannotRead(Exception):
    """A source that the process did not finish; the message says what was found and what is allowed."""


class ProbeReader:
    """Reads sources. `command` is what the interpreter is called with, `limit` the seconds for one source.

    `python`: whether sources may have scripts in Python.
    """

    def __init__(self, *, command: tuple[str, ...] = _COMMAND, limit: float = LIMIT, python: bool = True) -> None:
        self._python = python
        self._command = command
        self._limit = limit
        self._turn = asyncio.Semaphore(1)

    async def read(self, name: str, spec: dict[str, Any], files: dict[str, str], labelled: dict[str, str]) -> Result:
        """Resolve a ProbeSet as `probe_reader.read` does, wherever that is best; raises CannotRead."""
        packed = probe_reader.pack(name, spec, files, labelled, python=self._python)
        if len(packed) <= SMALL:
            return probe_reader.read(packed)
        async with self._turn:
            return await self._outside(packed)

    async def _outside(self, packed: bytes) -> Result:
        problem = ""
        for _ in range(_TRIES):
            try:
                code, out, err = await asyncio.wait_for(self._run(packed), self._limit)
            except TimeoutError as e:
                found = f"found {len(packed)} bytes that took more than {self._limit:g} s to read"
                raise CannotRead(f"{found}, allowed are {self._limit:g} s: make the source smaller or simpler") from e
            if -code == signal.SIGXCPU:
                found = f"found {len(packed)} bytes that took more than {probe_reader.CPU_SECONDS} s to read"
                raise CannotRead(f"{found}, allowed is less: make the source smaller or simpler")
            try:
                if code == 0:
                    return probe_reader.unpack_result(out)
                problem = f"the reader ended with {code}: {_last_line(err)}"
            except (ValueError, KeyError, TypeError) as e:
                problem = f"the reader answered what is no result: {e}"
        raise CannotRead(f"found {len(packed)} bytes that could not be read in {_TRIES} tries: {problem}"[:1000])

    async def _run(self, packed: bytes) -> tuple[int, bytes, bytes]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_ENVIRONMENT
        )
        try:
            out, err = await process.communicate(packed)
            return await process.wait(), out, err
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _last_line(err: bytes) -> str:
    lines = err.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "without a word"
