"""Reads one ProbeSet, as a process of its own: `python -m serinus.shell.probe_reader`, JSON in and JSON out.

It owns the form in which a source and its result travel. It talks to nobody else, and imports nothing of the engine,
so that it starts in a fraction of a second; it lasts no longer and takes no more memory than its limits.
"""

import dataclasses
import json
import os
import resource
import sys
from typing import Any, Final

from serinus.core.judge import judged_from_plain
from serinus.core.judge_cost import expected
from serinus.core.questions import read_probe_set
from serinus.core.seen import ProbeSetSeen, Questions

CPU_SECONDS: Final = 60
"""Processor time after which the kernel ends the process, also if nobody waits for it any more."""
MEMORY_BYTES: Final = 512 << 20
"""Address space of the process; what needs more is not read."""
_NICE: Final = 10


def pack(
    name: str, spec: dict[str, Any], files: dict[str, str], labelled: dict[str, str], *, python: bool = True
) -> bytes:
    """Write a source down; `files` are the keys of its ConfigMap, `labelled` those of its calibration.

    `python`: whether it may have scripts in Python.
    """
    source = {"name": name, "spec": spec, "files": files, "labelled": labelled, "python": python}
    return json.dumps(source).encode()


def read(packed: bytes) -> tuple[ProbeSetSeen, dict[str, Any]]:
    """Resolve a packed source; the second value is what the status of the ProbeSet must say of it."""
    source = json.loads(packed)
    texts = source["files"], source["labelled"]
    seen, parsed = read_probe_set(source["name"], source["spec"], *texts, python=source["python"])
    problems = [{"line": p.line, "field": p.field, "message": p.message[:1000]} for p in parsed.problems]
    status: dict[str, Any] = {"digest": parsed.digest, "probes": len(parsed.probes), "critical": parsed.critical}
    if seen.questions is not None and seen.questions.judged is not None:
        status["judge"] = expected(seen.questions.judged)
    return seen, {k: v for k, v in status.items() if v != ""} | ({"problems": problems} if problems else {})


def pack_result(seen: ProbeSetSeen, status: dict[str, Any]) -> bytes:
    """Write a result of `read` down."""
    return json.dumps({"seen": dataclasses.asdict(seen), "status": status}).encode()


def unpack_result(packed: bytes) -> tuple[ProbeSetSeen, dict[str, Any]]:
    """Read what `pack_result` wrote; ValueError, KeyError or TypeError if it is anything else."""
    found = json.loads(packed)
    questions = found["seen"].pop("questions")
    if questions is not None:
        judged, metrics = judged_from_plain(questions["judged"]), tuple(questions["metrics"])
        questions = Questions(**questions | {"judged": judged, "metrics": metrics})
    return ProbeSetSeen(**found["seen"], questions=questions), dict(found["status"])


def main() -> None:
    """Read standard input to its end, write the result to standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)  # the engine's loop, which renews the lease, goes first
    sys.stdout.buffer.write(pack_result(*read(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
