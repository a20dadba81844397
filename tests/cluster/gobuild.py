"""Owns how a Go program of the table is built: the Go tool's version, flags, module folders, checksums.

It must not choose where the result is kept, and sets no module proxy: the environment's own settings apply.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.cluster import cache, progress
from tests.cluster.recipes import SOURCES, GoProgram, Module, ModuleFiles


def build(program: GoProgram, folder: Path) -> None:
    """Build `program` statically into `folder/<its name>`."""
    require_go(program.name, program.go)
    source = SOURCES / program.folder if program.module is None else _module_folder(program.module)
    scratch = folder / "source"
    if program.placeholder:
        source = _with_placeholder(source, scratch, program.placeholder)
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly"]
    command += ["-tags", program.tags] if program.tags else []
    command += ["-ldflags", f"-s -w {program.ldflags}".strip()]
    command += ["-o", str(folder / program.name), program.package]
    what = f"building {program.name} ({program.expected})"
    log = folder / "build.log"
    progress.run(command, what, log, cwd=source, env=_environment())
    cache.remove_tree(scratch)
    log.unlink()


def copy_files(files: ModuleFiles, folder: Path) -> None:
    """Copy the files of a module that match the pattern into `folder`; StepError when none does."""
    require_go(files.name, (1, 25))
    found = sorted(_module_folder(files.module).glob(files.pattern))
    if not found:
        raise progress.StepError(f"{files.name}: {files.module.path} has no file {files.pattern}")
    for path in found:
        target = folder / path.name
        shutil.copyfile(path, target)
        target.chmod(0o644)


def require_go(name: str, wanted: tuple[int, int]) -> None:
    """Raise StepError, in one line, when Go is missing or older than `wanted` (major, minor)."""
    need = f"{name}: Go >= {wanted[0]}.{wanted[1]} is needed to build it"
    if shutil.which("go") is None:
        raise progress.StepError(f"{need}; no `go` on PATH (see https://go.dev/dl)")
    said = subprocess.run(
        ["go", "env", "GOVERSION"], capture_output=True, text=True, check=True, env=_environment()
    ).stdout.strip()
    match = re.match(r"go(\d+)\.(\d+)", said)
    if match is None or (int(match[1]), int(match[2])) < wanted:
        raise progress.StepError(f"{need}; `go` on PATH is {said or 'unknown'} (see https://go.dev/dl)")


def _environment() -> dict[str, str]:
    return os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}


def _module_folder(module: Module) -> Path:
    """Download a module, compare its checksum with the pin, return its folder in Go's module cache."""
    name = f"{module.path}@{module.version}"
    command = ["go", "mod", "download", "-json", name]
    process = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    try:
        answer = json.loads(process.stdout)
    except json.JSONDecodeError:
        answer = {"Error": process.stderr.strip()}
    if error := answer.get("Error"):
        raise progress.StepError(f"cannot download {name}: {error}")
    if answer["Sum"] != module.checksum:
        raise progress.StepError(f"{name} has checksum {answer['Sum']}, pinned is {module.checksum}")
    return Path(answer["Dir"])


def _with_placeholder(source: Path, scratch: Path, placeholder: str) -> Path:
    """Copy a module folder and add the embedded page that its archive lacks (a web interface, unused)."""
    shutil.copytree(source, scratch)
    for place, _, _ in os.walk(scratch):
        Path(place).chmod(0o755)
    page = scratch / placeholder
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<html>\n")
    return scratch
