"""Owns how the native cluster goes away: its processes, and then every trace of it on the host.

It must remove only what is ours, and may be interrupted and run again.
"""

from pathlib import Path

from tests.cluster import cache, progress
from tests.cluster.native import cgroups, firewall, mounts, network, prerequisites, processes, sysctls
from tests.cluster.native import layout as fixed
from tests.cluster.native.layout import Layout
from tests.cluster.progress import StepError

GRACE = 2.0


def down(keep: bool) -> None:
    """End the cluster and clean the host; with `keep` the state folder stays, so that `up` continues from it."""
    prerequisites.extend_path()
    layout = fixed.current()
    if not layout.root.exists() and not processes.running(layout):
        progress.say(f"no native cluster: {layout.root} is not there")
        return
    _end_processes(layout)
    mounts.remove(layout.root)
    network.remove()
    firewall.remove()
    for path in (*_cni_results(layout), *_log_links(layout)):
        path.unlink(missing_ok=True)
    sysctls.restore(layout)
    if not keep:
        _remove_state(layout)
    progress.say("native cluster is down")


def leftovers() -> list[str]:
    """Return what the cluster left on this host, one readable line each; nothing after a complete `down`."""
    layout = fixed.current()
    found = [f"process {found.pid} ({found.name}: {found.program})" for found in processes.running(layout)]
    found += [f"mount {point}" for point in mounts.below(layout.root)]
    found += [f"link {name}" for name in network.leftovers()]
    found += [f"chain {chain}" for chain in firewall.leftovers()]
    found += [f"control group {folder}" for folder in cgroups.leftovers()]
    found += [f"file {path}" for path in (*_cni_results(layout), *_log_links(layout))]
    if layout.root.exists():
        found.append(f"state folder {layout.root}")
    return found


def _remove_state(layout: Layout) -> None:
    """Remove the state folder, never through a mount: a pod may have mounted a folder of the host below it."""
    if points := mounts.below(layout.root):
        raise StepError(f"{points[0]} is still mounted; the state folder stays. Run `down` again")
    cache.remove_tree(layout.root)


def _end_processes(layout: Layout) -> None:
    """End the node's agents first, so that nothing is started again, then pods, then the control plane."""
    _end(layout, ("kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler"))
    cgroups.remove()
    _end(layout, tuple({found.name for found in processes.running(layout)}))


def _end(layout: Layout, names: tuple[str, ...]) -> None:
    processes.end([found.pid for found in processes.running(layout) if found.name in names], GRACE)


def _cni_results(layout: Layout) -> list[Path]:
    """Return the network results of our sandboxes, those of the loopback first: the others tell whose they are."""
    own = sorted(fixed.CNI_RESULTS.glob(f"{fixed.NETWORK_NAME}-*"))
    sandboxes = {path.name.removeprefix(f"{fixed.NETWORK_NAME}-").partition("-")[0] for path in own}
    sandboxes.update(path.name for path in (layout.containerd / "root").glob("*.cri/sandboxes/*"))
    loopback = (fixed.CNI_RESULTS / f"cni-loopback-{sandbox}-lo" for sandbox in sorted(sandboxes))
    return [*(path for path in loopback if path.exists()), *own]


def _log_links(layout: Layout) -> list[Path]:
    if not fixed.CONTAINER_LOGS.is_dir():
        return []
    links = [path for path in fixed.CONTAINER_LOGS.iterdir() if path.is_symlink()]
    return sorted(path for path in links if layout.root in path.readlink().parents)
