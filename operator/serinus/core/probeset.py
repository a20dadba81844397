"""A ProbeSet's spec and files into probes, or into all that is wrong with them. It renders and scores nothing."""

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from serinus.core.fields import Fields
from serinus.core.findings import Findings, Place
from serinus.core.judge_reader import check_judged, read_judging
from serinus.core.model import InvalidSpec
from serinus.core.probe import (
    MAX_CRITICAL,
    MAX_ID_BYTES,
    MAX_INLINE_BYTES,
    MAX_RESOLVED_BYTES,
    MAX_SOURCE_BYTES,
    MAX_WEIGHTED,
    Api,
    Probe,
    ProbeSet,
    Request,
)
from serinus.core.probejson import digest_of, to_json
from serinus.core.promptfoo import Keys, Suite, read_suite, refuse_keys, split_config
from serinus.core.prompts import read_prompts
from serinus.core.rows import ROW_PROMPT
from serinus.core.sources import Sources
from serinus.core.test_lists import CSV, LINES, read_file, read_tests
from serinus.core.tree import Node, UnreadableDocument, from_plain

_SPEC_KEYS: Final = (
    *("format", "source", "prompts", "defaultTest", "request"),
    *("judges", "embeddings", "calibration"),
)
_FORMATS: Final = ("promptfoo", "csv", "jsonl")
_MAIN_FILES: Final = tuple(
    f"{n}.{e}" for n in ("promptfooconfig", "tests", "probes") for e in ("yaml", "yml", "json", "csv", "jsonl")
)
_HASH_LENGTH: Final = 8
_NO_FILES: Final[Mapping[str, str]] = {}
_UNPRINTABLE: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\ud800-\udfff\ufeff]+")


def parse_probe_set(
    spec: Mapping[str, Any], files: Mapping[str, str], labelled: Mapping[str, str] = _NO_FILES
) -> ProbeSet:
    """Parse the spec of a ProbeSet; `files` are the keys of its ConfigMap, empty for an inline source.

    `labelled` are the keys of the ConfigMap of `calibration`.

    Never raises for what a user wrote: with problems there are no probes, no digest, and each problem has its place.
    """
    return resolve_probe_set(spec, files, labelled)[0]


def resolve_probe_set(
    spec: Mapping[str, Any], files: Mapping[str, str], labelled: Mapping[str, str], *, python: bool = True
) -> tuple[ProbeSet, str]:
    """Parse as `parse_probe_set` does; the second value is the resolved text, empty where there are problems.

    `python` False: the cluster refuses Python, so scripts in it are problems too.
    """
    findings = Findings()
    root = Place(_as_tree(findings, spec), "spec")
    refuse_keys(Sources({}, findings), root, Keys(allowed=_SPEC_KEYS))
    request = _request(findings, spec)
    probes: tuple[Probe, ...] = ()
    found = _main_file(findings, root, files)
    if found is not None:
        probes = _unique(_probes(Sources(files, findings, python=python), root, *found))
        _check_totals(findings, probes)
    judging = read_judging(findings, spec, labelled)
    check_judged(findings, judging, probes)
    if not probes and not findings.problems:
        findings.problem(root.at("source"), "found no probes, allowed is at least one")
    if findings.problems:
        return ProbeSet(request=request, problems=findings.problems, notes=findings.notes), ""
    found_set = ProbeSet(probes=probes, request=request, judging=judging, notes=findings.notes)
    text = to_json(found_set)
    if len(text) > MAX_RESOLVED_BYTES:
        message = f"found {len(text)} bytes of probes with their files and variables, allowed are {MAX_RESOLVED_BYTES}"
        findings.problem(root.at("source"), message)
        return ProbeSet(request=request, problems=findings.problems, notes=findings.notes), ""
    return dataclasses.replace(found_set, digest=digest_of(text)), text


def _as_tree(findings: Findings, spec: Mapping[str, Any]) -> Node:
    try:
        return from_plain(spec)
    except UnreadableDocument as e:
        findings.problem(Place(Node(0, None), "spec"), e.message)
        return Node(0, {})


def _request(findings: Findings, spec: Mapping[str, Any]) -> Request:
    try:
        fields = Fields(spec.get("request") or {}, "spec.request")
        return Request(
            temperature=_temperature(fields),
            max_tokens=fields.integer("maxTokens", 512, low=1, high=32_768),
            timeout=_timeout(fields),
            concurrency=fields.integer("concurrency", 16, low=1, high=256),
            api=fields.one_of("api", Api, Api.CHAT),
            stream=fields.boolean("stream", default=False),
        )
    except InvalidSpec as e:
        findings.problem(Place(Node(0, None), e.path), e.message)
        return Request()


def _temperature(fields: Fields) -> float:
    value = fields.raw.get("temperature", 0.7)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 2:
        raise InvalidSpec(fields.at("temperature"), f"found {value!r}, allowed is a number from 0 to 2")
    return float(value)


def _timeout(fields: Fields) -> int:
    seconds = fields.seconds("timeout", "60s")
    if not 1 <= seconds <= 600:
        raise InvalidSpec(fields.at("timeout"), f"found {seconds} s, allowed is a duration from 1s to 10m")
    return seconds


