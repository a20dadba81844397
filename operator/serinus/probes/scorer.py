"""The process that renders and scores: `python -m serinus.probes.scorer FILE`. It asks nobody and knows no side.

It is a process of its own because a script can hang in a native loop that no limit of the engine ends; then its parent
ends it and starts another. One JSON document a line: first one for each probe, then answers in, scores out.
"""

import json
import sys
from pathlib import Path
from typing import Any, TextIO

from serinus.core.probejson import from_json
from serinus.probes.outcome import Misconfigured, Outcome
from serinus.probes.prepared import Prepared, prepare
from serinus.probes.quickjs_engine import QuickJs
from serinus.probes.templates import Templates


def main(arguments: list[str]) -> int:
    """Prepare the probes of a file, then score answers until the input ends."""
    probe_set = from_json(Path(arguments[0]).read_text(encoding="utf-8"))
    templates, engine = Templates(), QuickJs()
    ready: list[Prepared] = []
    for probe in probe_set.probes:
        try:
            found = prepare(probe, templates, engine)
        except Misconfigured as e:
            _write(sys.stdout, {"error": str(e)})
            return 0
        ready.append(found)
        _write(sys.stdout, {"prompt": found.prompt, "messages": found.messages})
    for line in sys.stdin:
        _write(sys.stdout, [_score(ready[request["probe"]], request) for request in json.loads(line)])
    return 0


def _score(prepared: Prepared, request: dict[str, Any]) -> dict[str, Any]:
    try:
        total, outcomes = prepared.score(request["text"], request["ms"])
    except (RecursionError, MemoryError) as e:
        total, outcomes = Outcome(passed=False, score=0.0, reason=f"scoring met its limit: {type(e).__name__}"), ()
    names = [("not-" if a.negated else "") + a.type for a in prepared.probe.assertions]
    parts = [
        {"type": name, "passed": o.passed, "score": _finite(o.score), "reason": o.reason}
        for name, o in zip(names, outcomes, strict=False)
    ]
    return {"passed": total.passed, "score": _finite(total.score), "reason": total.reason, "assertions": parts}


def _finite(score: float) -> float:
    """A score in [0, 1]; a script may have given any number, or none."""
    return min(1.0, max(0.0, score)) if score == score else 0.0  # noqa: PLR0124 - NaN differs from itself


def _write(stream: TextIO, document: Any) -> None:
    stream.write(json.dumps(document, separators=(",", ":")) + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
