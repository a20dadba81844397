"""Owns the writing of image layers and image archives: the same input gives the same bytes.

One archive is a docker-archive and an OCI layout at once: `ctr images import`, `docker load` and
`kind load image-archive` read it. It must not know what is inside an image.
"""

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
EPOCH = "1970-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Copy:
    """A file or folder of the host and the absolute path that it gets in the image."""

    source: Path
    target: str


@dataclass(frozen=True)
class Command:
    """What an image runs, as whom, where, and with which environment."""

    entrypoint: tuple[str, ...]
    user: str = "65532:65532"
    folder: str = "/"
    environment: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """A name with a tag, layers from the lowest to the highest (tar files, not compressed), and the command."""

    name: str
    layers: tuple[Path, ...]
    command: Command


def write_layer(target: Path, copies: Iterable[Copy], skip: frozenset[str] = frozenset({"__pycache__"})) -> None:
    """Write a layer of copied files and folders; names in `skip` are left out at every depth."""
    found: dict[str, Path] = {}
    for copy in copies:
        for path in _files(copy.source, skip):
            name = f"{copy.target.strip('/')}/{path.relative_to(copy.source)}"
            found[name.removesuffix("/.").strip("/")] = path
    found.pop("", None)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for parent in _missing_parents(found):
            add(tar, _folder(parent))
        for name in sorted(found):
            path = found[name]
            if path.is_symlink():
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = tarfile.SYMTYPE, str(path.readlink())
                add(tar, entry)
            elif path.is_dir():
                add(tar, _folder(name))
            else:
                entry = tarfile.TarInfo(name)
                entry.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                add(tar, entry, path.read_bytes())


def add(tar: tarfile.TarFile, entry: tarfile.TarInfo, content: bytes | None = None) -> None:
    """Add an entry that belongs to root and has no time of its own."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mtime = 0
    entry.size = len(content or b"")
    tar.addfile(entry, None if content is None else io.BytesIO(content))


def write_archive(image: Image, target: Path) -> None:
    """Write the archive of one image for this machine's architecture."""
    architecture = ARCHITECTURES[platform.machine()]
    digests = [_digest(layer) for layer in image.layers]
    config = _json(_config(image, digests, architecture))
    descriptors = [
        {"mediaType": OCI_LAYER, "digest": f"sha256:{digest}", "size": layer.stat().st_size}
        for digest, layer in zip(digests, image.layers, strict=True)
    ]
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _descriptor(OCI_CONFIG, config),
            "layers": descriptors,
        }
    )
    listing = {
        **_descriptor(OCI_MANIFEST, manifest),
        "platform": {"os": "linux", "architecture": architecture},
        "annotations": {
            "io.containerd.image.name": full_name(image.name),
            "org.opencontainers.image.ref.name": image.name.rpartition(":")[2],
        },
    }
    docker = [
        {
            "Config": _blob(hashlib.sha256(config).hexdigest()),
            "RepoTags": [image.name],
            "Layers": [_blob(digest) for digest in digests],
        }
    ]
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        _add_json(tar, "oci-layout", {"imageLayoutVersion": "1.0.0"})
        _add_json(tar, "index.json", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listing]})
        _add_json(tar, "manifest.json", docker)
        for content in (config, manifest):
            add(tar, tarfile.TarInfo(_blob(hashlib.sha256(content).hexdigest())), content)
        for digest, layer in dict(zip(digests, image.layers, strict=True)).items():
            add(tar, tarfile.TarInfo(_blob(digest)), layer.read_bytes())


def full_name(name: str) -> str:
    """Return a name as containerd keeps it: with the registry and, for a bare name, the library folder."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _config(image: Image, digests: list[str], architecture: str) -> dict[str, Any]:
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    command = image.command
    return {
        "created": EPOCH,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "Entrypoint": list(command.entrypoint),
            "User": command.user,
            "WorkingDir": command.folder,
            "Env": [path, *command.environment],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created": EPOCH, "created_by": "tests.cluster.archive"} for _ in digests],
    }


def _files(source: Path, skip: frozenset[str]) -> Iterator[Path]:
    if source.name in skip:
        return
    yield source
    if source.is_dir() and not source.is_symlink():
        for child in sorted(source.iterdir()):
            yield from _files(child, skip)


def _missing_parents(found: dict[str, Path]) -> list[str]:
    parents = {str(parent) for name in found for parent in Path(name).parents}
    return sorted(parents - found.keys() - {"."})


def _folder(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    return entry


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest}"


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {
        "mediaType": media_type,
        "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "size": len(content),
    }


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _add_json(tar: tarfile.TarFile, name: str, document: object) -> None:
    add(tar, tarfile.TarInfo(name), _json(document))
