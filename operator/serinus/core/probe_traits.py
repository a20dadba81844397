"""What a test's `metadata` says to the gate: critical, weight, tags, own assertions. The rest is kept as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from serinus.core.assertion_reader import read_assertions
from serinus.core.findings import Place
from serinus.core.probe import MAX_WEIGHT, Assertion
from serinus.core.sources import Sources

_GATE: Final = "gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The metadata of a test, with what the gate reads from it."""

    critical: bool
    weight: int
    assertions: tuple[Assertion, ...]
    metadata: Mapping[str, Any]


def read_traits(sources: Sources, test: Place, default: Place) -> Traits:
    """Read the metadata of a test over that of defaultTest, key by key as promptfoo merges them."""
    places = {**_fields(sources, default.at("metadata")), **_fields(sources, test.at("metadata"))}
    return Traits(
        critical=_critical(sources, places.get("critical")),
        weight=_weight(sources, places.get("weight")),
        assertions=_assertions(sources, places.get(_GATE)),
        metadata={name: p.node.plain() for name, p in _checked_tags(sources, places).items() if name != _GATE},
    )


def _fields(sources: Sources, where: Place) -> dict[str, Place]:
    if where.node.value is not None and not isinstance(where.node.value, dict):
        sources.findings.problem(where, f"found {where.node.kind()}, allowed is a mapping")
    return {name: where.at(name) for name in where.node.fields}


def _critical(sources: Sources, where: Place | None) -> bool:
    if where is None or where.node.value is None:
        return False
    if not isinstance(where.node.value, bool):
        sources.findings.problem(where, f"found {where.node.shown()}, allowed are true and false")
    return where.node.value is True


def _weight(sources: Sources, where: Place | None) -> int:
    value = 1 if where is None or where.node.value is None else where.node.value
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_WEIGHT:
        if where is not None:
            sources.findings.problem(where, f"found {where.node.shown()}, allowed is an integer from 1 to {MAX_WEIGHT}")
        return 1
    return value


def _checked_tags(sources: Sources, places: dict[str, Place]) -> dict[str, Place]:
    where = places.get("tags")
    if where is not None and where.node.value is not None:
        entries = where.node.plain()
        if not isinstance(entries, list) or not all(isinstance(e, str) for e in entries):
            sources.findings.problem(where, f"found {where.node.shown()}, allowed is a list of texts")
    return places


def _assertions(sources: Sources, where: Place | None) -> tuple[Assertion, ...]:
    if where is None or where.node.value is None:
        return ()
    if not isinstance(where.node.value, dict):
        sources.findings.problem(where, f"found {where.node.kind()}, allowed is a mapping with assert")
    for key in where.node.fields:
        if key != "assert":
            sources.findings.problem(where.at(key), f"found {key!r}, allowed is assert")
    return read_assertions(sources, where.at("assert"))
