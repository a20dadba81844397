"""The process that renders and scores: `python -m serinus.probes.scorer FILE [--no-python]`. It knows no side.

It is a process of its own because a script can hang in a native loop that no limit of the engine ends; then its parent
ends it and starts another. One JSON document a line: first one for each probe, then answers in, findings out.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final, TextIO

from serinus.core.probejson import from_json
from serinus.probes.exchange import EACH, NO_PYTHON, encode
from serinus.probes.garbage import seldom_collected
from serinus.probes.outcome import Misconfigured, Outcome, Said
from serinus.probes.prepared import Prepared, prepare
from serinus.probes.shield import shield
from serinus.probes.templates import Templates
from serinus.probes.toolbox import make_tools

_TOGETHER: Final = 32
"""Prepared probes that are written at once: their reader is woken less often."""
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


def main(arguments: list[str]) -> int:
    """Prepare the probes of a file, then score answers until the input ends."""
    shield()
    with seldom_collected():
        return _serve(arguments)


def _serve(arguments: list[str]) -> int:
    probe_set = from_json(Path(arguments[0]).read_text(encoding="utf-8"))
    templates, tools = Templates(), make_tools(python=NO_PYTHON not in arguments)
    ready: list[Prepared] = []
    together = 1 if EACH in arguments else _TOGETHER
    for number, probe in enumerate(probe_set.probes, 1):
        try:
            found = prepare(probe, templates, tools)
        except Misconfigured as e:
            _write(sys.stdout, {"error": str(e)})
            sys.stdout.flush()
            return 0
        ready.append(found)
        metrics = [a.metric for a in found.assertions]
        _write(sys.stdout, {"prompt": found.prompt, "messages": found.messages, "metrics": metrics})
        if number == 1 or number % together == 0:  # the first one says that the process has started
            sys.stdout.flush()
    sys.stdout.flush()
    for line in sys.stdin:
        _write(sys.stdout, [_score(ready[request["probe"]], request["said"]) for request in json.loads(line)])
        sys.stdout.flush()
    tools.python.close()
    return 0


def _score(prepared: Prepared, said: dict[str, Any]) -> list[dict[str, Any]]:
    """What each assertion finds in an answer; one that meets a limit of this process fails all of them."""
    try:
        return [encode(found) for found in prepared.score(Said(**{**said, "logprobs": tuple(said["logprobs"])}))]
    except (RecursionError, MemoryError) as e:
        failed = Outcome(passed=False, score=0.0, reason=f"scoring met its limit: {type(e).__name__}")
        return [encode(failed)] * len(prepared.checks)


def _write(stream: TextIO, document: Any) -> None:
    stream.write(_encode(document) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
