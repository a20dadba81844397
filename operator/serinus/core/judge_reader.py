"""The judges, the embeddings endpoint and the labelled answers of a ProbeSet's spec. It asks nobody."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from serinus.core import naming
from serinus.core.fields import Fields
from serinus.core.findings import Findings, Place
from serinus.core.judge import EMBEDDED, JUDGED, MAX_JUDGES, JudgeSpec, Judging
from serinus.core.judge_labels import read_labels
from serinus.core.model import InvalidSpec
from serinus.core.probe import Probe, flat
from serinus.core.tree import Node

_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def read_judging(findings: Findings, spec: Mapping[str, Any], labelled: Mapping[str, str]) -> Judging:
    """Read what judges the answers; `labelled` are the files of `calibration`. Problems go to the findings."""
    try:
        judges, embeddings = _parse(Fields(spec, "spec"))
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


def _parse(spec: Fields) -> tuple[tuple[JudgeSpec, ...], JudgeSpec | None]:
    """Read `judges` and `embeddings` of a ProbeSet's spec; raises InvalidSpec."""
    judges = tuple(_judge(fields) for fields in spec.items("judges"))
    if len(judges) not in (0, 1, 3, MAX_JUDGES):
        raise InvalidSpec(spec.at("judges"), f"found {len(judges)}, allowed are 1, 3 or 5, so that there is a majority")
    names = [judge.name for judge in judges]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InvalidSpec(spec.at("judges"), f"found the name {twice!r} twice, allowed is a name for each judge")
    if not spec.has("embeddings"):
        return judges, None
    return judges, _endpoint(spec.child("embeddings"), naming.EMBEDDINGS)


def _judge(fields: Fields) -> JudgeSpec:
    name = fields.text("name")
    if not _NAME.fullmatch(name) or name == naming.EMBEDDINGS:
        allowed = f"at most 40 small letters, digits and dashes, and not {naming.EMBEDDINGS!r}"
        raise InvalidSpec(fields.at("name"), f"found {name!r}, allowed are {allowed}")
    return _endpoint(fields, name)


def _endpoint(fields: Fields, name: str) -> JudgeSpec:
    if fields.has("serviceRef") == fields.has("endpointRef"):
        allowed = "serviceRef (a Service of this namespace) or endpointRef (a name in the operator's settings)"
        raise InvalidSpec(fields.path, f"found both or none, allowed is exactly one of {allowed}")
    service, endpoint = fields.child("serviceRef"), fields.child("endpointRef")
    secret = fields.child("secretKeyRef")
    return JudgeSpec(
        name=name,
        model=fields.text("model"),
        service=service.text("name") if fields.has("serviceRef") else "",
        port=service.integer("port", low=1, high=65535) if fields.has("serviceRef") else 0,
        endpoint=endpoint.text("name") if fields.has("endpointRef") else "",
        secret=secret.text("name") if fields.has("secretKeyRef") else "",
        key=secret.text("key") if fields.has("secretKeyRef") else "",
    )