def _main_file(findings: Findings, root: Place, files: Mapping[str, str]) -> tuple[str, str] | None:
    """Name (empty when inline) and text of the file that the probes begin in."""
    source = root.at("source")
    inline = source.node.get("inline")
    size = sum(len(k.encode("utf-8", "replace")) + len(v.encode("utf-8", "replace")) for k, v in files.items())
    if inline is not None:
        if not inline.is_text or len(inline.value.encode("utf-8", "replace")) > MAX_INLINE_BYTES:
            message = f"found {inline.kind()}, allowed is a text of at most {MAX_INLINE_BYTES} bytes"
            findings.problem(source.at("inline"), message)
            return None
        return "", inline.value
    if not source.present("configMapRef"):
        findings.problem(source, "found no source, allowed are inline and configMapRef")
        return None
    if size > MAX_SOURCE_BYTES:
        findings.problem(source, f"found {size} bytes, allowed are {MAX_SOURCE_BYTES}")
        return None
    wanted = source.at("configMapRef").node.get("key")
    names = [str(wanted.value)] if wanted is not None else [n for n in _MAIN_FILES if n in files] or list(files)
    if names[:1] and names[0] in files and (wanted is not None or len(files) == 1 or names[0] in _MAIN_FILES):
        return names[0], files[names[0]]
    known, allowed = ", ".join(sorted(files)[:20]) or "none", ", ".join(_MAIN_FILES)
    findings.problem(
        source.at("configMapRef"), f"found the keys {known}; allowed are a single key, or one of {allowed}"
    )
    return None


def _probes(sources: Sources, root: Place, name: str, text: str) -> tuple[Probe, ...]:
    kind = root.at("format").node.value or "promptfoo"
    if kind not in _FORMATS:
        sources.findings.problem(root.at("format"), f"found {kind!r}, allowed are {', '.join(_FORMATS)}")
        return ()
    prompts: Place | None = None
    default: Place | None = None
    rows = kind == "jsonl"
    if rows or kind == "csv" or name.endswith((CSV, LINES)):
        tests = read_file(sources, text, name if rows or name.endswith((CSV, LINES)) else f"{name}{CSV}", rows=rows)
    else:
        tree = sources.tree(text, name)
        if tree is None:
            return ()
        prompts, listed, default = split_config(sources, tree)
        tests = read_tests(sources, listed)
    if not tests and not sources.findings.problems:
        sources.findings.problem(Place(Node(1, None), "tests", name), "found no tests, allowed is at least one")
    return read_suite(
        sources,
        Suite(
            prompts=(ROW_PROMPT,) if rows and not root.at("prompts").node.value else _prompts(sources, root, prompts),
            default=_default(sources, root, default),
            tests=tests,
        ),
    )


def _prompts(sources: Sources, root: Place, of_file: Place | None) -> tuple[str, ...]:
    own = root.at("prompts")
    if of_file is not None and root.present("prompts"):
        sources.findings.note(own, "prompts are ignored: the file has its own")
    where = of_file or own
    if not where.node.value:
        sources.findings.problem(
            own, 'found no prompts, in the file neither; allowed is a list such as ["{{question}}"]'
        )
        return ()
    return read_prompts(sources, where)


def _default(sources: Sources, root: Place, of_file: Place | None) -> Place:
    own = root.at("defaultTest")
    if of_file is not None and own.node.value:
        sources.findings.problem(own, "found in the ProbeSet and in its file, allowed is one of them")
    return of_file or own


def _check_totals(findings: Findings, probes: tuple[Probe, ...]) -> None:
    critical = [p for p in probes if p.critical]
    if len(critical) > MAX_CRITICAL:
        where = Place(Node(critical[MAX_CRITICAL].origin.line, None), "critical", critical[MAX_CRITICAL].origin.file)
        findings.problem(where, f"found {len(critical)} critical probes, allowed are {MAX_CRITICAL}")
    weighted = sum(p.weight for p in probes)
    if weighted > MAX_WEIGHTED:
        findings.problem(
            Place(Node(0, None), "spec.source"), f"found {weighted} weighted probes, allowed are {MAX_WEIGHTED}"
        )


def _unique(probes: Iterable[Probe]) -> tuple[Probe, ...]:
    """Ids that are printable, at most 64 bytes and different from each other; the same source gives the same ids."""
    taken: set[str] = set()
    named: list[Probe] = []
    counts: dict[str, int] = {}
    for probe in probes:
        base = _bounded(_UNPRINTABLE.sub(" ", probe.id).strip().replace('"', "'").replace("\\", "/") or "test")
        name = base
        while name in taken:
            counts[base] = counts.get(base, 1) + 1
            name = _bounded(f"{_bounded(base, MAX_ID_BYTES - 6)}-{counts[base]}")
        taken.add(name)
        named.append(probe if name == probe.id else dataclasses.replace(probe, id=name))
    return tuple(named)


def _bounded(text: str, limit: int = MAX_ID_BYTES) -> str:
    raw = text.encode()
    if len(raw) <= limit:
        return text
    digest = hashlib.sha256(raw).hexdigest()[:_HASH_LENGTH]
    return f"{raw[: limit - _HASH_LENGTH - 1].decode(errors='ignore').rstrip()}-{digest}"
