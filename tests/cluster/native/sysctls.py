"""Owns the kernel settings that the cluster changes: sets its own, remembers and restores what was there.

It must not save twice: the values of an interrupted run are not the host's.
"""

import json
from pathlib import Path

from tests.cluster import host, state
from tests.cluster.native.layout import Layout

SYS = Path("/proc/sys")

WANTED = {
    "net/ipv4/ip_forward": "1",
    "net/bridge/bridge-nf-call-iptables": "1",
}

# set by the kubelet and kube-proxy themselves
CHANGED_BY_OTHERS = (
    "vm/overcommit_memory",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/conf/all/route_localnet",
)


def load_modules() -> None:
    """Load what a stock kernel keeps in modules; where it is built in, or cannot be loaded, the start will tell."""
    if "overlay" not in Path("/proc/filesystems").read_text():
        host.succeeds("modprobe", "overlay")
    if not (SYS / "net/bridge").is_dir():
        host.succeeds("modprobe", "br_netfilter")


def apply(layout: Layout) -> None:
    """Save the host's values once, then set the cluster's; a setting that this kernel lacks is left out."""
    if not layout.saved_sysctls.is_file():
        names = [name for name in (*WANTED, *CHANGED_BY_OTHERS) if (SYS / name).is_file()]
        values = {name: (SYS / name).read_text().strip() for name in names}
        state.replace_file(layout.saved_sysctls, json.dumps(values, indent=1) + "\n")
    for name, value in WANTED.items():
        if (SYS / name).is_file() and (SYS / name).read_text().strip() != value:
            (SYS / name).write_text(value)


def restore(layout: Layout) -> None:
    """Put the saved values back, and forget them."""
    if not layout.saved_sysctls.is_file():
        return
    for name, value in json.loads(layout.saved_sysctls.read_text()).items():
        if (SYS / name).read_text().strip() != value:
            (SYS / name).write_text(value)
    layout.saved_sysctls.unlink()
