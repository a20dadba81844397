"""The cache of programs: keys, errors, and what two processes or an interruption do to it."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import binaries, cache, gobuild, recipes
from tests.cluster.progress import StepError
from tests.cluster.recipes import RECIPES, GoProgram

REPOSITORY = Path(__file__).parents[2]

PUBLISHER = """
import sys, time
from pathlib import Path
from tests.cluster import cache

def build(folder):
    with Path(sys.argv[2]).open("a") as log:
        log.write("built\\n")
    deadline = time.monotonic() + 20
    while not Path(sys.argv[3]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    (folder / "result").write_text("whole")

print((cache.publish(Path(sys.argv[1]), build) / "result").read_text())
"""


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SERINUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fake_go(folder: Path, version: str) -> None:
    script = folder / "go"
    script.write_text(f"#!/bin/sh\necho {version}\n")
    script.chmod(0o755)


def succeed(folder: Path) -> None:
    (folder / "all").write_text("all")


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SERINUS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.root() == Path.home() / ".cache" / "serinus"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache.root() == Path("/x/serinus")
    monkeypatch.setenv("SERINUS_CACHE", "/y")
    assert cache.root() == Path("/y")


def test_an_unknown_program_is_refused_with_the_known_names(own_cache: Path) -> None:
    with pytest.raises(StepError, match=r"unknown program 'kubctl'; known: .*kubectl"):
        binaries.ensure("kubctl")


def test_a_machine_without_go_is_told_which_go_is_needed(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StepError, match=r"^pause: Go >= 1\.25 is needed to build it; no `go` on PATH \(see .*\)$"):
        binaries.ensure("pause")


@pytest.mark.parametrize(("version", "fits"), [("go1.25.9", True), ("go2.0", True), ("go1.24.9", False), ("", False)])
def test_gos_version_is_compared_as_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, fits: bool
) -> None:
    fake_go(tmp_path, version)
    monkeypatch.setenv("PATH", str(tmp_path))
    if fits:
        gobuild.require_go("kube", (1, 25))
    else:
        with pytest.raises(StepError, match=r"kube: Go >= 1\.25 is needed to build it; `go` on PATH is"):
            gobuild.require_go("kube", (1, 25))


def test_a_changed_row_or_source_changes_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = RECIPES["pause"]
    assert isinstance(program, GoProgram)
    assert recipes.key(program) == recipes.key(program)
    assert recipes.key(replace(program, ldflags="-X main.a=b")) != recipes.key(program)
    (tmp_path / "pause").mkdir()
    for path in (recipes.SOURCES / "pause").iterdir():
        (tmp_path / "pause" / path.name).write_bytes(path.read_bytes())
    before = recipes.key(program)
    monkeypatch.setattr(recipes, "SOURCES", tmp_path)
    assert recipes.key(program) == before
    (tmp_path / "pause" / "main.go").write_text("package main\n")
    assert recipes.key(program) != before


def test_programs_of_one_wheel_share_a_folder_and_others_do_not() -> None:
    assert binaries.location(RECIPES["kubectl"]) == binaries.location(RECIPES["helm"])
    folders = {binaries.location(recipe) for recipe in RECIPES.values()}
    assert len(folders) == len(RECIPES) - 1


def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(own_cache: Path) -> None:
    target = own_cache / "bin" / "thing-1"

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise StepError("no")

    with pytest.raises(StepError):
        cache.publish(target, fail)
    assert list(target.parent.iterdir()) == []
    assert cache.publish(target, succeed) == target
    assert [path.name for path in target.iterdir()] == ["all"]


def test_what_an_interrupted_build_left_is_removed_by_the_next(own_cache: Path) -> None:
    target = own_cache / "bin" / "thing-1"
    leftover = target.parent / "thing-1.12345.partial"
    leftover.mkdir(parents=True)
    (leftover / "half").write_text("half")
    cache.publish(target, succeed)
    assert [path.name for path in target.parent.iterdir()] == ["thing-1"]


def test_two_processes_that_ask_at_once_build_once(own_cache: Path, tmp_path: Path) -> None:
    target, log, go_on = own_cache / "bin" / "thing-1", tmp_path / "log", tmp_path / "go-on"
    command = [sys.executable, "-c", PUBLISHER, str(target), str(log), str(go_on)]
    askers = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    deadline = time.monotonic() + 20
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    go_on.touch()
    answers = [asker.communicate(timeout=30)[0].strip() for asker in askers]
    assert answers == ["whole", "whole"]
    assert log.read_text() == "built\n"


def test_a_program_is_built_once_and_found_quickly_afterwards(own_cache: Path) -> None:
    path = binaries.ensure("pause")
    built = path.stat().st_mtime_ns
    before = time.process_time()
    assert binaries.ensure("pause") == path
    assert time.process_time() - before < 0.1
    assert path.stat().st_mtime_ns == built
    assert path.read_bytes()[:4] == b"\x7fELF"
