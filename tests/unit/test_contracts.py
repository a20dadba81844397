"""Owns the proof that the contracts of architecture hold, and that each of them can fail.

It must not repeat a contract: pyproject.toml has them, and every one of them needs an offence here.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = {contract["id"]: contract["name"] for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
BANNED = PYPROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
PURE = ("core/x.py", "resources/x.py", "plan.py", "probes/assertions.py")
IMPURE = ("shell/x.py", "cli/x.py", "probes/x.py")
PURE_CALLS = {"open", "input", "eval", "exec", "__import__", "breakpoint"}


@dataclass(frozen=True)
class Offence:
    """An import that a contract forbids: where it is written, and the line."""

    contract: str
    module: str
    line: str


OFFENCES = (
    Offence("layers", "core/offence.py", "import serinus.plan"),
    Offence("layers", "core/offence.py", "import serinus.resources"),
    Offence("layers", "resources/offence.py", "import serinus.plan"),
    Offence("layers", "resources/offence.py", "import serinus.shell"),
    Offence("layers", "shell/offence.py", "import serinus.cli"),
    Offence("probe-layers", "core/offence.py", "import serinus.probes"),
    Offence("probe-layers", "probes/offence.py", "import serinus.cli"),
    Offence("probes-alone", "probes/offence.py", "import serinus.resources"),
    Offence("probes-alone", "probes/offence.py", "import kubernetes"),
    Offence("probes-shell", "probes/offence.py", "import serinus.shell"),
    Offence("probes-shell", "shell/offence.py", "import serinus.probes"),
    *(
        Offence("pure-core", module, f"import {name}")
        for name in ("aiohttp", "asyncio", "kopf", "kubernetes", "os", "random", "requests", "time")
        for module in ("core/offence.py", "resources/offence.py")
    ),
    Offence("pure-core", "plan.py", "import os"),
    Offence("pure-core", "plan.py", "import time"),
    Offence("loop-does-not-block", "shell/offence.py", "import requests"),
    Offence("one-client", "shell/offence.py", "import kubernetes_asyncio"),
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what import-linter reads, so that it can be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(
        ROOT / "operator", tmp_path / "operator", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    return tmp_path


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy of the tree, never on the installed package."""
    program = Path(sys.executable).parent / "lint-imports"
    environment = os.environ | {"PYTHONPATH": str(tree / "operator"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [program, "--no-cache"], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def verdicts(output: str) -> dict[str, str]:
    """Return KEPT or BROKEN for the id of every contract that import-linter reports."""
    said = dict(re.findall(r"^(.+) (KEPT|BROKEN)$", output, re.MULTILINE))
    return {key: said[name] for key, name in CONTRACTS.items() if name in said}


def test_every_contract_is_kept(tree: Path) -> None:
    linted = lint_imports(tree)
    assert verdicts(linted.stdout) == dict.fromkeys(CONTRACTS, "KEPT"), linted.stdout + linted.stderr
    assert linted.returncode == 0


def test_every_pure_module_that_is_there_stands_in_the_contract() -> None:
    impure = {"__init__", "__main__", "cli", "probes", "shell", "runtimes"}
    package = ROOT / "operator" / "serinus"
    found = (path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())
    pure = {f"serinus.{name}" for name in found if name not in impure and not name.startswith("__")}
    contracts = PYPROJECT["tool"]["importlinter"]["contracts"]
    named = next(set(contract["source_modules"]) for contract in contracts if contract["id"] == "pure-core")
    assert named == pure | {"serinus.probes.assertions"}


def test_every_contract_has_an_offence_that_breaks_it() -> None:
    assert {offence.contract for offence in OFFENCES} == set(CONTRACTS)


@pytest.mark.parametrize("offence", OFFENCES, ids=lambda o: f"{o.contract}-{o.module}-{o.line.split()[-1]}")
def test_contract_breaks_on_a_forbidden_import(tree: Path, offence: Offence) -> None:
    module = tree / "operator" / "serinus" / offence.module
    before = module.read_text() if module.exists() else ""
    module.write_text(f"{before}\n{offence.line}\n")
    linted = lint_imports(tree)
    assert verdicts(linted.stdout).get(offence.contract) == "BROKEN", linted.stdout + linted.stderr
    assert linted.returncode == 1


def banned(where: str, name: str) -> bool:
    """Return whether ruff refuses the use of an API in a file of that place."""
    module, _, attribute = name.rpartition(".")
    code = f"import {module or name}\n\nX = {module}.{attribute}\n" if module else f"import {name}\n"
    command = [sys.executable, "-m", "ruff", "check", "--select", "TID251", "--no-cache", "--stdin-filename"]
    linted = subprocess.run(
        [*command, f"operator/serinus/{where}", "-"], cwd=ROOT, input=code, capture_output=True, text=True, check=False
    )
    return linted.returncode == 1 and "TID251" in linted.stdout


@pytest.mark.parametrize("name", [name for name in BANNED if name != "kubernetes_asyncio"])
def test_clock_and_randomness_are_banned_in_the_pure_core_only(name: str) -> None:
    assert {where: banned(where, name) for where in (*PURE, *IMPURE)} == {
        **dict.fromkeys(PURE, True),
        **dict.fromkeys(IMPURE, False),
    }


def impure_calls(source: str) -> Iterator[str]:
    """Yield the names of built-in functions with effects that a module calls."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in PURE_CALLS:
            yield node.func.id


def test_pure_core_opens_no_file_and_runs_no_text() -> None:
    package = ROOT / "operator" / "serinus"
    files = [*package.glob("core/**/*.py"), *package.glob("resources/**/*.py"), package / "plan.py"]
    found = {str(path): list(impure_calls(path.read_text())) for path in files if path.exists()}
    assert found
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_a_call_with_effects_is_found() -> None:
    assert set(impure_calls("def read(path):\n    return open(path).read() + eval('1')\n")) == {"open", "eval"}
