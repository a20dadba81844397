"""Owns the layers of our own Python images: the locked dependencies, and the project's code and data.

It must not install anything on the host: wheels are unpacked into the cache folder.
"""

import hashlib
import platform
import re
import shutil
import sys
import tomllib
from pathlib import Path

from tests.cluster import bytecode, cache, progress, rootfs
from tests.cluster.archive import Copy

REPOSITORY = Path(__file__).parents[2]
LOCK = REPOSITORY / "requirements.lock"
PROJECT = REPOSITORY / "pyproject.toml"
SITE = f"/usr/local/lib/python{rootfs.PYTHON}/dist-packages"
FOLDER = "/app"
ENVIRONMENT = (f"PYTHONPATH={FOLDER}/operator:{FOLDER}", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1")

OPERATOR = ("operator/serinus", "alert-rules", "crds")
SUPPORT = ("tests/__init__.py", "tests/support/__init__.py", "tests/e2e/knowledge")


def dependencies_layer() -> Path:
    """Return the layer of the project's dependencies: by hash from requirements.lock, or by pyproject.toml's ranges."""
    lock = LOCK.read_text() if LOCK.is_file() else None
    wanted = lock if lock is not None else "\n".join(_ranges())
    inputs = (platform.machine(), rootfs.python_layer().parent.name, wanted)
    key = hashlib.sha256(repr(inputs).encode()).hexdigest()[:12]
    target = cache.root() / "images" / f"site-{key}"
    made = cache.publish(target, lambda folder: _install(folder, wanted, hashes=lock is not None))
    cache.drop_older(made)
    return made / "layer.tar"


def operator_copies() -> list[Copy]:
    """Return the operator's tree and data, placed in the image as they lie in the repository."""
    return _copies(OPERATOR)


def support_copies(package: str) -> list[Copy]:
    """Return one package of tests/support, with the packages above it."""
    return _copies((*SUPPORT, f"tests/support/{package}"))


def tree_digest(copies: list[Copy]) -> str:
    """Return a digest of everything that the copies would put into a layer."""
    digest = hashlib.sha256()
    for copy in copies:
        paths = [copy.source, *copy.source.rglob("*")] if copy.source.is_dir() else [copy.source]
        for path in sorted(p for p in paths if p.is_file() and "__pycache__" not in p.parts):
            name = f"{copy.target}/{path.relative_to(copy.source)}"
            executable = bool(path.stat().st_mode & 0o100)
            digest.update(f"\0{name}\0{executable}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _copies(names: tuple[str, ...]) -> list[Copy]:
    return [Copy(REPOSITORY / name, f"{FOLDER}/{name}") for name in names if (REPOSITORY / name).exists()]


def _ranges() -> list[str]:
    return sorted(tomllib.loads(PROJECT.read_text())["project"]["dependencies"])


def _install(folder: Path, requirements: str, *, hashes: bool) -> None:
    """Unpack wheels for Python 3.11 on this machine type; no program of theirs runs."""
    listing, site, log = folder / "requirements.txt", folder / "site", folder / "pip.log"
    listing.write_text(requirements)
    command = [sys.executable, "-m", "pip", "install", "--no-compile", "--only-binary=:all:", "--target", str(site)]
    command += ["--python-version", rootfs.PYTHON, "--implementation", "cp"]
    for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34"):
        command += ["--platform", f"{tag}_{platform.machine()}"]
    command += ["--require-hashes"] if hashes else []
    progress.say("unpacking the dependencies of images (about 10 s)")
    progress.run([*command, "-r", str(listing)], "pip install", log, cwd=folder)
    shutil.rmtree(site / "bin", ignore_errors=True)
    _forget_times(site)
    bytecode.write_layer(folder / "layer.tar", rootfs.python_layer(), [Copy(site, SITE)])
    shutil.rmtree(site)
    log.unlink()


def _forget_times(site: Path) -> None:
    """Drop the records that name this machine's folders or differ between two installations."""
    for record in site.glob("*.dist-info"):
        for name in ("direct_url.json", "INSTALLER", "REQUESTED"):
            (record / name).unlink(missing_ok=True)
        listing = record / "RECORD"
        kept = [line for line in listing.read_text().splitlines() if not re.search(r"(__pycache__|\.\./)", line)]
        listing.write_text("\n".join(sorted(kept)) + "\n")
