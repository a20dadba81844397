"""Owns the table of images of the test cluster and their archives in the cache, built only when an input changed.

It must not load them anywhere. `python -m tests.cluster.images build [NAME…]` prints one archive path per image.
"""

import argparse
import hashlib
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import archive, binaries, bytecode, cache, progress, pythonapp, rootfs
from tests.cluster.archive import Command, Copy
from tests.cluster.progress import StepError
from tests.cluster.recipes import ALERTMANAGER, COREDNS, PAUSE, PROMETHEUS, PROMETHEUS_OPERATOR, RECIPES, key

REVISION = 2


@dataclass(frozen=True)
class ProgramImage:
    """An image of one static program from the table of binaries."""

    tag: str
    program: str
    target: str
    user: str = "65532:65532"


@dataclass(frozen=True)
class PythonImage:
    """An image of one of our Python modules on the Python base with the project's dependencies."""

    tag: str
    module: str
    support: str = ""


IMAGES: dict[str, ProgramImage | PythonImage] = {
    "serinus": PythonImage("serinus:dev", "serinus"),
    "serinus-modelserver": PythonImage("serinus-modelserver:dev", "tests.support.modelserver", "modelserver"),
    "serinus-receiver": PythonImage("serinus-receiver:dev", "tests.support.receiver", "receiver"),
    "serinus-users": PythonImage("serinus-users:dev", "tests.support.users", "users"),
    "pause": ProgramImage(f"registry.k8s.io/pause:{PAUSE}", "pause", "/pause", "65535:65535"),
    "coredns": ProgramImage(f"registry.k8s.io/coredns/coredns:v{COREDNS}", "coredns", "/coredns"),
    "prometheus": ProgramImage(f"quay.io/prometheus/prometheus:v{PROMETHEUS}", "prometheus", "/bin/prometheus"),
    "alertmanager": ProgramImage(
        f"quay.io/prometheus/alertmanager:v{ALERTMANAGER}", "alertmanager", "/bin/alertmanager"
    ),
    "prometheus-operator": ProgramImage(
        f"quay.io/prometheus-operator/prometheus-operator:v{PROMETHEUS_OPERATOR}",
        "prometheus-operator",
        "/bin/operator",
    ),
    "prometheus-config-reloader": ProgramImage(
        f"quay.io/prometheus-operator/prometheus-config-reloader:v{PROMETHEUS_OPERATOR}",
        "prometheus-config-reloader",
        "/bin/prometheus-config-reloader",
    ),
}


def build(name: str) -> Path:
    """Return the archive of the image `name`, built first if one of its inputs has changed.

    The folder of the archive carries the key of its content. StepError when the name is unknown or a build fails.
    """
    image = IMAGES.get(name)
    if image is None:
        raise StepError(f"unknown image {name!r}; known: {', '.join(sorted(IMAGES))}")
    folder = cache.root() / "images"
    made = cache.publish(folder / f"{name}-{content_key(name)}", lambda partial: _make(name, partial))
    cache.drop_older(made)
    return made / f"{name}.tar"


def content_key(name: str) -> str:
    """Return 12 hex digits over everything that decides the archive's content."""
    image = IMAGES[name]
    digest = hashlib.sha256(f"{REVISION}{image!r}".encode())
    if isinstance(image, ProgramImage):
        digest.update(f"{key(RECIPES[image.program])}{rootfs.users_layer().parent.name}".encode())
    else:
        below = (rootfs.python_layer(), rootfs.users_layer(), pythonapp.dependencies_layer())
        digest.update(repr([layer.parent.name for layer in below]).encode())
        digest.update(pythonapp.tree_digest(_copies(image)).encode())
    return digest.hexdigest()[:12]


def _copies(image: PythonImage) -> list[Copy]:
    return pythonapp.support_copies(image.support) if image.support else pythonapp.operator_copies()


def _make(name: str, folder: Path) -> None:
    image = IMAGES[name]
    layer = folder / "layer.tar"
    if isinstance(image, ProgramImage):
        archive.write_layer(layer, [Copy(binaries.ensure(image.program), image.target)])
        layers: tuple[Path, ...] = (rootfs.users_layer(), layer)
        command = Command((image.target,), image.user)
    else:
        base = rootfs.python_layer()
        bytecode.write_layer(layer, base, _copies(image))
        layers = (base, rootfs.users_layer(), pythonapp.dependencies_layer(), layer)
        entrypoint = ("/usr/bin/python3", "-m", image.module)
        command = Command(entrypoint, folder=pythonapp.FOLDER, environment=pythonapp.ENVIRONMENT)
    target = folder / f"{name}.tar"
    archive.write_archive(archive.Image(image.tag, layers, command), target)
    layer.unlink()
    progress.say(f"made image {image.tag} ({target.stat().st_size / 2**20:.0f} MiB)")


def main(arguments: list[str]) -> int:
    """Build images, or save their archives into a folder."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.images")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build archives into the cache and print their paths")
    building.add_argument("names", nargs="*", metavar="NAME", help=f"default: all of {', '.join(IMAGES)}")
    saving = commands.add_parser("save", help="copy archives to FOLDER/NAME.tar")
    saving.add_argument("folder", type=Path)
    saving.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        for name in options.names or IMAGES:
            path = build(name)
            if options.command == "save":
                options.folder.mkdir(parents=True, exist_ok=True)
                path = Path(shutil.copyfile(path, options.folder / f"{name}.tar"))
            print(path)
    except StepError as problem:
        progress.say(str(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
