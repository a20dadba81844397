"""Owns the lowest layers of images: Python on Debian without a package manager or shell, and the one for programs.

It must not know what runs on them. Made by mmdebstrap from Debian's archive, cut down here, kept in the cache.
"""

import hashlib
import os
import platform
import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.cluster import archive, bytecode, cache, progress
from tests.cluster.archive import Copy
from tests.cluster.native import prerequisites

SUITE = "bookworm"
PYTHON = "3.11"
PACKAGES = ("python3.11-minimal", "libpython3.11-stdlib", "ca-certificates", "tzdata")
REVISION = 5

USERS = b"root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/tmp:/sbin/nologin\n"
USERS += b"nonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n"
GROUPS = b"root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n"

AUTHORITIES = "usr/share/ca-certificates/"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"

# what Python and TLS do not need at run time
DROPPED = (
    "usr/share/doc/",
    "usr/share/man/",
    "usr/share/locale/",
    "usr/share/lintian/",
    "usr/share/perl5/",
    "usr/share/debconf/",
    "usr/share/bash-completion/",
    "usr/share/common-licenses/",
    "usr/share/keyrings/",
    "usr/share/zoneinfo/right/",
    "usr/share/pixmaps/",
    "usr/share/applications/",
    "usr/lib/python3.11/ensurepip/",
    "usr/lib/python3.11/idlelib/",
    "usr/lib/python3.11/lib2to3/",
    "usr/lib/python3.11/pydoc_data/",
    "usr/lib/python3.11/test/",
    "usr/lib/python3.11/turtledemo/",
    "usr/lib/x86_64-linux-gnu/gconv/",
    "usr/lib/aarch64-linux-gnu/gconv/",
    "usr/sbin/",
    "var/",
    "etc/alternatives/",
    "etc/apt/",
    "etc/cron.daily/",
    "etc/dpkg/",
    "etc/logrotate.d/",
    "dev/",
    "proc/",
    "sys/",
    "run/",
    "bin/",
    "sbin/",
    AUTHORITIES,
)
KEPT_PROGRAMS = ("usr/bin/python3.11",)
DROPPED_PROGRAMS = ("usr/bin/",)

# replaced by ours, or copied from the host by mmdebstrap
DROPPED_FILES = frozenset(
    f"etc/{name}" for name in ("passwd", "group", "resolv.conf", "hostname", "fstab", "debconf.conf", "rmt")
)


def python_layer() -> Path:
    """Return the layer with Python 3.11, its compiled standard library and TLS authorities, made once."""
    inputs = (SUITE, PACKAGES, REVISION, DROPPED, bytecode.possible(), platform.machine())
    key = hashlib.sha256(repr(inputs).encode()).hexdigest()[:12]
    made = cache.publish(cache.root() / "images" / f"python-{PYTHON}-{key}", _make_python)
    cache.drop_older(made)
    return made / "layer.tar"


def users_layer() -> Path:
    """Return a layer with users, groups and /tmp."""
    key = hashlib.sha256(repr((USERS, GROUPS, REVISION)).encode()).hexdigest()[:12]
    return cache.publish(cache.root() / "images" / f"users-{key}", _make_users) / "layer.tar"


def _make_users(folder: Path) -> None:
    with tarfile.open(folder / "layer.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        _add_users(tar)


def _make_python(folder: Path) -> None:
    prerequisites.ensure(prerequisites.IMAGE_PACKAGES)
    whole, log = folder / "whole.tar", folder / "mmdebstrap.log"
    command = ["mmdebstrap", "--variant=extract", f"--mode={'root' if os.geteuid() == 0 else 'unshare'}"]
    command += [f"--include={','.join(PACKAGES)}", SUITE, str(whole)]
    command += [mirror] if (mirror := os.environ.get("SERINUS_DEBIAN_MIRROR")) else []
    progress.say("making the Python base of images (about 10 s)")
    progress.run(command, "mmdebstrap", log, cwd=folder)
    layer = folder / "layer.tar"
    with tarfile.open(whole) as source, tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as tar:
        _copy_kept(source, tar)
        archive.add(tar, _file(BUNDLE), b"".join(sorted(_authorities(source))))
        link = tarfile.TarInfo("usr/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, "python3.11"
        archive.add(tar, link)
    if bytecode.possible():
        _compile(layer)
    whole.unlink()
    log.unlink()


def _compile(layer: Path) -> None:
    root = layer.with_name("root")
    with tarfile.open(layer) as tar:
        tar.extractall(root, filter="tar")
    bytecode.compile_folders(root, [f"/usr/lib/python{PYTHON}"])
    archive.write_layer(layer, [Copy(root, "/")], skip=frozenset())
    cache.remove_tree(root)


def _copy_kept(source: tarfile.TarFile, tar: tarfile.TarFile) -> None:
    for name, member in sorted(_members(source).items()):
        if not is_kept(name, member):
            continue
        entry = tarfile.TarInfo(name)
        entry.mode = member.mode & 0o755
        if member.islnk() or member.isfile():
            content = source.extractfile(member)
            archive.add(tar, entry, content.read() if content else b"")
        elif member.issym() or member.isdir():
            entry.type, entry.linkname = member.type, member.linkname
            archive.add(tar, entry)


def is_kept(name: str, member: tarfile.TarInfo) -> bool:
    """Tell whether an entry of the unpacked packages goes into the base."""
    if name in KEPT_PROGRAMS:
        return True
    path = f"{name}/" if member.isdir() else name
    return not path.startswith((*DROPPED, *DROPPED_PROGRAMS, "tmp/")) and name not in DROPPED_FILES


def _authorities(source: tarfile.TarFile) -> Iterator[bytes]:
    for name, member in _members(source).items():
        if name.startswith(AUTHORITIES) and member.isfile():
            content = source.extractfile(member)
            yield (content.read() if content else b"").strip() + b"\n"


def _members(source: tarfile.TarFile) -> dict[str, tarfile.TarInfo]:
    members = {member.name.removeprefix("./").strip("/"): member for member in source.getmembers()}
    return {name: member for name, member in members.items() if name not in {"", "."}}


def _add_users(tar: tarfile.TarFile) -> None:
    folder = tarfile.TarInfo("tmp")
    folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
    archive.add(tar, folder)
    archive.add(tar, _file("etc/passwd"), USERS)
    archive.add(tar, _file("etc/group"), GROUPS)


def _file(name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode = 0o644
    return entry
