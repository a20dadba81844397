"""Python of probes, behind `Scripts`: the parent's side of `python_worker.py`. It runs no user code itself.

The worker has no environment, so no secret of the Job reaches a script that way; what a script can read of the pod's
files it could read before. It can be switched off for a cluster.
"""

import json
import math
import re
import select
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from serinus.core.probe import Json
from serinus.probes.script import Graded, Script, ScriptFailed

if TYPE_CHECKING:
    import subprocess

SECONDS: Final = 3.0
"""For one call."""
_WORKER: Final = Path(__file__).with_name("python_worker.py")
_PATIENCE: Final = 10.0
"""Seconds beyond the worker's own limit, for a busy node."""
_ASSERT: Final = "get_assert"
_TRANSFORM: Final = "get_transform"
_INDENTED: Final = re.compile(r"^(?!\s*$)\s+", re.MULTILINE)
_NUMBER: Final = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_MAX_REASON: Final = 300


class NoPython:
    """Stands where Python is switched off: refuses every script."""

    def check(self, script: Script) -> None:
        """Raise ScriptFailed."""
        del script
        raise ScriptFailed("python is switched off for this cluster (setting allowPython)")

    def call(self, script: Script, output: Json, context: Mapping[str, Any]) -> float | Graded:
        """Raise ScriptFailed."""
        del script, output, context
        raise ScriptFailed("python is switched off for this cluster (setting allowPython)")

    def transform(self, script: Script, output: Json, context: Mapping[str, Any]) -> Json:
        """Raise ScriptFailed."""
        return self.call(script, output, context)

    def close(self) -> None:
        """Nothing was started."""


class PythonRunner:
    """Calls scripts in the worker, which is started when the first one is needed and ends with this process."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[str] | None = None

    def check(self, script: Script) -> None:
        """Raise ScriptFailed unless the script compiles."""
        source, function = _program(script, _ASSERT)
        self._ask({"source": source, "function": function, "check": True})

    def call(self, script: Script, output: Json, context: Mapping[str, Any]) -> float | Graded:
        """Call the script; raises ScriptFailed."""
        source, function = _program(script, _ASSERT)
        request = {"source": source, "function": function, "output": output, "context": context}
        return _normalized(self._ask(request))

    def transform(self, script: Script, output: Json, context: Mapping[str, Any]) -> Json:
        """What the script makes of an output; raises ScriptFailed, also when that is nothing."""
        source, function = _program(script, _TRANSFORM)
        found = self._ask({"source": source, "function": function, "output": output, "context": context})
        if found is None:
            raise ScriptFailed("it must return a value")
        return found

    def _ask(self, request: Mapping[str, Any]) -> Any:
        worker = self._worker
        if worker is None or worker.poll() is not None:
            worker = self._worker = self._start()
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(json.dumps({**request, "seconds": SECONDS}) + "\n")
            worker.stdin.flush()
            ready, _, _ = select.select([worker.stdout], [], [], SECONDS + _PATIENCE)
            line = worker.stdout.readline() if ready else ""
        except (BrokenPipeError, ValueError):
            line = ""
        if not line:
            worker.kill()
            worker.communicate()
            self._worker = None
            raise ScriptFailed("the Python worker ended, or did not answer in time")
        found = json.loads(line)
        if "error" in found:
            raise ScriptFailed(str(found["error"])[:_MAX_REASON])
        return found["value"]

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.communicate()
            self._worker = None

    def _start(self) -> "subprocess.Popen[str]":
        import subprocess  # noqa: PLC0415 - few probes are in Python, and every process that scores would load it

        return subprocess.Popen(  # noqa: S603 - this interpreter, a file of this package
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            text=True,
        )


def _program(script: Script, default: str) -> tuple[str, str]:
    """The source and the name of the function to call."""
    if script.module:
        return script.source, script.module.partition(":")[2] or default
    if "\n" not in script.source:
        return f"import json\ndef main(output, context):\n    return {script.source}\n", "main"
    match = _INDENTED.search(script.source)
    indent = match[0] if match else "    "
    body = "\n".join(indent + line for line in script.source.split("\n"))
    return f"import json\ndef main(output, context):\n{body}\n", "main"


def _normalized(found: Any) -> float | Graded:
    """What a script returned, as promptfoo reads it: booleans and numbers also as text, grades also as JSON."""
    if isinstance(found, str):
        if found.lower() in ("true", "false"):
            return found.lower() == "true"
        if found.startswith("{"):
            try:
                found = json.loads(found)
            except ValueError as e:
                raise ScriptFailed(f"it returned text that is not JSON: {e}") from e
        else:
            found = _leading_number(found)
    if isinstance(found, bool | int | float):
        return found
    grade = {_camel(k): v for k, v in found.items()} if isinstance(found, dict) else {}
    passed, score, reason = grade.get("pass"), grade.get("score"), grade.get("reason")
    number = isinstance(score, int | float) and not isinstance(score, bool)
    if not isinstance(passed, bool) or not number or not isinstance(reason, str):
        raise ScriptFailed("it must return a boolean, a number or {pass, score, reason}")
    return Graded(passed=passed, score=float(score), reason=reason[:_MAX_REASON])  # type: ignore[arg-type]


def _leading_number(text: str) -> float:
    match = _NUMBER.match(text)
    if match is None:
        raise ScriptFailed("it must return a boolean, a number or {pass, score, reason}")
    value = float(match[1])
    return value if math.isfinite(value) else 0.0


def _camel(key: str) -> str:
    if key == "pass_":
        return "pass"
    head, *rest = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)
