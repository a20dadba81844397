"""A resolved ProbeSet as canonical JSON: what the operator stores and the probe Job reads. It judges no content.

The digest is that of the text itself, so whatever can change a score changes the digest, and the reader can check it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from serinus.core import judge
from serinus.core.probe import SCORING, Api, Assertion, Json, Probe, ProbeSet, Request

_FORMAT: Final = 1
_DEFAULTS: Final = tuple((f.name, f.default) for f in dataclasses.fields(Assertion) if f.name != "origin")
_TRANSFORM: Final = ("transform", "transform_module")


class UnreadableProbes(Exception):
    """The text is not a resolved ProbeSet of this version."""


def to_json(probe_set: ProbeSet) -> str:
    """Write probes, request and judges; the same ones give the same bytes. What repeats stands once."""
    prompts: dict[str, int] = {}
    assertions: dict[str, int] = {}
    body = {
        "format": _FORMAT,
        "scoring": SCORING,
        "request": _request(probe_set.request),
        "probes": [_probe(p, prompts, assertions) for p in probe_set.probes],
        "prompts": list(prompts),
        "assertions": [json.loads(a) for a in assertions],
    }
    judging = judge.to_plain(probe_set.judging)
    if judging:  # a ProbeSet without judges keeps its digest
        body["judging"] = judging
    return _canonical(body) + "\n"


def _request(request: Request) -> dict[str, Json]:
    """A request without the fields that came later, where they have their defaults: old digests stay."""
    found = dataclasses.asdict(request)
    if not request.stream:
        del found["stream"]
    return found


def digest_of(text: str) -> str:
    """The digest of a resolved text, `sha256:…`."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def with_digest(probe_set: ProbeSet) -> ProbeSet:
    """The same ProbeSet with the digest of its content."""
    return dataclasses.replace(probe_set, digest=digest_of(to_json(probe_set)))


def from_json(text: str) -> ProbeSet:
    """Read what `to_json` wrote, with its digest; raises UnreadableProbes that says what is wrong."""
    try:
        body = json.loads(text)
        if body["format"] != _FORMAT or body["scoring"] != SCORING:
            raise UnreadableProbes(
                f"found format {body['format']!r} with scoring {body['scoring']!r}, allowed are {_FORMAT} and {SCORING}"
            )
        assertions = [_assertion_of(a) for a in body["assertions"]]
        probes = tuple(_build(p, body["prompts"], assertions) for p in body["probes"])
        request = Request(**{**body["request"], "api": Api(body["request"]["api"])})
        judging = judge.from_plain(body.get("judging") or {})
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as e:
        raise UnreadableProbes(f"not a resolved ProbeSet: {type(e).__name__}: {e}") from e
    return ProbeSet(probes=probes, request=request, judging=judging, digest=digest_of(text))


def _probe(probe: Probe, prompts: dict[str, int], assertions: dict[str, int]) -> dict[str, Any]:
    fields = {name: getattr(probe, name) for name in ("id", "variables", "threshold", "weight", "critical", "metadata")}
    fields |= {name: getattr(probe, name) for name in _TRANSFORM if getattr(probe, name)}
    fields["prompt"] = _intern(prompts, probe.prompt)
    fields["assertions"] = [_intern(assertions, _canonical(_assertion(a))) for a in probe.assertions]
    return fields


def _assertion(assertion: Assertion) -> dict[str, Json]:
    """The fields that differ from their defaults; most assertions have but two."""
    changed: dict[str, Json] = {}
    for name, default in _DEFAULTS:
        value = getattr(assertion, name)
        if value is not default and (value != default or type(value) is not type(default)):
            changed[name] = value
    if assertion.children:
        changed["children"] = [_assertion(a) for a in assertion.children]
    return changed


def _assertion_of(raw: Mapping[str, Any]) -> Assertion:
    children = tuple(_assertion_of(a) for a in raw.get("children", ()))
    return Assertion(**{**raw, "children": children})


def _intern(table: dict[str, int], text: str) -> int:
    return table.setdefault(text, len(table))


def _build(raw: Mapping[str, Any], prompts: list[str], assertions: list[Assertion]) -> Probe:
    return Probe(
        id=raw["id"],
        prompt=prompts[raw["prompt"]],
        assertions=tuple(assertions[i] for i in raw["assertions"]),
        **{name: raw[name] for name in ("variables", "threshold", "weight", "critical", "metadata")},
        **{name: raw[name] for name in _TRANSFORM if name in raw},
    )


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
