"""Owns what the host must have for the native cluster and for images, and the Debian packages that bring it.

It must not install when the user is not root or apt is not there: it names what is missing, in one line.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache, progress
from tests.cluster.native import layout
from tests.cluster.progress import StepError

SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")

# package -> the file that proves it; a bare name is looked up on PATH
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": str(layout.CNI_PLUGINS / "bridge"),
    "iptables": "iptables",
    "iproute2": "ip",
    "conntrack": "conntrack",
    "ethtool": "ethtool",
    "socat": "socat",
    "openssl": "openssl",
    "mount": "umount",
}
IMAGE_PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "debian-archive-keyring": "/usr/share/keyrings/debian-archive-keyring.gpg",
}


@dataclass(frozen=True)
class Privileges:
    """What this process may do about missing packages."""

    root: bool
    apt: bool


def missing(wanted: Mapping[str, str], found: Callable[[str], bool]) -> list[str]:
    """Return the packages whose file `found` does not find, in the table's order."""
    return [package for package, proof in wanted.items() if not found(proof)]


def refusal(packages: list[str], privileges: Privileges) -> str:
    """Return the one line that says why the packages cannot be installed here, or nothing when they can."""
    if not packages or (privileges.root and privileges.apt):
        return ""
    why = "apt-get is not there" if privileges.root else "this user is not root"
    return f"missing here: {' '.join(packages)}, and {why}: install them with the package manager"


def ensure(wanted: Mapping[str, str]) -> None:
    """Install what is missing of PACKAGES or IMAGE_PACKAGES with apt-get; StepError in one line when it cannot be."""
    extend_path()
    packages = missing(wanted, _is_there)
    privileges = Privileges(root=os.geteuid() == 0, apt=shutil.which("apt-get") is not None)
    if problem := refusal(packages, privileges):
        raise StepError(problem)
    if packages:
        progress.say(f"installing {' '.join(packages)} with apt-get")
        _apt_install(packages)
    if still := missing(wanted, _is_there):
        raise StepError(f"apt-get ended well and these are still missing: {' '.join(still)}")


def extend_path() -> None:
    """Add the administrator's program folders to PATH, which a user's shell may lack."""
    parts = os.environ.get("PATH", "").split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([*parts, *(place for place in SBIN if place not in parts)])


def _is_there(proof: str) -> bool:
    return Path(proof).exists() if proof.startswith("/") else shutil.which(proof) is not None


def _apt_install(packages: list[str]) -> None:
    log = cache.root() / "apt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        progress.run(["apt-get", *arguments], f"apt-get {arguments[0]}", log, cwd=Path("/"), env=environment)
