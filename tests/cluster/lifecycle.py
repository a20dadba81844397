"""Owns what the tests of coming and going need: a host to themselves, a workload, crashes at chosen moments.

It must not be used outside tests: it kills.
"""

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.cluster import clusters, state
from tests.cluster.kubectl import kubectl
from tests.cluster.native import cgroups, down, layout, processes
from tests.cluster.native import up as native_up
from tests.cluster.waiting import wait_for

REPOSITORY = Path(__file__).parents[2]
WORKLOAD = Path(__file__).parent / "workload.yaml"
NODE_PORT = 30080


@contextlib.contextmanager
def host_to_ourselves() -> Iterator[None]:
    """Put a cluster that runs here aside with its data while the block runs, and bring it back afterwards.

    What takes minutes on a fresh machine is made first, so that the deadlines below are those of coming up alone.
    """
    native_up.prepare()
    folder = state.folder()
    aside = folder.with_name(f"{folder.name}.aside")
    if state.read_mode() is state.Mode.NATIVE and not aside.exists():
        down.down(keep=True)
        folder.rename(aside)
    try:
        yield
    finally:
        down.down(keep=False)
        if aside.exists():
            aside.rename(folder)
            clusters.ensure()


def run(command: str) -> subprocess.Popen[str]:
    """Start `python -m tests.cluster COMMAND` in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.cluster", *command.split()],
        cwd=REPOSITORY,
        env=os.environ | {"SERINUS_CLUSTER_MODE": "native"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], deadline: float = 240.0) -> str:
    """Wait for a command that must succeed, and return what it said."""
    said, _ = process.communicate(timeout=deadline)
    assert process.returncode == 0, said
    return said


def kill_when(process: subprocess.Popen[str], moment: Callable[[], object], what: str) -> None:
    """Kill a command, and what it started in its own session, as soon as the moment has come."""
    wait_for(lambda: process.poll() is not None or moment(), 120.0, what)
    assert process.poll() is None, f"the command ended before {what}"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def runs(name: str) -> bool:
    """Tell whether a process of the daemon `name` is alive."""
    return any(found.name == name for found in processes.running(layout.current()))


def kill_daemons(*names: str) -> None:
    """Kill the named daemons at once; their children (shims, pods) live on unless they are named, too."""
    found = [f for f in processes.running(layout.current()) if f.name in names and "shim" not in f.program]
    processes.end([f.pid for f in found], grace=0)


def kill_everything() -> None:
    """Kill every process of the cluster, shims and pods included, and leave mounts, links and rules as they are."""
    processes.end([found.pid for found in processes.running(layout.current())], grace=0)
    processes.end(cgroups.pids(), grace=0)


def apply_workload() -> None:
    """Install two pods behind a node port, and wait until they answer."""
    kubectl("apply", "--server-side", "-f", str(WORKLOAD))
    wait_for(workload_answers, 60.0, "the workload")


def workload_answers() -> bool:
    """Tell whether the node port answers 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{NODE_PORT}/health", timeout=2) as answer:
            return int(answer.status) == 200
    except OSError:
        return False


def pods() -> dict[str, int]:
    """Return the workload's pods and how often each was restarted."""
    path = "{range .items[*]}{.metadata.name}={.status.containerStatuses[0].restartCount} {end}"
    listed = kubectl("get", "pods", "-l", "app=answers", "-o", f"jsonpath={path}").split()
    return {name: int(count) for name, _, count in (entry.partition("=") for entry in listed)}


@contextlib.contextmanager
def foreign_things() -> Iterator[Callable[[], bool]]:
    """Make a link pair and a chain that are not the cluster's; yield a function that tells whether both are there."""
    link, chain = "serinus-test0", "SERINUS-TEST"
    subprocess.run(["ip", "link", "add", link, "type", "veth", "peer", "name", "serinus-test1"], check=True)
    subprocess.run(["iptables", "-t", "nat", "-N", chain], check=True)
    subprocess.run(["iptables", "-t", "nat", "-A", "PREROUTING", "-j", chain], check=True)

    def there() -> bool:
        rules = subprocess.run(["iptables-save", "-t", "nat"], capture_output=True, text=True, check=True).stdout
        return f"-A PREROUTING -j {chain}" in rules and Path(f"/sys/class/net/{link}").exists()

    try:
        yield there
    finally:
        subprocess.run(["iptables", "-t", "nat", "-D", "PREROUTING", "-j", chain], check=False)
        subprocess.run(["iptables", "-t", "nat", "-X", chain], check=False)
        subprocess.run(["ip", "link", "del", link], check=False)
