"""Owns the order in which the native cluster comes up; every step looks first at what is there.

So it can be interrupted at any point and run again, and on a running cluster it does nothing.
"""

import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.cluster import binaries, images, kubectl, progress, state
from tests.cluster.native import (
    certificates,
    cgroups,
    commands,
    configs,
    dns,
    firewall,
    network,
    prerequisites,
    processes,
    runtime,
    sysctls,
)
from tests.cluster.native import layout as fixed
from tests.cluster.native.layout import Layout
from tests.cluster.native.processes import Daemon
from tests.cluster.progress import StepError
from tests.cluster.waiting import wait_for

BASE_IMAGES = ("pause", "coredns")
DNS = Path(__file__).parent / "dns.yaml"
LOG_LINES = 15


def up() -> None:
    """Bring the cluster up, or to the end of what an interrupted run has begun; the node is Ready and DNS answers."""
    layout = fixed.current()
    prerequisites.ensure(prerequisites.PACKAGES)
    _refuse_foreign_rules(layout)
    kube, archives = prepare()
    started = time.monotonic()
    state.write_mode(state.Mode.NATIVE)
    certificates.ensure(layout)
    configs.write_all(layout)
    sysctls.load_modules()
    sysctls.apply(layout)
    network.ensure_bridge()
    _control_plane(layout, kube)
    _runtime(layout, archives)
    _node(layout, kube)
    _dns()
    progress.say(f"native cluster is ready after {time.monotonic() - started:.1f} s")


def prepare() -> tuple[Path, dict[str, Path]]:
    """Make the programs and image archives that a cluster needs; return Kubernetes' program and the archives."""
    kube = binaries.ensure("kube")
    binaries.ensure("kubectl")
    return kube, {name: images.build(name) for name in BASE_IMAGES}


def import_images(names: list[str]) -> None:
    """Give containerd the newest archives of the named images."""
    layout = fixed.current()
    for name in names:
        if runtime.import_archive(layout, name, images.build(name)):
            progress.say(f"imported image {name}")


def _refuse_foreign_rules(layout: Layout) -> None:
    """Refuse to share a network namespace with another Kubernetes: `down` could not tell them apart."""
    if layout.saved_sysctls.exists():
        return
    if links := network.leftovers():
        raise StepError(f"link {links[-1]} is there and {layout.root} holds no cluster of ours: remove it first")
    if chains := firewall.leftovers():
        raise StepError(
            f"{len(chains)} chains of another Kubernetes are in this host's packet filter (first: {chains[0]}), and "
            f"{layout.root} holds no cluster of ours: stop that Kubernetes, or use it with --use-kubeconfig"
        )


def _control_plane(layout: Layout, kube: Path) -> None:
    etcd = commands.etcd(layout, kube)
    processes.ensure_running(layout, etcd)
    _ready(layout, etcd, _etcd_is_healthy, 30.0)
    apiserver = commands.apiserver(layout, kube)
    processes.ensure_running(layout, apiserver)
    processes.ensure_running(layout, commands.containerd(layout, _program("containerd")))
    _ready(layout, apiserver, lambda: _api_is_ready(layout), 90.0)
    for daemon in (commands.controller_manager(layout, kube), commands.scheduler(layout, kube)):
        processes.ensure_running(layout, daemon)


def _runtime(layout: Layout, archives: dict[str, Path]) -> None:
    daemon = commands.containerd(layout, _program("containerd"))
    _ready(layout, daemon, lambda: runtime.answers(layout), 30.0)
    for name, archive in archives.items():
        runtime.import_archive(layout, name, archive)


def _node(layout: Layout, kube: Path) -> None:
    cgroups.ensure()
    kubelet, proxy = commands.kubelet(layout, kube), commands.proxy(layout, kube)
    before = datetime.now(UTC)
    started = processes.ensure_running(layout, kubelet)
    processes.ensure_running(layout, proxy)
    _ready(layout, kubelet, lambda: _node_is_ready(before if started else None), 60.0)
    _ready(layout, proxy, _proxy_is_healthy, 30.0)


def _dns() -> None:
    kubectl.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(DNS))
    kubectl.wait_available("deployment", "coredns", "kube-system", 90.0)
    name = f"kubernetes.default.svc.{fixed.DOMAIN}"
    wait_for(lambda: dns.answers(fixed.DNS_IP, name), 60.0, "the cluster's DNS")


def _ready(layout: Layout, daemon: Daemon, condition: Callable[[], object], deadline: float) -> None:
    """Wait for a daemon's condition; StepError with the end of its log as soon as the daemon has died."""

    def died() -> bool:
        return not processes.is_running(layout, daemon)

    wait_for(lambda: died() or condition(), deadline, daemon.name)
    if died():
        log = layout.logs / f"{daemon.name}.log"
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise StepError(f"{daemon.name} has ended; the end of {log}:\n{tail}")


def _etcd_is_healthy() -> bool:
    return _get(f"http://127.0.0.1:{fixed.ETCD_PORT}/health") == 200


def _proxy_is_healthy() -> bool:
    return _get("http://127.0.0.1:10256/healthz") == 200


def _api_is_ready(layout: Layout) -> bool:
    keys = layout.certificates
    context = ssl.create_default_context(cafile=str(keys / "ca.crt"))
    context.load_cert_chain(str(keys / "admin.crt"), str(keys / "admin.key"))
    return _get(f"https://{fixed.NODE_IP}:{fixed.API_PORT}/readyz", context) == 200


def _get(url: str, context: ssl.SSLContext | None = None) -> int:
    handlers = [urllib.request.ProxyHandler({})]
    opener = urllib.request.build_opener(*handlers, urllib.request.HTTPSHandler(context=context))
    with opener.open(url, timeout=3) as answer:
        return int(answer.status)


def _node_is_ready(since: datetime | None) -> bool:
    """Tell whether the node is Ready, by a heartbeat of this kubelet: the API server calls a dead node Ready, too."""
    condition = "{.status.conditions[?(@.type=='Ready')]['status','lastHeartbeatTime']}"
    said = kubectl.kubectl("get", "node", fixed.NODE_NAME, "-o", f"jsonpath={condition}").split()
    if len(said) != 2 or said[0] != "True":
        return False
    return since is None or datetime.fromisoformat(said[1]) >= since.replace(microsecond=0)


def _program(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise StepError(f"{name} is not on PATH")
    return Path(found)
