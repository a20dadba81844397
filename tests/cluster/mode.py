"""Owns the choice of how the test cluster is provided, from facts about this host.

It must not start anything; `choose` is pure, `facts` only looks.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import host
from tests.cluster.progress import StepError
from tests.cluster.state import Mode

RELEASE = Path("/etc/os-release")


@dataclass(frozen=True)
class Facts:
    """What this host offers."""

    use_kubeconfig: bool
    forced: Mode | None
    docker_answers: bool
    kind_on_path: bool
    debian_like: bool
    root: bool
    machine: str


def choose(found: Facts, begun: Mode | None) -> Mode:
    """Return the mode: the one asked for, the one already begun, kind where Docker runs, native on Debian as root.

    Raises StepError with one line that names what is missing for each way.
    """
    wanted = Mode.EXISTING if found.use_kubeconfig else found.forced
    if wanted is not None:
        if begun is not None and begun is not wanted:
            raise StepError(f"a {begun.value} test cluster is up: run `down` before one of mode {wanted.value}")
        return wanted
    if begun is not None:
        return begun
    if found.docker_answers and found.kind_on_path:
        return Mode.KIND
    if found.debian_like and found.root and found.machine == "Linux":
        return Mode.NATIVE
    raise StepError(
        "no way to a test cluster: "
        f"kind needs {_missing_for_kind(found)}; the native cluster needs {_missing_for_native(found)}; "
        "a cluster of your own needs --use-kubeconfig (or KUBECONFIG_USE=1)"
    )


def facts(*, use_kubeconfig: bool) -> Facts:
    """Look at this host; KUBECONFIG_USE=1 is the flag's equal, SERINUS_CLUSTER_MODE forces a mode.

    Raises StepError when SERINUS_CLUSTER_MODE is none of the modes.
    """
    return Facts(
        use_kubeconfig=use_kubeconfig or os.environ.get("KUBECONFIG_USE") == "1",
        forced=_forced(os.environ.get("SERINUS_CLUSTER_MODE", "")),
        docker_answers=host.succeeds("docker", "info"),
        kind_on_path=shutil.which("kind") is not None,
        debian_like=is_debian_like(RELEASE.read_text()) if RELEASE.is_file() else False,
        root=os.geteuid() == 0,
        machine=os.uname().sysname,
    )


def _forced(value: str) -> Mode | None:
    if not value:
        return None
    try:
        return Mode(value)
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise StepError(f"SERINUS_CLUSTER_MODE: found {value!r}, allowed: {known}") from None


def is_debian_like(release: str) -> bool:
    """Tell whether the text of /etc/os-release names Debian, Ubuntu or a system made from them."""
    lines = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    names = f"{lines.get('ID', '')} {lines.get('ID_LIKE', '')}".replace('"', "").split()
    return bool({"debian", "ubuntu"} & set(names))


def _missing_for_kind(found: Facts) -> str:
    missing = [] if found.docker_answers else ["a Docker that answers `docker info`"]
    missing += [] if found.kind_on_path else ["kind on PATH"]
    return " and ".join(missing)


def _missing_for_native(found: Facts) -> str:
    missing = [] if found.debian_like else ["Debian or Ubuntu"]
    missing += [] if found.root else ["root"]
    return " and ".join(missing) or "Linux"
