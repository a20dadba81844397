"""Every fault of the surroundings of a gate with what came of it: `python -m tests.support.fault_table`.

It prints the page; `--write` writes docs/reference/faults.md. 1 if any fault was promoted.
"""

import asyncio
import re
import signal
import sys
import tempfile
from pathlib import Path

from serinus.core.model import Verdict
from tests.support.judgefaults import FAULTS, message, run_fault
from tests.support.modelfaults import MODEL_FAULTS, after, kill_runner, run_model_fault
from tests.unit.test_runs import BROKEN, attempts

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "faults.md"
SECONDS = 10
_PORT = re.compile(r"Connect call failed \('127\.0\.0\.1', \d+\)")
_HEAD = """# Faults, and what comes of them

Written by `python -m tests.support.fault_table --write`: each row is a run, on loopback, of the code that ships. The
servers are scripted; where nothing else is said the canary answers well, and so does stable. **No fault ends in a
promotion.**
"""
_COLUMNS = "| fault | group | verdict | reason | first sentence for people |\n| --- | --- | --- | --- | --- |"


class Section:
    """One table of the page, and how many of its faults promoted."""

    def __init__(self, title: str, text: str, columns: str = _COLUMNS) -> None:
        self._head = f"\n## {title}\n\n{text}\n\n{columns}\n"
        self._rows: list[str] = []
        self.faults = 0
        self.promoted = 0

    def add(self, *cells: str, promoted: bool, fault: bool = True) -> None:
        """Add a row."""
        said = " | ".join(_PORT.sub("refused", cell).replace("|", "\\|") for cell in cells)
        self._rows.append(f"| {said} |")
        self.faults += fault
        self.promoted += fault and promoted

    @property
    def text(self) -> str:
        """The section as a part of the page."""
        return f"{self._head}{chr(10).join(self._rows)}\n\n{self.faults} faults, {self.promoted} promotions.\n"


async def of_judges() -> Section:
    """Faults of a judge; the first rows are those that do no harm."""
    found = Section("Judges", "Down, slow, lying, or attacked by the answers that they judge.")
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            run, report, judgement = await run_fault(fault, Path(folder))
        said = message(run, report, judgement)
        passed, harm = judgement.verdict is Verdict.PASSED, fault.group != "none"
        found.add(fault.name, fault.group, judgement.verdict, judgement.reason, said, promoted=passed, fault=harm)
    return found


async def of_models() -> Section:
    """Faults of the model servers."""
    found = Section("Models", "Down, slow, talking garbage, or answered for by a cache.")
    for fault in MODEL_FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            run, report, judgement = await run_model_fault(fault, Path(folder))
        said, passed = message(run, report, judgement), judgement.verdict is Verdict.PASSED
        found.add(fault.name, fault.group, judgement.verdict, judgement.reason, said, promoted=passed)
    return found


async def of_the_runner() -> Section:
    """The probe Job's program, killed at every second of a run."""
    text = (
        "The program of the probe Job is ended at every second of a run that takes longer: by SIGKILL (out of memory,\n"
        "node gone), and by SIGTERM (eviction, the Job's deadline). What it counted until then is not enough for a\n"
        "verdict; its lines, counted again by `serinus probe replay`, say the same."
    )
    columns = (
        "| fault | exit code | verdict | what the operator reads | its lines say |\n| --- | --- | --- | --- | --- |"
    )
    found = Section("The runner", text, columns)
    for number in (signal.SIGKILL, signal.SIGTERM):
        for second in range(SECONDS):
            with tempfile.TemporaryDirectory() as folder:
                left = await kill_runner(Path(folder), number, after(second))
            promoted = Verdict.PASSED in (left.verdict, left.replayed)
            name, told = f"{number.name} after {second} s", str(left.replayed or "nothing")
            found.add(name, str(left.code), left.verdict, left.message, told, promoted=promoted)
    return found


def of_the_job() -> Section:
    """Faults of the Job, its pod, its report: through the operator's own plan, until the rollout is held."""
    text = (
        "Each is met by four attempts, one after the other; then the rollout is held with the reason ProbeBroken, and\n"
        "all users stay on the stable revision."
    )
    found = Section("The probe Job, its pod, its report", text)
    for name in BROKEN:
        runs = attempts(name)
        last, promoted = runs[-1], any(r["verdict"] == Verdict.PASSED for r in runs)
        said = " ".join(str(last.get("message", "")).split()).split(". ")[0].rstrip(".")
        found.add(name, "operator", last["verdict"], last["reason"], said[:200], promoted=promoted)
    return found


async def sections() -> list[Section]:
    """All tables."""
    return [await of_judges(), await of_models(), await of_the_runner(), of_the_job()]


def main(arguments: list[str]) -> int:
    """Print or write the page; 1 if a fault was promoted."""
    found = asyncio.run(sections())
    faults, promoted = sum(s.faults for s in found), sum(s.promoted for s in found)
    text = f"{_HEAD}{''.join(s.text for s in found)}\nIn all: {faults} faults, {promoted} promotions.\n"
    if "--write" in arguments:
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 1 if promoted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
