"""Owns the compiling of Python modules for images by the image's own interpreter: a pod starts in a third of the time.

It must not run on the host's interpreter, whose bytecode another version would ignore. Without root nothing is
compiled, and the image works all the same.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from tests.cluster import archive, cache
from tests.cluster.archive import Copy
from tests.cluster.progress import StepError

COMPILE = ("/usr/bin/python3", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")


def possible() -> bool:
    """Tell whether this process may enter another root folder."""
    return os.geteuid() == 0


def write_layer(target: Path, base: Path, copies: Iterable[Copy]) -> None:
    """Write a layer of the copies with their bytecode, made by the Python of the layer `base`."""
    placed = list(copies)
    if not possible():
        archive.write_layer(target, placed)
        return
    root = target.with_name(f"{target.name}.root")
    try:
        with tarfile.open(base) as tar:
            tar.extractall(root, filter="tar")
        for copy in placed:
            _place(copy, root)
        compile_folders(root, [copy.target for copy in placed])
        compiled = [Copy(root / copy.target.lstrip("/"), copy.target) for copy in placed]
        archive.write_layer(target, compiled, skip=frozenset())
    finally:
        cache.remove_tree(root)


def compile_folders(root: Path, folders: list[str]) -> None:
    """Compile every module in folders of an unpacked image; a file that is not Python 3.11 is left as it is."""
    # hashes decide the order of constant sets in bytecode
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
    command = ["chroot", str(root), *COMPILE, *folders]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # compileall ends with 1 when one file of many could not be compiled (a template with .py at its end, say)
    if process.returncode not in {0, 1}:
        raise StepError(f"compiling {' '.join(folders)} ended with {process.returncode}: {process.stderr[-500:]}")


def _place(copy: Copy, root: Path) -> None:
    target = root / copy.target.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if copy.source.is_dir():
        shutil.copytree(copy.source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copyfile(copy.source, target)
