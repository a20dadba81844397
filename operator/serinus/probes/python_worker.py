"""Runs Python of probes, each call in a process of its own with limits: `python -I python_worker.py`.

It is started without any environment and imports nothing of this package. One JSON document a line:
`{source, function, output, context, seconds}` in, `{"value": …}` or `{"error": "…"}` out. It ends with its parent.
"""

import ast
import contextlib
import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any

MEMORY_BYTES = 256 * 1024 * 1024
MAX_RESULT = 1024 * 1024
_FILES = 32
_MAX_REASON = 300


def main() -> None:
    """Serve requests until the input ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    """Compile only, where there is no output; else call in a child and end it when it takes too long."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(request, writer)
    os.close(writer)
    try:
        return _result(_read(reader, time.monotonic() + request["seconds"]), request["seconds"])
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read(reader: int, deadline: float) -> bytes | None:
    """All that a child writes; None when it takes too long."""
    parts: list[bytes] = []
    while sum(map(len, parts)) <= MAX_RESULT:
        if not select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        part = os.read(reader, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return b'{"error": "it returned more than 1 MiB"}'


def _result(raw: bytes | None, seconds: float) -> dict[str, Any]:
    if raw is None:
        return {"error": f"it took longer than {seconds:g} s"}
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return {"error": f"it ended without a result; it may have met its limit of {MEMORY_BYTES // 2**20} MiB"}
    return found


def _child(request: dict[str, Any], writer: int) -> None:
    """Call within limits, write what came out, and end without any cleaning up."""
    try:
        _confine(request["seconds"])
        found = {"value": _call(request)}
        text = json.dumps(found, allow_nan=False)
    except MemoryError:
        text = json.dumps({"error": f"it used more than {MEMORY_BYTES // 2**20} MiB"})
    except BaseException as e:  # noqa: BLE001 - user code may raise anything, SystemExit too
        text = json.dumps({"error": f"{type(e).__name__}: {e}"[:_MAX_REASON]})
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(writer, data) :]
    os._exit(0)


def _confine(seconds: float) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))


def _call(request: dict[str, Any]) -> Any:
    code = compile(request["source"], "<probe>", "exec")
    if request.get("check"):
        _check_imports(request["source"])
        return True
    names: dict[str, Any] = {"__name__": "probe"}
    exec(code, names)  # noqa: S102 - this is what the process is for
    function = names.get(request["function"])
    if not callable(function):
        raise TypeError(f"found no function {request['function']!r}")
    return function(request["output"], request["context"])


def _check_imports(source: str) -> None:
    """Raise for a module that is imported at the top and is not here: it would fail every answer."""
    for statement in ast.parse(source).body:
        names = [a.name for a in statement.names] if isinstance(statement, ast.Import) else []
        if isinstance(statement, ast.ImportFrom):
            names = [statement.module or "."]
        for name in names:
            if _is_relative(statement) or importlib.util.find_spec(name.partition(".")[0]) is None:
                raise ModuleNotFoundError(f"a script must stand alone: there is no module {name!r} here")


def _is_relative(statement: ast.stmt) -> bool:
    """Whether an import is from the package that a file stands in; scripts stand in none."""
    return isinstance(statement, ast.ImportFrom) and statement.level > 0


if __name__ == "__main__":
    main()
