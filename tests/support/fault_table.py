"""Runs every fault of the probe Job's surroundings and prints what came of it, as a page of the docs.

`python -m tests.support.fault_table` prints; `--write` writes docs/judge-faults.md. A row that promotes is an error.
"""

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from serinus.core.model import Verdict
from tests.support.judgefaults import FAULTS, message, run_fault

PAGE = Path(__file__).parents[2] / "docs" / "judge-faults.md"
_PORT = re.compile(r"Connect call failed \('127\.0\.0\.1', \d+\)")
_HEAD = """# Faults of a judge, and what comes of them

Written by `python -m tests.support.fault_table --write`: each row is a run of the probe runner against scripted servers
on loopback. Stable answers well. Where a judge has a fault no row ends in a promotion.

| fault | group | verdict | reason | first sentence for people |
| --- | --- | --- | --- | --- |
"""


async def rows() -> tuple[list[str], int]:
    """Every fault as a line of the table, and how many of them promoted."""
    lines, promoted = [], 0
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            run, report, found = await run_fault(fault, Path(folder))
        promoted += fault.group != "none" and found.verdict is Verdict.PASSED
        said = _PORT.sub("refused", message(run, report, found)).replace("|", "\\|")
        lines.append(f"| {fault.name} | {fault.group} | {found.verdict} | {found.reason} | {said} |")
    return lines, promoted


def main(arguments: list[str]) -> int:
    """Print or write the page; 1 if a fault was promoted."""
    lines, promoted = asyncio.run(rows())
    faults = sum(fault.group != "none" for fault in FAULTS)
    text = _HEAD + "\n".join(lines) + f"\n\n{faults} faults, {promoted} promotions.\n"
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 1 if promoted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
