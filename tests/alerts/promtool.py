"""Runs promtool on rules and unit tests that exist as data. It owns the files that promtool wants, and no rule."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from serinus.core.model import Manifest
from tests.cluster.binaries import ensure

Data = dict[str, Any]


def check(rules: Manifest, folder: Path) -> str:
    """Ask `promtool check rules`, with its lints; return what it complains of, or nothing."""
    path = _write(rules, folder)
    return _run("check", "rules", "--lint=all", "--lint-fatal", str(path))


def test(rules: Manifest, tests: list[Data], folder: Path, **options: str) -> str:
    """Ask `promtool test rules`, evaluating every minute or as `interval` says; return what it complains of."""
    unit = folder / "test.yaml"
    order = [group["name"] for group in rules["spec"]["groups"]]
    data = {
        "rule_files": [str(_write(rules, folder))],
        "evaluation_interval": options.get("interval", "1m"),
        "group_eval_order": order,
        "fuzzy_compare": True,
        "tests": tests,
    }
    unit.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return _run("test", "rules", str(unit))


test.__test__ = False  # type: ignore[attr-defined] # its name is promtool's word for it


def _write(rules: Manifest, folder: Path) -> Path:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": rules["spec"]["groups"]}, sort_keys=False), encoding="utf-8")
    return path


def _run(*arguments: str) -> str:
    done = subprocess.run([ensure("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=120)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""
