"""Patterns that are compiled late: each of them is valid, and none is compiled before it is used."""

import importlib
import pkgutil
import re

import pytest

from serinus import core, probes
from serinus.core import lazy as lazy_module
from serinus.core.lazy import lazy
from serinus.probes import scorers
from serinus.probes.scorers.refusal import LANGUAGES


def _patterns() -> dict[str, re.Pattern[str]]:
    """Every lazy pattern at the top of a module, those of shapes and of languages with them."""
    found: dict[str, re.Pattern[str]] = {}
    late = type(lazy(""))
    for package in (core, probes, scorers):
        for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(info.name)).items():
                entries = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
                for number, entry in enumerate(entries):
                    pattern = entry if isinstance(entry, late) else getattr(entry, "pattern", None)
                    if isinstance(pattern, late):
                        found[f"{info.name}.{name}[{number}]"] = pattern
    return found


def test_every_late_pattern_is_valid() -> None:
    found = _patterns()
    for name, pattern in found.items():
        assert pattern.groups >= 0, name
    assert len(found) > 100
    assert sum("refusal_" in name for name in found) >= len(LANGUAGES)


def test_pattern_is_compiled_at_its_first_use_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def count(source: str, flags: int) -> re.Pattern[str]:
        compiled.append(source)
        return re.compile(source, flags)

    monkeypatch.setattr(lazy_module, "re", type("Counted", (), {"compile": staticmethod(count)}))
    pattern = lazy("A+", re.IGNORECASE)
    assert compiled == []
    found = pattern.search("baa")
    assert found is not None
    assert found[0] == "aa"
    assert pattern.match("b") is None
    assert pattern.sub("x", "caat") == "cxt"
    assert (pattern.pattern, pattern.groups, compiled) == ("A+", 0, ["A+"])


def test_invalid_pattern_fails_when_it_is_used() -> None:
    pattern = lazy("(")
    with pytest.raises(re.error):
        pattern.search("x")


def test_pattern_has_nothing_that_patterns_do_not_have() -> None:
    with pytest.raises(AttributeError):
        lazy("x").sing()  # type: ignore[attr-defined]
