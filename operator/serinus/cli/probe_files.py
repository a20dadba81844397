"""The outcome of `serinus probe` as files for other programs: JUnit, JSON, Markdown, by the ending of the name."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

from serinus.cli.probe_outcome import Outcome
from serinus.cli.probe_seen import Row
from serinus.cli.probe_text import markdown, tally
from serinus.cli.unusable import Unusable
from serinus.core import timing
from serinus.core.lazy import lazy
from serinus.core.model import Verdict

_GATE: Final = "gate"
_NO_XML: Final = lazy("[^\\n\\t\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")


def as_json(outcome: Outcome) -> str:
    """Everything as one JSON document."""
    found = {
        "verdict": str(outcome.verdict),
        "reason": outcome.judgement.reason,
        "message": outcome.message,
        "exitCode": outcome.code,
        "file": outcome.source,
        "policy": dataclasses.asdict(outcome.policy),
        "evidence": dataclasses.asdict(outcome.judgement.evidence),
        "growth": [{"pairs": look.pairs, **dataclasses.asdict(look.evidence)} for look in outcome.looks],
        "report": dataclasses.asdict(outcome.report),
        "timing": dict(zip(("canary", "stable"), map(timing.shown, outcome.report.timing), strict=True)),
        "probes": [_probe(outcome, row) for row in outcome.rows],
    }
    return json.dumps(found, indent=2) + "\n"


def _probe(outcome: Outcome, row: Row) -> Mapping[str, Any]:
    sides = {"canary": row.canary, **({"stable": row.stable} if outcome.paired else {})}
    pairs = {"lost": row.lost, "tied": row.tied, "won": row.won} if outcome.paired else {}
    found = {"probe": row.name, **{side: {"passed": p, "asked": a} for side, (p, a) in sides.items()}}
    answers = {"answers": dataclasses.asdict(row.answers)} if row.answers else {}
    return found | pairs | {"unscored": row.unscored} | answers


def as_junit(outcome: Outcome) -> str:
    """A suite of one case for the gate and one for each probe.

    A probe has failed only where the gate has: single wrong answers are what the gate weighs, no failures of their own.
    """
    suite = ET.Element("testsuite", name="serinus probe", time=f"{outcome.report.usage.seconds:.3f}")
    gate = ET.SubElement(suite, "testcase", classname=_clean(outcome.source), name=_GATE)
    if outcome.verdict is not Verdict.PASSED:
        kind = "failure" if outcome.verdict is Verdict.FAILED else "error"
        ET.SubElement(gate, kind, type=str(outcome.verdict), message=_clean(outcome.message))
    for row in outcome.rows:
        case = ET.SubElement(suite, "testcase", classname=_clean(outcome.source), name=_clean(row.name))
        if outcome.verdict is Verdict.FAILED and row.loss > 0:
            failure = ET.SubElement(case, "failure", type="Lost", message=_clean(tally(outcome, row)))
            if row.answers is not None:
                said = row.answers
                failure.text = _clean(f"stable: {said.stable}\ncanary: {said.canary}\nbecause: {said.reason}")
        else:
            ET.SubElement(case, "system-out").text = _clean(tally(outcome, row))
    for name in ("failure", "error"):
        suite.set(f"{name}s", str(sum(case.find(name) is not None for case in suite)))
    suite.set("tests", str(len(suite)))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _clean(text: str) -> str:
    """A text without the characters that XML has no way to hold."""
    return _NO_XML.sub("?", text)


FORMATS: Final[Mapping[str, Callable[[Outcome], str]]] = {".xml": as_junit, ".json": as_json, ".md": markdown}


def check_names(names: list[str]) -> None:
    """Refuse a file whose ending says no format, or whose folder is not there, before anything is asked."""
    for name in names:
        path = Path(name)
        if path.suffix not in FORMATS:
            raise Unusable(f"--output: found {name!r}, allowed are names that end in {', '.join(FORMATS)}")
        if not path.parent.is_dir():
            raise Unusable(f"--output: found {name!r}, allowed is a file in a folder that is there")


def write(outcome: Outcome, names: list[str]) -> None:
    """Write every file; raises Unusable with what went wrong."""
    for name in names:
        path = Path(name)
        try:
            path.write_text(FORMATS[path.suffix](outcome), encoding="utf-8")
        except OSError as e:
            raise Unusable(f"--output: {name}: cannot be written: {e.strerror or e}") from e
