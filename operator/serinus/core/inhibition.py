"""Which alerts explain which others, as data (`alert-rules/routing/inhibitions.yaml`), parsed and checked.

It owns the meaning of that file. It knows nothing of any one service, nor of how Alertmanager writes a rule.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from serinus.core.datafile import only, reading, texts
from serinus.core.fields import Fields
from serinus.core.model import InvalidSpec

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
SERVICE_LABELS: Final = ("namespace", "llmservice")
"""On these every cause and its symptoms agree: no service silences another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While `cause` fires nobody is told of `symptoms` that agree with it on the labels `equal`."""

    cause: str
    symptoms: tuple[str, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibitions:
    """The whole file. `independent`: alerts that are told whatever else fires."""

    rules: tuple[Inhibition, ...] = ()
    independent: tuple[str, ...] = ()

    def named(self) -> frozenset[str]:
        """Every alert that the file names."""
        return frozenset(name for r in self.rules for name in (r.cause, *r.symptoms)) | frozenset(self.independent)


def parse_inhibitions(data: object, file: str, alerts: Iterable[str]) -> Inhibitions:
    """Parse the file; `alerts`: names of the catalogue, which are all that it may name. Raises InvalidCatalogue."""
    known = frozenset(alerts)
    return reading(file, lambda: _whole(Fields(data, ""), known))


def _whole(fields: Fields, known: frozenset[str]) -> Inhibitions:
    only(fields, "inhibitions", "independent")
    rules = tuple(_rule(item, known) for item in fields.items("inhibitions"))
    independent = _names(fields, "independent", known)
    for rule in rules:
        if both := sorted(set(rule.symptoms) & set(independent)):
            raise InvalidSpec(fields.at("independent"), f"found {both[0]!r}, which is a symptom of {rule.cause}")
    return Inhibitions(rules=rules, independent=independent)


def _rule(fields: Fields, known: frozenset[str]) -> Inhibition:
    only(fields, "cause", "symptoms", "equal")
    cause, symptoms = fields.text("cause"), _names(fields, "symptoms", known)
    _known(cause, known, fields.at("cause"))
    if not symptoms or cause in symptoms:
        raise InvalidSpec(fields.at("symptoms"), f"found {list(symptoms)}, allowed are other alerts, at least one")
    equal = texts(fields, "equal")
    if not set(SERVICE_LABELS) <= set(equal) or not all(_LABEL.fullmatch(label) for label in equal):
        allowed = f"are labels, {' and '.join(SERVICE_LABELS)} among them"
        raise InvalidSpec(fields.at("equal"), f"found {list(equal)}, allowed {allowed}")
    return Inhibition(cause=cause, symptoms=symptoms, equal=equal)


def _names(fields: Fields, key: str, known: frozenset[str]) -> tuple[str, ...]:
    found = texts(fields, key)
    for i, name in enumerate(found):
        _known(name, known, f"{fields.at(key)}[{i}]")
    if len(found) != len(set(found)):
        raise InvalidSpec(fields.at(key), f"found {list(found)}, allowed is each once")
    return found


def _known(name: str, known: frozenset[str], path: str) -> None:
    if name not in known:
        raise InvalidSpec(path, f"found {name!r}, allowed are alerts of the catalogue: {', '.join(sorted(known))}")
