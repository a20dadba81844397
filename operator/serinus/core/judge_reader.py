"""The judges, the embeddings endpoint and the labelled answers of a ProbeSet's spec. It asks nobody."""

from collections.abc import Mapping, Sequence
from typing import Any

from serinus.core.fields import Fields
from serinus.core.findings import Findings, Place
from serinus.core.judge import EMBEDDED, JUDGED, Judging, parse_judging
from serinus.core.judge_labels import read_labels
from serinus.core.model import InvalidSpec
from serinus.core.probe import Probe, flat
from serinus.core.tree import Node


def read_judging(findings: Findings, spec: Mapping[str, Any], labelled: Mapping[str, str]) -> Judging:
    """Read what judges the answers; `labelled` are the files of `calibration`. Problems go to the findings."""
    try:
        judges, embeddings = parse_judging(Fields(spec, "spec"))
    except InvalidSpec as e:
        findings.problem(Place(Node(0, None), e.path), e.message)
        return Judging()
    calibration = Place(Node(0, None), "spec.calibration")
    if not spec.get("calibration"):
        return Judging(judges=judges, embeddings=embeddings)
    if not judges:
        findings.note(calibration, "calibration is ignored: there are no judges")
        return Judging(embeddings=embeddings)
    return Judging(judges=judges, embeddings=embeddings, labels=read_labels(findings, labelled))


def check_judged(findings: Findings, judging: Judging, probes: Sequence[Probe]) -> None:
    """Every assertion that needs somebody else's opinion has somebody to ask."""
    needs = ((JUDGED, bool(judging.judges), "judges"), (EMBEDDED, judging.embeddings is not None, "embeddings"))
    for types, there, field in needs:
        found = [a for probe in probes for a in flat(probe.assertions) if a.type in types]
        for assertion in [] if there else list(dict.fromkeys(found)):
            place = Place(Node(assertion.origin.line, None), "assert", assertion.origin.file)
            findings.problem(place, f"found {assertion.type!r}, which needs spec.{field}; allowed is to name them")
        if there and not found:
            findings.note(Place(Node(0, None), f"spec.{field}"), f"{field} are not needed: no assertion asks them")
