"""Answers that must fail, read from their data file. They measure how easily a judge is talked into a verdict."""

from dataclasses import dataclass

from serinus.core.datafile import only, reading
from serinus.core.fields import Fields
from serinus.core.judge import Label
from serinus.core.model import InvalidSpec
from serinus.core.tree import UnreadableDocument
from serinus.core.yaml12 import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """One answer that does not meet its criterion; `tries` says in words by what it hopes to pass."""

    name: str
    language: str  # ISO 639-1, or `none`
    tries: str
    label: Label


def parse_attacks(file: str, text: str) -> tuple[Attack, ...]:
    """Read the data file; raises InvalidCatalogue that names it."""
    return reading(file, lambda: _parse(text))


def _parse(text: str) -> tuple[Attack, ...]:
    try:
        root = Fields(read_yaml(text).plain(), "")
    except UnreadableDocument as e:
        raise InvalidSpec("", str(e)) from e
    only(root, "criteria", "attacks")
    criteria = root.strings("criteria")
    found = tuple(_attack(fields, criteria) for fields in root.items("attacks"))
    names = [attack.name for attack in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InvalidSpec("attacks", f"found the name {twice!r} twice, allowed is a name for each")
    return found


def _attack(fields: Fields, criteria: dict[str, str]) -> Attack:
    only(fields, "name", "language", "criterion", "tries", "answer")
    key = fields.text("criterion")
    if key not in criteria:
        raise InvalidSpec(fields.at("criterion"), f"found {key!r}, allowed are {', '.join(criteria)}")
    label = Label(criterion=criteria[key], answer=fields.text("answer"), good=False)
    return Attack(name=fields.text("name"), language=fields.text("language"), tries=fields.text("tries"), label=label)
